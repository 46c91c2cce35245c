//! How many connections each address has, and how fast they come, where that is bounded.

use std::{
    collections::{HashMap, hash_map},
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Instant,
};

use parking_lot::Mutex;

use crate::rate::{Bucket, Rate};

/// Who is counted together: an IPv4 address, or the /64 that a host of IPv6 has to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source(u64);

impl Source {
    pub(crate) fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            // Networks that begin with 0xff are for multicast: nobody comes from there.
            IpAddr::V4(ip) => Self(0xff << 56 | u64::from(ip.to_bits())),
            IpAddr::V6(ip) => Self(network(ip)),
        }
    }
}

fn network(ip: Ipv6Addr) -> u64 {
    (ip.to_bits() >> 64) as u64
}

/// What one address may have at once, and how fast it may come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AddressLimits {
    /// Connections, those in their handshake included; 0 is no bound.
    pub(crate) connections: usize,
    /// Handshakes under way; 0 is no bound.
    pub(crate) handshakes: usize,
    /// New connections in a time.
    pub(crate) rate: Option<Rate>,
}

/// Why an address gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressFull {
    /// It has as many connections or handshakes as it may.
    Places,
    /// It comes too fast.
    Rate,
}

/// The connections of each address that has any. Its size is bounded by their number, and by how
/// many new ones may come in the time of a burst.
#[derive(Debug)]
pub(crate) struct Addresses {
    limits: AddressLimits,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<Source, Entry>,
    /// From so many entries on those that count nothing any more are looked for.
    sweep_at: usize,
}

#[derive(Debug)]
struct Entry {
    connections: usize,
    handshakes: usize,
    arrivals: Bucket,
}

impl Entry {
    fn counts_nothing(&self, now: Instant) -> bool {
        self.connections == 0 && self.handshakes == 0 && self.arrivals.is_empty(now)
    }
}

/// The fewest entries among which it pays to look.
const SWEEP: usize = 1_024;

impl Addresses {
    /// Counts within these limits. `None` if there are none, and then nothing is counted.
    pub(crate) fn new(limits: AddressLimits) -> Option<Arc<Self>> {
        let counts = limits.connections > 0 || limits.handshakes > 0 || limits.rate.is_some();
        counts.then(|| {
            Arc::new(Self {
                limits,
                table: Mutex::default(),
            })
        })
    }

    /// Takes a place for a connection of an address, and one among its handshakes.
    pub(crate) fn take(
        self: &Arc<Self>,
        ip: IpAddr,
        now: Instant,
    ) -> Result<(AddressPlace, AddressHandshake), AddressFull> {
        let source = Source::of(ip);
        let limits = &self.limits;
        let has_room = |count: usize, most: usize| most == 0 || count < most;
        let mut table = self.table.lock();
        table.sweep(now);
        let entry = table.entries.entry(source).or_insert_with(|| Entry {
            connections: 0,
            handshakes: 0,
            arrivals: Bucket::new(now),
        });
        if !has_room(entry.connections, limits.connections)
            || !has_room(entry.handshakes, limits.handshakes)
        {
            return Err(AddressFull::Places);
        }
        if limits
            .rate
            .is_some_and(|rate| !entry.arrivals.take(now, rate))
        {
            return Err(AddressFull::Rate);
        }
        entry.connections += 1;
        entry.handshakes += 1;
        let held = |kind| Held {
            addresses: self.clone(),
            source,
            kind,
        };
        Ok((
            AddressPlace(held(Kind::Connection)),
            AddressHandshake(held(Kind::Handshake)),
        ))
    }

    fn leave(&self, source: Source, kind: Kind) {
        let mut table = self.table.lock();
        if let hash_map::Entry::Occupied(mut occupied) = table.entries.entry(source) {
            let entry = occupied.get_mut();
            match kind {
                Kind::Connection => entry.connections -= 1,
                Kind::Handshake => entry.handshakes -= 1,
            }
            // Without a rate there is no reason to ask what time it is.
            let stays = self.limits.rate.is_some() && !entry.arrivals.is_empty(Instant::now());
            if entry.connections == 0 && entry.handshakes == 0 && !stays {
                occupied.remove();
            }
        }
        // What a flood needed is given back.
        if table.entries.is_empty() && table.entries.capacity() > SWEEP {
            table.entries.shrink_to_fit();
        }
    }
}

