//! The secret that session tokens are signed with.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

/// The least length of a key, in bytes.
const SHORTEST: usize = 32;

/// The keys that sign sessions: the first signs new ones, and all of them verify.
///
/// In configuration: `false` for a random key of the process, a text of at least 32 characters, or a
/// list of such texts, the newest first. Neither `Debug` nor `Serialize` shows a key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SessionKey(Vec<String>);

impl SessionKey {
    /// A single key, of at least 32 characters.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(vec![key.into()])
    }

    /// Keys in the order of their age, the newest first.
    #[must_use]
    pub fn rotated(keys: impl IntoIterator<Item = String>) -> Self {
        Self(keys.into_iter().collect())
    }

    pub(crate) fn keys(&self) -> &[String] {
        &self.0
    }

    /// Returns `true` if a key could be guessed.
    pub(crate) fn is_weak(&self) -> bool {
        self.0.iter().any(|key| key.len() < SHORTEST)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "SessionKey(none)"
        } else {
            "SessionKey([hidden])"
        })
    }
}

impl Serialize for SessionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            serializer.serialize_bool(false)
        } else {
            serializer.serialize_str("[hidden]")
        }
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = SessionKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("false, a text of at least 32 characters, or a list of such texts")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<SessionKey, E> {
        match value {
            false => Ok(SessionKey::default()),
            true => Err(E::custom("true is no key")),
        }
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<SessionKey, E> {
        Ok(SessionKey::new(key))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<SessionKey, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(SessionKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, config::Sources};

    const KEY: &str = "correct horse battery staple, twice over";

    #[test]
    fn keys_are_read_and_never_printed() {
        let read = |text: &str| Sources::new().text("a.toml", text).load();
        let config = read(&format!("sessionKey = {KEY:?}")).unwrap();
        assert_eq!(config.session_key, SessionKey::new(KEY));
        let printed = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!printed.contains("battery"), "{printed}");
        let config = read(&format!("sessionKey = [{KEY:?}, \"old\"]")).unwrap();
        assert_eq!(config.session_key.keys(), [KEY, "old"]);
        assert!(config.session_key.is_weak());
        let config = read("sessionKey = false").unwrap();
        assert_eq!(config, Config::default());
        for wrong in ["12345678", "true", "{ a = 1 }", "[\"hunter2\", 5]"] {
            let error = read(&format!("sessionKey = {wrong}"))
                .unwrap_err()
                .to_string();
            assert!(
                !error.contains("hunter2") && !error.contains("1234"),
                "{error}"
            );
        }
        let variables = [("STELLAR_SESSION_KEY", KEY)];
        let config = Sources::new().variables(variables).load().unwrap();
        assert_eq!(config.session_key, SessionKey::new(KEY));
        let wrong = Sources::new().variables([("STELLAR_SESSION_KEY", "123456789")]);
        let error = wrong.load().unwrap_err().to_string();
        assert!(!error.contains("123456789"), "{error}");
    }
}
