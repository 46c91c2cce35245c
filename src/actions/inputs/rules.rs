//! What each validator asks of a value that is there.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use jiff::{Timestamp, civil, fmt::rfc2822, tz::TimeZone};
use regex::Regex;
use serde_json::Value;

use super::{
    All,
    rule::{Kind, Rule},
};
use crate::protocol::json;

/// Whether a value is as a validator wants it.
pub(super) fn holds(rule: &Rule, name: &str, value: &Value, all: All<'_>) -> bool {
    let is_text_of =
        |test: fn(char) -> bool| value.as_str().is_some_and(|text| text.chars().all(test));
    let other = || rule.args.first().and_then(|other| all.get(other));
    let size = |value: &Value| match all.length(name) {
        Some(length) => Some(length as f64),
        None => size(value),
    };
    match &rule.kind {
        Kind::After(limit) => date_of(value).is_some_and(|date| date > *limit),
        Kind::Before(limit) => date_of(value).is_some_and(|date| date < *limit),
        Kind::Date => date_of(value).is_some(),
        Kind::Alpha => is_text_of(|c| c.is_ascii_alphabetic()),
        Kind::AlphaDash => {
            is_text_of(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') || value.is_u64()
        }
        Kind::AlphaNum => is_text_of(|c| c.is_ascii_alphanumeric()) || value.is_u64(),
        Kind::Array => value.is_array(),
        Kind::Between(min, max) => size(value).is_some_and(|size| *min <= size && size <= *max),
        Kind::Max(max) => size(value).is_some_and(|size| size <= *max),
        Kind::Min(min) => size(value).is_some_and(|size| size >= *min),
        Kind::Size(wanted) => size(value).is_some_and(|size| size == *wanted),
        Kind::Boolean => value.is_boolean(),
        Kind::Confirmed => all.get(&format!("{name}_confirmation")) == Some(value),
        Kind::Different => other() != Some(value),
        Kind::Same => other() == Some(value),
        Kind::Email => value.as_str().is_some_and(is_email),
        Kind::Url => value.as_str().is_some_and(is_url),
        Kind::In => rule.args.contains(&text(value)),
        Kind::NotIn => !rule.args.contains(&text(value)),
        Kind::Integer => match value {
            Value::Number(number) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
            Value::String(text) => text.trim().parse::<i64>().is_ok(),
            _ => false,
        },
        Kind::Ip => value
            .as_str()
            .is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        Kind::Json => value.as_str().is_some_and(|text| {
            text.trim_ascii_start().starts_with(['[', '{']) && json::check(text.as_bytes()).is_ok()
        }),
        Kind::Numeric => value.is_number(),
        Kind::Regex(regex) => match value {
            Value::String(text) => regex.is_match(text),
            Value::Number(number) => regex.is_match(&number.to_string()),
            _ => false,
        },
        // These are about presence, and judged before.
        Kind::Filled
        | Kind::Required
        | Kind::RequiredIf
        | Kind::RequiredUnless
        | Kind::RequiredWith
        | Kind::RequiredWithAll
        | Kind::RequiredWithout
        | Kind::RequiredWithoutAll => true,
    }
}

/// An address as HTML's email field takes it, with a dot in its domain.
static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    let label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
    let text = format!(r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{label}(?:\.{label})+$");
    Regex::new(&text).unwrap_or_else(|error| unreachable!("a constant: {error}"))
});

fn is_email(text: &str) -> bool {
    text.len() <= 254 && EMAIL.is_match(text)
}

/// Returns `true` for the formats of JSON Schema that are judged. The others are those of Rust
/// types, which read them by themselves.
pub(in crate::actions) fn judges_format(format: &str) -> bool {
    matches!(format, "email" | "uri" | "ip" | "ipv4" | "ipv6")
}

/// What is wrong with a text of one of these formats, in a sentence.
pub(in crate::actions) fn judge_format(format: &str, text: &str, name: &str) -> Option<String> {
    let (fine, kind) = match format {
        "email" => (is_email(text), "email address"),
        "uri" => (URI.is_match(text), "URL"),
        "ip" => (text.parse::<IpAddr>().is_ok(), "IP address"),
        "ipv4" => (text.parse::<Ipv4Addr>().is_ok(), "IP address"),
        "ipv6" => (text.parse::<Ipv6Addr>().is_ok(), "IP address"),
        _ => return None,
    };
    (!fine).then(|| format!("The {name} must be a valid {kind}."))
}

/// A scheme, and what no URI can hold left out: RFC 3986 leaves the rest to the scheme.
static URI: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"\\^`{|}\x00-\x1f\x7f]+$"#)
        .unwrap_or_else(|error| unreachable!("a constant: {error}"))
});

