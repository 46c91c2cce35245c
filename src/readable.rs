//! JSON that is passed on as text may say more than a tree of values can hold. Which that is, and
//! finding it out without building the tree.

use serde_json::Value;

/// What is told to have been expected where a tree of values is needed: JSON of at most 127
/// levels, without lone surrogates, and without numbers that no double can hold.
pub(crate) const PLAIN: &str = "plain JSON";

/// Whether a tree of values can hold a JSON text.
pub(crate) fn is_readable(json: &str) -> bool {
    is_surely_readable(json.as_bytes()) || serde_json::from_str::<Value>(json).is_ok()
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
    use super::*;

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
            assert_eq!(is_readable(&text), parsed.is_ok(), "{text}");
            if is_surely_readable(text.as_bytes()) {
                assert!(parsed.is_ok(), "{text}");
            }
        }
    }
}
