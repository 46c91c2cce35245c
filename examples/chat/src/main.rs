//! The demo: one page on which a person chats, calls actions, asks for files and sees everything
//! as it happens. The page is built in, so that the program needs nothing beside it.

mod actions;
mod page;

use std::net::SocketAddr;

use clap::Parser;
use stellarfw::Stellar;
use tokio::net::TcpListener;

/// Serves the demo page and everything it uses.
#[derive(Parser)]
#[command(name = "chat")]
struct Options {
    /// Address to listen on; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The engine, by any of its names; several, separated by commas: the first owns /primus
    #[arg(long, value_delimiter = ',')]
    transport: Vec<String>,
    /// json or msgpack
    #[arg(long, default_value = "json")]
    parser: String,
    /// Milliseconds between heartbeats; 0 turns them off
    #[arg(long, default_value_t = 30_000)]
    ping_interval: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).init();
    let options = Options::parse();

    let builder = Stellar::builder()
        .configure(|config| {
            config.transports = options.transport;
            config.parser = options.parser;
            config.server.ping_interval = options.ping_interval;
        })
        .room("lobby")
        .room("orbit")
        .embedded(page::files());
    let stellar = actions::add(builder).build().await?;

    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    println!("Listening on http://{address}");
    println!("Transport: {}", stellar.config().transports.join(", "));
    println!("Open the address in a browser for the demo; Ctrl-C stops.");
    stellar.serve_until_stopped(listener).await?;
    println!("Stopped.");
    Ok(())
}
