//! The library's first ping. It sends that at once, where the protocol has the first one come after
//! the interval. So it is kept back here, and answered in the client's name; from the second on the
//! library's pings come when they should, and are the client's.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

/// What a session knows of the library's first ping.
#[derive(Debug)]
pub(crate) struct FirstPing {
    awaited: AtomicBool,
    /// From then on a ping is the second at the earliest.
    until: Instant,
}

impl FirstPing {
    /// Of a session that begins now. In protocol 3 the client pings.
    pub(crate) fn new(protocol: u8, interval: Duration) -> Self {
        Self {
            awaited: AtomicBool::new(protocol != 3),
            until: Instant::now() + interval,
        }
    }

    /// Whether it may yet come.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Relaxed)
    }

    /// A ping has come. Whether it is the first, to be kept back.
    pub(crate) fn take(&self) -> bool {
        self.awaited.swap(false, Ordering::Relaxed) && Instant::now() < self.until
    }

    /// A payload without it, if it is there.
    pub(crate) fn strip(&self, payload: &[u8]) -> Option<Bytes> {
        without(payload).filter(|_| self.take())
    }
}

/// A payload without the first ping in it, if there is one.
fn without(payload: &[u8]) -> Option<Bytes> {
    let separator = |b: &u8| *b == 0x1e;
    let ping = payload.split(separator).position(|packet| packet == b"2")?;
    let others = payload.split(separator).enumerate();
    let others: Vec<_> = others.filter(|(n, _)| *n != ping).map(|(_, p)| p).collect();
    Some(others.join(&0x1e).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_loses_one_ping_and_nothing_else() {
        for (payload, rest) in [
            ("2", Some("")),
            ("2\x1e2", Some("2")),
            ("42\x1e2\x1eb2222", Some("42\x1eb2222")),
            ("4a\x1e2", Some("4a")),
            ("2\x1e4", Some("4")),
            ("42", None),
            ("2probe", None),
            ("", None),
        ] {
            let rest = rest.map(|rest| Bytes::from_static(rest.as_bytes()));
            assert_eq!(without(payload.as_bytes()), rest, "{payload:?}");
        }
    }
}
