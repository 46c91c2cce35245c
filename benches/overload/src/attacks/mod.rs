//! The attacks, one function each.

mod clients;
mod connections;
mod crowd;
mod frames;
mod memory;
mod messages;
mod requests;
mod rooms;
mod together;

pub(crate) use self::rooms::many_rooms;

use std::{pin::Pin, time::Duration};

use serde_json::Value;

use crate::{
    Fault, Options,
    others::COUNT,
    peer::{Local, Peer},
    process::Process,
};

/// An attack.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// A short description.
    pub(crate) what: &'static str,
    /// The settings that bound it.
    pub(crate) bound: &'static str,
    /// Settings of the server, as environment variables.
    pub(crate) settings: &'static [(&'static str, &'static str)],
    /// The descriptor limit of the server, if any.
    pub(crate) descriptors: Option<u32>,
    pub(crate) run: for<'a> fn(&'a Stage<'a>) -> Run<'a>,
}

/// The outcome in words, or an error if it differs from the documented one.
pub(crate) type Run<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;
pub(crate) type Outcome = Result<String, Fault>;

/// The environment of an attack.
pub(crate) struct Stage<'a> {
    pub(crate) server: &'a Process,
    pub(crate) options: &'a Options,
}

/// Returns every attack, in the order of the table.
pub(crate) fn all() -> Vec<Attack> {
    [
        connections::all(),
        frames::all(),
        messages::all(),
        requests::all(),
        memory::all(),
        rooms::all(),
        crowd::all(),
        clients::all(),
        together::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Bound of a single wait, far above any expected duration.
const PATIENCE: Duration = Duration::from_secs(60);

impl Stage<'_> {
    fn seconds(&self) -> Duration {
        Duration::from_secs(self.options.seconds)
    }

    async fn open(&self, from: Local) -> Result<Peer, Fault> {
        let peer = Peer::open(self.server.address, from).await;
        peer.map_err(|refused| format!("a client was not let in, {refused}").into())
    }

    async fn open_many(&self, count: usize, from: Local) -> Result<Vec<Peer>, Fault> {
        let mut peers = Vec::with_capacity(count);
        for _ in 0..count {
            peers.push(self.open(from).await?);
        }
        Ok(peers)
    }

    async fn closed(&self, reason: &str) -> Result<u64, Fault> {
        Ok(self.server.counts().await?["closed"][reason]
            .as_u64()
            .unwrap_or_default())
    }

    /// Waits until the counters of the server satisfy a condition.
    async fn until(&self, what: &str, reached: impl Fn(&Value) -> bool) -> Result<(), Fault> {
        let begun = tokio::time::Instant::now();
        loop {
            let counts = self.server.counts().await?;
            if reached(&counts) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("waited in vain for {what}: {counts}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all well-behaved clients are connected.
    pub(crate) async fn everyone(&self) -> Result<(), Fault> {
        self.until("the others to connect", |counts| {
            counts["connections"].as_u64() == Some(u64::from(COUNT))
        })
        .await
    }

    /// Waits until only well-behaved clients are connected.
    async fn alone(&self) -> Result<(), Fault> {
        self.until("the attackers to be gone", |counts| {
            counts["connections"].as_u64() <= Some(u64::from(COUNT))
        })
        .await
    }
}

/// Returns an error unless a condition holds.
fn ensure(so: bool, what: impl FnOnce() -> String) -> Result<(), Fault> {
    if so { Ok(()) } else { Err(what().into()) }
}

/// Formats a number with thousands separators.
fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
