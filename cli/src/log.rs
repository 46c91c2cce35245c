//! The log of a server, on standard error.

use std::io::{self, IsTerminal as _};

use clap::{Args, ValueEnum};
use stellarfw::config::Origin;
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry, fmt, layer::SubscriberExt as _, reload,
    util::SubscriberInitExt as _,
};

use crate::{Failure, settings::Loaded};

#[derive(Args, Clone)]
#[command(next_help_heading = "Log")]
pub(crate) struct Log {
    /// Log filter: error, warn, info, debug, trace, or per module, such as
    /// warn,stellarfw=debug. Default: the setting log, RUST_LOG, or info
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Log format
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    log_format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Human-readable text
    Human,
    /// One JSON object per line
    Json,
}

/// A running log whose filter can be reloaded.
#[derive(Clone)]
pub(crate) struct Running {
    options: Log,
    filter: reload::Handle<EnvFilter, Registry>,
}

impl Log {
    /// Starts logging.
    pub(crate) fn start(&self, loaded: &Loaded) -> Result<Running, Failure> {
        let (filter, handle) = reload::Layer::new(self.filter(loaded)?);
        let format = fmt::layer().with_writer(io::stderr);
        let format = match self.log_format {
            Format::Human => format.with_ansi(is_coloured()).boxed(),
            Format::Json => format.with_ansi(false).json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry()
            .with(filter)
            .with(format)
            .init();
        Ok(Running {
            options: self.clone(),
            filter: handle,
        })
    }

    /// Returns the filter of highest precedence.
    ///
    /// The order is `--log`, the setting from a variable or `--set`, `RUST_LOG`, the settings file.
    fn filter(&self, loaded: &Loaded) -> Result<EnvFilter, String> {
        let origin = loaded.origins.of(&["log"]);
        let setting = loaded.config.log.clone();
        let setting = setting.map(|text| (format!("log ({origin})"), text));
        let variable = std::env::var("RUST_LOG").ok();
        let variable = variable.filter(|text| !text.trim().is_empty());
        let variable = variable.map(|text| ("RUST_LOG".to_owned(), text));
        let option = self.log.clone().map(|text| ("--log".to_owned(), text));
        let others = match origin {
            Origin::File(_) => variable.or(setting),
            _ => setting.or(variable),
        };
        let Some((from, text)) = option.or(others) else {
            return Ok(EnvFilter::new("info"));
        };
        EnvFilter::builder()
            .parse(&text)
            .map_err(|error| format!("{from}: {text:?} is not a valid filter: {error}"))
    }
}

impl Running {
    /// Applies the filter of reloaded settings.
    pub(crate) fn change(&self, loaded: &Loaded) -> Result<(), String> {
        let filter = self.options.filter(loaded)?;
        let changed = self.filter.reload(filter);
        changed.map_err(|error| error.to_string())
    }
}

/// Returns `true` if standard error is a terminal and `NO_COLOR` (<https://no-color.org>) is unset.
fn is_coloured() -> bool {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !is_unwanted
}
