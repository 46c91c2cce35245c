//! The log, on standard error. Its filter can be reloaded.

use std::io::{self, IsTerminal as _};

use stellarfw::Config;
use tracing_subscriber::{
    EnvFilter, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

pub(crate) struct Log(reload::Handle<EnvFilter, Registry>);

/// Starts logging, filtered by `RUST_LOG`, with colours on a terminal only.
pub(crate) fn start() -> Log {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    let (filter, handle) = reload::Layer::new(filter);
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let format = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && !is_plain);
    tracing_subscriber::registry()
        .with(filter)
        .with(format)
        .init();
    Log(handle)
}

impl Log {
    /// Applies the filter of the settings, if any.
    pub(crate) fn change(&self, config: &Config) -> Result<(), String> {
        let Some(text) = &config.log else {
            return Ok(());
        };
        let filter = EnvFilter::builder().parse(text);
        let filter = filter.map_err(|error| format!("log: {text:?} is no filter: {error}"))?;
        self.0.reload(filter).map_err(|error| error.to_string())
    }
}
