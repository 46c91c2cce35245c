//! The parameters of a call looked through once, without parsing them: which entries there are, and
//! whether a tree of values can hold them.

use stellarfw_transport::plain;

use super::raw_params::RawParams;
use crate::protocol::json;

/// So many entries are kept; of parameters with more of them the parser is asked.
const MOST: usize = 8;

/// What was seen of the parameters of a call.
pub(crate) struct ParamIndex {
    spans: [Span; MOST],
    len: usize,
    /// Those are all there are.
    complete: bool,
    /// A tree of values can surely hold them.
    pub(super) is_readable: bool,
}

/// Where a key and its value are, without the key's quotes.
#[derive(Clone, Copy, Default)]
struct Span {
    key: (u32, u32),
    value: (u32, u32),
}

/// A key, as it is written between its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key<'a>(&'a str);

impl Key<'_> {
    /// Whether it is this name; unknown if it is written with escapes.
    pub(super) fn is(self, name: &str) -> Option<bool> {
        if self.0 == name {
            // A backslash in a name would stand for something else in a key.
            return (!name.contains('\\')).then_some(true);
        }
        (!self.0.contains('\\')).then_some(false)
    }
}

impl ParamIndex {
    pub(super) fn of(raw_params: &RawParams) -> Self {
        let mut index = Self {
            spans: [Span::default(); MOST],
            len: 0,
            complete: true,
            is_readable: true,
        };
        if let RawParams::Raw(json) = raw_params {
            index.look(json);
        }
        index
    }

    /// Of parameters that nobody has looked through.
    pub(super) fn unknown() -> Self {
        Self {
            spans: [Span::default(); MOST],
            len: 0,
            complete: false,
            is_readable: false,
        }
    }

    /// Looks through valid JSON. Of other text what is seen is of no use, and harmless.
    fn look(&mut self, json: &str) {
        let bytes = json.as_bytes();
        let mut at = skip_space(bytes, 0);
        if bytes.get(at) != Some(&b'{') {
            self.is_readable = json::fits_value(json);
            return;
        }
        loop {
            // Behind the brace, or a comma.
            at = skip_space(bytes, at + 1);
            if bytes.get(at) != Some(&b'"') {
                return;
            }
            let key = at + 1;
            let (len, is_plain) = key_len(&bytes[key..]);
            let end = key + len;
            let colon = skip_space(bytes, end + 1);
            let value = skip_space(bytes, colon + 1);
            let (len, is_sure) = json::value(bytes.get(value..).unwrap_or_default(), 1);
            // An escape in a key may be a lone surrogate, too.
            self.is_readable &= is_sure && is_plain;
            at = value + len;
            self.add(key..end, value..at);
            at = skip_space(bytes, at);
            if bytes.get(at) != Some(&b',') {
                return;
            }
        }
    }

    fn add(&mut self, key: std::ops::Range<usize>, value: std::ops::Range<usize>) {
        let Ok(to) = u32::try_from(value.end) else {
            self.complete = false;
            return;
        };
        let Some(span) = self.spans.get_mut(self.len) else {
            self.complete = false;
            return;
        };
        // None is longer than the last.
        #[allow(clippy::cast_possible_truncation, reason = "each is at most `to`")]
        let short = |n: usize| n as u32;
        *span = Span {
            key: (short(key.start), short(key.end)),
            value: (short(value.start), to),
        };
        self.len += 1;
    }

    /// The entries of the object it was made of, in order; none if there are too many. Of what is no
    /// object there are no entries.
    pub(super) fn entries<'a>(
        &self,
        json: &'a str,
    ) -> Option<impl Iterator<Item = (Key<'a>, &'a str)>> {
        let part = |(from, to): (u32, u32)| json.get(from as usize..to as usize);
        let spans = self.spans[..self.len].iter();
        self.complete
            .then(|| spans.filter_map(move |span| Some((Key(part(span.key)?), part(span.value)?))))
    }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// How long a key is, whose closing quote follows; and whether it is without escapes.
