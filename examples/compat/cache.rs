//! A small in-memory cache for the action `cacheTest`.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use serde::Serialize;
use serde_json::Value;

use crate::actions::now_ms;

/// Lifetime of an entry.
const LIFETIME: Duration = Duration::from_secs(5);
/// Maximum number of entries; the oldest are evicted.
const ENTRIES: usize = 1_024;

/// Values by key, which expire after five seconds.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<String, Entry>>);

#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    created: u64,
}

/// An entry in its serialized form.
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
    /// Stores a value. Returns `true` if it was stored.
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

    /// Returns the number of values.
    pub(crate) fn size(&self) -> usize {
        self.entries().len()
    }

    /// Returns the value of a key, unless it has expired.
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

    /// Removes a value. Returns `true` if it existed.
    pub(crate) fn delete(&self, key: &str) -> bool {
        self.entries().remove(key).is_some()
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        // No code panics while the lock is held.
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
