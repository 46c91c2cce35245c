#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stellarfw_fuzz::inflate(bytes));
