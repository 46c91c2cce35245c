//! A session: what the library's callbacks, the requests and the WebSocket of one client share.

mod end;

use std::{
    any::Any,
    collections::HashMap,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake},
    time::Duration,
};

use engineioxide::socket::Sid;
use futures_util::task::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};
use stellarfw_transport::{Budget, CloseReason, Message, Server, SessionOwner, Spark};
use tokio::{runtime::Handle, sync::Notify};

pub use self::end::protocol;
use crate::wrapped::{
    entry::Entry,
    first_ping::FirstPing,
    inlet::InletCell,
    library::{Library, Sink},
    outlet::{Line, Out, Phase},
    request::Ask,
    seats::Seats,
};

/// The sessions of a front, by the ids that their clients know. The library keeps them.
pub(crate) struct Sessions {
    by_id: Mutex<HashMap<Sid, Weak<Session>>>,
    /// The longest payload of the polling transport in bytes.
    payload: usize,
    /// How often the library pings.
    ping_interval: Duration,
}

impl Sessions {
    pub(crate) fn new(payload: usize, ping_interval: Duration) -> Self {
        Self {
            by_id: Mutex::default(),
            payload,
            ping_interval,
        }
    }

    pub(crate) fn get(&self, sid: Sid) -> Option<Arc<Session>> {
        self.by_id.lock().get(&sid)?.upgrade()
    }
}

/// One client's session, from its first request to its end.
pub struct Session {
    this: Weak<Self>,
    out: Mutex<Out>,
    inlet: InletCell,
    /// Its connections, where it may have several.
    pub(crate) seats: OnceLock<Arc<Seats>>,
    /// What it is opened with.
    pub(crate) entry: Mutex<Option<Entry>>,
    /// Whose requests are answered.
    pub(crate) owner: SessionOwner,
    /// What an engine keeps for it.
    attachment: OnceLock<Arc<dyn Any + Send + Sync>>,
    /// Its first request.
    ask: Ask,
    pub(crate) first_ping: FirstPing,
    /// The id that its client knows, and by which it may use the session. The library's own is no
    /// secret: Socket.IO's connections are called by it.
    id: Sid,
    /// The library's own id of it.
    sid: OnceLock<Sid>,
    sessions: Weak<Sessions>,
    library: Weak<dyn Library>,
    /// Why it ends, where the library does not know.
    end: OnceLock<CloseReason>,
    /// Wakes the task of its WebSocket.
    pub(crate) task: AtomicWaker,
    /// The library has something to say to that task.
    pub(crate) called: AtomicBool,
    /// Wakes its poll.
    pub(crate) poll: AtomicWaker,
    polling: AtomicBool,
    posting: AtomicBool,
    /// So many bytes were given to the library by POSTs since a poll last heard all that it has to say.
    unheard: AtomicUsize,
    /// Such a poll has come.
    heard: Notify,
    /// An answer of so many bytes at most leaves nothing behind that is short.
    pub(crate) short_answer: usize,
    /// Its WebSocket is no more.
    gone: AtomicBool,
    /// The library has closed it.
    over: Notify,
    /// Nothing of it is left that could take its time.
    done: Notify,
    close_timeout: Duration,
    budget: Budget,
    pub(crate) runtime: Handle,
}

