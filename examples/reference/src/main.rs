//! An API with declared inputs of every kind, documented by the server at `/docs`.

mod observatory;
mod odd;
mod typed;

use std::{io::IsTerminal as _, net::SocketAddr};

use clap::Parser;
use stellarfw::{
    Stellar,
    transport::{Refusal, handshake::query_value},
};
use tokio::net::TcpListener;

/// Serves an API with its documentation at /docs.
#[derive(Parser)]
struct Options {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Comma-separated engines
    #[arg(long, value_delimiter = ',')]
    transport: Vec<String>,
    /// Codec: json or msgpack
    #[arg(long, default_value = "json")]
    parser: String,
    /// Declare no actions
    #[arg(long)]
    empty: bool,
    /// Also declare actions whose names and texts need escaping
    #[arg(long)]
    odd: bool,
    /// Disable rooms
    #[arg(long)]
    no_rooms: bool,
    /// Refuse connections without this token in the query
    #[arg(long)]
    token: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    start_log();
    let options = Options::parse();
    let mut builder = Stellar::builder().configure(|config| {
        config.name = "Observatory".into();
        config.api_version = "2".into();
        config.transports = options.transport;
        config.parser = options.parser;
        config.starting_chat_rooms = match options.no_rooms {
            true => Vec::new(),
            false => vec!["defaultRoom".into(), "dome".into()],
        };
    });
    if let Some(token) = options.token {
        // The page prompts for the token, so the page itself needs none.
        builder = builder.configure(|config| config.guard.docs = false);
        builder = builder.authorize(move |request| {
            let is_known = query_value(&request.uri, "token").as_deref() == Some(&*token);
            async move {
                match is_known {
                    true => Ok(None::<()>),
                    false => Err(Refusal::new("A token is needed")),
                }
            }
        });
    }
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

/// Logs warnings to standard error, with colours on a terminal only.
fn start_log() {
    let has_colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter("warn")
        .with_writer(std::io::stderr)
        .with_ansi(has_colours)
        .init();
}
