//! The options that are settings, which the commands share.

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
    /// A file of settings; stellar.toml is read if it is there and no other is named
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting, as in --set actionTimeout=5000 or --set server.pingInterval=0; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Where to listen, 127.0.0.1:8080 by default: port 0 takes any free one, unix:PATH is a
    /// socket; several, separated by commas
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The engine, by any of its names; several, separated by commas: the first owns /primus
    #[arg(long, value_name = "NAME")]
    transport: Option<String>,
    /// The codec: json or msgpack
    #[arg(long, value_name = "NAME")]
    parser: Option<String>,
    /// A folder of public files; repeatable, searched in order
    #[arg(long, value_name = "FOLDER")]
    public: Vec<PathBuf>,
}

/// Settings that were read.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) origins: Origins,
    /// The file that was read, if there was one.
    pub(crate) file: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("it must be KEY=VALUE, such as actionTimeout=5000".into()),
    }
}

impl Settings {
    /// Reads them, and those of the file and of the environment.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let mut sources = Sources::usual();
        if let Some(path) = &self.config {
            sources = sources.file(path);
        }
        // First the general option, so that one of a setting's own counts more.
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

/// Paths as a list of TOML.
fn list(paths: &[PathBuf]) -> Result<String, String> {
    let texts = paths.iter().map(|path| match path.to_str() {
        Some(text) => Ok(toml::Value::from(text)),
        None => Err(format!("{} is no text", path.display())),
    });
    Ok(toml::Value::Array(texts.collect::<Result<_, _>>()?).to_string())
}
