//! What an idle connection holds. Alone in its process, because it counts allocations.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::{net::SocketAddr, sync::mpsc, thread};

use stellarfw_engineio::{EngineIo, EngineIoConfig};
use stellarfw_transport::Server;
use tokio::{runtime::Builder, sync::oneshot};

use support::{
    line::{self, Side, Way},
    site::Site,
};

/// Connections that are counted.
const MANY: usize = 500;
/// Bytes on the heap that one may hold.
const EACH: usize = 3 << 10;

/// Serves on a thread of its own, in which allocations are counted from the first message of `begin` to that of `end`.
fn server(
    begin: oneshot::Receiver<()>,
    end: oneshot::Receiver<()>,
) -> (SocketAddr, thread::JoinHandle<i64>) {
    let (address, told) = mpsc::channel();
    let task = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut site = Site::default();
        runtime.block_on(async {
            let server = Server::builder()
                .transport(EngineIo::new(EngineIoConfig::default()))
                .build();
            site.serve(&server).await;
            address.send(site.address()).unwrap();
            begin.await.unwrap();
        });
        let counted = allocation_counter::measure(|| runtime.block_on(end).unwrap());
        counted.bytes_current
    });
    (told.recv().unwrap(), task)
}

fn held(way: Way) -> usize {
    let (begin, begun) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let (address, server) = server(begun, ended);
    let client = Builder::new_current_thread().enable_all().build().unwrap();
    client.block_on(async {
        let connect = async || {
            let line = line::connect(address, way, "/primus/", "", &[]).await;
            let line = line.unwrap().unwrap();
            match line.side {
                Side::Socket(_) => Some(line),
                // The connection over which it was opened is not the session's.
                Side::Polling(_) => None,
            }
        };
        // Buffers of the thread are there with the first.
        let mut lines = vec![connect().await];
        begin.send(()).unwrap();
        for _ in 0..MANY {
            lines.push(connect().await);
        }
        // What belongs to requests that are over is given back.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        end.send(()).unwrap();
        let bytes = server.join().unwrap();
        drop(lines);
        usize::try_from(bytes).unwrap() / MANY
    })
}

#[test]
fn an_idle_connection_holds_little() {
    for way in [Way::WebSocket, Way::Upgrade, Way::Polling] {
        let each = held(way);
        assert!((500..=EACH).contains(&each), "{way:?}: {each} bytes");
    }
}
