//! Who holds how much: an account for each spark that holds anything, and the largest of them.

use std::{
    array, mem,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use slab::Slab;
use tokio::time::Instant;

use super::pace::Pace;

/// Accounts are sorted by the magnitude of what they hold, as powers of two: class 0 is below 1 KiB,
/// and nothing in it is worth ending a spark.
const CLASSES: usize = 32;
const SMALLEST: u32 = 10;

/// So many accounts of the highest class are compared to find the largest.
const COMPARED: usize = 64;

/// The place of a spark's account in the [`Ledger`]; none while it holds nothing.
#[derive(Debug)]
pub(crate) struct Slot(AtomicU32);

const NONE: u32 = u32::MAX;
const CLOSED: u32 = u32::MAX - 1;

impl Default for Slot {
    fn default() -> Self {
        Self(AtomicU32::new(NONE))
    }
}

impl Slot {
    /// Returns `true` if there is no account.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= CLOSED
    }

    /// Returns `true` if nothing is noted any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.get() == CLOSED
    }

    fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, key: u32) {
        self.0.store(key, Ordering::Relaxed);
    }
}

/// The accounts of a server's sparks. `T` is a handle on the spark.
#[derive(Debug)]
pub(crate) struct Ledger<T>(Mutex<Table<T>>);

#[derive(Debug)]
struct Table<T> {
    accounts: Slab<Account<T>>,
    /// The accounts of each class.
    classes: [Vec<u32>; CLASSES],
    /// How many messages are under assembly.
    assemblies: usize,
    /// What those hold that are to end and have not let go of it.
    ending: usize,
}

#[derive(Debug)]
struct Account<T> {
    owner: T,
    held: Held,
    /// The message under assembly must come at this pace.
    pace: Option<Pace>,
    class: usize,
    /// Where it is in its class.
    place: usize,
    ending: bool,
}

/// What a spark holds, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Held {
    /// Of a message that is not whole.
    assembly: usize,
    /// Waiting to be written, for this spark alone.
    outbound: usize,
    /// Its share of what waits for many.
    share: usize,
    /// Of leases in its name.
    leased: usize,
}

impl Held {
    /// What ending the spark gives back.
    fn own(&self) -> usize {
        self.assembly + self.outbound + self.leased
    }

    fn total(&self) -> usize {
        self.own().saturating_add(self.share)
    }
}

/// What was noted of a spark, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) assembly: usize,
    pub(crate) outbound: usize,
}

/// How much a change took from the budget, or gave back to it.
pub(crate) type Change = isize;

/// A pace for a message that begins: the grace, and the bytes a second.
pub(crate) type LeastRate = (Duration, u64);

impl<T> Default for Ledger<T> {
    fn default() -> Self {
        Self(Mutex::new(Table {
            accounts: Slab::new(),
            classes: array::from_fn(|_| Vec::new()),
            assemblies: 0,
            ending: 0,
        }))
    }
}

impl<T: Clone> Ledger<T> {
    /// Notes how many bytes a spark holds of a message that is not whole. `is_new`: another message
    /// than the last time. Returns the change, and `true` if this is the first assembly of all.
    pub(crate) fn assembling(
        &self,
        slot: &Slot,
        owner: impl FnOnce() -> T,
        bytes: usize,
        is_new: bool,
        rate: Option<LeastRate>,
    ) -> (Change, bool) {
        let mut table = self.0.lock();
        let Some(key) = table.key(slot, owner, bytes > 0) else {
            return (0, false);
        };
        let account = &mut table.accounts[key];
        let before = mem::replace(&mut account.held.assembly, bytes);
        let had = account.pace.is_some();
        account.pace = match (account.pace, rate) {
            _ if bytes == 0 => None,
            (Some(mut pace), _) if !is_new && bytes >= before => {
                pace.came(Instant::now(), bytes - before);
                Some(pace)
            }
            (_, Some((grace, least))) => Some(Pace::new(Instant::now(), grace, least)),
            (_, None) => None,
        };
        let has = account.pace.is_some();
        let is_first = has && !had && table.assemblies == 0;
        table.assemblies = table.assemblies + usize::from(has) - usize::from(had);
        let change = difference(before, bytes);
        table.settle(slot, key, change);
        (change, is_first)
    }

    /// Notes what waits to be written to a spark: its own bytes, and its share of what waits for many.
    pub(crate) fn outbound(
        &self,
        slot: &Slot,
        owner: impl FnOnce() -> T,
        own: usize,
        share: usize,
    ) -> Change {
        let mut table = self.0.lock();
        let Some(key) = table.key(slot, owner, own + share > 0) else {
            return 0;
        };
        let held = &mut table.accounts[key].held;
        let change = difference(mem::replace(&mut held.outbound, own), own);
        held.share = share;
        table.settle(slot, key, change);
        change
    }

    /// Notes that a lease in a spark's name has changed. The lease itself is of the budget.
    pub(crate) fn leased(&self, slot: &Slot, owner: impl FnOnce() -> T, change: Change) {
        let mut table = self.0.lock();
        let Some(key) = table.key(slot, owner, change > 0) else {
            return;
        };
        let held = &mut table.accounts[key].held;
        held.leased = held.leased.saturating_add_signed(change);
        table.settle(slot, key, change);
    }

