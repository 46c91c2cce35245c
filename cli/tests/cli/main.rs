//! The command as it is run: every subcommand, with good and bad input.

mod new;
mod serve;
mod settings;
mod shell;
mod support;
