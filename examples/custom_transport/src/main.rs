//! An echo server with the custom engine.
//!
//! Run `cargo run -p example-custom-transport` and `nc 127.0.0.1 7000`; it echoes lines of JSON.

use std::{io::IsTerminal as _, net::SocketAddr};

use clap::Parser;
use example_custom_transport::Lines;
use stellarfw_transport::{
    CloseReason, CodecError, Flow, Handler, Message, Server, Shutdown, Spark,
};

/// Echoes lines of JSON over TCP.
#[derive(Parser)]
struct Options {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:7000")]
    listen: SocketAddr,
}

struct Echo;

impl Handler for Echo {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let value: serde_json::Value = spark.decode(message)?;
        spark.send(&value).ok();
        Ok(Flow::DONE)
    }

    fn error(&self, spark: &Spark, error: &CodecError) {
        eprintln!("{}: the line is not JSON: {error}", spark.id());
    }

    fn close(&self, _: &Spark, _: &CloseReason) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    start_log();
    let options = Options::parse();
    let server = Server::builder()
        .transport(Lines::new(options.listen))
        // `nc` answers no pings.
        .configure(|config| config.ping_interval = 0)
        .handler(Echo)
        .build();
    for address in server.start().await? {
        println!(
            "echo of JSON lines at {address}; try: nc {} {}",
            address.ip(),
            address.port()
        );
    }
    tokio::signal::ctrl_c().await?;
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
