//! An API with declared inputs of every kind. The server describes it: open `/docs`.

mod observatory;
mod odd;
mod typed;

use std::net::SocketAddr;

use clap::Parser;
use stellarfw::Stellar;
use tokio::net::TcpListener;

/// Serves an API to look at in /docs.
#[derive(Parser)]
struct Options {
    /// Address to listen on; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The engine, by any of its names; several, separated by commas
    #[arg(long, value_delimiter = ',')]
    transport: Vec<String>,
    /// json or msgpack
    #[arg(long, default_value = "json")]
    parser: String,
    /// Declare no actions at all
    #[arg(long)]
    empty: bool,
    /// Declare actions, too, whose names and texts are hard to show
    #[arg(long)]
    odd: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter("warn").init();
    let options = Options::parse();
    let mut builder = Stellar::builder()
        .configure(|config| {
            config.name = "Observatory".into();
            config.api_version = "2".into();
            config.transports = options.transport;
            config.parser = options.parser;
        })
        .room("dome");
    if !options.empty {
        builder = typed::add(observatory::add(builder));
    }
    if options.odd {
        builder = odd::add(builder);
    }
    let stellar = builder.build().await?;
    let listener = TcpListener::bind(options.listen).await?;
    println!("listening on {}", listener.local_addr()?);
    stellar.serve_until_stopped(listener).await?;
    Ok(())
}
