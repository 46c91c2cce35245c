//! A page with a client for each engine, which all share one room.

use std::{io::IsTerminal as _, net::SocketAddr, process::ExitCode};

use clap::Parser;
use stellarfw::{Embedded, Stellar};
use tokio::net::TcpListener;

/// Serves a page on which clients of every engine share a room.
#[derive(Parser)]
struct Options {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("every-engine-in-one-room: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    start_log();
    let Options { listen } = Options::parse();
    let mut builder = Stellar::builder().room("meeting").embedded(page());
    for name in ["ws", "engine.io", "socket.io", "sockjs"] {
        builder = builder.transport(name);
    }
    let stellar = builder.build().await?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    println!("Listening on http://{}", listener.local_addr()?);
    println!("Transport: {}", stellar.config().transports.join(", "));
    stellar.serve_until_stopped(listener).await?;
    Ok(())
}

fn page() -> [Embedded; 3] {
    [
        Embedded {
            path: "index.html",
            bytes: include_bytes!("../public/index.html"),
        },
        Embedded {
            path: "page.css",
            bytes: include_bytes!("../public/page.css"),
        },
        Embedded {
            path: "page.js",
            bytes: include_bytes!("../public/page.js"),
        },
    ]
}

/// Logs to standard error, filtered by `RUST_LOG`, with colours on a terminal only.
fn start_log() {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    let has_colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(has_colours)
        .init();
}