impl Session {
    pub(crate) fn new(
        sessions: &Arc<Sessions>,
        library: Weak<dyn Library>,
        server: &Server,
        ask: Ask,
        (entry, owner): (Entry, SessionOwner),
    ) -> Arc<Self> {
        let line = match ask.socket {
            true => Line::WebSocket,
            false => Line::Polling,
        };
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            out: Mutex::new(Out::new(line, server.outbox_limits(), sessions.payload)),
            close_timeout: server.config().close_timeout(),
            budget: server.budget().clone(),
            inlet: InletCell::default(),
            seats: OnceLock::new(),
            entry: Mutex::new(Some(entry)),
            owner,
            attachment: OnceLock::new(),
            first_ping: FirstPing::new(ask.protocol, sessions.ping_interval),
            ask,
            id: Sid::new(),
            sid: OnceLock::new(),
            sessions: Arc::downgrade(sessions),
            library,
            end: OnceLock::new(),
            task: AtomicWaker::new(),
            called: AtomicBool::new(false),
            poll: AtomicWaker::new(),
            polling: AtomicBool::new(false),
            posting: AtomicBool::new(false),
            unheard: AtomicUsize::new(0),
            heard: Notify::new(),
            short_answer: sessions.payload / 4 * 3,
            gone: AtomicBool::new(false),
            over: Notify::new(),
            done: Notify::new(),
            runtime: Handle::current(),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Out> {
        self.out.lock()
    }

    /// See [`Outlet::prefetch`](stellarfw_transport::Outlet::prefetch).
    pub(crate) fn fetch(&self) {
        std::hint::black_box(self.out.is_locked());
    }

    /// The library has opened it: makes the spark. `welcomed`: the library has sent the client a
    /// message about that.
    pub fn open(self: &Arc<Self>, sid: Sid, sink: Arc<dyn Sink>, welcomed: bool) {
        let Some((server, admission)) = self.admitted() else {
            sink.close(None);
            return;
        };
        {
            let mut out = self.lock();
            out.sink = Some(sink);
            if welcomed {
                out.expect();
            }
        }
        self.task.wake();
        self.register(sid);
        self.inlet.set(server.open(admission, self.clone()));
        self.opened();
    }

    /// A spark has been opened: should the WebSocket be gone already, it is to end.
    pub(crate) fn opened(self: &Arc<Self>) {
        if self.gone.load(Ordering::Acquire) {
            self.bound_end();
        }
    }

    /// The library has opened one of several connections on it.
    pub(crate) fn host(self: &Arc<Self>, sid: Sid, sink: impl FnOnce() -> Arc<dyn Sink>) {
        let mut out = self.lock();
        if out.phase != Phase::Over && out.sink.is_none() {
            out.sink = Some(sink());
        }
        // The client is told that it is in, first of all.
        out.expect();
        drop(out);
        self.task.wake();
        self.register(sid);
    }

    /// Notes the library's id of it, and lets requests find it by the client's.
    pub(crate) fn register(self: &Arc<Self>, sid: Sid) {
        if self.sid.set(sid).is_ok()
            && let Some(sessions) = self.sessions.upgrade()
        {
            sessions.by_id.lock().insert(self.id, Arc::downgrade(self));
        }
    }

    fn unregister(&self) {
        if let (Some(_), Some(sessions)) = (self.sid(), self.sessions.upgrade()) {
            sessions.by_id.lock().remove(&self.id);
        }
    }

    /// The id that its client knows.
    pub(crate) fn id(&self) -> Sid {
        self.id
    }

    /// The library's own id, once it has given one.
    pub fn sid(&self) -> Option<Sid> {
        self.sid.get().copied()
    }

    /// Attaches what an engine keeps for it, once.
    pub fn attach(&self, value: Arc<dyn Any + Send + Sync>) {
        self.attachment.set(value).ok();
    }

    /// What was attached, if it is a `T`.
    pub fn attachment<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.attachment.get()?.clone().downcast().ok()
    }

    /// Whether its client speaks protocol 3.
    pub fn is_v3(&self) -> bool {
        self.ask.protocol == 3
    }

    /// What messages that come over a WebSocket may be offered to.
    pub(crate) fn taker(&self) -> Option<Arc<dyn Sink>> {
        self.lock().sink.clone()
    }

    /// A message has come.
    pub fn receive(&self, message: Message<'_>) {
        self.inlet.receive(message);
    }

    /// A message has come; `None` is one that is longer than it may be, and ends the spark.
    pub fn receive_or_refuse(&self, message: Option<Message<'_>>) {
        self.inlet.receive_or_refuse(message);
    }

    /// The client has sent a ping or pong.
    pub(crate) fn signal(&self) {
        self.alive();
        self.inlet.signal();
    }

