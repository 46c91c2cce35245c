//! Echo servers over SockJS, on the transport layer alone.
//!
//! `cargo run -p example-sockjs -- --help` lists the options. Primus's client with the transformer
//! `sockjs` connects to `/primus`, sockjs-client to `/sockjs`. The other paths serve the public
//! test suite of the protocol, which needs `--parser raw --ping-interval 0 --any-origin`.
//!
//! | path | |
//! |---|---|
//! | `/primus`, `/sockjs` | echoes, with the default settings |
//! | `/echo` | echoes; responses end after 4,096 bytes |
//! | `/disabled_websocket_echo` | the same without WebSocket |
//! | `/cookie_needed_echo` | the same with the cookie `JSESSIONID` |
//! | `/close` | closes each session with 3000 `Go away!` |

use std::{io::IsTerminal as _, net::SocketAddr};

use clap::Parser as _;
use stellarfw_sockjs::{SockJs, SockJsConfig};
use stellarfw_transport::{
    CloseReason, CodecError, Delivery, Flow, Handler, Message, OriginPolicy, Parser, Server,
    Shutdown, Spark, serve,
};
use tokio::net::TcpListener;

/// Echoes every message over SockJS.
#[derive(clap::Parser)]
struct Options {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Codec: json or raw. The server does not start with msgpack, which is binary
    #[arg(long, default_value = "json", value_parser = parser)]
    parser: Parser,
    /// Maximum length of a message, in bytes
    #[arg(long, visible_alias = "max-payload", default_value_t = 10_485_760)]
    max_length: usize,
    /// Interval of Primus heartbeats, in ms; 0 turns them off
    #[arg(long, default_value_t = 30_000)]
    heartbeat: u64,
    /// Interval of heartbeat frames in an idle response, in ms; 0 turns them off
    #[arg(long, visible_alias = "ping-interval", default_value_t = 25_000)]
    heartbeat_delay: u64,
    /// How long a session is kept without a receiver, in ms
    #[arg(long, visible_alias = "ping-timeout", default_value_t = 5_000)]
    disconnect_delay: u64,
    /// Timeout of a handshake, in ms
    #[arg(long, default_value_t = 10_000)]
    connect_timeout: u64,
    /// URL of the client script in `iframe.html`
    #[arg(long)]
    script: Option<String>,
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
    fn open(&self, spark: &Spark) -> Flow {
        if spark.handshake().path() == "/close" {
            spark.close(CloseReason::Protocol {
                code: 3000,
                message: "Go away!".into(),
            });
        }
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

/// Creates the engine for a path.
fn engine(options: &Options, path: &str) -> SockJs {
    let mut config = SockJsConfig::default();
    config.path = path.into();
    config.heartbeat_delay = options.heartbeat_delay;
    config.disconnect_delay = options.disconnect_delay;
    if options.script.is_some() {
        config.script.clone_from(&options.script);
    }
    if path != "/sockjs" {
        config.response_limit = 4_096;
    }
    config.websocket = path != "/disabled_websocket_echo";
    config.cookie = path == "/cookie_needed_echo";
    SockJs::new(config)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    start_log();
    let options = Options::parse();
    let mut builder = Server::builder()
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
        .parser(options.parser.clone())
        .handler(Echo);
    // The first engine also serves /primus.
    for path in [
        "/sockjs",
        "/echo",
        "/disabled_websocket_echo",
        "/cookie_needed_echo",
        "/close",
    ] {
        builder = builder.transport(engine(&options, path));
    }
    let server = builder.build();
    server.start().await?;

    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    println!(
        "echo over sockjs at http://{address}/sockjs (parser: {})",
        server.parser().name()
    );

    let stop = async {
        tokio::signal::ctrl_c().await.ok();
        // Before the HTTP server stops: a client between two polls gets the close from the next.
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
