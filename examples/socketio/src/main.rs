//! An echo server over Socket.IO, on the transport layer alone.
//!
//! `cargo run -p example-socketio -- --help` tells the options. It answers at `/socket.io`, where
//! socket.io-client looks for it, and at `/primus`. What a client emits as `message` comes back as
//! `message`. With `--parser msgpack` clients need socket.io-msgpack-parser. A client whose `auth`
//! is `{token: "wrong"}` is not let in.
//!
//! What the public suite of the protocol asks of a server:
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
    /// Address to listen on; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// json, msgpack or raw
    #[arg(long, default_value = "json", value_parser = parser)]
    parser: Parser,
    /// The longest message in bytes
    #[arg(long, default_value_t = 10_485_760)]
    max_length: usize,
    /// Milliseconds between Primus's heartbeats; 0 turns them off
    #[arg(long, default_value_t = 30_000)]
    heartbeat: u64,
    /// Milliseconds between the pings of Engine.IO; 0 turns them off
    #[arg(long, default_value_t = 25_000)]
    ping_interval: u64,
    /// Milliseconds that a client may take to answer such a ping
    #[arg(long, default_value_t = 20_000)]
    ping_timeout: u64,
    /// The longest body of a POST in bytes; as much as the longest message takes by default
    #[arg(long)]
    max_payload: Option<usize>,
    /// Milliseconds that a client may take to be in a namespace
    #[arg(long)]
    connect_timeout: Option<u64>,
    /// Events as they are: `message` comes back as `message-back`, `message-with-ack` is
    /// acknowledged with its arguments, bytes among them too, and each client is first told its
    /// `auth`. There is a namespace `/custom` besides
    #[arg(long)]
    events: bool,
    /// A namespace besides `/`; may be given more than once
    #[arg(long)]
    namespace: Vec<String>,
    /// Let clients of Socket.IO 2 in
    #[arg(long)]
    eio3: bool,
    /// Let pages of every origin connect, not only of the same host
    #[arg(long)]
    any_origin: bool,
}

fn parser(name: &str) -> Result<Parser, String> {
    Parser::by_name(name)
        .ok_or_else(|| format!("there is no parser {name:?}; there are: json, msgpack, raw"))
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
    /// Values of MessagePack, whatever the parser is: they can be bytes, as those of JSON cannot.
    args: Vec<Value>,
}

/// A value in which bytes are binary. `socket.io-msgpack-parser` writes typed arrays as an
/// extension of type 0, of which it reads only some lengths.
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

/// What an event is answered with.
fn answer(heard: Event) -> Option<Event> {
    let (event, message_id) = match (heard.event?.as_str(), heard.message_id) {
        ("message", _) => (Some("message-back".into()), None),
        ("message-with-ack", Some(id)) => (None, Some(id)),
        _ => return None,
    };
    Some(Event {
        event,
        message_id,
        args: heard.args.into_iter().map(as_bytes).collect(),
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
            // An echo may hold as much as one message and one more.
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
        // First, because a poll is a request under way until its connection is closed.
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
