//! Echo servers over SockJS, on the transport layer alone.
//!
//! `cargo run -p example-sockjs -- --help` tells the options. Primus's client with the transformer
//! `sockjs` connects to `/primus`, sockjs-client to `/sockjs`. The other paths are those that the
//! public suite of the protocol asks for: with `--parser raw --ping-interval 0 --any-origin` it can
//! be pointed at this program.
//!
//! | path | |
//! |---|---|
//! | `/primus`, `/sockjs` | echoes, with the settings as they are by default |
//! | `/echo` | echoes; responses end after 4,096 bytes |
//! | `/disabled_websocket_echo` | the same without WebSocket |
//! | `/cookie_needed_echo` | the same with the cookie `JSESSIONID` |
//! | `/close` | sends each session away with 3000 `Go away!` |

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
    /// Address to listen on; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// json or raw; msgpack makes binary payloads, with which the server does not start
    #[arg(long, default_value = "json", value_parser = parser)]
    parser: Parser,
    /// The longest message in bytes
    #[arg(long, visible_alias = "max-payload", default_value_t = 10_485_760)]
    max_length: usize,
    /// Milliseconds between Primus's heartbeats; 0 turns them off
    #[arg(long, default_value_t = 30_000)]
    heartbeat: u64,
    /// Milliseconds between the frames that keep a waiting response alive; 0 turns them off
    #[arg(long, visible_alias = "ping-interval", default_value_t = 25_000)]
    heartbeat_delay: u64,
    /// Milliseconds that a session is kept without a receiver
    #[arg(long, visible_alias = "ping-timeout", default_value_t = 5_000)]
    disconnect_delay: u64,
    /// Milliseconds that a handshake may take
    #[arg(long, default_value_t = 10_000)]
    connect_timeout: u64,
    /// Where `iframe.html` finds the client's script
    #[arg(long)]
    script: Option<String>,
    /// Let pages of every origin connect, not only of the same host
    #[arg(long)]
    any_origin: bool,
}

fn parser(name: &str) -> Result<Parser, String> {
    Parser::by_name(name)
        .ok_or_else(|| format!("there is no parser {name:?}; there are: json, msgpack, raw"))
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

/// The engine at one of the paths.
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
            // An echo may hold as much as one message and one more.
            config.outbox.bytes = config.outbox.bytes.max(2 * options.max_length);
            if options.any_origin {
                config.origins = OriginPolicy::Any;
            }
        })
        .parser(options.parser.clone())
        .handler(Echo);
    // The first one answers at /primus, too.
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
        // First, because a client between two polls is to be told by the next.
        server.shutdown(Shutdown::default()).await;
    };
    serve(listener, server.service(), serve::Limits::default(), stop).await?;
    Ok(())
}

/// Logs to the error output what `RUST_LOG` asks for, in colour on a terminal alone.
fn start_log() {
    let has_colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .with_ansi(has_colours)
        .init();
}
