//! Several connections on one session, each with a spark of its own: what namespaces are to
//! Socket.IO. They share the transport, so they share its outbox, its signs of life and its end;
//! each may be let in, and may leave, by itself.

use std::{
    any::Any,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use engineioxide::socket::Sid;
use http::request::Parts;
use parking_lot::Mutex;
use stellarfw_transport::{
    Account, Admission, CloseReason, Frame, Message, Outlet, PushError, Refusal, Server, Spark,
    Waiting,
};

use crate::wrapped::{
    inlet::InletCell,
    library::{Attached, Put, Sent, Sink},
    outlet::Phase,
    session::Session,
};

/// So often one session may be refused before it is hung up.
const MOST_REFUSALS: usize = 16;

/// The way out of one connection among several on a session.
pub trait SeatSink: Send + Sync + 'static {
    /// Queues a frame in the library, which has room for it.
    fn emit(&self, frame: &Frame) -> Sent;

    /// Puts a frame behind others; see [`Sink::put`].
    fn put(&self, frame: &Frame, out: &mut Vec<u8>) -> Put;

    /// A message has come for one of the session's connections; see [`Sink::take`]. Whether it was for
    /// this one.
    fn take(&self, message: Message<'_>, attached: &Attached) -> bool;

    /// Has the library tell the client that this one is over. Whether it took that.
    fn leave(&self) -> bool;
}

/// The connections of a session.
#[derive(Default)]
pub(crate) struct Seats(Mutex<Table>);

#[derive(Default)]
struct Table {
    seats: Vec<Arc<Seat>>,
    /// So many are asking to be let in.
    asking: usize,
    refused: usize,
    /// So often there was none any more.
    absences: usize,
}

impl Seats {
    /// All of them; the lock must not be held while they are called.
    fn all(&self) -> Vec<Arc<Seat>> {
        self.0.lock().seats.clone()
    }

    /// Calls a function for each way in.
    pub(crate) fn each_inlet(&self, mut f: impl FnMut(&InletCell)) {
        for seat in &self.0.lock().seats {
            f(&seat.inlet);
        }
    }

    pub(crate) fn sparks(&self) -> Vec<Spark> {
        let seats = self.0.lock();
        seats.seats.iter().filter_map(|s| s.inlet.spark()).collect()
    }

    pub(crate) fn first_spark(&self) -> Option<Spark> {
        let seats = self.0.lock();
        seats.seats.iter().find_map(|seat| seat.inlet.spark())
    }

    /// Whether there is none, and none is asked for.
    fn is_empty(&self) -> bool {
        let table = self.0.lock();
        table.seats.is_empty() && table.asking == 0
    }

    /// Reports to all of them that the session is over.
    pub(crate) fn close(&self, reason: &CloseReason) {
        let seats = std::mem::take(&mut self.0.lock().seats);
        for seat in seats {
            seat.over(reason.clone());
        }
    }
}

/// One that asks to be let in: counted until that is decided.
struct Asking(Arc<Seats>);

impl Asking {
    fn begin(seats: &Arc<Seats>) -> Self {
        seats.0.lock().asking += 1;
        Self(seats.clone())
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.0.lock().asking -= 1;
    }
}

/// One connection among several on a session.
pub struct Seat {
    session: Weak<Session>,
    /// Which it is on its session.
    key: Arc<str>,
    inlet: InletCell,
    /// What it is opened with.
    admitted: Mutex<Option<(Server, Admission)>>,
    /// What an engine keeps for it.
    attachment: Arc<dyn Any + Send + Sync>,
    /// None before it is open, and when it is over.
    sink: Mutex<Option<Arc<dyn SeatSink>>>,
    /// The server has ended it.
    ended: AtomicBool,
}

impl Session {
    /// Decides whether the client may have one more connection on this session, under a key that
    /// none of the others has. `change` may add what the client says of itself. Not cancel safe.
    ///
    /// # Errors
    /// The refusal that the client is to be told.
    pub async fn admit_seat(
        self: &Arc<Self>,
        name: &'static str,
        key: &Arc<str>,
        attachment: Arc<dyn Any + Send + Sync>,
        change: impl FnOnce(&mut Parts),
    ) -> Result<Arc<Seat>, Refusal> {
        let over = || Refusal::new("The session is over");
        let seats = self.seats.get_or_init(Arc::default).clone();
        let _asking = Asking::begin(&seats);
        let (server, mut parts) = self.asked().ok_or_else(over)?;
        change(&mut parts);
        let admission = match self.admit_one(name, &server, &mut parts).await {
            Ok(admission) => admission,
            Err(refusal) => {
                let mut table = seats.0.lock();
                table.refused += 1;
                let often = table.refused > MOST_REFUSALS;
                drop(table);
                if often {
                    self.hang_up();
                }
                return Err(refusal);
            }
        };
        if self.lock().phase != Phase::Open {
            return Err(over());
        }
        self.settled(name);
        let seat = Arc::new(Seat {
            session: Arc::downgrade(self),
            key: key.clone(),
            inlet: InletCell::default(),
            admitted: Mutex::new(Some((server, admission))),
            attachment,
            sink: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let mut table = seats.0.lock();
        // One that was let in and of which the library then said no more.
        table.seats.retain(|other| other.key != *key);
        table.seats.push(seat.clone());
        drop(table);
        Ok(seat)
    }

    /// The connection of this key.
    pub fn seat(&self, key: &str) -> Option<Arc<Seat>> {
        let table = self.seats.get()?.0.lock();
        table.seats.iter().find(|seat| *seat.key == *key).cloned()
    }

    /// Whether there is a connection among several, or one is asked for.
    pub fn has_seats(&self) -> bool {
        self.seats.get().is_some_and(|seats| !seats.is_empty())
    }

    /// Sees to it that a client that has left them all asks for another in time, or leaves the
    /// transport, too.
    fn bound_absence(self: &Arc<Self>, timeout: Duration, reason: CloseReason) {
        let Some(seats) = self.seats.get() else {
            return;
        };
        let absence = {
            let mut table = seats.0.lock();
            table.absences += 1;
            table.absences
        };
        let session = Arc::downgrade(self);
        self.runtime.spawn(async move {
            tokio::time::sleep(timeout).await;
            let Some(session) = session.upgrade() else {
                return;
            };
            let seats = session.seats.get();
            let is_same = seats.is_some_and(|seats| seats.0.lock().absences == absence);
            if is_same && !session.has_seats() {
                session.closed(reason);
                session.hang_up();
            }
        });
    }

    /// Whether another one than this is there to stay.
    fn has_others(&self, seat: &Seat) -> bool {
        let stays = |other: &Arc<Seat>| {
            !std::ptr::eq(&**other, seat) && !other.ended.load(Ordering::Acquire)
        };
        let seats = self.seats.get().map(|seats| seats.0.lock());
        seats.is_some_and(|table| table.asking > 0 || table.seats.iter().any(stays))
    }
}

impl Seat {
    /// What the engine keeps for it, if it is a `T`.
    pub fn attachment<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.attachment.clone().downcast().ok()
    }

    /// The library has opened it: makes the spark.
    pub fn open(self: &Arc<Self>, sid: Sid, sink: Arc<dyn SeatSink>) {
        let admitted = self.admitted.lock().take();
        let (Some(session), Some((server, admission))) = (self.session.upgrade(), admitted) else {
            return;
        };
        *self.sink.lock() = Some(sink);
        session.host(sid, || Arc::new(Host(Arc::downgrade(&session))));
        let outlet = SeatOutlet {
            session: session.clone(),
            seat: self.clone(),
        };
        self.inlet.set(server.open(admission, Arc::new(outlet)));
        session.opened();
    }

    /// A message has come.
    pub fn receive(&self, message: Message<'_>) {
        self.inlet.receive(message);
    }

    /// A message has come; `None` is one that is longer than it may be, and ends the spark.
    pub fn receive_or_refuse(&self, message: Option<Message<'_>>) {
        self.inlet.receive_or_refuse(message);
    }

    /// The library has closed it. `left`: the client has left this one, not its transport.
    pub fn closed(&self, reason: CloseReason, left: bool) {
        let Some(session) = self.session.upgrade() else {
            self.over(reason);
            return;
        };
        if let Some(seats) = session.seats.get() {
            let mut table = seats.0.lock();
            table.seats.retain(|seat| !std::ptr::eq(&**seat, self));
        }
        let reason = session.reason(reason);
        self.over(reason.clone());
        if session.has_seats() {
            // What waits is another's from now on.
            if let Some(spark) = session.first_spark() {
                session.lock().set_account(spark.account());
            }
            return;
        }
        if left && let Some(timeout) = session.unsettled() {
            session.bound_absence(timeout, reason);
            return;
        }
        session.closed(reason);
        // Who has left them all has no business on the transport any more.
        if left {
            session.hang_up();
        }
    }

    fn over(&self, reason: CloseReason) {
        self.ended.store(true, Ordering::Release);
        // It holds the library's socket, which holds the session.
        let sink = self.sink.lock().take();
        drop(sink);
        let admitted = self.admitted.lock().take();
        drop(admitted);
        self.inlet.close(reason);
    }

    fn sink(&self) -> Option<Arc<dyn SeatSink>> {
        self.sink.lock().clone()
    }
}

/// What goes out next.
pub(crate) enum Turn {
    /// A frame of this one.
    Frame(Arc<Seat>),
    /// The goodbye of this one.
    Leave(Arc<Seat>),
}

impl Turn {
    /// Puts it behind others, if the library need not see it. The session is locked meanwhile.
    pub(crate) fn put(&self, frame: &Frame, out: &mut Vec<u8>) -> Put {
        match self {
            // One that is over says nothing any more.
            Self::Frame(seat) => seat.sink().map_or(Put::Here, |sink| sink.put(frame, out)),
            Self::Leave(_) => Put::Not,
        }
    }

    /// Hands the library what it is. The session is locked meanwhile.
    pub(crate) fn emit(&self, frame: &Frame) -> Sent {
        match self {
            Self::Frame(seat) => seat.sink().map_or_else(Sent::default, |s| s.emit(frame)),
            Self::Leave(seat) => {
                let (Some(session), Some(_)) = (seat.session.upgrade(), seat.sink()) else {
                    return Sent::default();
                };
                let seat = seat.clone();
                // The library calls us back, and that takes the lock.
                session.runtime.clone().spawn(async move {
                    // It may have been told so with all others by now.
                    let Some(sink) = seat.sink() else {
                        return;
                    };
                    if !sink.leave() {
                        session.cut();
                    } else if !session.has_seats() {
                        session.last_word(|| ());
                    }
                });
                Sent {
                    messages: 1,
                    least: 0,
                }
            }
        }
    }
}

/// The session's own way out: its frames are all of one seat or another.
struct Host(Weak<Session>);

impl Sink for Host {
    fn emit(&self, _: &Frame) -> Sent {
        Sent::default()
    }

    fn put(&self, _: &Frame, _: &mut Vec<u8>) -> Put {
        Put::Not
    }

    fn take(&self, message: Message<'_>, attached: &Attached) -> bool {
        let session = self.0.upgrade();
        let seats = session.as_ref().and_then(|session| session.seats.get());
        let seats = seats.map(|seats| seats.all()).unwrap_or_default();
        let mut sinks = seats.iter().filter_map(|seat| seat.sink());
        sinks.any(|sink| sink.take(message, attached))
    }

    fn close(&self, reason: Option<&CloseReason>) {
        let Some(session) = self.0.upgrade() else {
            return;
        };
        // A client that is told so does not come again by itself.
        if reason.is_none_or(CloseReason::reconnect) {
            session.hang_up();
            return;
        }
        let seats = session.seats.get().map(|seats| seats.all());
        session.last_word(|| {
            for sink in seats.iter().flatten().filter_map(|seat| seat.sink()) {
                sink.leave();
            }
        });
    }
}

/// A spark's outlet.
struct SeatOutlet {
    session: Arc<Session>,
    seat: Arc<Seat>,
}

impl SeatOutlet {
    fn queue(&self, frame: Frame, turn: Turn) -> Result<(), PushError> {
        self.session.lock().push_turn(frame, turn)
    }

    /// Ends this one and leaves the others alone. Whether that can be done.
    fn leave(&self) -> bool {
        let goodbye = Turn::Leave(self.seat.clone());
        if self.queue(Frame::from_static(""), goodbye).is_err() {
            return false;
        }
        let seat = Arc::downgrade(&self.seat);
        let timeout = self.session.close_timeout();
        self.session.runtime.spawn(async move {
            tokio::time::sleep(timeout).await;
            if let Some(seat) = seat.upgrade()
                && seat.sink().is_some()
                && let Some(session) = seat.session.upgrade()
            {
                session.cut();
                session.bound_end();
            }
        });
        true
    }
}

impl Outlet for SeatOutlet {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        if self.seat.ended.load(Ordering::Acquire) {
            return Err(PushError::Closed);
        }
        self.queue(frame, Turn::Frame(self.seat.clone()))
    }

    fn flush(&self) {
        self.session.advance();
    }

    fn account(&self, account: Account) {
        self.session.lock().set_account(account);
    }

    fn prefetch(&self) {
        self.session.fetch();
    }

    fn waiting(&self) -> Waiting {
        self.session.lock().waiting()
    }

    fn ping(&self) {
        // The library pings by itself, at least as often.
    }

    fn close(&self, reason: &CloseReason) {
        if self.seat.ended.swap(true, Ordering::AcqRel) {
            return;
        }
        let again = reason.reconnect();
        if !again && self.session.has_others(&self.seat) && self.leave() {
            return;
        }
        if again {
            // A client comes again when its transport is closed, and then for all of them.
            self.session.left(reason.clone());
        }
        self.session.begin_close(reason);
    }

    fn abort(&self) {
        self.session.cut();
    }
}