fn key_len(bytes: &[u8]) -> (usize, bool) {
    let mut at = 0;
    let mut is_plain = true;
    loop {
        at += plain::in_string(&bytes[at..]);
        if bytes.get(at) != Some(&b'\\') {
            return (at, is_plain);
        }
        at = (at + 2).min(bytes.len());
        is_plain = false;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Map, Value, value::RawValue};

    use super::*;

    fn entries(text: &str) -> Option<Vec<(Key<'_>, &str)>> {
        let index = ParamIndex::of(&RawParams::Raw(text.into()));
        let entries = index.entries(text)?;
        Some(entries.collect())
    }

    #[test]
    fn they_are_those_that_the_parser_finds() {
        for text in [
            "{}",
            " { } ",
            r#"{"a":1}"#,
            r#" { "a" : -1.5e3 , "b":"x\"y\\" , "c" : { "d" : [ 1 , {} , "}]" ] } , "e":[],"f":null}"#,
            "{\"ä\\n\":\"€ 🐢\",\n\t\"k\\u0065y\":true\r\n,\"\":[[[]]]}",
            r#"{"action":"echo","payload":"0123456789abcdef0123456789abcdef"}"#,
            r#"{"a":"\ud800","b":1e999,"c":[1e999],"d":{}}"#,
        ] {
            let parsed: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
            let unquoted = |key: Key<'_>| serde_json::from_str(&format!("\"{}\"", key.0)).unwrap();
            let found: BTreeMap<String, &str> = entries(text)
                .unwrap()
                .into_iter()
                .map(|(key, value)| (unquoted(key), value))
                .collect();
            let parsed: BTreeMap<String, &str> =
                parsed.iter().map(|(k, v)| (k.clone(), v.get())).collect();
            assert_eq!(found, parsed, "{text}");
        }
        for text in ["null", "1", "\"{\"", "[{\"a\":1}]", "true", ""] {
            assert_eq!(entries(text).unwrap(), [], "{text}");
        }
        let twice = entries(r#"{"a":1,"a":2}"#).unwrap();
        assert_eq!(twice, [(Key("a"), "1"), (Key("a"), "2")]);
        let many = |n: usize| {
            let map: Map<_, _> = (0..n).map(|n| (n.to_string(), Value::Null)).collect();
            serde_json::to_string(&map).unwrap()
        };
        assert_eq!(entries(&many(MOST)).unwrap().len(), MOST);
        assert_eq!(entries(&many(MOST + 1)), None);
    }

    #[test]
    fn what_it_takes_for_readable_is() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        let mut texts: Vec<String> = [
            "null",
            "1e999",
            r#"{"a":1e999}"#,
            r#"{"a":{"b":[1E999]}}"#,
            r#"{"\ud800":1}"#,
            r#"{"a":{"\ud800":1}}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\\ud800","b":["\n",{"c":"e1"}]}"#,
            r#"{"action":"echo","payload":"0123456789"}"#,
        ]
        .map(str::to_owned)
        .to_vec();
        texts.extend([1, 98, 99, 100, 126, 127, 128].map(deep));
        texts.push(format!("{{\"a\":{}}}", "9".repeat(400)));
        let mut sure = 0;
        for text in &texts {
            if ParamIndex::of(&RawParams::Raw(text.as_str().into())).is_readable {
                sure += 1;
                assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
            }
        }
        assert_eq!(sure, 6);
    }

    #[test]
    fn text_that_is_no_json_does_no_harm() {
        let whole = r#"{"a\"":{"b":["x",{}]},"c":"€\\","d":1}"#;
        for (end, _) in whole.char_indices() {
            entries(&whole[..end]);
            entries(&whole[..end].replace(['"', ':'], "}"));
            entries(&format!("{{{}", &whole[end..]));
            entries(&whole.replace(',', &whole[end..]));
        }
    }

    #[test]
    fn keys_with_escapes_are_left_to_the_parser() {
        let mut object = Map::new();
        object.insert("a\\b".into(), Value::Null);
        let text = serde_json::to_string(&object).unwrap();
        let key = |text| Key(entries(text).unwrap()[0].0.0);
        assert_eq!(key(&text).is("a\\b"), None);
        assert_eq!(key(&text).is("a\\\\b"), None);
        let plain = key(r#"{"ab":1}"#);
        assert_eq!((plain.is("ab"), plain.is("a")), (Some(true), Some(false)));
        let escaped = key(r#"{"\u0061":1}"#);
        assert_eq!((escaped.is("a"), escaped.is("b")), (None, None));
    }
}
