//! The command as it is run: every subcommand, with good and bad input.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod new;
mod serve;
mod settings;
mod shell;
mod support;
