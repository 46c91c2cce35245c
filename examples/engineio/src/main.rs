//! An echo server over Engine.IO, on the transport layer alone.
//!
//! `cargo run -p example-engineio -- --help` lists the options. It serves `/primus` for
//! Primus clients with the transformer `engine.io`, and `/engine.io` for engine.io-client.

use std::{io::IsTerminal as _, net::SocketAddr};

use clap::Parser as _;
use stellarfw_engineio::{EngineIo, EngineIoConfig};
use stellarfw_transport::{
    CloseReason, CodecError, Delivery, Flow, Handler, Message, OriginPolicy, Parser, Server,
    Shutdown, Spark, serve,
};
use tokio::net::TcpListener;

/// Echoes every message over Engine.IO.
#[derive(clap::Parser)]
struct Options {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Codec: json, msgpack or raw
    #[arg(long, default_value = "json", value_parser = parser)]
    parser: Parser,
    /// Maximum length of a message, in bytes
    #[arg(long, default_value_t = 10_485_760)]
    max_length: usize,
    /// Interval of Primus heartbeats, in ms; 0 turns them off
    #[arg(long, default_value_t = 30_000)]
    heartbeat: u64,
    /// Interval of Engine.IO pings, in ms; 0 turns them off
    #[arg(long, default_value_t = 25_000)]
    ping_interval: u64,
    /// Timeout of the answer to an Engine.IO ping, in ms
    #[arg(long, default_value_t = 20_000)]
    ping_timeout: u64,
    /// Maximum length of a POST body, in bytes. Default: enough for the longest message
    #[arg(long)]
    max_payload: Option<usize>,
    /// Timeout of an upgrade, in ms
    #[arg(long, default_value_t = 10_000)]
    connect_timeout: u64,
    /// Accept clients of protocol 3 (engine.io-client 3)
    #[arg(long)]
    eio3: bool,
    /// Accept pages of every origin, not only of the same host
    #[arg(long)]
    any_origin: bool,
}

fn parser(name: &str) -> Result<Parser, String> {
    Parser::by_name(name)
        .ok_or_else(|| format!("unknown parser {name:?}; expected json, msgpack or raw"))
}

struct Echo;

impl Handler for Echo {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        if matches!(spark.parser(), Parser::Raw) {
            spark
                .send_frame(message.to_frame(), Delivery::Reliable)
                .ok();
        } else {
            let value: serde_json::Value = spark.decode(message)?;
            spark.send(&value).ok();
        }
        Ok(Flow::DONE)
    }

    fn error(&self, spark: &Spark, error: &CodecError) {
        eprintln!("{}: undecodable message: {error}", spark.id());
    }

    fn close(&self, _: &Spark, _: &CloseReason) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    start_log();
    let options = Options::parse();
    let mut engine = EngineIoConfig::default();
    engine.allow_eio3 = options.eio3;
    engine.ping_interval = options.ping_interval;
    engine.ping_timeout = options.ping_timeout;
    engine.max_payload = options.max_payload;
    let server = Server::builder()
        .configure(|config| {
            config.max_length = options.max_length;
            config.ping_interval = options.heartbeat;
            config.handshake_timeout = options.connect_timeout;
            // An echo can queue two messages of the maximum length.
            config.outbox.bytes = config.outbox.bytes.max(2 * options.max_length);
            if options.any_origin {
                config.origins = OriginPolicy::Any;
            }
        })
        .parser(options.parser)
        .transport(EngineIo::new(engine))
        .handler(Echo)
        .build();
    server.start().await?;

    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    println!(
        "echo over engine.io at http://{address}/engine.io (parser: {})",
        server.parser().name()
    );

    let stop = async {
        tokio::signal::ctrl_c().await.ok();
        // Before the HTTP server stops: a pending poll ends only when its connection closes.
        server.shutdown(Shutdown::default()).await;
    };
    serve(listener, server.service(), serve::Limits::default(), stop).await?;
    Ok(())
}

/// Logs to standard error, filtered by `RUST_LOG`, with colours on a terminal only.
fn start_log() {
    let has_colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .with_ansi(has_colours)
        .init();
}
