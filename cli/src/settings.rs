//! The options for settings, which the commands share.

use std::path::PathBuf;

use clap::Args;
use stellarfw::{
    Config,
    config::{Origins, Sources},
};

use crate::Failure;

#[derive(Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Settings {
    /// Settings file. Default: stellar.toml if it exists
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting, such as --set actionTimeout=5000 or --set server.pingInterval=0; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Comma-separated addresses to listen on; port 0 selects a free port, unix:PATH a Unix
    /// socket. Default: 127.0.0.1:8080
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Comma-separated engines; the first one serves /primus
    #[arg(long, value_name = "NAME")]
    transport: Option<String>,
    /// Codec: json or msgpack
    #[arg(long, value_name = "NAME")]
    parser: Option<String>,
    /// Folder of public files; repeatable, searched in order
    #[arg(long, value_name = "FOLDER")]
    public: Vec<PathBuf>,
}

/// Loaded settings.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) origins: Origins,
    /// The settings file, if any.
    pub(crate) file: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected KEY=VALUE, such as actionTimeout=5000".into()),
    }
}

impl Settings {
    /// Loads the settings from the file, the environment and these options.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let mut sources = Sources::usual();
        if let Some(path) = &self.config {
            sources = sources.file(path);
        }
        // `--set` comes first, so that dedicated options override it.
        for (key, value) in &self.set {
            sources = sources.set(key, value);
        }
        for (key, value) in [
            ("listen", &self.listen),
            ("transports", &self.transport),
            ("parser", &self.parser),
        ] {
            if let Some(value) = value {
                sources = sources.set(key, value);
            }
        }
        if !self.public.is_empty() {
            sources = sources.set("public", list(&self.public)?);
        }
        let file = sources.path().map(ToOwned::to_owned);
        let (config, origins) = sources.load_with_origins()?;
        Ok(Loaded {
            config,
            origins,
            file,
        })
    }
}

/// Formats paths as a TOML array.
fn list(paths: &[PathBuf]) -> Result<String, String> {
    let texts = paths.iter().map(|path| match path.to_str() {
        Some(text) => Ok(toml::Value::from(text)),
        None => Err(format!("{} is not valid UTF-8", path.display())),
    });
    Ok(toml::Value::Array(texts.collect::<Result<_, _>>()?).to_string())
}
