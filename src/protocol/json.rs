//! JSON that is passed on as text may say more than a tree of values can hold. Which that is, and
//! finding it out without building the tree.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// What is told to have been expected where a tree of values is needed: JSON of at most 127
/// levels, without lone surrogates, and without numbers that no double can hold.
pub(crate) const PLAIN: &str = "plain JSON";

/// Whether a tree of values can hold a JSON text.
pub(crate) fn fits_value(json: &str) -> bool {
    is_surely_readable(json.as_bytes()) || serde_json::from_str::<Probe>(json).is_ok()
}

/// Finds out whether bytes are JSON that a tree of values can hold, without building it.
pub(crate) fn check(json: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice::<Probe>(json).map(drop)
}

/// Reads what a tree of values would be made of, and keeps nothing.
struct Probe;

impl<'de> Deserialize<'de> for Probe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ProbeVisitor;
        impl<'de> Visitor<'de> for ProbeVisitor {
            type Value = Probe;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Probe, E> {
                Ok(Probe)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Probe, E> {
                Ok(Probe)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Probe, E> {
                Ok(Probe)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Probe, E> {
                Ok(Probe)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Probe, E> {
                Ok(Probe)
            }
            fn visit_str<E>(self, _: &str) -> Result<Probe, E> {
                Ok(Probe)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Probe, A::Error> {
                while seq.next_element::<Probe>()?.is_some() {}
                Ok(Probe)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Probe, A::Error> {
                while map.next_entry::<Probe, Probe>()?.is_some() {}
                Ok(Probe)
            }
        }
        deserializer.deserialize_any(ProbeVisitor)
    }
}

/// What is shorter is not looked at: a tree of it is small, whatever it holds.
const SHORT: usize = 4 << 10;

/// Returns `true` if a tree of values takes more than three times the memory of its JSON text: lists
/// of small items do.
pub(crate) fn is_dense(json: &str) -> bool {
    json.len() > SHORT && tree_size(json) > json.len() * 3
}

/// About how many bytes a tree of values takes: 32 for each, 100 more for each entry of an object,
/// and the texts.
pub(crate) fn tree_size(json: &str) -> usize {
    let mut rest = json.as_bytes();
    let (mut values, mut entries, mut texts) = (1, 0, 0);
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'"' => {
                rest = skip_string(after).0;
                texts += after.len() - rest.len();
            }
            b',' | b'[' | b'{' => values += 1,
            b':' => entries += 1,
            _ => {}
        }
    }
    values * 32 + entries * 100 + texts
}

/// Whether nothing in a JSON text can be in the way. It looks at the bytes alone, because nearly
/// every message passes; what does not is left to the parser, which has the last word.
fn is_surely_readable(json: &[u8]) -> bool {
    value(json.trim_ascii_start(), 0).1
}

/// How long the value at the front of valid JSON is, which stands so many levels deep; and whether
/// surely nothing in it is in the way. Of other text it tells nothing of use.
pub(crate) fn value(json: &[u8], level: usize) -> (usize, bool) {
    const LEVELS: usize = 100;
    const DIGITS: usize = 300;
    let (mut depth, mut digits, mut sure) = (0_usize, 0_usize, true);
    let mut rest = json;
    while let [byte, after @ ..] = rest {
        let is_inside = depth > 0;
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                sure &= digits <= DIGITS;
                rest = after;
                continue;
            }
            b'"' => {
                let (after, is_sure) = skip_string(after);
                rest = after;
                sure &= is_sure;
                if !is_inside {
                    break;
                }
                continue;
            }
            b'[' | b'{' => {
                depth += 1;
                sure &= level + depth <= LEVELS;
            }
            b']' | b'}' if is_inside => {
                depth -= 1;
                if depth == 0 {
                    rest = after;
                    break;
                }
            }
            // What it stands in goes on.
            b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t' if !is_inside => break,
            b'e' | b'E' if digits > 0 => sure = false,
            _ => {}
        }
        digits = 0;
        rest = after;
    }
    (json.len() - rest.len(), sure)
}

