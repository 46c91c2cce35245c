//! The demo: a page for chatting, calling actions and requesting files, with a list of all events.
//!
//! The page is embedded in the program.

mod actions;
mod log;
mod page;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use stellarfw::{
    Config, Stellar,
    config::{ConfigError, Sources},
};

/// Serves the demo page and everything it uses.
#[derive(Parser)]
#[command(name = "chat")]
struct Options {
    /// Comma-separated addresses to listen on; port 0 selects a free port, unix:PATH a Unix
    /// socket. Default: 127.0.0.1:8080
    #[arg(long)]
    listen: Option<String>,
    /// Comma-separated engines; the first one serves /primus
    #[arg(long)]
    transport: Option<String>,
    /// Codec: json or msgpack
    #[arg(long)]
    parser: Option<String>,
    /// Interval of heartbeats, in ms; 0 turns them off
    #[arg(long)]
    ping_interval: Option<u64>,
    /// Settings file, in addition to STELLAR_… variables. Default: stellar.toml if it exists
    #[arg(long)]
    config: Option<PathBuf>,
    /// Any setting, such as --set actionTimeout=5000; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Options {
    /// Loads the settings from the file, the environment and the command line.
    fn settings(&self) -> Result<Config, ConfigError> {
        let mut sources = Sources::usual();
        if let Some(path) = &self.config {
            sources = sources.file(path);
        }
        let own = [
            ("listen", self.listen.clone()),
            ("transports", self.transport.clone()),
            ("parser", self.parser.clone()),
            (
                "server.pingInterval",
                self.ping_interval.map(|ms| ms.to_string()),
            ),
        ];
        for (key, value) in own {
            if let Some(value) = value {
                sources = sources.set(key, value);
            }
        }
        for setting in &self.set {
            let (key, value) = setting.split_once('=').unwrap_or((setting, "true"));
            sources = sources.set(key, value);
        }
        sources.load()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let log = log::start();
    let config = options.settings()?;
    log.change(&config)?;

    let builder = Stellar::builder()
        .config(config)
        .on_reload(move || Ok(log.change(&options.settings()?)?))
        .room("lobby")
        .room("orbit")
        .embedded(page::files());
    let stellar = actions::add(builder).build().await?;

    let transports = stellar.config().transports.join(", ");
    let integrity = stellar.client_integrity();
    stellar
        .serve_configured(|listeners| {
            for listener in listeners {
                println!("Listening on {listener}");
            }
            println!("Transport: {transports}");
            println!("Client script: /stellar-client, integrity {integrity}");
            println!("Open the address in a browser for the demo; Ctrl-C stops.");
        })
        .await?;
    println!("Stopped.");
    Ok(())
}
