//! An echo server over Socket.IO, on the transport layer alone.
//!
//! `cargo run -p example-socketio -- --help` tells the options. It answers at `/socket.io`, where
//! socket.io-client looks for it, and at `/primus`. What a client emits as `message` comes back as
//! `message`. With `--parser msgpack` clients need socket.io-msgpack-parser. A client whose `auth`
//! is `{token: "wrong"}` is not let in.

use std::net::SocketAddr;

use clap::Parser as _;
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
    /// Milliseconds between heartbeats; 0 turns them off
    #[arg(long, default_value_t = 30_000)]
    ping_interval: u64,
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
    tracing_subscriber::fmt::init();
    let options = Options::parse();
    let mut engine = SocketIoConfig::default();
    engine.allow_eio3 = options.eio3;
    let server = Server::builder()
        .configure(|config| {
            config.max_length = options.max_length;
            config.ping_interval = options.ping_interval;
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
        .handler(Echo)
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
    };
    serve(listener, server.service(), serve::Limits::default(), stop).await?;
    server.shutdown(Shutdown::default()).await;
    Ok(())
}