    pub(crate) fn alive(&self) {
        self.inlet.alive();
        if let Some(seats) = self.seats.get() {
            seats.each_inlet(InletCell::alive);
        }
    }

    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut ready = self.inlet.poll_ready(cx);
        if let Some(seats) = self.seats.get() {
            seats.each_inlet(|inlet| {
                if inlet.poll_ready(cx).is_pending() {
                    ready = Poll::Pending;
                }
            });
        }
        ready
    }

    /// Its spark, or those of the several connections on it.
    pub(crate) fn sparks(&self) -> Vec<Spark> {
        let several = self.seats.get().map(|seats| seats.sparks());
        let one = self.inlet.spark();
        one.into_iter()
            .chain(several.into_iter().flatten())
            .collect()
    }

    /// Its spark, or the first of those of the several connections on it.
    pub(crate) fn first_spark(&self) -> Option<Spark> {
        let several = || self.seats.get().and_then(|seats| seats.first_spark());
        self.inlet.spark().or_else(several)
    }

    /// The budget of the server.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Lets go on what can: sends frames, or has them sent by whom it must be.
    pub(crate) fn advance(&self) {
        let mut out = self.lock();
        if out.line != Line::WebSocket {
            out.note();
            drop(out);
            self.poll.wake();
            return;
        }
        let wanted = out.hand_over(None) || out.phase == Phase::Closing;
        out.note_sent();
        drop(out);
        if wanted {
            self.task.wake();
        }
    }

    /// The client has moved to its WebSocket.
    pub(crate) fn upgraded(&self) {
        let mut out = self.lock();
        if out.line == Line::Moving {
            out.line = Line::WebSocket;
            // What its last poll left behind goes first.
            out.expect();
            if let Some(wire) = &mut out.wire {
                wire.open = true;
            }
        }
    }

    /// Takes the place of the one poll there may be.
    pub(crate) fn begin_poll(self: &Arc<Self>) -> Option<Polling> {
        let free = !self.polling.swap(true, Ordering::AcqRel);
        free.then(|| Polling {
            session: self.clone(),
            answered: false,
        })
    }

    /// Whether a poll is under way.
    pub(crate) fn is_polled(&self) -> bool {
        self.polling.load(Ordering::Acquire)
    }

    /// Takes the place of the one POST there may be.
    pub(crate) fn begin_post(self: &Arc<Self>) -> Option<Posting> {
        let free = !self.posting.swap(true, Ordering::AcqRel);
        free.then(|| Posting(self.clone()))
    }

    /// A poll has heard all that the library has to say.
    pub(crate) fn heard(&self) {
        if self.unheard.swap(0, Ordering::AcqRel) > 0 {
            self.heard.notify_one();
        }
    }

    /// Notes that the library is given so many bytes, once no more than `most` are unheard: what it
    /// answers it keeps until a poll comes, and that may be as long. Whether a poll came in time, if it
    /// had to. For one POST at a time.
    pub(crate) async fn wait_heard(&self, len: usize, most: usize, timeout: Duration) -> bool {
        let is_heard = || self.unheard.load(Ordering::Acquire) <= most;
        if !is_heard() {
            // One that waits has heard all.
            self.poll.wake();
            let wait = async {
                while !is_heard() {
                    self.heard.notified().await;
                }
            };
            if tokio::time::timeout(timeout, wait).await.is_err() {
                return false;
            }
        }
        self.unheard.fetch_add(len, Ordering::AcqRel);
        true
    }

    pub(crate) fn close_timeout(&self) -> Duration {
        self.close_timeout
    }
}

/// How the library calls the task of its WebSocket, apart from all else that wakes it.
impl Wake for Session {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.called.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.unregister();
    }
}

/// A poll under way. Dropped without an answer, it says that the client has left.
pub(crate) struct Polling {
    pub(crate) session: Arc<Session>,
    pub(crate) answered: bool,
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.session.polling.store(false, Ordering::Release);
        self.session.task.wake();
        let out = self.session.lock();
        let is_last = out.hangs_up() && out.line != Line::WebSocket;
        drop(out);
        if is_last {
            self.session.hang_up();
        }
        if !self.answered {
            self.session.left(CloseReason::Gone);
            self.session.cut();
        }
    }
}

/// A POST under way.
pub(crate) struct Posting(Arc<Session>);

impl Drop for Posting {
    fn drop(&mut self) {
        self.0.posting.store(false, Ordering::Release);
    }
}
