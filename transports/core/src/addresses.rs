//! How many connections each address has, where that is bounded.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;

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

/// The connections of each address that has any. Its size is bounded by their number.
#[derive(Debug)]
pub(crate) struct Addresses {
    most: usize,
    counts: Mutex<HashMap<Source, usize>>,
}

impl Addresses {
    /// Counts up to so many of each; 0 is no bound, and then nothing is counted.
    pub(crate) fn new(most: usize) -> Option<Arc<Self>> {
        (most > 0).then(|| {
            Arc::new(Self {
                most,
                counts: Mutex::default(),
            })
        })
    }

    /// Takes a place for a connection of an address, if it may have one more.
    pub(crate) fn take(self: &Arc<Self>, ip: IpAddr) -> Option<AddressPlace> {
        let source = Source::of(ip);
        let mut counts = self.counts.lock();
        let count = counts.entry(source).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(AddressPlace {
            addresses: self.clone(),
            source,
        })
    }

    fn leave(&self, source: Source) {
        let mut counts = self.counts.lock();
        if let Entry::Occupied(mut entry) = counts.entry(source) {
            if *entry.get() > 1 {
                *entry.get_mut() -= 1;
            } else {
                entry.remove();
            }
        }
        // What a flood needed is given back.
        if counts.is_empty() && counts.capacity() > 1_024 {
            counts.shrink_to_fit();
        }
    }
}

/// A place among the connections of an address; given free when it is dropped.
#[derive(Debug)]
pub(crate) struct AddressPlace {
    addresses: Arc<Addresses>,
    source: Source,
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        self.addresses.leave(self.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_own_places_and_gives_them_back() {
        let addresses = Addresses::new(2).unwrap();
        let first = addresses.take(ip("10.0.0.1")).unwrap();
        let second = addresses.take(ip("::ffff:10.0.0.1")).unwrap();
        assert!(addresses.take(ip("10.0.0.1")).is_none());
        let other = addresses.take(ip("10.0.0.2")).unwrap();
        drop(first);
        let third = addresses.take(ip("10.0.0.1")).unwrap();
        assert!(addresses.take(ip("10.0.0.1")).is_none());
        drop((second, third, other));
        assert!(addresses.counts.lock().is_empty());
        assert!(Addresses::new(0).is_none());
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
