//! Tests that are specific to lines, as users and shells send them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use example_custom_transport::Lines;
use stellarfw_transport::{
    CloseReason, CodecError, Flow, Handler, InboxLimits, Message, Server, Spark,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Echoes values, asynchronously if `slowly` is set.
struct Echo {
    slowly: bool,
}

impl Handler for Echo {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        let value: serde_json::Value = spark.decode(message)?;
        if !self.slowly {
            spark.send(&value).ok();
            return Ok(Flow::DONE);
        }
        let spark = spark.clone();
        Ok(Flow::start(async move {
            tokio::task::yield_now().await;
            spark.send(&value).ok();
        }))
    }

    fn error(&self, _: &Spark, _: &CodecError) {}

    fn close(&self, _: &Spark, _: &CloseReason) {}
}

async fn connect(slowly: bool) -> (Server, TcpStream) {
    let server = Server::builder()
        .transport(Lines::new(([127, 0, 0, 1], 0).into()))
        .configure(|config| {
            config.ping_interval = 0;
            config.inbox = InboxLimits::new(16, 1 << 20);
        })
        .handler(Echo { slowly })
        .build();
    let address = server.start().await.unwrap()[0];
    let stream = TcpStream::connect(address).await.unwrap();
    (server, stream)
}

/// Sends the input, closes the sending side and returns the complete output, as `nc -N` does.
async fn pipe(mut stream: TcpStream, input: &str) -> String {
    let mut output = String::new();
    let all = async {
        let (mut reader, mut writer) = stream.split();
        let send = async {
            writer.write_all(input.as_bytes()).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let (_, read) = tokio::join!(send, reader.read_to_string(&mut output));
        read.unwrap();
    };
    tokio::time::timeout(Duration::from_secs(30), all)
        .await
        .unwrap();
    output
}

#[tokio::test]
async fn piped_input_is_echoed_completely() {
    let (_server, stream) = connect(false).await;
    let input = "1\n{\"a\":2}\r\n\n\"three\"\n";
    assert_eq!(pipe(stream, input).await, "1\n{\"a\":2}\n\"three\"\n");
    for len in (0..2_000).step_by(31) {
        let (_server, stream) = connect(false).await;
        let input: String = (0..len).map(|n| format!("{n}\n")).collect();
        assert_eq!(pipe(stream, &input).await, input);
    }
}

#[tokio::test]
async fn a_slow_handler_applies_backpressure() {
    let (_server, mut stream) = connect(true).await;
    // One read contains far more lines than the inbox holds.
    let lines: String = (0..5_000).map(|n| format!("{n}\n")).collect();
    stream.write_all(lines.as_bytes()).await.unwrap();
    let mut output = vec![0; lines.len()];
    let all = stream.read_exact(&mut output);
    let read = tokio::time::timeout(Duration::from_secs(30), all)
        .await
        .unwrap();
    assert_eq!(read.unwrap(), lines.len());
    assert!(output == lines.as_bytes());
}

#[tokio::test]
async fn oversized_and_invalid_lines_close_the_connection() {
    for line in [vec![b'x'; 11 << 20], b"\xff\xfe\n".to_vec()] {
        let (server, mut stream) = connect(false).await;
        stream.write_all(&line).await.ok();
        let mut output = Vec::new();
        let end = stream.read_to_end(&mut output);
        tokio::time::timeout(Duration::from_secs(30), end)
            .await
            .unwrap()
            .ok();
        assert_eq!(output, b"");
        drop(stream);
        while server.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
