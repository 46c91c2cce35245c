//! The application that StellarFW's own tests are written against, so that programs made for
//! those can be pointed at this server.
//!
//! ```sh
//! cargo run --release --example compat -- --transport ws --listen 127.0.0.1:8080
//! ```
//!
//! It prints `listening on <address>` when it is ready. Every page may use it, and nothing but the
//! server's own bounds limits how many connections one address has.

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

/// Serves the application of StellarFW's own tests.
#[derive(Parser)]
#[command(name = "compat")]
struct Options {
    /// Address to listen on; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The engine, by any of its names; several, separated by commas: the first owns /primus
    #[arg(long, default_value = "ws")]
    transport: String,
    /// json or msgpack
    #[arg(long, default_value = "json")]
    parser: String,
    /// A folder of public files
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/compat/public"))]
    public: PathBuf,
    /// Any setting, as in --set actionTimeout=5000; may be given several times
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
    // Whoever asks with `?refuse=<why>` is refused, to see what clients make of it.
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
