//! Connections beyond the bound: they get no place, and an answer all the same if they ask for
//! health.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use http::{HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::connection::{Answer, bare};
use crate::addresses::{AddressPlace, Addresses};

/// How long such a connection may take to send the head of its request.
pub(super) const HEADER_TIMEOUT: Duration = Duration::from_secs(3);

/// The places of all connections, and of those of each address.
#[derive(Clone)]
pub(super) struct Places {
    pub(super) all: Arc<Semaphore>,
    pub(super) addresses: Option<Arc<Addresses>>,
}

/// The place of one connection. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _all: OwnedSemaphorePermit,
    _address: Option<AddressPlace>,
}

/// Why a connection gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    All,
    Address,
}

impl Places {
    /// Takes a place, if there is one for this address.
    pub(super) fn take(&self, peer: Option<std::net::SocketAddr>) -> Result<Place, Full> {
        let all = self
            .all
            .clone()
            .try_acquire_owned()
            .map_err(|_| Full::All)?;
        self.with_address(all, peer)
    }

    /// Takes a place of the address for a connection that has one among all.
    pub(super) fn with_address(
        &self,
        all: OwnedSemaphorePermit,
        peer: Option<std::net::SocketAddr>,
    ) -> Result<Place, Full> {
        let address = match (&self.addresses, peer) {
            (Some(addresses), Some(peer)) => {
                let taken = addresses.take(peer.ip(), Instant::now());
                Some(taken.map_err(|_| Full::Address)?.0)
            }
            _ => None,
        };
        Ok(Place {
            _all: all,
            _address: address,
        })
    }
}

/// The connections that have no place, the oldest first.
pub(super) struct Spares {
    most: usize,
    open: VecDeque<Arc<Spare>>,
}

impl Spares {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            open: VecDeque::new(),
        }
    }

    /// Adds one; ends the oldest where there are too many.
    pub(super) fn add(&mut self, places: Places, peer: Option<std::net::SocketAddr>) -> Arc<Spare> {
        if self.open.len() >= self.most {
            self.open.retain(|spare| !spare.is_over());
        }
        if self.open.len() >= self.most
            && let Some(oldest) = self.open.pop_front()
        {
            oldest.end.notify_one();
        }
        let spare = Arc::new(Spare {
            places,
            peer,
            place: Mutex::default(),
            has_place: AtomicBool::new(false),
            end: Notify::new(),
        });
        self.open.push_back(spare.clone());
        spare
    }
}

/// A connection that had no place when it came.
pub(super) struct Spare {
    places: Places,
    peer: Option<std::net::SocketAddr>,
    place: Mutex<Option<Place>>,
    has_place: AtomicBool,
    end: Notify,
}

impl Spare {
    /// Returns `true` if it has a place by now, or nobody has it any more.
    fn is_over(self: &Arc<Self>) -> bool {
        self.has_place.load(Ordering::Relaxed) || Arc::strong_count(self) == 1
    }

    /// Returns `true` if it has a place, or one has become free for it.
    pub(super) fn has_place(&self) -> bool {
        if self.has_place.load(Ordering::Relaxed) {
            return true;
        }
        let Ok(place) = self.places.take(self.peer) else {
            return false;
        };
        *self.place.lock() = Some(place);
        self.has_place.store(true, Ordering::Relaxed);
        true
    }

    /// Waits until it has to make room for another one. Cancel safe.
    pub(super) async fn ended(&self) {
        loop {
            self.end.notified().await;
            if !self.has_place.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// The answer to a request for which there is no place, or no room in the budget.
pub(super) fn refusal<B>() -> Answer<B> {
    let mut response = bare(StatusCode::SERVICE_UNAVAILABLE);
    let second = HeaderValue::from_static("1");
    response.headers_mut().insert(header::RETRY_AFTER, second);
    response
}
