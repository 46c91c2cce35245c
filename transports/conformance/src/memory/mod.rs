//! An engine without a network, to try the trait and the suite against something that is very
//! different from a socket.
//!
//! It is built like an engine over a library that calls back: all that clients do arrives as calls
//! on one queue, worked off by one task for all connections, as a C++ library would do on its one
//! thread. Sparks have no task of their own, nothing is polled, reading cannot be stopped (a busy
//! handler's inbox overflows, with 1013), and a write is putting something where the client finds
//! it.

mod harness;

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use stellarfw_transport::{
    Account, Capabilities, CloseReason, Frame, Held, Inlet, Kind, Outbox, Outlet, PushError,
    Server, StartError, Transport, Waiting,
    http::{Request, Response, not_found},
    turn,
};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep_until},
};

pub use self::harness::MemoryHarness;

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
        self.note();
    }

    /// Notes what waits in the spark's account. What is in the pipe has left the server.
    fn note(&mut self) {
        self.outbox.settle(Held::default());
    }
}

impl Line {
    fn cut(&self) {
        let mut state = self.state.lock();
        state.outbox.clear();
        state.note();
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

    fn account(&self, account: Account) {
        self.0.state.lock().outbox.set_account(account);
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
        if reason.drops_waiting() {
            state.outbox.clear();
            state.note();
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
