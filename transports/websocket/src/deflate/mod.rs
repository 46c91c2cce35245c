//! `permessage-deflate` (RFC 7692) beside tungstenite, which does not know it.
//!
//! Three parts that share nothing but [`Negotiated`], and no I/O in any of them:
//!
//! | part | what it does |
//! |---|---|
//! | [`negotiate()`] | reads the client's offers, picks one, makes the answer's header |
//! | [`Inflater`] | rewrites the client's wire bytes into frames that carry no extension |
//! | [`Deflater`] | compresses one outgoing payload |
//!
//! # What a connection costs
//!
//! Heap bytes that one idle connection keeps, measured with flate2 1.1.11 and zlib-rs 0.6.8 on
//! x86-64:
//!
//! | direction | no context takeover (the default) | with it, after the first compressed message |
//! |---|---|---|
//! | [`Inflater`] | 0 | 47,704 |
//! | [`Deflater`] | 0 | 380,176 with a window of 15 bits, 251,152 with 9 |
//!
//! The structs themselves are 112 and 24 bytes, wherever the connection keeps them. zlib-rs
//! allocates a full 32 KiB window to inflate whatever was negotiated, and to deflate a hash table
//! of 128 KiB and 112 KiB of pending output, so smaller windows save little; they are honoured
//! because clients ask for them.
//!
//! Without takeover the compressors belong to the thread: one per pair of level and window in use
//! (at most eight), and up to four idle ones to inflate: some 0.5 MiB per worker. A connection
//! borrows one to inflate from the first bytes of a compressed message to its last, so a client
//! that stops halfway through a message holds 47,704 bytes until its deadline.
//!
//! # What bounds the work
//!
//! Inflating writes into a slice the caller owns, so it runs only as far ahead as the reader takes;
//! the inflated size of a message is counted while it grows and passing the limit ends the
//! connection at once.

mod config;
mod deflater;
mod error;
mod inflater;
mod negotiate;
mod offer;
mod pool;
#[cfg(test)]
mod tests;

pub use config::{ConfigError, DeflateConfig};
pub use deflater::{Deflater, SharedDeflater};
pub use error::DeflateError;
pub use inflater::{Inflated, Inflater};
pub use negotiate::{EXTENSION, Negotiated, negotiate};

/// What a sync flush ends with; the sender strips it from each message, the receiver puts it back.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