impl Table {
    /// Takes out what counts nothing any more, when there are twice as many entries as there were
    /// after the last time: each arrival pays for a constant number of looks.
    fn sweep(&mut self, now: Instant) {
        if self.entries.len() < self.sweep_at.max(SWEEP) {
            return;
        }
        self.entries.retain(|_, entry| !entry.counts_nothing(now));
        self.sweep_at = self.entries.len() * 2;
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Connection,
    Handshake,
}

#[derive(Debug)]
struct Held {
    addresses: Arc<Addresses>,
    source: Source,
    kind: Kind,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.addresses.leave(self.source, self.kind);
    }
}

/// A place among the connections of an address; given free when it is dropped.
#[derive(Debug)]
pub(crate) struct AddressPlace(#[expect(dead_code, reason = "held for its drop")] Held);

/// A place among the handshakes of an address; given free when it is dropped.
#[derive(Debug)]
pub(crate) struct AddressHandshake(#[expect(dead_code, reason = "held for its drop")] Held);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn limits(connections: usize, handshakes: usize) -> AddressLimits {
        AddressLimits {
            connections,
            handshakes,
            rate: None,
        }
    }

    #[test]
    fn each_address_has_its_own_places_and_gives_them_back() {
        let now = Instant::now();
        let addresses = Addresses::new(limits(2, 0)).unwrap();
        let first = addresses.take(ip("10.0.0.1"), now).unwrap();
        let second = addresses.take(ip("::ffff:10.0.0.1"), now).unwrap();
        let full = addresses.take(ip("10.0.0.1"), now).unwrap_err();
        assert_eq!(full, AddressFull::Places);
        let other = addresses.take(ip("10.0.0.2"), now).unwrap();
        drop(first);
        let third = addresses.take(ip("10.0.0.1"), now).unwrap();
        assert!(addresses.take(ip("10.0.0.1"), now).is_err());
        drop((second, third, other));
        assert!(addresses.table.lock().entries.is_empty());
        assert!(Addresses::new(limits(0, 0)).is_none());
    }

    #[test]
    fn handshakes_are_counted_apart() {
        let now = Instant::now();
        let addresses = Addresses::new(limits(3, 1)).unwrap();
        let (place, handshake) = addresses.take(ip("10.0.0.1"), now).unwrap();
        assert!(addresses.take(ip("10.0.0.1"), now).is_err());
        drop(handshake);
        let (second, handshake) = addresses.take(ip("10.0.0.1"), now).unwrap();
        drop(handshake);
        let (third, handshake) = addresses.take(ip("10.0.0.1"), now).unwrap();
        drop(handshake);
        assert!(addresses.take(ip("10.0.0.1"), now).is_err());
        drop((place, second, third));
        assert!(addresses.table.lock().entries.is_empty());
    }

    #[test]
    fn an_address_comes_as_fast_as_it_may_and_is_forgotten_when_it_stays_away() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let rate = Rate::new(1.0, 3);
        let addresses = Addresses::new(AddressLimits {
            rate,
            ..AddressLimits::default()
        })
        .unwrap();
        for _ in 0..3 {
            addresses.take(ip("10.0.0.1"), start).unwrap();
        }
        let full = addresses.take(ip("10.0.0.1"), start).unwrap_err();
        assert_eq!(full, AddressFull::Rate);
        addresses.take(ip("10.0.0.2"), start).unwrap();
        addresses.take(ip("10.0.0.1"), at(1)).unwrap();
        assert!(addresses.take(ip("10.0.0.1"), at(1)).is_err());
        // Many that come once each do not stay.
        for n in 0..10_000_u32 {
            let address = IpAddr::V4((0x0b00_0000 + n).into());
            addresses.take(address, at(10 + u64::from(n))).unwrap();
        }
        let left = addresses.table.lock().entries.len();
        assert!(left <= SWEEP, "{left} are left");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let one = Source::of(ip("2001:db8:1:2::1"));
        assert_eq!(one, Source::of(ip("2001:db8:1:2:ffff:ffff:ffff:ffff")));
        assert_ne!(one, Source::of(ip("2001:db8:1:3::1")));
        assert_ne!(Source::of(ip("::1")), Source::of(ip("0.0.0.1")));
        assert_ne!(Source::of(ip("::1")), Source::of(ip("127.0.0.1")));
    }
}
