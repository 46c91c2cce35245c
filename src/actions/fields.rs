//! What a call says besides its parameters, and the entries of JSON that is not parsed yet.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use super::{param_index::ParamIndex, raw_params::RawParams};
use crate::protocol::packed::Packed;

/// What no action has as its version.
const NO_VERSION: Value = Value::Bool(false);

/// As many bytes are enough for an error message, which cuts what it reports.
const REPORTED: usize = 512;

/// What a call says besides its parameters.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) action: Option<Cow<'a, str>>,
    pub(crate) version: Option<Value>,
    /// An action that is no string, as JSON; of a long one as much as is reported.
    odd: Option<Cow<'a, str>>,
}

/// A key of an object. As bytes, because a key of JavaScript may hold what is no UTF-8 (a lone
/// surrogate).
pub(super) struct Key<'a>(Cow<'a, [u8]>);

impl Key<'_> {
    /// Whether it holds a surrogate that is not one of a pair.
    pub(super) fn is_lone(&self) -> bool {
        std::str::from_utf8(&self.0).is_err()
    }

    pub(super) fn is(&self, name: &str) -> bool {
        *self.0 == *name.as_bytes()
    }

    pub(super) fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_bytes<E>(self, text: &'de [u8]) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_bytes<E>(self, text: &[u8]) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_bytes(KeyVisitor)
    }
}

/// The entries of an object of JSON that are asked for, in order, each still as text. Of other JSON
/// there are none.
pub(super) fn pick<'a>(
    json: &'a str,
    is_wanted: impl FnMut(&Key<'a>) -> bool,
) -> Vec<(Key<'a>, &'a RawValue)> {
    let mut picked = Vec::new();
    let mut is_wanted = is_wanted;
    each(json, |key, value| {
        if is_wanted(&key) {
            picked.push((key, value));
        }
    });
    picked
}

/// Calls a function for each entry of an object of JSON. Nothing is kept of them.
pub(super) fn each<'a>(json: &'a str, call: impl FnMut(Key<'a>, &'a RawValue)) {
    struct EntriesVisitor<F>(F);
    impl<'de: 'a, 'a, F: FnMut(Key<'a>, &'a RawValue)> Visitor<'de> for EntriesVisitor<F> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some((key, value)) = map.next_entry()? {
                (self.0)(key, value);
            }
            Ok(())
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    // What is no object has no entries.
    deserializer.deserialize_map(EntriesVisitor(call)).ok();
}

impl<'a> Fields<'a> {
    /// Of parameters and what was seen of them.
    pub(crate) fn of(input: &'a RawParams, index: &ParamIndex) -> Self {
        match input {
            RawParams::Raw(raw) => Self::of_raw(raw, index).unwrap_or_else(|| Self::of_parsed(raw)),
            RawParams::Packed(params) => Self::of_packed(params.packed()),
            RawParams::Texts(map) => Self::of_map(map),
            RawParams::Value(value) => value.as_object().map(Self::of_map).unwrap_or_default(),
        }
    }

    /// Of a key that stands twice the last one counts. None where only the parser knows.
    fn of_raw(json: &'a str, index: &ParamIndex) -> Option<Self> {
        let (mut action, mut version) = (None, None);
        for (key, value) in index.entries(json)? {
            if key.is("action")? {
                action = Some(value);
            } else if key.is("apiVersion")? {
                version = Some(value);
            }
        }
        Some(Self::of_texts(action, version))
    }

    fn of_parsed(json: &'a str) -> Self {
        let entries = pick(json, |key| key.is("action") || key.is("apiVersion"));
        let last = |name| {
            let found = entries.iter().rev().find(|(key, _)| key.is(name));
            found.map(|(_, value)| value.get())
        };
        Self::of_texts(last("action"), last("apiVersion"))
    }

    fn of_texts(action: Option<&'a str>, version: Option<&str>) -> Self {
        let text = action.and_then(|raw| {
            let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
            if inner.contains('\\') {
                serde_json::from_str(raw).ok().map(Cow::Owned)
            } else {
                Some(Cow::Borrowed(inner))
            }
        });
        Self {
            odd: if text.is_none() {
                action.map(Cow::Borrowed)
            } else {
                None
            },
            action: text,
            // A list or an object is no version, and is not parsed to say so.
            version: version.and_then(|raw| match raw.as_bytes().first() {
                Some(b'[' | b'{') => Some(NO_VERSION),
                _ => serde_json::from_str(raw).ok(),
            }),
        }
    }

    fn of_packed(params: Packed<'a>) -> Self {
        let action = params.get("action");
        let text = action.and_then(Packed::as_str);
        Self {
            odd: match text {
                None => action.map(|action| action.to_json_start(REPORTED).into()),
                Some(_) => None,
            },
            action: text.map(Cow::Borrowed),
            version: params.get("apiVersion").map(|it| match it.is_container() {
                true => NO_VERSION,
                false => it.read().unwrap_or(NO_VERSION),
            }),
        }
    }

    fn of_map(map: &'a Map<String, Value>) -> Self {
        let action = map.get("action");
        Self {
            action: action.and_then(Value::as_str).map(Cow::Borrowed),
            version: map.get("apiVersion").cloned(),
            odd: action
                .filter(|value| !value.is_string())
                .map(|value| value.to_string().into()),
        }
    }

    /// What was sent as the action, whatever it was.
    pub(crate) fn action_text(&self) -> Option<Cow<'_, str>> {
        let text = self.action.as_deref().or(self.odd.as_deref());
        text.map(Cow::Borrowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_action_is_found_whatever_it_is() {
        let input = raw(&json!({ "action": "a\nb", "apiVersion": 2 }));
        let fields = of(&input);
        assert_eq!(fields.action.as_deref(), Some("a\nb"));
        assert_eq!(fields.version, Some(json!(2)));
        let input = raw(&json!({ "action": { "x": 1 } }));
        assert_eq!(of(&input).action_text().as_deref(), Some("{\"x\":1}"));
        let twice = RawParams::Raw(r#"{"action":"a","action":"b"}"#.into());
        assert_eq!(of(&twice).action.as_deref(), Some("b"));
        let mut map: Map<_, _> = (0..20).map(|n| (n.to_string(), json!(n))).collect();
        map.insert("action".into(), "many".into());
        assert_eq!(
            of(&raw(&Value::Object(map))).action.as_deref(),
            Some("many")
        );
        let escaped =
            RawParams::Raw(r#"{"act\u0069on":"a","apiVersion":"1","x":{"action":2}}"#.into());
        let fields = of(&escaped);
        assert_eq!(fields.action.as_deref(), Some("a"));
        assert_eq!(fields.version, Some(json!("1")));
        assert_eq!(of(&RawParams::from(Value::Null)).action_text(), None);
        for other in ["null", "[{\"action\":1}]", "\"action\""] {
            assert_eq!(of(&RawParams::Raw(other.into())).action_text(), None);
        }
    }

    fn raw(value: &Value) -> RawParams {
        (&*serde_json::value::to_raw_value(value).unwrap()).into()
    }

    fn of(raw_params: &RawParams) -> Fields<'_> {
        Fields::of(raw_params, &ParamIndex::of(raw_params))
    }
}
