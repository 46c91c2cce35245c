//! Clients: what all connections of one identity or address have together, where that is bounded.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{addresses::Source, rate::Rate};

/// A client: everything that comes from one identity, or else from one address.
///
/// All its connections share it, those over HTTP too, and a connection that replaces another finds it
/// again. Got from [`Spark::client`](crate::Spark::client) or [`Server::client`](crate::Server::client).
pub struct Client {
    messages: Option<SharedBucket>,
    state: OnceLock<Box<dyn ClientState>>,
}

/// What a handler counts for a client; attached with [`Client::state`].
pub trait ClientState: Any + Send + Sync {
    /// Returns `true` if nothing is counted any more, so that the client may be forgotten while it
    /// has no connection.
    fn is_idle(&self) -> bool;
}

impl Client {
    /// Counts a message against [`messageRatePerClient`](crate::ServerConfig::message_rate_per_client).
    ///
    /// # Errors
    /// It is over the rate and not counted: how long until one more is within it.
    pub fn count_message(&self) -> Result<(), Duration> {
        match &self.messages {
            Some(bucket) => bucket.take(Instant::now()),
            None => Ok(()),
        }
    }

    /// The handler's own state of this client, made when it is first asked for. There is one place
    /// for it: `None` if it is taken by a state of another type.
    pub fn state<T: ClientState>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        let state = &**self.state.get_or_init(|| Box::new(make()));
        (state as &dyn Any).downcast_ref()
    }

    pub(crate) fn take_message(&self, now: Instant) -> bool {
        self.messages
            .as_ref()
            .is_none_or(|bucket| bucket.take(now).is_ok())
    }

    pub(crate) fn rate(&self) -> Option<Rate> {
        self.messages.as_ref().map(|bucket| bucket.rate)
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.messages
            .as_ref()
            .is_none_or(|bucket| bucket.is_empty(now))
            && self.state.get().is_none_or(|state| state.is_idle())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("messages", &self.messages)
            .field("has_state", &self.state.get().is_some())
            .finish()
    }
}

/// A [`Bucket`](crate::rate::Bucket) that many connections share without a lock.
#[derive(Debug)]
struct SharedBucket {
    rate: Rate,
    start: Instant,
    /// When all that was counted is forgiven, in nanoseconds from `start`.
    empty_at: AtomicU64,
}

impl SharedBucket {
    fn new(rate: Rate, start: Instant) -> Self {
        Self {
            rate,
            start,
            empty_at: AtomicU64::new(0),
        }
    }

    fn take(&self, now: Instant) -> Result<(), Duration> {
        let (interval, burst) = (nanos(self.rate.interval()), nanos(self.rate.burst()));
        let now = self.nanos_of(now);
        let mut empty_at = self.empty_at.load(Ordering::Relaxed);
        loop {
            let next = empty_at.max(now).saturating_add(interval);
            if next - now > burst {
                return Err(Duration::from_nanos(next - now - burst));
            }
            match self.empty_at.compare_exchange_weak(
                empty_at,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(()),
                Err(changed) => empty_at = changed,
            }
        }
    }

    fn is_empty(&self, now: Instant) -> bool {
        self.empty_at.load(Ordering::Relaxed) <= self.nanos_of(now)
    }

    fn nanos_of(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.start))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Who a client is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClientKey {
    Identity(Box<str>),
    Address(Source),
}

impl ClientKey {
    /// By the key of its identity, or else by its address.
    pub(crate) fn of(identity: Option<Box<str>>, ip: Option<IpAddr>) -> Option<Self> {
        identity
            .map(Self::Identity)
            .or_else(|| ip.map(|ip| Self::Address(Source::of(ip))))
    }
}

/// The clients that have a connection, or of which something is counted still.
#[derive(Debug)]
pub(crate) struct Clients {
    rate: Option<Rate>,
    start: Instant,
    most: usize,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    entries: HashMap<ClientKey, Arc<Client>>,
    /// From so many entries on those that count nothing any more are looked for.
    sweep_at: usize,
    swept: Instant,
}

/// The fewest entries among which it pays to look.
const SWEEP: usize = 1_024;
/// After that time those that count nothing any more are dropped at the next look.
const STALE: Duration = Duration::from_secs(60);
/// Clients without a connection besides as many as there may be connections. Further ones are bounded
/// by connection alone.
const SPARE: usize = 65_536;

impl Clients {
    /// Counts clients, with that rate of messages for each. There may be that many connections.
    pub(crate) fn new(rate: Option<Rate>, connections: usize, now: Instant) -> Self {
        Self {
            rate,
            start: now,
            most: connections.saturating_add(SPARE),
            table: Mutex::new(Table {
                entries: HashMap::new(),
                sweep_at: SWEEP,
                swept: now,
            }),
        }
    }

