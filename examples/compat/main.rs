//! The application of StellarFW's test suite, so that its programs can run against this server.
//!
//! ```sh
//! cargo run --release --example compat -- --transport ws --listen 127.0.0.1:8080
//! ```
//!
//! It prints `listening on <address>` when it is ready. It accepts pages of every origin, and has no
//! limit of connections per address.

mod actions;
mod cache;
mod rules;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use stellarfw::{
    Config, Stellar,
    config::{ConfigError, Sources},
    transport::{Refusal, handshake::query_value},
};
use tokio::net::TcpListener;

/// Serves the application of StellarFW's test suite.
#[derive(Parser)]
#[command(name = "compat")]
struct Options {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Comma-separated engines; the first one serves /primus
    #[arg(long, default_value = "ws")]
    transport: String,
    /// Codec: json or msgpack
    #[arg(long, default_value = "json")]
    parser: String,
    /// Folder of public files
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/compat/public"))]
    public: PathBuf,
    /// Any setting, such as --set actionTimeout=5000; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Options {
    fn settings(self) -> Result<Config, ConfigError> {
        let mut sources = Sources::new()
            .set("name", "compat")
            .set("startingChatRooms", "[\"defaultRoom\", \"otherRoom\"]")
            .set("cors.origins", "[\"*\"]")
            .set("server.origins", "any")
            .set("transports", self.transport)
            .set("parser", self.parser);
        for setting in &self.set {
            let (key, value) = setting.split_once('=').unwrap_or((setting, "true"));
            sources = sources.set(key, value);
        }
        let mut config = sources.load()?;
        config.public = vec![self.public];
        Ok(config)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compat: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let address = options.listen;
    // `?refuse=<reason>` refuses the connection, to test how clients handle refusals.
    let builder = Stellar::builder()
        .config(options.settings()?)
        .authorize(|parts| {
            let why = query_value(&parts.uri, "refuse").map(|why| why.into_owned());
            async move {
                match why {
                    Some(why) => Err(Refusal::new(why).www_authenticate("Bearer")),
                    None => Ok(None::<()>),
                }
            }
        });
    let stellar = rules::add(actions::add(builder)).build().await?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on {}", listener.local_addr()?);
    stellar.serve_until_stopped(listener).await?;
    Ok(())
}
