//! The server that `benches/compare` loads.
//!
//! It is an echo on the transport layer, or a Stellar server with a room and an action.
//!
//! The settings are the defaults, except for unlimited publishing. Origins and inputs are checked,
//! bounds apply and metrics are counted. Only logging is off.

use std::net::SocketAddr;

use clap::{Parser as _, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stellarfw::{
    Stellar,
    actions::{Action, ActionResult, Input, Params},
    rooms::PublishRate,
    transport::{CloseReason, CodecError, Flow, Handler, Message, Server, Shutdown, Spark, serve},
};
use tokio::net::TcpListener;

/// The measured server.
#[derive(clap::Parser)]
struct Options {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Kind of the server
    #[arg(long, value_enum, default_value = "stellar")]
    layer: Layer,
    /// Name of the engine
    #[arg(long, default_value = "ws")]
    transport: String,
    /// Interval of heartbeats, in ms; 0 turns them off
    #[arg(long)]
    ping_interval: Option<u64>,
    /// Number of rooms besides `bench`: `other0`, `other1`, ...
    #[arg(long, default_value_t = 0)]
    other_rooms: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Layer {
    /// Decodes each message and echoes it
    Transport,
    /// Rooms, and the action `echo`
    Stellar,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    match options.layer {
        Layer::Transport => transport(options).await,
        Layer::Stellar => stellar(options).await,
    }
}

struct Echo;

impl Handler for Echo {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let value: Value = spark.decode(message)?;
        spark.send(&value).ok();
        Ok(Flow::DONE)
    }

    fn error(&self, spark: &Spark, error: &CodecError) {
        eprintln!("{}: undecodable message: {error}", spark.id());
    }

    fn close(&self, _: &Spark, _: &CloseReason) {}
}

async fn transport(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder()
        .configure(|config| {
            config.ping_interval = options.ping_interval.unwrap_or(config.ping_interval);
        })
        .shared_transport(stellarfw::engines().make(&options.transport)?)
        .handler(Echo)
        .build();
    server.start().await?;
    let listener = TcpListener::bind(options.listen).await?;
    println!("listening on {}", listener.local_addr()?);
    let stop = async {
        tokio::signal::ctrl_c().await.ok();
        server.shutdown(Shutdown::default()).await;
    };
    serve(listener, server.service(), serve::Limits::default(), stop).await?;
    Ok(())
}

#[derive(Deserialize, Serialize)]
struct Payload {
    payload: String,
}

async fn echo(Params(payload): Params<Payload>) -> ActionResult<Payload> {
    Ok(payload)
}

async fn stellar(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Stellar::builder()
        .configure(|config| {
            let default = config.server.ping_interval;
            config.server.ping_interval = options.ping_interval.unwrap_or(default);
            config.publish_rate = PublishRate::unlimited();
        })
        .transport(options.transport)
        .room("bench")
        .add_action(Action::new("echo", echo).input(Input::required("payload")));
    for index in 0..options.other_rooms {
        builder = builder.room(format!("other{index}"));
    }
    let stellar = builder.build().await?;
    let listener = TcpListener::bind(options.listen).await?;
    println!("listening on {}", listener.local_addr()?);
    stellar.serve_until_stopped(listener).await?;
    Ok(())
}
