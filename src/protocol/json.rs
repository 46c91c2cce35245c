//! JSON that is passed on as text may say more than a tree of values can hold. Which that is, and
//! finding it out without building the tree.

use std::{fmt, io};

use serde::{
    Deserialize, Deserializer, Serialize,
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

/// Returns the length of a value as JSON text, in bytes. It takes no memory.
pub(crate) fn json_len<T: Serialize + ?Sized>(value: &T) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting does not fail. What has no JSON form is not measured, and not written either.
    serde_json::to_writer(&mut count, value).ok();
    count.0
}

/// What is shorter is not looked at: a tree of it is small, whatever it holds.
const SHORT: usize = 4 << 10;

/// Returns `true` if a tree of values takes more than three times the memory of its JSON text: lists
/// of small items do.
pub(crate) fn is_dense(json: &str) -> bool {
    json.len() > SHORT && tree_size(json) > json.len() * 3
}

/// Returns a bound for the memory that a tree of values takes while it is built, in bytes. It is found
/// by counting what the text holds.
pub(crate) fn tree_size(json: &str) -> usize {
    let mut rest = json.as_bytes();
    let mut size = TreeSize::default();
    // Of deeper text there is no tree.
    let mut open = [Opened::default(); 128];
    let mut depth = 0;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => continue,
            b'"' => {
                rest = skip_string(after).0;
                let (text, _) = after.split_at(after.len() - rest.len());
                size.add_text(text.len());
                if memchr::memchr(b'\\', text).is_some() {
                    // Escapes are undone in a buffer beside the text.
                    size.growing = size.growing.max(2 * text.len());
                }
            }
            b'[' | b'{' => {
                if let Some(within) = open.get_mut(depth) {
                    within.is_empty = false;
                }
                depth += 1;
                if let Some(new) = open.get_mut(depth) {
                    *new = Opened::default();
                }
                continue;
            }
            b',' => {
                if let Some(within) = open.get_mut(depth) {
                    within.commas += 1;
                }
            }
            b']' | b'}' => {
                let closed = open.get(depth).copied().unwrap_or_default();
                match (byte, closed.count()) {
                    (b']', count) => size.add_list(count),
                    (_, count) => size.add_object(count),
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if let Some(within) = open.get_mut(depth) {
            within.is_empty = false;
        }
    }
    size.bytes()
}

/// A list or an object whose end has not come yet.
#[derive(Clone, Copy)]
struct Opened {
    commas: usize,
    is_empty: bool,
}

impl Default for Opened {
    fn default() -> Self {
        Self {
            commas: 0,
            is_empty: true,
        }
    }
}

impl Opened {
    fn count(self) -> usize {
        match self.is_empty {
            true => 0,
            false => self.commas + 1,
        }
    }
}

/// Adds up what a tree of values takes. Lists and objects double their room as they grow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TreeSize {
    bytes: usize,
    /// The most that one list or object holds twice while it grows.
    growing: usize,
}

/// A value where it stands, in bytes.
const VALUE: usize = size_of::<serde_json::Value>();

/// An entry of an object without its texts: hash, key and value.
const ENTRY: usize = 8 + size_of::<String>() + VALUE;

impl TreeSize {
    /// The bound, in bytes.
    pub(crate) fn bytes(self) -> usize {
        VALUE
            .saturating_add(self.bytes)
            .saturating_add(self.growing)
    }

    /// Adds a text of so many bytes.
    pub(crate) fn add_text(&mut self, length: usize) {
        self.bytes = self.bytes.saturating_add(length);
    }

    /// Adds a list of so many values, without what those hold.
    pub(crate) fn add_list(&mut self, count: usize) {
        if count > 0 {
            let places = count.next_power_of_two().max(4);
            self.add(places.saturating_mul(VALUE));
        }
    }

    /// Adds an object of so many entries, without what those hold.
    pub(crate) fn add_object(&mut self, count: usize) {
        let (buckets, places) = match count {
            0 => return,
            1..=3 => (4, 3),
            4..=7 => (8, 7),
            _ => {
                let buckets = (count.saturating_mul(8) / 7).next_power_of_two();
                (buckets, buckets / 8 * 7)
            }
        };
        // Beside each bucket of the table is a byte, and a group of bytes at its end.
        let table = buckets * (size_of::<usize>() + 1) + 16;
        self.add(places.saturating_mul(ENTRY).saturating_add(table));
    }

    fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.growing = self.growing.max(bytes / 2);
    }
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
pub(crate) fn skip_string(mut bytes: &[u8]) -> (&[u8], bool) {
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
    fn the_size_of_a_tree_is_a_bound_and_no_more_than_half_too_large() {
        let mut texts: Vec<String> = [
            "1",
            "[]",
            "{}",
            "[ ]",
            r#"{"a":1}"#,
            r#"["a\"b,[{"]"#,
            "[[[[]]]]",
            "[[],[],[]]",
        ]
        .map(str::to_owned)
        .to_vec();
        for count in [
            1, 3, 4, 5, 7, 8, 14, 15, 28, 29, 1_000, 4_096, 4_097, 30_000,
        ] {
            for item in [
                "0",
                "[]",
                "[1]",
                "{}",
                r#"{"a":1}"#,
                r#""""#,
                r#""some text""#,
            ] {
                texts.push(format!("[{}]", vec![item; count].join(", ")));
                let entries = (0..count).map(|n| format!("\"{n}\" :{item}"));
                texts.push(format!("{{{}}}", entries.collect::<Vec<_>>().join(",")));
            }
        }
        for text in &texts {
            let mut tree = None;
            let taken = allocation_counter::measure(|| {
                tree = serde_json::from_str::<Value>(text).ok();
            });
            let (bound, taken) = (tree_size(text), taken.bytes_max as usize);
            let short = text.get(..60).unwrap_or(text);
            assert!(
                tree.is_some() && bound >= taken,
                "{bound} of {taken}: {short}"
            );
            let slack = VALUE + 4 * text.len();
            assert!(
                bound <= taken * 3 / 2 + slack,
                "{bound} of {taken}: {short}"
            );
        }
    }

    #[test]
    fn what_takes_much_memory_is_known_by_its_text() {
        let list = |item: &str| format!("[{}]", vec![item; 4_000].join(","));
        let long = format!("\"{}\"", "a text of some length".repeat(4));
        for (item, dense) in [
            ("0", true),
            ("[]", true),
            ("12345", true),
            ("\"\"", true),
            (r#"{"a":1}"#, true),
            (&*long, false),
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
