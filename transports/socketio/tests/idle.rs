//! The memory of an idle connection. Alone in its process, because it counts allocations.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::{net::SocketAddr, sync::mpsc, thread};

use stellarfw_socketio::{SocketIo, SocketIoConfig};
use stellarfw_transport::Server;
use tokio::{runtime::Builder, sync::oneshot};

use support::{
    bed::{next, say},
    line::{self, Line, Way},
    site::Site,
};

/// Connections that are counted.
const MANY: usize = 500;
/// Bytes on the heap that one may hold.
const EACH: usize = 4 << 10;

/// Serves on a thread of its own, in which allocations are counted from the message of `begin` to that of
/// `end`.
fn server(
    begin: oneshot::Receiver<()>,
    end: oneshot::Receiver<()>,
) -> (SocketAddr, thread::JoinHandle<i64>) {
    let (address, started) = mpsc::channel();
    let task = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut site = Site::default();
        runtime.block_on(async {
            let server = Server::builder()
                .transport(SocketIo::new(SocketIoConfig::default()))
                .build();
            site.serve(&server).await;
            address.send(site.address()).unwrap();
            begin.await.unwrap();
        });
        let counted = allocation_counter::measure(|| runtime.block_on(end).unwrap());
        counted.bytes_current
    });
    (started.recv().unwrap(), task)
}

async fn connect(address: SocketAddr, way: Way) -> Line {
    let line = line::connect(address, way, "/socket.io/", "", &[]).await;
    let mut line = line.unwrap().unwrap();
    say(&mut line, "40").await;
    assert!(next(&mut line).await.unwrap().starts_with("40{"));
    line
}

fn held(way: Way) -> usize {
    let (begin, begun) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let (address, server) = server(begun, ended);
    let client = Builder::new_current_thread().enable_all().build().unwrap();
    client.block_on(async {
        // Buffers of the thread are allocated with the first.
        let mut lines = vec![connect(address, way).await];
        begin.send(()).unwrap();
        for _ in 0..MANY {
            lines.push(connect(address, way).await);
        }
        // Requests that have ended release their memory.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        end.send(()).unwrap();
        let bytes = server.join().unwrap();
        drop(lines);
        usize::try_from(bytes).unwrap() / MANY
    })
}

#[test]
fn an_idle_connection_holds_at_most_4_kib() {
    // The HTTP connections of a client that polls are not the session's.
    for way in [Way::WebSocket, Way::Upgrade] {
        let each = held(way);
        println!("{way:?}: {each} bytes");
        assert!((500..=EACH).contains(&each), "{way:?}: {each} bytes");
    }
}