    /// The client of a key. `None` if there are as many as may be.
    pub(crate) fn get(&self, key: ClientKey, now: Instant) -> Option<Arc<Client>> {
        let mut table = self.table.lock();
        let is_stale = now.saturating_duration_since(table.swept) >= STALE;
        if table.entries.len() >= table.sweep_at || is_stale {
            table.sweep(now);
        }
        if let Some(client) = table.entries.get(&key) {
            return Some(client.clone());
        }
        if table.entries.len() >= self.most {
            return None;
        }
        let client = Arc::new(Client {
            messages: self.rate.map(|rate| SharedBucket::new(rate, self.start)),
            state: OnceLock::new(),
        });
        table.entries.insert(key, client.clone());
        Some(client)
    }
}

impl Table {
    /// Drops those that have no connection and count nothing. The next time is when there are twice
    /// as many: each newcomer pays for a constant number of looks.
    fn sweep(&mut self, now: Instant) {
        self.entries
            .retain(|_, client| Arc::strong_count(client) > 1 || !client.is_idle(now));
        self.sweep_at = (self.entries.len() * 2).max(SWEEP);
        self.swept = now;
        if self.entries.capacity() > self.sweep_at * 2 {
            self.entries.shrink_to(self.sweep_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn address(n: u32) -> ClientKey {
        ClientKey::of(None, Some(IpAddr::V4(n.into()))).unwrap()
    }

    fn clients(per_second: f64, burst: u32, start: Instant) -> Clients {
        Clients::new(Rate::new(per_second, burst), 10, start)
    }

    #[test]
    fn a_client_is_found_again_while_something_is_counted() {
        let start = Instant::now();
        let clients = clients(1.0, 3, start);
        let first = clients.get(address(1), start).unwrap();
        for _ in 0..3 {
            assert!(first.take_message(start));
        }
        assert!(!first.take_message(start));
        drop(first);
        let again = clients.get(address(1), start).unwrap();
        assert!(!again.take_message(start));
        assert!(again.take_message(start + Duration::from_secs(1)));
        assert!(clients.get(address(2), start).unwrap().take_message(start));
        // By its identity it is another, whatever its address.
        let named = ClientKey::of(Some("ann".into()), Some(IpAddr::V4(1.into()))).unwrap();
        let named = clients.get(named, start).unwrap();
        assert!(named.take_message(start));
        assert!(ClientKey::of(None, None).is_none());
    }

    #[test]
    fn one_that_is_over_learns_when_to_come_again() {
        let start = Instant::now();
        let bucket = SharedBucket::new(Rate::new(2.0, 2).unwrap(), start);
        bucket.take(start).unwrap();
        bucket.take(start).unwrap();
        assert_eq!(bucket.take(start), Err(Duration::from_millis(500)));
        let later = start + Duration::from_millis(400);
        assert_eq!(bucket.take(later), Err(Duration::from_millis(100)));
        bucket.take(start + Duration::from_millis(500)).unwrap();
        assert!(!bucket.is_empty(later));
        assert!(bucket.is_empty(start + Duration::from_millis(1_500)));
    }

    #[test]
    fn those_that_count_nothing_are_forgotten_and_there_are_only_so_many() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let clients = clients(1.0, 3, start);
        let held = clients.get(address(0), start).unwrap();
        for n in 1..10_000 {
            let client = clients.get(address(n), at(u64::from(n))).unwrap();
            assert!(client.take_message(at(u64::from(n))));
        }
        let left = clients.table.lock().entries.len();
        assert!(left <= SWEEP, "{left} are left");
        // One that is held stays, and after a minute nobody else.
        clients.get(address(0), at(20_000)).unwrap();
        assert_eq!(clients.table.lock().entries.len(), 1);
        assert!(Arc::ptr_eq(
            &held,
            &clients.get(address(0), at(20_000)).unwrap()
        ));
        let most = u32::try_from(clients.most).unwrap();
        let full = (0..2 * most).filter(|n| {
            let client = clients.get(address(*n), start);
            client.is_some_and(|client| client.take_message(start))
        });
        assert_eq!(full.count(), clients.most);
        assert_eq!(clients.table.lock().entries.len(), clients.most);
    }

    struct Busy(AtomicBool);

    impl ClientState for Busy {
        fn is_idle(&self) -> bool {
            !self.0.load(Ordering::Relaxed)
        }
    }

    struct Other;

    impl ClientState for Other {
        fn is_idle(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_state_keeps_its_client_while_it_counts() {
        let start = Instant::now();
        let clients = clients(0.0, 0, start);
        let client = clients.get(address(1), start).unwrap();
        assert_eq!(client.count_message(), Ok(()));
        let state = client.state(|| Busy(AtomicBool::new(true))).unwrap();
        assert!(client.state(|| Other).is_none());
        assert!(!state.is_idle());
        drop(client);
        let client = clients.get(address(1), start + 2 * STALE).unwrap();
        let state = client.state(|| Busy(AtomicBool::new(false))).unwrap();
        assert!(!state.is_idle());
        state.0.store(false, Ordering::Relaxed);
        drop(client);
        let client = clients.get(address(1), start + 4 * STALE).unwrap();
        assert!(client.state(|| Other).is_some());
    }
}
