//! The body of a POST, read as it comes and counted in the memory budget.

use std::{pin::pin, time::Duration};

use http_body::Body as _;
use http_body_util::BodyExt as _;
use stellarfw_transport::{Holding, Lease, Pace, SparkLease, http::Body};
use tokio::time::Instant;

use crate::{protocol::Consumer, session::Session};

/// The bounds of a POST's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostLimits {
    /// The longest body.
    pub(crate) bytes: usize,
    /// How long packets may wait for a client that does not poll.
    pub(crate) timeout: Duration,
    /// How far a body may fall behind the least rate.
    pub(crate) grace: Duration,
    /// In bytes a second.
    pub(crate) least_rate: u64,
}

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uncollected {
    TooLarge,
    Broken,
    /// It came too slowly.
    Late,
    /// The memory budget is used up.
    NoRoom,
}

/// Bytes of a body, in the name of the session's spark if there is one.
pub(super) enum BodyLease {
    Spark(SparkLease),
    Session(Lease),
}

impl BodyLease {
    fn begin(session: &Session, consumer: &dyn Consumer) -> Self {
        match consumer.spark() {
            Some(spark) => Self::Spark(spark.lease(Holding::Inbound, 0)),
            None => {
                let budget = &session.sessions().budget;
                Self::Session(budget.lease_for(Holding::Inbound, 0))
            }
        }
    }

    /// Makes it a lease of so many bytes. A client that was not let in yet is refused where there is no room; of sparks
    /// those end that hold most.
    fn resize(&mut self, bytes: usize) -> Result<(), Uncollected> {
        match self {
            Self::Spark(lease) => lease.resize(bytes),
            Self::Session(lease) => {
                let more = bytes.saturating_sub(lease.bytes());
                lease.try_grow(more).map_err(|_| Uncollected::NoRoom)?;
            }
        }
        Ok(())
    }
}

/// Reads a body at the least rate or faster. Cancel safe in that the body is dropped.
pub(super) async fn collect(
    session: &Session,
    consumer: &dyn Consumer,
    mut body: Body,
    limits: PostLimits,
) -> Result<(Vec<u8>, BodyLease), Uncollected> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limits.bytes {
        return Err(Uncollected::TooLarge);
    }
    let spark = consumer.spark();
    let ended = async {
        match &spark {
            Some(spark) => spark.over_budget().await,
            None => std::future::pending().await,
        }
    };
    let mut ended = pin!(ended);
    let mut lease = BodyLease::begin(session, consumer);
    let mut bytes = Vec::new();
    let mut pace = Pace::new(Instant::now(), limits.grace, limits.least_rate);
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = &mut ended => return Err(Uncollected::NoRoom),
            () = tokio::time::sleep_until(pace.due()) => return Err(Uncollected::Late),
        };
        let Some(frame) = frame else {
            return Ok((bytes, lease));
        };
        let Ok(data) = frame.map_err(|_| Uncollected::Broken)?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > limits.bytes {
            return Err(Uncollected::TooLarge);
        }
        grow(&mut bytes, data.len(), announced, limits.bytes);
        lease.resize(bytes.capacity())?;
        bytes.extend_from_slice(&data);
        pace.came(Instant::now(), data.len());
    }
}

/// Makes room for `more` bytes: twice what there is, but no more than was announced or than a body may have. What was
/// announced and has not come takes no memory.
fn grow(bytes: &mut Vec<u8>, more: usize, announced: usize, most: usize) {
    let needed = bytes.len() + more;
    if needed > bytes.capacity() {
        let bound = if announced >= needed { announced } else { most };
        let capacity = (bytes.capacity() * 2).min(bound).max(needed);
        bytes.reserve_exact(capacity - bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_grows_with_what_comes() {
        for (announced, most) in [(100_000, 1 << 20), (0, 100_000)] {
            let mut bytes = Vec::new();
            for len in 1..=100 {
                grow(&mut bytes, 1_000, announced, most);
                bytes.extend_from_slice(&[0; 1_000]);
                assert!(bytes.capacity() <= (2 * 1_000 * len).min(100_000), "{len}");
            }
        }
    }
}
