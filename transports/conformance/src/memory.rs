//! An engine without a network, to try the trait and the suite against something that is very
//! different from a socket.
//!
//! It is built like an engine over a library that calls back: all that clients do arrives as calls
//! on one queue, worked off by one task for all connections, as a C++ library would do on its one
//! thread. Sparks have no task of their own, nothing is polled, reading cannot be stopped (a busy
//! handler's inbox overflows, with 1013), and a write is putting something where the client finds
//! it.

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use http::header;
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use stellarfw_transport::{
    Capabilities, CloseReason, Frame, Inlet, Kind, Outbox, Outlet, Peer, PushError, Refusal,
    Server, StartError, Transport, Waiting,
    http::{Request, Response, is_under, not_found, refused},
    turn,
};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep_until},
};

use crate::harness::{Client, Connect, Harness, Received, Refused, Stage};

/// So many calls of clients may wait; more make the clients wait.
const CALLS: usize = 1_024;
/// So many are worked off in one turn.
const BATCH: usize = 64;
/// So many frames are under way to a client that does not take them.
const PIPE: usize = 32;

/// The in-memory engine.
#[derive(Debug)]
pub struct Memory {
    capabilities: Capabilities,
    library: Mutex<Option<Arc<Library>>>,
}

/// What the engine keeps while it runs.
#[derive(Debug)]
struct Library {
    server: Server,
    calls: mpsc::Sender<Call>,
    ends: mpsc::UnboundedSender<End>,
    next: AtomicU64,
}

/// What a client does.
#[derive(Debug)]
enum Call {
    Open(Inlet, Arc<Line>),
    Message(u64, Frame),
    Alive(u64),
    Goodbye(u64, u16),
}

/// How a connection comes to its end. Only a few of them are ever sent for each.
#[derive(Debug)]
enum End {
    /// The server closes: the client has until the deadline.
    Closing(u64),
    /// The server has cut it, or the client is no longer there.
    Gone(u64),
    /// The engine stops.
    Stop,
}

impl Memory {
    /// The engine's name.
    pub const NAME: &'static str = "memory";

    /// An engine that does only what `capabilities` tell.
    #[must_use]
    pub fn new(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            library: Mutex::default(),
        }
    }
}

#[async_trait]
impl Transport for Memory {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn path(&self) -> Option<&str> {
        self.capabilities.headers.then_some("/memory")
    }

    async fn start(&self, server: &Server) -> Result<Vec<SocketAddr>, StartError> {
        // What the codec makes of any value tells its kind.
        let sample = server.parser().encode("");
        if !self.capabilities.binary && sample.is_ok_and(|frame| frame.kind() == Kind::Binary) {
            return Err(StartError::new(
                Self::NAME,
                "the parser makes binary payloads, which this engine cannot carry",
            ));
        }
        let (calls, called) = mpsc::channel(CALLS);
        let (ends, ended) = mpsc::unbounded_channel();
        tokio::spawn(call_back(called, ended, server.config().close_timeout()));
        *self.library.lock() = Some(Arc::new(Library {
            server: server.clone(),
            calls,
            ends,
            next: AtomicU64::new(0),
        }));
        Ok(Vec::new())
    }

    async fn serve(&self, _: &Server, _: &str, _: Request) -> Response {
        not_found()
    }

    async fn stop(&self) {
        if let Some(library) = self.library.lock().take() {
            library.ends.send(End::Stop).ok();
        }
    }
}

/// The library's one thread: does what clients and outlets ask for, in order.
async fn call_back(
    mut called: mpsc::Receiver<Call>,
    mut ended: mpsc::UnboundedReceiver<End>,
    close_timeout: Duration,
) {
    let mut open = Connections::default();
    // All have the same timeout, so the first to close is the first to be cut.
    let mut deadlines: VecDeque<(Instant, u64)> = VecDeque::new();
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let next = deadlines.front().map(|(at, _)| *at);
        let late = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            end = ended.recv() => match end {
                Some(End::Closing(id)) => deadlines.push_back((Instant::now() + close_timeout, id)),
                Some(End::Gone(id)) => open.end(id, CloseReason::Gone),
                Some(End::Stop) | None => return,
            },
            () = late => {
                if let Some((_, id)) = deadlines.pop_front() {
                    open.end(id, CloseReason::Gone);
                }
            }
            _ = called.recv_many(&mut batch, BATCH) => {
                let _turn = turn();
                for call in batch.drain(..) {
                    open.call(call);
                }
            }
        }
    }
}

#[derive(Default)]
struct Connections(HashMap<u64, (Inlet, Arc<Line>)>);

