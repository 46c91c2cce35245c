//! An in-memory engine, which tests the trait and the suite without sockets.
//!
//! It models an engine on a callback library: clients send commands to one queue, and one task
//! processes them for all connections, as a single-threaded C++ library would. Sparks have no task
//! and nothing is polled. Reading cannot be paused, so a busy handler's inbox overflows (1013). A
//! write appends to a buffer that the client reads.

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

/// Capacity of the command queue; clients wait when it is full.
const COMMANDS: usize = 1_024;
/// Maximum number of commands per write batch.
const BATCH: usize = 64;
/// Capacity of the buffer between server and client, in frames.
const PIPE: usize = 32;

/// The in-memory engine.
#[derive(Debug)]
pub struct Memory {
    capabilities: Capabilities,
    library: Mutex<Option<Arc<Library>>>,
}

/// State of a started engine.
#[derive(Debug)]
struct Library {
    server: Server,
    commands: mpsc::Sender<Command>,
    ends: mpsc::UnboundedSender<End>,
    next: AtomicU64,
}

/// An action of a client.
#[derive(Debug)]
enum Command {
    Open(Inlet, Arc<Connection>),
    Message(u64, Frame),
    Alive(u64),
    Close(u64, u16),
}

/// The end of a connection. The queue needs no bound: each connection sends a few of them.
#[derive(Debug)]
enum End {
    /// The server closes; the client must close by the deadline.
    Closing(u64),
    /// The server aborted the connection, or the client disconnected.
    Gone(u64),
    /// The engine stops.
    Stop,
}

impl Memory {
    /// The engine's name.
    pub const NAME: &'static str = "memory";

    /// Creates an engine with these capabilities.
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
        // A codec encodes every value to the same kind of frame.
        let sample = server.parser().encode("");
        if !self.capabilities.binary && sample.is_ok_and(|frame| frame.kind() == Kind::Binary) {
            return Err(StartError::new(
                Self::NAME,
                "the parser makes binary payloads, which this engine cannot carry",
            ));
        }
        let (commands, received) = mpsc::channel(COMMANDS);
        let (ends, ended) = mpsc::unbounded_channel();
        tokio::spawn(run(received, ended, server.config().close_timeout()));
        *self.library.lock() = Some(Arc::new(Library {
            server: server.clone(),
            commands,
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

/// Processes the commands of clients and the ends of connections, in order.
async fn run(
    mut commands: mpsc::Receiver<Command>,
    mut ended: mpsc::UnboundedReceiver<End>,
    close_timeout: Duration,
) {
    let mut open = Connections::default();
    // The timeout is the same for all connections, so the deadlines are in order.
    let mut deadlines: VecDeque<(Instant, u64)> = VecDeque::new();
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let next = deadlines.front().map(|(at, _)| *at);
        let deadline = async {
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
            () = deadline => {
                if let Some((_, id)) = deadlines.pop_front() {
                    open.end(id, CloseReason::Gone);
                }
            }
            _ = commands.recv_many(&mut batch, BATCH) => {
                let _turn = turn();
                for command in batch.drain(..) {
                    open.process(command);
                }
            }
        }
    }
}

#[derive(Default)]
struct Connections(HashMap<u64, (Inlet, Arc<Connection>)>);

impl Connections {
    fn process(&mut self, command: Command) {
        match command {
            Command::Open(inlet, connection) => {
                // An aborted connection is not added: dropping the inlet reports its end.
                if !connection.state.lock().aborted {
                    self.0.insert(connection.id, (inlet, connection));
                }
            }
            Command::Message(id, frame) => {
                if let Some((inlet, _)) = self.0.get_mut(&id) {
                    inlet.receive(frame.as_message());
                }
            }
            Command::Alive(id) => {
                if let Some((inlet, _)) = self.0.get(&id) {
                    inlet.alive();
                }
            }
            Command::Close(id, code) => self.end(id, CloseReason::Client { code }),
        }
    }

    fn end(&mut self, id: u64, reason: CloseReason) {
        if let Some((inlet, connection)) = self.0.remove(&id) {
            connection.abort();
            inlet.close(reason);
        }
    }
}

/// The state that a spark and its client share.
#[derive(Debug)]
struct Connection {
    id: u64,
    capabilities: Capabilities,
    library: Arc<Library>,
    state: Mutex<State>,
    readable: Notify,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    /// Frames that the server has sent and the client has not read.
    pipe: VecDeque<Frame>,
    ping: bool,
    /// The code to close with once the pipe is empty.
    closing: Option<u16>,
    /// The connection is aborted: the client receives nothing more.
    aborted: bool,
}

impl State {
    /// Moves frames from the outbox to the pipe while the pipe has space.
    fn fill_pipe(&mut self) {
        while self.pipe.len() < PIPE
            && let Some(frame) = self.outbox.pop()
        {
            self.pipe.push_back(frame);
        }
        self.update_account();
    }

    /// Reports the queued bytes to the spark's account. Frames in the pipe count as sent.
    fn update_account(&mut self) {
        self.outbox.settle(Held::default());
    }
}

impl Connection {
    fn abort(&self) {
        let mut state = self.state.lock();
        state.outbox.clear();
        state.update_account();
        state.pipe.clear();
        state.aborted = true;
        drop(state);
        self.readable.notify_one();
    }

    fn end(&self, end: End) {
        // Fails only after the engine has stopped, when every inlet is dropped.
        self.library.ends.send(end).ok();
    }
}

struct MemoryOutlet(Arc<Connection>);

impl Outlet for MemoryOutlet {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        if frame.kind() == Kind::Binary && !self.0.capabilities.binary {
            tracing::warn!("dropped a binary payload: the engine carries text only");
            return Ok(());
        }
        self.0.state.lock().outbox.push(frame)
    }

    fn flush(&self) {
        self.0.state.lock().fill_pipe();
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
            state.update_account();
        }
        state.closing = Some(reason.code());
        drop(state);
        self.0.end(End::Closing(self.0.id));
    }

    fn abort(&self) {
        self.0.abort();
        self.0.end(End::Gone(self.0.id));
    }
}
