//! All kinds of attacks together, for minutes, with health checks and well-behaved clients.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
};

use super::{Attack, Outcome, Stage, ensure, number};
use crate::{
    others::Latency,
    peer::{FIN, Local, Peer, TEXT, frame, head},
    process::usage,
};

/// The memory budget on a machine with 1 GiB of memory.
const BUDGET: &str = "268435456";
/// Maximum memory of the process besides its budget, in KiB.
///
/// It covers code, connections and memory that the allocator retains.
const BESIDES: u64 = 256 << 10;
/// Makes glibc return large blocks to the system when they are freed, as `docs/serving.md` recommends.
///
/// By default glibc stops doing so after the first of them, and they fragment its heaps.
const RETURN_LARGE_BLOCKS: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "1048576");
/// Timeout of a health check.
const HEALTHY: Duration = Duration::from_millis(100);

pub(super) fn all() -> Vec<Attack> {
    vec![Attack {
        name: "together",
        what: "14 attacks at once, from 60 addresses",
        bound: "all defaults, as on a machine with 1 GiB",
        settings: &[
            ("STELLAR_SERVER__MEMORY_BUDGET", BUDGET),
            (
                "STELLAR_TRANSPORTS",
                "[\"ws\", \"engine.io\", \"socket.io\", \"sockjs\"]",
            ),
            RETURN_LARGE_BLOCKS,
        ],
        descriptors: None,
        run: |stage| Box::pin(together(stage)),
    }]
}

/// The context of an attacker.
#[derive(Clone)]
struct Ring {
    server: SocketAddr,
    /// The time at which the attackers stop.
    until: Instant,
    /// Number of connections, requests and messages.
    done: Arc<AtomicU64>,
}