    /// Closes the account of a spark that is gone: nothing more is noted in its name. Returns what was
    /// noted, without the leases, which stay what they are.
    pub(crate) fn close(&self, slot: &Slot) -> Noted {
        let mut table = self.0.lock();
        let key = slot.get();
        slot.set(CLOSED);
        if key >= CLOSED {
            return Noted::default();
        }
        let held = table.accounts[key as usize].held;
        // Whoever calls has a handle on the spark, so it is not dropped under the lock.
        table.remove(key as usize);
        Noted {
            assembly: held.assembly,
            outbound: held.outbound,
        }
    }

    /// Takes out the spark that holds most, if ending one is worth it. It is not found again.
    pub(crate) fn take_largest(&self) -> Option<T> {
        let mut table = self.0.lock();
        let class = table.classes.iter().rposition(|class| !class.is_empty())?;
        let table = &mut *table;
        let compared = table.classes[class].iter().take(COMPARED);
        let key = compared
            .map(|key| *key as usize)
            .max_by_key(|key| table.accounts[*key].held.total())?;
        table.unsort(key);
        let account = &mut table.accounts[key];
        account.ending = true;
        table.ending += account.held.own();
        Some(account.owner.clone())
    }

    /// How many bytes those hold that were taken out and have not let go of them.
    pub(crate) fn ending(&self) -> usize {
        self.0.lock().ending
    }

    /// Returns `true` if messages are under assembly whose pace is watched.
    pub(crate) fn has_assemblies(&self) -> bool {
        self.0.lock().assemblies > 0
    }

    /// The sparks whose messages come too slowly. `away` is a time in which nobody could be heard;
    /// `is_paused` tells which sparks are not read from.
    pub(crate) fn late(
        &self,
        now: Instant,
        away: Duration,
        tick: Duration,
        is_paused: impl Fn(&T) -> bool,
    ) -> Vec<T> {
        let mut table = self.0.lock();
        let mut late = Vec::new();
        for (_, account) in &mut table.accounts {
            let Some(pace) = &mut account.pace else {
                continue;
            };
            pace.forgive(away);
            if is_paused(&account.owner) {
                pace.forgive(tick);
            } else if pace.is_late(now) {
                late.push(account.owner.clone());
            }
        }
        late
    }
}

impl<T> Table<T> {
    /// The key of a spark's account, which is opened if it must be.
    fn key(&mut self, slot: &Slot, owner: impl FnOnce() -> T, must: bool) -> Option<usize> {
        match slot.get() {
            CLOSED => None,
            NONE if !must => None,
            NONE => {
                let key = self.accounts.insert(Account {
                    owner: owner(),
                    held: Held::default(),
                    pace: None,
                    class: 0,
                    place: 0,
                    ending: false,
                });
                let Some(narrow) = u32::try_from(key).ok().filter(|key| *key < CLOSED) else {
                    self.accounts.remove(key);
                    return None;
                };
                slot.set(narrow);
                Some(key)
            }
            key => Some(key as usize),
        }
    }

    /// Brings an account into the class of what it holds now, or closes an empty one.
    fn settle(&mut self, slot: &Slot, key: usize, change: Change) {
        let account = &self.accounts[key];
        if account.ending {
            self.ending = self.ending.saturating_add_signed(change);
        }
        if account.held == Held::default() && !account.ending {
            self.remove(key);
            slot.set(NONE);
            return;
        }
        let class = class(account.held.total());
        if account.class == class || account.ending {
            return;
        }
        self.unsort(key);
        if class > 0 {
            let place = self.classes[class].len();
            self.classes[class].push(key as u32);
            let account = &mut self.accounts[key];
            (account.class, account.place) = (class, place);
        }
    }

    /// Takes an account out of its class.
    fn unsort(&mut self, key: usize) {
        let account = &mut self.accounts[key];
        let (class, place) = (mem::take(&mut account.class), account.place);
        if class == 0 {
            return;
        }
        let list = &mut self.classes[class];
        list.swap_remove(place);
        if let Some(moved) = list.get(place) {
            self.accounts[*moved as usize].place = place;
        }
        if list.is_empty() && list.capacity() > 64 {
            *list = Vec::new();
        }
    }

    fn remove(&mut self, key: usize) {
        self.unsort(key);
        let account = self.accounts.remove(key);
        if account.pace.is_some() {
            self.assemblies -= 1;
        }
        if account.ending {
            self.ending = self.ending.saturating_sub(account.held.own());
        }
        if self.accounts.is_empty() && self.accounts.capacity() > 64 {
            self.accounts = Slab::new();
        }
    }
}

fn class(bytes: usize) -> usize {
    let log = bytes.checked_ilog2().unwrap_or_default();
    (log.saturating_sub(SMALLEST - 1) as usize).min(CLASSES - 1)
}

fn difference(before: usize, now: usize) -> Change {
    now as Change - before as Change
}

#[cfg(test)]
mod tests;
