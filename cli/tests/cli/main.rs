//! Tests of the command line: every subcommand, with valid and invalid input.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod new;
mod serve;
mod settings;
mod shell;
mod support;