/// Returns `true` if lists and objects of a valid JSON text are nested in more than `most` levels.
pub(crate) fn is_deeper_than(json: &str, most: usize) -> bool {
    // Each level takes two bytes at least, so that short texts need not be looked at.
    if json.len() / 2 <= most {
        return false;
    }
    let (mut rest, mut depth) = (json.as_bytes(), 0_usize);
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'"' => rest = skip_string(after).0,
            b'[' | b'{' => {
                depth += 1;
                if depth > most {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// What comes after the rest of a string; and whether no escape in it can be a surrogate.
fn skip_string(mut bytes: &[u8]) -> (&[u8], bool) {
    let mut sure = true;
    while let Some(at) = memchr::memchr2(b'"', b'\\', bytes) {
        match &bytes[at..] {
            [b'"', after @ ..] => return (after, sure),
            [_, escape, after @ ..] => {
                sure &= *escape != b'u' || !matches!(after, [b'd' | b'D', ..]);
                bytes = after;
            }
            _ => break,
        }
    }
    (&[], false)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_takes_much_memory_is_known_by_its_text() {
        let list = |item: &str| format!("[{}]", vec![item; 4_000].join(","));
        for (item, dense) in [
            ("0", true),
            ("[]", true),
            ("12345", true),
            ("\"\"", true),
            (r#"{"a":1}"#, true),
            ("1234567890123", false),
            (r#""a text of some length""#, false),
        ] {
            assert_eq!(is_dense(&list(item)), dense, "{item}");
        }
        assert!(!is_dense(&format!("\"{}\"", "[,".repeat(9_000))));
        assert!(!is_dense("[0,0,0,0]"));
    }

    #[test]
    fn the_probe_has_the_verdict_of_a_tree() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        for text in [
            "1e5",
            "1e999",
            "[1e999]",
            r#""\ud800""#,
            r#"{"\ud800":1}"#,
            r#"{"a":"\ud83d\ude00"}"#,
            "null",
            "-1",
            "true",
            "{\"a\":[1.5,{}]}",
            &deep(127),
            &deep(128),
        ] {
            let tree = serde_json::from_str::<Value>(text).is_ok();
            assert_eq!(serde_json::from_str::<Probe>(text).is_ok(), tree, "{text}");
        }
    }

    #[test]
    fn depth_is_that_of_lists_and_objects() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let objects =
            |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        for levels in [0, 1, 2, 100, 10_000] {
            for text in [nested(levels), objects(levels)] {
                assert!(!is_deeper_than(&text, levels), "{levels}");
                assert_eq!(is_deeper_than(&text, levels.saturating_sub(1)), levels > 0);
            }
        }
        // Beside one another, and within texts, they are not nested.
        assert!(!is_deeper_than(
            &format!("[{}]", vec!["[]"; 500].join(",")),
            2
        ));
        assert!(!is_deeper_than(
            &format!(r#"["{}\"[", "\\"]"#, "[".repeat(500)),
            1
        ));
        assert!(is_deeper_than(&format!(r#"["\\",{}]"#, nested(5)), 5));
    }

    #[test]
    fn it_agrees_with_the_parser() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let mut texts: Vec<String> = [
            "null",
            "1",
            "-0.5",
            "1e308",
            "1E+999",
            "-1.0e999",
            "\"\"",
            r#""1e999""#,
            r#""\\ud800""#,
            r#""\ud800""#,
            r#""\uDC00x""#,
            r#""\ud83d\ude00""#,
            r#""\ud83d\u0041""#,
            r#""\u0000\ud7ff""#,
            r#"{"\ud800":1}"#,
            r#"{"a":[true,false,null,"]]]","\""]}"#,
        ]
        .map(str::to_owned)
        .to_vec();
        for digits in [300, 309, 310, 400] {
            texts.push("9".repeat(digits));
            texts.push(format!("0.{}", "9".repeat(digits)));
        }
        for levels in [1, 99, 100, 101, 126, 127, 128, 129, 5_000] {
            texts.push(nested(levels));
            texts.push(format!("[{}]", vec!["[]"; levels].join(",")));
            texts.push(format!(r#"["{}",{}]"#, "]".repeat(levels), nested(levels)));
        }
        for text in texts {
            let parsed = serde_json::from_str::<Value>(&text);
            assert_eq!(fits_value(&text), parsed.is_ok(), "{text}");
            if is_surely_readable(text.as_bytes()) {
                assert!(parsed.is_ok(), "{text}");
            }
        }
    }
}