/// How large a value is: a number itself, a text's characters, a list's items.
fn size(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        // JavaScript counts a text in UTF-16 units, and so does its `length`.
        Value::String(text) => Some(text.encode_utf16().count() as f64),
        Value::Array(list) => Some(list.len() as f64),
        _ => None,
    }
}

/// A value as JavaScript's `String` would tell a simple one.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let known = ["http", "https", "ftp"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    known && plain && authority.parse::<http::uri::Authority>().is_ok() && !host.starts_with(':')
}

/// The seconds since 1970 of a value that tells a moment: a text, or milliseconds as JavaScript
/// counts them.
fn date_of(value: &Value) -> Option<f64> {
    /// So far from 1970 JavaScript knows moments: a hundred million days.
    const FARTHEST: f64 = 8.64e15;
    match value {
        Value::String(text) => date(text),
        Value::Number(ms) => {
            let ms = ms.as_f64().filter(|ms| ms.abs() <= FARTHEST)?;
            Some(ms / 1_000.0)
        }
        _ => None,
    }
}

/// The seconds since 1970 of a date: of ISO 8601 with a time or without, or of RFC 2822. Without
/// a zone it is taken as UTC.
pub(super) fn date(text: &str) -> Option<f64> {
    let text = text.trim();
    let seconds = |timestamp: Timestamp| timestamp.as_millisecond() as f64 / 1_000.0;
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(seconds(timestamp));
    }
    if let Ok(zoned) = rfc2822::parse(text) {
        return Some(seconds(zoned.timestamp()));
    }
    let local: civil::DateTime = text.parse().ok()?;
    let zoned = local.to_zoned(TimeZone::UTC).ok()?;
    Some(seconds(zoned.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Judges one value, with others beside it.
    fn judge(rule: &str, value: Value, others: Value) -> Result<(), String> {
        let rules = Rule::read_all(rule).unwrap();
        let Value::Object(mut all) = others else {
            unreachable!()
        };
        let value = (value != json!("absent")).then_some(value);
        if let Some(value) = value.clone() {
            all.insert("f".into(), value);
        }
        let all = All {
            map: &all,
            lengths: &[],
        };
        rules
            .iter()
            .try_for_each(|rule| rule.judge("f", value.as_ref(), all, &rules, false))
    }

    fn fine(rule: &str, value: Value) {
        assert_eq!(
            judge(rule, value.clone(), json!({})),
            Ok(()),
            "{rule} {value}"
        );
    }

    fn wrong(rule: &str, value: Value, sentence: &str) {
        assert_eq!(
            judge(rule, value.clone(), json!({})),
            Err(sentence.into()),
            "{rule} {value}"
        );
    }

    #[test]
    fn texts() {
        fine("alpha", json!("abC"));
        wrong("alpha", json!("a1"), "The f must only contain letters.");
        wrong("alpha", json!(1), "The f must only contain letters.");
        fine("alpha_dash", json!("a-1_b"));
        wrong(
            "alpha_dash",
            json!("a b"),
            "The f may only contain letters, numbers, and dashes.",
        );
        fine("alpha_num", json!("a1"));
        wrong(
            "alpha_num",
            json!("a-1"),
            "The f may only contain letters and numbers.",
        );
        fine("email", json!("a.b+c@example.co.uk"));
        for bad in ["a", "a@b", "@b.com", "a@b..com", "a b@c.com", "a@-b.com"] {
            wrong("email", json!(bad), "The f must be a valid email address.");
        }
        fine("url", json!("https://example.com/x?y=1#z"));
        fine("url", json!("http://localhost:8080"));
        for bad in [
            "example.com",
            "javascript://x",
            "http://",
            "http:///x",
            "http://a b",
        ] {
            wrong("url", json!(bad), "The f format is invalid.");
        }
        fine("ip", json!("10.0.0.1"));
        fine("ip", json!("::1"));
        wrong(
            "ip",
            json!("10.0.0.256"),
            "The f must be a valid IP address.",
        );
        fine("json", json!("{\"a\":1}"));
        wrong("json", json!("1"), "The f must be a valid JSON string.");
        fine("regex:^a|b$", json!("xb"));
        wrong(
            "min:1|regex:^a|b$",
            json!("xbx"),
            "The f format is invalid.",
        );
    }

    #[test]
    fn numbers_lists_and_their_sizes() {
        fine("numeric", json!(1.5));
        wrong("numeric", json!("1.5"), "The f must be a number.");
        fine("integer", json!("12"));
        fine("integer", json!(12.0));
        wrong("integer", json!(1.5), "The f must be an integer.");
        fine("boolean", json!(false));
        wrong(
            "boolean",
            json!("true"),
            "The f field must be true or false.",
        );
        fine("array|size:2", json!([1, 2]));
        wrong("array", json!("x"), "The f must be an array.");
        wrong("array|size:2", json!([1]), "The f must contain 2 items.");
        wrong(
            "array|max:1",
            json!([1, 2]),
            "The f may not have more than 1 items.",
        );
        wrong(
            "array|min:1",
            json!([]),
            "The f must have at least 1 items.",
        );
        wrong(
            "array|between:1,2",
            json!([]),
            "The f must have between 1 and 2 items.",
        );
        fine("min:3", json!("äöü"));
        wrong("min:3", json!("äö"), "The f must be at least 3 characters.");
        wrong(
            "max:3",
            json!("abcd"),
            "The f may not be greater than 3 characters.",
        );
        wrong("size:3", json!("ab"), "The f must be 3 characters.");
        wrong(
            "between:1,2",
            json!("abc"),
            "The f must be between 1 and 2 characters.",
        );
        wrong("numeric|min:3", json!(2), "The f must be at least 3.");
        wrong(
            "numeric|max:3",
            json!(4),
            "The f may not be greater than 3.",
        );
        wrong("numeric|size:3", json!(4), "The f must be 3.");
        wrong(
            "numeric|between:1,2",
            json!(3),
            "The f must be between 1 and 2.",
        );
        wrong("min:1", json!({}), "The f must be at least 1 characters.");
        fine("in:a,1", json!(1));
        wrong("in:a,b", json!("c"), "The selected f is invalid.");
        wrong("not_in:a,b", json!("a"), "The selected f is invalid.");
    }

    #[test]
    fn dates() {
        for ok in [
            "2026-01-31",
            "2026-01-31T10:00:00Z",
            "2026-01-31T10:00:00",
            "Sat, 31 Jan 2026 10:00:00 +0000",
        ] {
            fine("date", json!(ok));
        }
        fine("date", json!(1_769_817_600_000_u64));
        wrong("date", json!("2026-02-30"), "The f is not a valid date.");
        wrong("date", json!("soon"), "The f is not a valid date.");
        fine("after:2026-01-01", json!("2026-01-02"));
        wrong(
            "after:2026-01-01",
            json!("2026-01-01"),
            "The f must be a date after 2026-01-01.",
        );
        fine("before:2026-01-01", json!("2025-12-31T23:59:59Z"));
        wrong(
            "before:2026-01-01",
            json!("x"),
            "The f must be a date before 2026-01-01.",
        );
    }

    #[test]
    fn other_fields() {
        let others = json!({ "g": "x", "h": null, "f_confirmation": "v" });
        let judge = |rule: &str, value: Value| judge(rule, value, others.clone()).err();
        let absent = || json!("absent");
        assert_eq!(judge("confirmed", json!("v")), None);
        assert_eq!(
            judge("confirmed", json!("w")).unwrap(),
            "The f confirmation does not match."
        );
        assert_eq!(judge("same:g", json!("x")), None);
        assert_eq!(
            judge("same:g", json!("y")).unwrap(),
            "The f and g must match."
        );
        assert_eq!(
            judge("different:g", json!("x")).unwrap(),
            "The f and g must be different."
        );
        assert_eq!(
            judge("required", absent()).unwrap(),
            "The f field is required."
        );
        assert_eq!(judge("required", json!("")), None);
        assert_eq!(
            judge("filled", json!("")).unwrap(),
            "The f field is required."
        );
        assert_eq!(
            judge("required_if:g,x,y", absent()).unwrap(),
            "The f field is required when g is in x, y."
        );
        assert_eq!(judge("required_if:g,z,y", absent()), None);
        assert_eq!(
            judge("required_unless:g,z,y", absent()).unwrap(),
            "The f field is required unless g is in z, y."
        );
        assert_eq!(judge("required_unless:g,x,y", absent()), None);
        assert_eq!(
            judge("required_with:g,h", absent()).unwrap(),
            "The f field is required when at least one of g, h is present."
        );
        assert_eq!(judge("required_with:h", absent()), None);
        assert_eq!(judge("required_with_all:g,h", absent()), None);
        assert_eq!(
            judge("required_with_all:g,f_confirmation", absent()).unwrap(),
            "The f field is required when g, f_confirmation are present."
        );
        assert_eq!(
            judge("required_without:g,h", absent()).unwrap(),
            "The f field is required when at least one of g, h is not present."
        );
        assert_eq!(judge("required_without:g", absent()), None);
        assert_eq!(
            judge("required_without_all:h,i", absent()).unwrap(),
            "The f field is required when none of h, i are present."
        );
        assert_eq!(judge("required_without_all:g,h", absent()), None);
        // Without a presence validator, what is absent is fine.
        assert_eq!(judge("email|min:3", absent()), None);
    }
}
