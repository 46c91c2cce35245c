//! An echo server on the transport layer alone, without the Stellar layer.
//!
//! `cargo run -p example-ws -- --help` lists the options. With `--parser raw` it
//! echoes every text and binary message unchanged, as WebSocket conformance suites expect.

use std::{io::IsTerminal as _, net::SocketAddr};

use clap::Parser as _;
use stellarfw_transport::{
    CloseReason, CodecError, Delivery, Flow, Handler, Message, OriginPolicy, Parser, Server,
    Shutdown, Spark, serve,
};
use stellarfw_ws::{Ws, WsConfig, deflate::DeflateConfig};
use tokio::net::TcpListener;

/// Echoes every message over WebSocket.
#[derive(clap::Parser)]
struct Options {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Codec: json, msgpack or raw
    #[arg(long, default_value = "json", value_parser = parser)]
    parser: Parser,
    /// Negotiate permessage-deflate with clients that offer it
    #[arg(long)]
    compression: bool,
    /// Maximum length of a message, in bytes
    #[arg(long, default_value_t = 10_485_760)]
    max_length: usize,
    /// Interval of heartbeats, in ms; 0 turns them off
    #[arg(long, default_value_t = 30_000)]
    ping_interval: u64,
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
    let mut ws = WsConfig::default();
    ws.compression = options.compression.then(DeflateConfig::default);
    let server = Server::builder()
        .configure(|config| {
            config.max_length = options.max_length;
            config.ping_interval = options.ping_interval;
            // An echo can queue two messages of the maximum length.
            config.outbox.bytes = config.outbox.bytes.max(2 * options.max_length);
            if options.any_origin {
                config.origins = OriginPolicy::Any;
            }
        })
        .parser(options.parser)
        .transport(Ws::new(ws))
        .handler(Echo)
        .build();
    server.start().await?;

    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    println!(
        "echo over ws at ws://{address}/primus (parser: {})",
        server.parser().name()
    );

    let stop = async {
        tokio::signal::ctrl_c().await.ok();
    };
    serve(listener, server.service(), serve::Limits::default(), stop).await?;
    server.shutdown(Shutdown::default()).await;
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
