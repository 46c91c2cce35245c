//! The demo: one page on which a person chats, calls actions, asks for files and sees everything
//! as it happens. The page is built in, so that the program needs nothing beside it.

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
    /// Address to listen on, 127.0.0.1:8080 by default; port 0 takes any free one; several,
    /// separated by commas; unix:PATH is a socket
    #[arg(long)]
    listen: Option<String>,
    /// The engine, by any of its names; several, separated by commas: the first owns /primus
    #[arg(long)]
    transport: Option<String>,
    /// json or msgpack
    #[arg(long)]
    parser: Option<String>,
    /// Milliseconds between heartbeats; 0 turns them off
    #[arg(long)]
    ping_interval: Option<u64>,
    /// A file of settings, besides STELLAR_… variables; stellar.toml is read if it is there
    #[arg(long)]
    config: Option<PathBuf>,
    /// Any setting, as in --set actionTimeout=5000; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Options {
    /// The settings: of the file, the environment and the command line.
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
