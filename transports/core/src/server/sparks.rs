//! The open sparks.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::atomic::AtomicUsize,
};

use parking_lot::Mutex;

use crate::{id::SparkId, spark::Spark};

/// The open sparks by id, in shards, so that opening and closing rarely contend.
pub(super) struct Sparks {
    pub(super) shards: Box<[Mutex<HashMap<SparkId, Spark>>]>,
    hasher: RandomState,
    pub(super) count: AtomicUsize,
}

const SHARDS: usize = 16;

impl Sparks {
    pub(super) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            count: AtomicUsize::new(0),
        }
    }

    pub(super) fn shard(&self, id: &str) -> &Mutex<HashMap<SparkId, Spark>> {
        &self.shards[self.hasher.hash_one(id) as usize % SHARDS]
    }
}