async fn together(stage: &Stage<'_>) -> Outcome {
    let ring = Ring {
        server: stage.server.address,
        until: Instant::now() + Duration::from_secs(stage.options.together),
        done: Arc::default(),
    };
    let (id, until) = (stage.server.id(), ring.until);
    let health = tokio::spawn(check_health(ring.server, until));
    let attackers = std::thread::spawn({
        let ring = ring.clone();
        move || attack(&ring)
    });
    let mut most = 0;
    while Instant::now() < until {
        most = most.max(usage(id).rss);
        ensure(most > 0, || "the server is gone".into())?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let health = health.await?;
    tokio::task::spawn_blocking(move || attackers.join())
        .await?
        .map_err(|_| "the attackers panicked")??;

    let budget = BUDGET.parse::<u64>()? >> 10;
    let times = Latency::of(health.times.clone()).ok_or("no health check was answered")?;
    ensure(most <= budget + BESIDES, || {
        format!(
            "the server took {} MiB; health checks: p99 {:?}",
            most >> 10,
            times.p99
        )
    })?;
    ensure(health.failed == 0 && times.p99 <= HEALTHY, || {
        format!(
            "health checks: {} failed, p99 {:?}",
            health.failed, times.p99
        )
    })?;
    Ok(format!(
        "{} connections, requests and messages in {} s; {} health checks, all answered, p99 {:.0} ms",
        number(ring.done.load(Ordering::Relaxed)),
        stage.options.together,
        number(health.times.len() as u64),
        times.p99.as_secs_f64() * 1e3
    ))
}

#[derive(Default)]
struct Health {
    times: Vec<Duration>,
    failed: usize,
}

/// Checks the health ten times per second, each time over a new connection.
async fn check_health(server: SocketAddr, until: Instant) -> Health {
    let health = Arc::new(Mutex::new(Health::default()));
    let mut checks = JoinSet::new();
    while Instant::now() < until {
        let health = health.clone();
        checks.spawn(async move {
            let begun = Instant::now();
            let ask = async {
                let mut stream = Local::address(Ipv4Addr::new(127, 0, 9, 9))
                    .connect(server)
                    .await?;
                let request =
                    b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
                stream.write_all(request).await?;
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).await?;
                Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200"))
            };
            let answer = tokio::time::timeout(Duration::from_secs(10), ask).await;
            if let Ok(mut health) = health.lock() {
                match answer {
                    Ok(Ok(true)) => health.times.push(begun.elapsed()),
                    _ => health.failed += 1,
                }
            }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    checks.join_all().await;
    let mut health = health
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    std::mem::take(&mut *health)
}

/// Runs the attackers on a thread with a lower priority, because they represent other machines.
fn attack(ring: &Ring) -> std::io::Result<()> {
    rustix::process::setpriority_process(None, 15)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        let mut start = |count: u8, kind: Kind| {
            for number in 1..=count {
                let address = Ipv4Addr::new(127, 0, kind as u8 + 10, number);
                tasks.spawn(repeat(ring.clone(), kind, address));
            }
        };
        start(30, Kind::Drip);
        start(20, Kind::Unread);
        start(4, Kind::Bodiless);
        start(20, Kind::UnreadAnswers);
        start(6, Kind::BigParams);
        start(12, Kind::SleepingPosts);
        start(4, Kind::Handshakes);
        start(4, Kind::RoomViews);
        start(20, Kind::Multipart);
        start(8, Kind::Downloads);
        start(8, Kind::Garbage);
        start(2, Kind::Messages);
        start(4, Kind::Publications);
        start(4, Kind::Heads);
        let left = ring.until.saturating_duration_since(Instant::now());
        tokio::time::sleep(left).await;
        tasks.shutdown().await;
    });
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Sends most of a message, and the rest at one byte every two seconds.
    Drip,
    /// Requests large files over a WebSocket and does not read.
    Unread,
    /// Opens a thousand POSTs without sending a body.
    Bodiless,
    /// Requests a large file over HTTP and does not read.
    UnreadAnswers,
    /// Calls an action with declared inputs with 9 MiB of small values.
    BigParams,
    /// Posts 1 MB to a slow action.
    SleepingPosts,
    /// Opens polling sessions and never polls.
    Handshakes,
    /// Requests the members of a room repeatedly.
    RoomViews,
    /// Sends a multipart header that does not end.
    Multipart,
    /// Downloads a compressed file.
    Downloads,
    /// Sends malformed WebSocket frames and reconnects.
    Garbage,
    /// Sends messages as fast as the server reads them.
    Messages,
    /// Sends long messages to a room.
    Publications,
    /// Sends request heads byte by byte.
    Heads,
}

/// Repeats an attack, and restarts it after every failure.
async fn repeat(ring: Ring, kind: Kind, address: Ipv4Addr) {
    loop {
        // Refusals and resets are expected.
        once(&ring, kind, address).await.ok();
        ring.done.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn open(ring: &Ring, address: Ipv4Addr) -> std::io::Result<Peer> {
    let peer = Peer::open(ring.server, Local::address(address)).await;
    peer.map_err(|refused| std::io::Error::other(refused.to_string()))
}

async fn once(ring: &Ring, kind: Kind, address: Ipv4Addr) -> std::io::Result<()> {
    let local = Local::address(address);
    match kind {
        Kind::Drip => {
            let mut peer = open(ring, address).await?;
            peer.write(&head(FIN | TEXT, 10 << 20)).await?;
            peer.write(&vec![b'x'; (10 << 20) - 10_000]).await?;
            loop {
                tokio::time::sleep(Duration::from_secs(2)).await;
                peer.write(b"x").await?;
            }
        }
        Kind::Unread => {
            let mut peer = open(ring, address).await?;
            let ask = json!({ "event": "file", "file": "big.bin" }).to_string();
            loop {
                peer.write(&frame(FIN | TEXT, ask.as_bytes())).await?;
                ring.done.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Kind::Bodiless => {
            let request = "POST /api/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\
                           Content-Type: application/json\r\n\r\n";
            let mut streams = Vec::new();
            for _ in 0..1_000 {
                let mut stream = local.connect(ring.server).await?;
                stream.write_all(request.as_bytes()).await?;
                streams.push(stream);
                ring.done.fetch_add(1, Ordering::Relaxed);
            }
            for mut stream in streams {
                stream.read_to_end(&mut Vec::new()).await.ok();
            }
        }
        Kind::UnreadAnswers => {
            let mut stream = local.connect(ring.server).await?;
            stream.write_all(&get("/big.bin", "")).await?;
            // The close is detected without reading.
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                stream.write_all(b"\r\n").await?;
            }
        }
        Kind::BigParams => {
            let mut peer = open(ring, address).await?;
            let items = "{\"a\":1},".repeat(1_150_000);
            let message = format!(
                "{{\"event\":\"action\",\"params\":{{\"action\":\"declared\",\"list\":[{items}0]}}}}"
            );
            for count in 1.. {
                peer.write(&frame(FIN | TEXT, message.as_bytes())).await?;
                peer.response(count).await?;
                ring.done.fetch_add(1, Ordering::Relaxed);
            }
        }
        Kind::SleepingPosts => {
            let mut stream = local.connect(ring.server).await?;
            let body = format!("{{\"text\":\"{}\"}}", "x".repeat(1_000_000));
            let request = format!(
                "POST /api/sleep HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\
                 Content-Type: application/json\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(request.as_bytes()).await?;
            stream.read_to_end(&mut Vec::new()).await?;
        }
        Kind::Handshakes => {
            let mut stream = local.connect(ring.server).await?;
            let request = get(
                "/socket.io/?EIO=4&transport=polling",
                "Connection: close\r\n",
            );
            stream.write_all(&request).await?;
            stream.read_to_end(&mut Vec::new()).await?;
        }
        Kind::RoomViews => {
            let mut peer = open(ring, address).await?;
            peer.say(&json!({ "event": "roomAdd", "room": "crowd" }))
                .await?;
            for count in 2.. {
                peer.say(&json!({ "event": "roomView", "room": "crowd" }))
                    .await?;
                peer.response(count).await?;
                ring.done.fetch_add(1, Ordering::Relaxed);
            }
        }
        Kind::Multipart => {
            let mut stream = local.connect(ring.server).await?;
            let start = "POST /api/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n\
                         Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nX: ";
            stream.write_all(start.as_bytes()).await?;
            loop {
                stream.write_all(&[b'x'; 20]).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Kind::Downloads => {
            let mut stream = local.connect(ring.server).await?;
            let request = get("/text.txt", "Accept-Encoding: br\r\nConnection: close\r\n");
            stream.write_all(&request).await?;
            stream.read_to_end(&mut Vec::new()).await?;
        }
        Kind::Garbage => {
            let mut peer = open(ring, address).await?;
            peer.write(&[0xff; 64]).await?;
            peer.close_code(Duration::from_secs(5)).await;
        }
        Kind::Messages => {
            let mut peer = open(ring, address).await?;
            let ask = json!({ "event": "detailsView" }).to_string();
            let many = frame(FIN | TEXT, ask.as_bytes()).repeat(50);
            for count in 1.. {
                peer.write(&many).await?;
                peer.response(count * 50).await?;
                ring.done.fetch_add(50, Ordering::Relaxed);
            }
        }
        Kind::Publications => {
            let mut peer = open(ring, address).await?;
            peer.say(&json!({ "event": "roomAdd", "room": "crowd" }))
                .await?;
            let text = "x".repeat(200_000);
            for count in 2.. {
                peer.say(&json!({ "event": "say", "room": "crowd", "message": text }))
                    .await?;
                peer.response(count).await?;
                ring.done.fetch_add(1, Ordering::Relaxed);
            }
        }
        Kind::Heads => {
            let mut stream = local.connect(ring.server).await?;
            for byte in get("/api/echo", &format!("X: {}\r\n", "x".repeat(8_000))) {
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    Ok(())
}

/// Encodes a GET request with additional headers.
fn get(target: &str, headers: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n").into_bytes()
}
