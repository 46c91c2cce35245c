//! A small cache in memory: what the action `cacheTest` shows.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use serde::Serialize;
use serde_json::Value;

use crate::actions::now_ms;

/// So long an entry lives.
const LIFETIME: Duration = Duration::from_secs(5);
/// So many entries there may be; the oldest make way.
const ENTRIES: usize = 1_024;

/// Values by key, for five seconds each.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<String, Entry>>);

#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    created: u64,
}

/// An entry as it is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Loaded {
    key: String,
    value: Value,
    expire_timestamp: u64,
    created_at: u64,
    read_at: u64,
}

impl Cache {
    /// Puts a value in, and gives whether it is there.
    pub(crate) fn save(&self, key: &str, value: Value) -> bool {
        let created = now_ms();
        let entry = Entry { value, created };
        let mut entries = self.entries();
        entries.retain(|_, entry| entry.expires() > created);
        if entries.len() >= ENTRIES
            && let Some(oldest) = entries.iter().min_by_key(|(_, entry)| entry.created)
        {
            let oldest = oldest.0.clone();
            entries.remove(&oldest);
        }
        entries.insert(key.to_owned(), entry);
        true
    }

    /// How many values there are.
    pub(crate) fn size(&self) -> usize {
        self.entries().len()
    }

    /// The value of a key, if it has not expired.
    pub(crate) fn load(&self, key: &str) -> Option<Loaded> {
        let now = now_ms();
        let entry = self.entries().get(key).cloned()?;
        (entry.expires() > now).then(|| Loaded {
            key: key.to_owned(),
            expire_timestamp: entry.expires(),
            created_at: entry.created,
            read_at: now,
            value: entry.value,
        })
    }

    /// Takes a value out, and gives whether it was there.
    pub(crate) fn delete(&self, key: &str) -> bool {
        self.entries().remove(key).is_some()
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        // Nothing panics while it is locked.
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Entry {
    fn expires(&self) -> u64 {
        self.created + u64::try_from(LIFETIME.as_millis()).unwrap_or(u64::MAX)
    }
}
