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
    const LEVELS: usize = 100;
    const DIGITS: usize = 300;
    let (mut depth, mut digits) = (0_usize, 0_usize);
    let mut rest = json;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'"' => match skip_string(rest) {
                Some(after) => rest = after,
                None => return false,
            },
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'e' | b'E' if digits > 0 => return false,
            b'0'..=b'9' => digits += 1,
            _ => {}
        }
        if !byte.is_ascii_digit() {
            digits = 0;
        }
        if depth > LEVELS || digits > DIGITS {
            return false;
        }
    }
    true
}

/// What comes after a string, unless there is an escape in it that may be a surrogate.
fn skip_string(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let at = memchr::memchr2(b'"', b'\\', bytes)?;
        match &bytes[at..] {
            [b'"', after @ ..] => return Some(after),
            [_, b'u', b'd' | b'D', ..] => return None,
            [_, _, after @ ..] => bytes = after,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
