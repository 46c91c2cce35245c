//! The work of the engine `ws` over loopback, without the kernel.
//!
//! Client and server share one thread. Bytes that the client writes have arrived when its write
//! returns, so the execution does not depend on time.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use stellarfw::{
    transport::{
        CloseReason, CodecError, Delivery, Flow, Frame, Handler, Message, Parser, Server, Spark,
        serve, turn,
    },
    ws::Ws,
};
use tokio::{net::TcpListener, runtime::Runtime, sync::Notify};

use super::{Entry, Repeat, TEXT};

pub(super) const WORK: &[Entry] = &[
    ("ws/read 1 frame", 1, |runtime| read(runtime, 1)),
    ("ws/read 64 frames at once", 64, |runtime| read(runtime, 64)),
    ("ws/write 1 frame", 1, |runtime| write(runtime, 1, 1)),
    ("ws/write 64 frames at once", 64, |runtime| {
        write(runtime, 1, 64)
    }),
    ("ws/write 1 frame to 100", 100, |runtime| {
        write(runtime, 100, 1)
    }),
];

/// Counts the messages of the server, and signals when the expected number is reached.
#[derive(Default)]
struct Seen {
    count: AtomicUsize,
    wanted: AtomicUsize,
    enough: Notify,
    /// The expected number cannot be reached.
    closed: AtomicBool,
}

impl Seen {
    fn one_more(&self) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if count == self.wanted.load(Ordering::Relaxed) {
            self.enough.notify_one();
        }
    }

    fn want(&self, more: usize) {
        let wanted = self.count.load(Ordering::Relaxed) + more;
        self.wanted.store(wanted, Ordering::Relaxed);
    }

    async fn wait(&self) {
        self.enough.notified().await;
        assert!(
            !self.closed.load(Ordering::Relaxed),
            "a connection was closed"
        );
    }
}

struct Count(Arc<Seen>);

impl Handler for Count {
    fn open(&self, _: &Spark) -> Flow {
        self.0.one_more();
        Flow::DONE
    }
    fn message(&self, _: &Spark, _: Message<'_>) -> Result<Flow, CodecError> {
        self.0.one_more();
        Ok(Flow::DONE)
    }
    fn error(&self, _: &Spark, _: &CodecError) {}
    fn close(&self, _: &Spark, _: &CloseReason) {
        self.0.closed.store(true, Ordering::Relaxed);
        self.0.enough.notify_one();
    }
}

/// A server with connected clients.
fn connected(runtime: &Runtime, clients: usize) -> (Server, Arc<Seen>, Vec<TcpStream>) {
    let seen = Arc::<Seen>::default();
    let server = Server::builder()
        .parser(Parser::Raw)
        .configure(|config| config.ping_interval = 0)
        .transport(Ws::default())
        .handler(Count(Arc::clone(&seen)))
        .build();
    let address = runtime.block_on(async {
        server.start().await.unwrap_or_else(failed);
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap_or_else(failed);
        let address = listener.local_addr().unwrap_or_else(failed);
        let service = server.service();
        tokio::spawn(serve(
            listener,
            service,
            serve::Limits::default(),
            std::future::pending(),
        ));
        address
    });
    let clients = (0..clients)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap_or_else(failed);
            stream.set_nodelay(true).unwrap_or_else(failed);
            seen.want(1);
            let request = "GET /primus HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
                Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            stream.write_all(request.as_bytes()).unwrap_or_else(failed);
            runtime.block_on(seen.wait());
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap_or_else(failed);
                head.push(byte[0]);
            }
            assert!(head.starts_with(b"HTTP/1.1 101 "));
            stream
        })
        .collect();
    (server, seen, clients)
}

fn failed<T>(error: impl std::fmt::Display) -> T {
    panic!("{error}")
}

fn read(runtime: &Runtime, frames: usize) -> Repeat<'_> {
    let (server, seen, mut clients) = connected(runtime, 1);
    let bytes = masked(&super::text()).repeat(frames);
    Box::new(move || {
        let _server = &server;
        seen.want(frames);
        clients[0].write_all(&bytes).unwrap_or_else(failed);
        runtime.block_on(seen.wait());
    })
}

fn write(runtime: &Runtime, clients: usize, frames: usize) -> Repeat<'_> {
    let (server, _, mut clients) = connected(runtime, clients);
    let frame = Frame::text(super::text());
    // The header of a server frame of this length has two bytes.
    let mut received = vec![0; (TEXT + 2) * frames];
    let mut sparks = Vec::new();
    server.for_each(|spark| sparks.push(spark.clone()));
    Box::new(move || {
        {
            let _turn = turn();
            for spark in &sparks {
                for _ in 0..frames {
                    let sent = spark.send_frame(frame.clone(), Delivery::Reliable);
                    sent.unwrap_or_else(failed);
                }
            }
        }
        for client in &mut clients {
            client.read_exact(&mut received).unwrap_or_else(failed);
        }
    })
}

/// Encodes a client text frame.
fn masked(text: &str) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let length = u8::try_from(text.len()).unwrap_or_else(failed);
    assert!(length < 126, "the head would be longer");
    let mut frame = vec![0x81, 0x80 | length];
    frame.extend(mask);
    frame.extend(
        text.bytes()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}