impl Connections {
    fn call(&mut self, call: Call) {
        match call {
            Call::Open(inlet, line) => {
                // It may have been cut before anyone knew of it here; dropping the inlet tells.
                if !line.state.lock().cut {
                    self.0.insert(line.id, (inlet, line));
                }
            }
            Call::Message(id, frame) => {
                if let Some((inlet, _)) = self.0.get_mut(&id) {
                    inlet.receive(frame.as_message());
                }
            }
            Call::Alive(id) => {
                if let Some((inlet, _)) = self.0.get(&id) {
                    inlet.alive();
                }
            }
            Call::Goodbye(id, code) => self.end(id, CloseReason::Client { code }),
        }
    }

    fn end(&mut self, id: u64, reason: CloseReason) {
        if let Some((inlet, line)) = self.0.remove(&id) {
            line.cut();
            inlet.close(reason);
        }
    }
}

/// What a spark and its client share.
#[derive(Debug)]
struct Line {
    id: u64,
    capabilities: Capabilities,
    library: Arc<Library>,
    state: Mutex<State>,
    readable: Notify,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    /// What has left the server and not yet reached the client.
    pipe: VecDeque<Frame>,
    ping: bool,
    /// To be closed with this code when nothing is under way any more.
    closing: Option<u16>,
    /// Nothing arrives any more.
    cut: bool,
}

impl State {
    /// Moves on what the pipe has room for.
    fn flow(&mut self) {
        while self.pipe.len() < PIPE
            && let Some(frame) = self.outbox.pop()
        {
            self.pipe.push_back(frame);
        }
    }
}

impl Line {
    fn cut(&self) {
        let mut state = self.state.lock();
        state.outbox.clear();
        state.pipe.clear();
        state.cut = true;
        drop(state);
        self.readable.notify_one();
    }

    fn end(&self, end: End) {
        // When nobody hears it the engine has stopped, and all inlets are gone.
        self.library.ends.send(end).ok();
    }
}

struct MemoryOutlet(Arc<Line>);

impl Outlet for MemoryOutlet {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        if frame.kind() == Kind::Binary && !self.0.capabilities.binary {
            tracing::warn!("a binary payload was left out");
            return Ok(());
        }
        self.0.state.lock().outbox.push(frame)
    }

    fn flush(&self) {
        self.0.state.lock().flow();
        self.0.readable.notify_one();
    }

    fn waiting(&self) -> Waiting {
        self.0.state.lock().outbox.waiting()
    }

    fn ping(&self) {
        self.0.state.lock().ping = self.0.capabilities.ping;
    }

    fn close(&self, reason: &CloseReason) {
        let mut state = self.0.state.lock();
        state.outbox.close();
        if matches!(reason, CloseReason::SlowConsumer) {
            state.outbox.clear();
        }
        state.closing = Some(reason.code());
        drop(state);
        self.0.end(End::Closing(self.0.id));
    }

    fn abort(&self) {
        self.0.cut();
        self.0.end(End::Gone(self.0.id));
    }
}

/// The suite's way to [`Memory`].
#[derive(Clone, Copy, Debug)]
pub struct MemoryHarness {
    /// What the engine can do. Default: everything.
    pub capabilities: Capabilities,
}

impl Default for MemoryHarness {
    fn default() -> Self {
        Self {
            capabilities: Capabilities::FULL,
        }
    }
}

impl Harness for MemoryHarness {
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn Stage>) {
        let engine = Arc::new(Memory::new(self.capabilities));
        (engine.clone(), Box::new(MemoryStage(engine)))
    }
}

struct MemoryStage(Arc<Memory>);

impl MemoryStage {
    /// The request of a client, as far as this engine has such a thing.
    fn request(&self, server: &Server, connect: &Connect) -> Result<http::Request<()>, Refused> {
        let capabilities = self.0.capabilities;
        let pathname = server.config().pathname.as_str();
        let mut uri = connect.path.as_deref().unwrap_or(pathname).to_owned();
        let mut request = http::Request::builder();
        if capabilities.headers {
            let mut paths = self.0.path().into_iter().chain([pathname]);
            if !paths.any(|path| is_under(&uri, path)) {
                return Err(Refused {
                    status: Some(404),
                    ..Refused::default()
                });
            }
            for (name, value) in &connect.headers {
                request = request.header(name, value);
            }
        }
        if capabilities.query && !connect.query.is_empty() {
            uri = format!("{uri}?{}", connect.query);
        }
        let request = request.uri(uri).body(());
        Ok(request.unwrap_or_else(|error| panic!("no such request can be: {error}")))
    }

