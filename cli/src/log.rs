//! The log of a server, on the error output.

use std::io;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::Failure;

#[derive(Args)]
#[command(next_help_heading = "Log")]
pub(crate) struct Log {
    /// What is logged: error, warn, info, debug, trace, or by module as in
    /// warn,stellarfw=debug; RUST_LOG if it is not given, else info
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// How the log is written
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    log_format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// A JSON object on each line
    Json,
}

impl Log {
    /// Starts logging.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        let (from, text) = match (&self.log, std::env::var("RUST_LOG")) {
            (Some(text), _) => ("--log", text.clone()),
            (None, Ok(text)) if !text.trim().is_empty() => ("RUST_LOG", text),
            _ => ("--log", "info".to_owned()),
        };
        let filter = EnvFilter::builder()
            .parse(&text)
            .map_err(|error| format!("{from}: {text:?} is no filter: {error}"))?;
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr);
        match self.log_format {
            Format::Human => log
                .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
                .init(),
            Format::Json => log.json().flatten_event(true).init(),
        }
        Ok(())
    }
}
