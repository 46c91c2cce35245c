//! An echo server over Socket.IO, on the transport layer alone.
//!
//! `cargo run -p example-socketio -- --help` lists the options. It serves `/socket.io`, the
//! default path of socket.io-client, and `/primus`. The event `message` is echoed. With
//! `--parser msgpack` clients need socket.io-msgpack-parser. A client whose `auth` is
//! `{token: "wrong"}` is refused.
//!
//! The options for the public test suite of the protocol:
//!
//! ```sh
//! cargo run -p example-socketio -- --listen 127.0.0.1:3000 --events --any-origin \
//!     --ping-interval 300 --ping-timeout 200 --max-payload 1000000 --connect-timeout 1000
//! ```

use std::{io::IsTerminal as _, net::SocketAddr};

use clap::Parser as _;
use rmpv::Value;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stellarfw_socketio::{Auth, SocketIo, SocketIoConfig};
use stellarfw_transport::{
    CloseReason, CodecError, Delivery, Flow, Handler, Message, OriginPolicy, Parser, Refusal,
    Server, Shutdown, Spark, serve,
};
use tokio::net::TcpListener;

/// Echoes every message over Socket.IO.
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
    /// Timeout of connecting to a namespace, in ms
    #[arg(long)]
    connect_timeout: Option<u64>,
    /// Serve the public test suite: `message` is echoed as `message-back`, `message-with-ack` is
    /// acknowledged with its arguments, each client first receives its `auth`, and there is a
    /// namespace `/custom`
    #[arg(long)]
    events: bool,
    /// An additional namespace besides `/`; repeatable
    #[arg(long)]
    namespace: Vec<String>,
    /// Accept clients of Socket.IO 2
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

struct Echo {
    events: bool,
}

impl Handler for Echo {
    fn open(&self, spark: &Spark) -> Flow {
        if self.events {
            let auth = spark.handshake().extensions().get::<Auth>();
            let auth = auth.map_or_else(|| json!({}), |Auth(auth)| auth.clone());
            spark.send(&json!({ "event": "auth", "args": [auth] })).ok();
        }
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        if matches!(spark.parser(), Parser::Raw) {
            spark
                .send_frame(message.to_frame(), Delivery::Reliable)
                .ok();
        } else if self.events {
            if let Some(answer) = answer(spark.decode(message)?) {
                spark.send(&answer).ok();
            }
        } else {
            let value: Value = spark.decode(message)?;
            spark.send(&as_bytes(value)).ok();
        }
        Ok(Flow::DONE)
    }

    fn error(&self, spark: &Spark, error: &CodecError) {
        eprintln!("{}: undecodable message: {error}", spark.id());
    }

    fn close(&self, _: &Spark, _: &CloseReason) {}
}

/// An event, or the acknowledgement of one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    /// MessagePack values with either parser, because JSON values cannot hold bytes.
    args: Vec<Value>,
}

/// Converts typed arrays to binary values.
///
/// `socket.io-msgpack-parser` encodes typed arrays as an extension of type 0, of which it decodes
/// only some lengths.
fn as_bytes(value: Value) -> Value {
    match value {
        Value::Ext(0, bytes) => Value::Binary(bytes),
        Value::Array(items) => items.into_iter().map(as_bytes).collect::<Vec<_>>().into(),
        Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key, as_bytes(value)))
                .collect(),
        ),
        other => other,
    }
}

/// Returns the response to an event.
fn answer(received: Event) -> Option<Event> {
    let (event, message_id) = match (received.event?.as_str(), received.message_id) {
        ("message", _) => (Some("message-back".into()), None),
        ("message-with-ack", Some(id)) => (None, Some(id)),
        _ => return None,
    };
    Some(Event {
        event,
        message_id,
        args: received.args.into_iter().map(as_bytes).collect(),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    start_log();
    let options = Options::parse();
    let mut engine = SocketIoConfig::default();
    engine.allow_eio3 = options.eio3;
    engine.ping_interval = options.ping_interval;
    engine.ping_timeout = options.ping_timeout;
    engine.max_payload = options.max_payload;
    engine.plain_events = options.events;
    engine.connect_timeout = options.connect_timeout;
    engine.namespaces.extend(options.namespace);
    if options.events && !engine.namespaces.iter().any(|name| name == "/custom") {
        engine.namespaces.push("/custom".into());
    }
    let server = Server::builder()
        .configure(|config| {
            config.max_length = options.max_length;
            config.ping_interval = options.heartbeat;
            // An echo can queue two messages of the maximum length.
            config.outbox.bytes = config.outbox.bytes.max(2 * options.max_length);
            if options.any_origin {
                config.origins = OriginPolicy::Any;
            }
        })
        .parser(options.parser)
        .authorize(|parts| {
            let auth = parts.extensions.get::<Auth>();
            let wrong = auth.is_some_and(|Auth(auth)| auth["token"] == "wrong");
            async move {
                match wrong {
                    true => Err(Refusal::new("who are you?")),
                    false => Ok(None::<()>),
                }
            }
        })
        .transport(SocketIo::new(engine))
        .handler(Echo {
            events: options.events,
        })
        .build();
    server.start().await?;

    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    println!(
        "echo over socket.io at http://{address}/socket.io (parser: {})",
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