    async fn open(
        &self,
        library: Arc<Library>,
        connect: Connect,
    ) -> Result<MemoryClient, Rejected> {
        let server = &library.server;
        let id = library.next.fetch_add(1, Ordering::Relaxed);
        // From the block for documentation: no real client has it.
        let port = 1_024 + u16::try_from(id % 60_000).unwrap_or_default();
        let address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), port));
        let (mut parts, ()) = self.request(server, &connect)?.into_parts();
        parts.extensions.insert(Peer(address));
        let admission = server.admit(Memory::NAME, &mut parts).await?;

        let line = Arc::new(Line {
            id,
            capabilities: self.0.capabilities,
            library: library.clone(),
            state: Mutex::new(State {
                outbox: Outbox::new(server.outbox_limits()),
                pipe: VecDeque::new(),
                ping: false,
                closing: None,
                cut: false,
            }),
            readable: Notify::new(),
        });
        let inlet = server.open(admission, MemoryOutlet(line.clone()));
        let client = MemoryClient {
            line: Some(line.clone()),
            answer: true,
            address,
        };
        // The engine has stopped when nobody takes it; then the inlet is dropped and tells.
        library.calls.send(Call::Open(inlet, line)).await.ok();
        Ok(client)
    }
}

/// Why a client was not let in.
enum Rejected {
    Refused(Refused),
    Refusal(Refusal),
}

impl From<Refused> for Rejected {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Refusal> for Rejected {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

/// Reads the answer that an engine over HTTP gives.
async fn read(response: Response) -> Refused {
    let (parts, body) = response.into_parts();
    let bytes = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |name| {
        let value = parts.headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    Refused {
        status: Some(parts.status.as_u16()),
        message: json["error"].as_str().map(str::to_owned),
        www_authenticate: text(header::WWW_AUTHENTICATE),
        connection_close: Some(text(header::CONNECTION).as_deref() == Some("close")),
    }
}

#[async_trait]
impl Stage for MemoryStage {
    async fn serve(&mut self, _: &Server, _: &[SocketAddr]) {}

    async fn connect(&self, connect: Connect) -> Result<Box<dyn Client>, Refused> {
        let library = self.0.library.lock().clone();
        let Some(library) = library else {
            return Err(Refused::default());
        };
        match self.open(library, connect).await {
            Ok(client) => Ok(Box::new(client)),
            Err(Rejected::Refused(refused)) => Err(refused),
            Err(Rejected::Refusal(refusal)) if self.0.capabilities.refusal => {
                Err(read(refused(&refusal, true)).await)
            }
            Err(Rejected::Refusal(_)) => Ok(Box::new(MemoryClient {
                line: None,
                answer: true,
                address: SocketAddr::from(([0, 0, 0, 0], 0)),
            })),
        }
    }
}

struct MemoryClient {
    /// None when it was not let in and is to find out by itself.
    line: Option<Arc<Line>>,
    answer: bool,
    address: SocketAddr,
}

impl MemoryClient {
    async fn call(&self, call: impl FnOnce(u64) -> Call) -> io::Result<()> {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        let line = self.line.as_ref().ok_or_else(closed)?;
        if line.state.lock().cut {
            return Err(closed());
        }
        let sent = line.library.calls.send(call(line.id)).await;
        sent.map_err(|_| closed())
    }
}

#[async_trait]
impl Client for MemoryClient {
    async fn send(&mut self, payload: Frame) -> io::Result<()> {
        self.call(|id| Call::Message(id, payload)).await
    }

    async fn next(&mut self) -> Received {
        let Some(line) = self.line.clone() else {
            return Received::Closed(None);
        };
        loop {
            let pinged = {
                let mut state = line.state.lock();
                if let Some(frame) = state.pipe.pop_front() {
                    state.flow();
                    return Received::Payload(frame);
                }
                state.flow();
                if !state.pipe.is_empty() {
                    continue;
                }
                if state.cut {
                    return Received::Closed(None);
                }
                if let Some(code) = state.closing {
                    state.cut = true;
                    line.end(End::Gone(line.id));
                    return Received::Closed(line.capabilities.close_codes.then_some(code));
                }
                std::mem::take(&mut state.ping) && self.answer
            };
            if pinged {
                self.call(Call::Alive).await.ok();
            } else {
                line.readable.notified().await;
            }
        }
    }

    fn answer_pings(&mut self, answer: bool) {
        self.answer = answer;
    }

    async fn goodbye(self: Box<Self>, code: u16) {
        let Some(line) = &self.line else { return };
        let code = if line.capabilities.close_codes {
            code
        } else {
            1005
        };
        self.call(|id| Call::Goodbye(id, code)).await.ok();
        while !line.state.lock().cut {
            line.readable.notified().await;
        }
    }

    async fn vanish(self: Box<Self>) {}

    async fn send_half(&mut self, _: Frame) -> bool {
        false
    }

    async fn send_garbage(&mut self, _: &[u8]) -> bool {
        false
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(self.address)
    }
}

impl Drop for MemoryClient {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            // First this, for the case that its opening has not been worked off yet.
            line.cut();
            line.end(End::Gone(line.id));
        }
    }
}
