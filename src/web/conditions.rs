//! Conditional and range requests (RFC 9110 sections 8.8, 13 and 14).

use std::{
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use sha2::{Digest as _, Sha256};

/// An entity tag: what a client has already need not be sent again.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    value: HeaderValue,
    is_weak: bool,
}

impl Tag {
    /// The strong tag of a text: the same text has the same tag, after a restart too.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self::strong(&STANDARD.encode(Sha256::digest(bytes)))
    }

    /// The tag of a file, by its time and length. `coding` is that of its content, if any.
    ///
    /// It is strong once the file's time has passed: a clock ticks coarsely, and a change within the
    /// tick of another has the same time.
    pub(super) fn of_file(modified: Option<SystemTime>, length: u64, coding: Option<&str>) -> Self {
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let nanos = since.unwrap_or_default().as_nanos();
        let dash = if coding.is_some() { "-" } else { "" };
        let tag = Self::strong(&format!(
            "{nanos:x}-{length:x}{dash}{}",
            coding.unwrap_or_default()
        ));
        if modified.is_some_and(is_past) {
            tag
        } else {
            tag.weak()
        }
    }

    fn strong(opaque: &str) -> Self {
        let value = HeaderValue::from_str(&format!("\"{opaque}\""));
        Self {
            value: value.unwrap_or_else(|_| unreachable!("the text is ASCII")),
            is_weak: false,
        }
    }

    /// The same for content that means the same and differs in its bytes.
    pub(super) fn weak(&self) -> Self {
        let mut text = b"W/".to_vec();
        text.extend_from_slice(self.opaque());
        let value = HeaderValue::from_bytes(&text);
        Self {
            value: value.unwrap_or_else(|_| unreachable!("the tag was one before")),
            is_weak: true,
        }
    }

    pub(super) fn value(&self) -> HeaderValue {
        self.value.clone()
    }

    /// The part between the quotes, with them.
    fn opaque(&self) -> &[u8] {
        let bytes = self.value.as_bytes();
        bytes.strip_prefix(b"W/").unwrap_or(bytes)
    }

    fn matches(&self, (is_weak, opaque): (bool, &[u8]), strongly: bool) -> bool {
        self.opaque() == opaque && !(strongly && (is_weak || self.is_weak))
    }

    /// Whether one of a header's tags is this one. None if the header is absent.
    fn is_in(&self, headers: &HeaderMap, name: HeaderName, strongly: bool) -> Option<bool> {
        let mut values = headers.get_all(name).iter().peekable();
        values.peek()?;
        Some(values.any(|value| {
            let value = value.as_bytes().trim_ascii();
            value == b"*" || tags(value).any(|tag| self.matches(tag, strongly))
        }))
    }
}

/// The entity tags of a list, up to where it is malformed: whether each is weak, and its opaque part
/// with the quotes.
fn tags(mut list: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    std::iter::from_fn(move || {
        while let Some(rest) = list.strip_prefix(b",") {
            list = rest.trim_ascii_start();
        }
        let (is_weak, rest) = match list.strip_prefix(b"W/") {
            Some(rest) => (true, rest),
            None => (false, list),
        };
        let inner = rest.strip_prefix(b"\"")?;
        let end = inner.iter().position(|byte| *byte == b'"')?;
        let opaque = rest.get(..end + 2)?;
        list = rest.get(end + 2..)?.trim_ascii_start();
        if !list.is_empty() && !list.starts_with(b",") {
            list = b"";
            return None;
        }
        Some((is_weak, opaque))
    })
}

/// What a conditional request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// 200, with all of it.
    Whole,
    /// 206, with these bytes.
    Part(Range<u64>),
    /// 304.
    NotModified,
    /// 412.
    Failed,
    /// 416.
    Unsatisfiable,
}

/// What requests are compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Current<'a> {
    pub(super) tag: &'a Tag,
    pub(super) modified: Option<SystemTime>,
    /// Its length in bytes, where ranges of it can be had.
    pub(super) length: Option<u64>,
}

impl Current<'_> {
    /// Evaluates the conditions of a GET or HEAD in the order of RFC 9110 section 13.2.2.
    pub(super) fn judge(&self, method: &Method, headers: &HeaderMap) -> Verdict {
        let date = |name| self.modified.and_then(|_| date_of(headers, name));
        let modified = self.modified.map(seconds);
        match self.tag.is_in(headers, header::IF_MATCH, true) {
            Some(true) => {}
            Some(false) => return Verdict::Failed,
            None => {
                let since = date(header::IF_UNMODIFIED_SINCE);
                if since.is_some_and(|since| modified > Some(since)) {
                    return Verdict::Failed;
                }
            }
        }
        match self.tag.is_in(headers, header::IF_NONE_MATCH, false) {
            Some(true) => return Verdict::NotModified,
            Some(false) => {}
            None => {
                let since = date(header::IF_MODIFIED_SINCE);
                if since.is_some_and(|since| modified <= Some(since)) {
                    return Verdict::NotModified;
                }
            }
        }
        match self.length {
            Some(length) if *method == Method::GET && self.is_same_version(headers) => {
                range_of(headers, length)
            }
            _ => Verdict::Whole,
        }
    }

    /// Whether a range may be of this version (RFC 9110 section 13.1.5).
    fn is_same_version(&self, headers: &HeaderMap) -> bool {
        let Some(value) = headers.get(header::IF_RANGE) else {
            return true;
        };
        let value = value.as_bytes().trim_ascii();
        if value.starts_with(b"W/") || value.starts_with(b"\"") {
            let mut tags = tags(value);
            return tags.next().is_some_and(|tag| self.tag.matches(tag, true))
                && tags.next().is_none();
        }
        let (Some(date), Some(modified)) = (date_of(headers, header::IF_RANGE), self.modified)
        else {
            return false;
        };
        is_past(modified) && date == seconds(modified)
    }
}

/// A header that is one date. None if it is absent or anything else.
fn date_of(headers: &HeaderMap, name: HeaderName) -> Option<u64> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    httpdate::parse_http_date(value.trim()).ok().map(seconds)
}

/// Returns `true` if nothing that changes from now on can have this time in a date of HTTP. Until then
/// it is a weak validator (RFC 9110 section 8.8.1).
fn is_past(modified: SystemTime) -> bool {
    seconds(SystemTime::now()) > seconds(modified)
}

/// Seconds since 1970: what dates of HTTP can tell.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// A time as `Last-Modified` has it: never later than now.
pub(super) fn last_modified(time: SystemTime) -> Option<HeaderValue> {
    let time = time.min(SystemTime::now());
    let time = UNIX_EPOCH + Duration::from_secs(seconds(time));
    HeaderValue::from_str(&httpdate::fmt_http_date(time)).ok()
}

/// The range that a request asks for. Those that are no ranges of bytes, and more than one at once,
/// are ignored.
fn range_of(headers: &HeaderMap, length: u64) -> Verdict {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Verdict::Whole;
    };
    let spec = value.to_str().ok().and_then(|value| {
        let (unit, set) = value.split_once('=')?;
        unit.trim()
            .eq_ignore_ascii_case("bytes")
            .then(|| set.trim())
    });
    let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')) else {
        return Verdict::Whole;
    };
    if first.is_empty() {
        // The last so many bytes.
        return match number(last) {
            Some(0) => Verdict::Unsatisfiable,
            Some(suffix) if length > 0 => Verdict::Part(length.saturating_sub(suffix)..length),
            _ => Verdict::Whole,
        };
    }
    let last = if last.is_empty() {
        Some(u64::MAX)
    } else {
        number(last)
    };
    match (number(first), last) {
        (Some(first), Some(last)) if first <= last => {
            if first < length {
                Verdict::Part(first..last.saturating_add(1).min(length))
            } else {
                Verdict::Unsatisfiable
            }
        }
        _ => Verdict::Whole,
    }
}

/// A number of digits alone; one that is too large is the largest.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn lists_of_tags() {
        let read = |list: &'static str| {
            let tags = tags(list.as_bytes());
            let tag = |(is_weak, opaque)| (is_weak, std::str::from_utf8(opaque).unwrap());
            tags.map(tag).collect::<Vec<_>>()
        };
        assert_eq!(read("\"a\""), [(false, "\"a\"")]);
        assert_eq!(
            read("W/\"a,b\" ,, \"\",\t\"c\""),
            [(true, "\"a,b\""), (false, "\"\""), (false, "\"c\"")]
        );
        assert_eq!(read("\"a\", b, \"c\""), [(false, "\"a\"")]);
        for none in ["", "a", "\"a", "w/\"a\"", "W/a", "\"a\"b", "W/ \"a\""] {
            assert_eq!(read(none), [], "{none}");
        }
    }

    #[test]
    fn ranges() {
        let of = |value: &str, length| range_of(&headers(&[(header::RANGE, value)]), length);
        for (value, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("BYTES=2-", 2..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
            ("bytes=9-18446744073709551616", 9..10),
            ("bytes=9-18446744073709551615", 9..10),
        ] {
            assert_eq!(of(value, 10), Verdict::Part(part), "{value}");
        }
        for value in [
            "bytes=10-",
            "bytes=10-20",
            "bytes=-0",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(of(value, 10), Verdict::Unsatisfiable, "{value}");
        }
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=4-2",
            "bytes=a-b",
            "bytes=1-b",
            "bytes=+1-2",
            "lines=1-2",
            "bytes=0-1,3-4",
            "bytes=1 - 2",
            "bytes=--1",
            "bytes=1-2-3",
        ] {
            assert_eq!(of(value, 10), Verdict::Whole, "{value}");
        }
        assert_eq!(of("bytes=0-", 0), Verdict::Unsatisfiable);
        assert_eq!(of("bytes=-5", 0), Verdict::Whole);
        let twice = headers(&[(header::RANGE, "bytes=0-1"), (header::RANGE, "bytes=0-1")]);
        assert_eq!(range_of(&twice, 10), Verdict::Whole);
    }

    #[test]
    fn a_date_of_the_current_second_is_no_strong_validator() {
        let tag = Tag::of(b"");
        let now = SystemTime::now();
        for (modified, part) in [
            (now, false),
            (now + Duration::from_secs(60), false),
            (now - Duration::from_secs(60), true),
        ] {
            let date = httpdate::fmt_http_date(modified);
            let current = Current {
                tag: &tag,
                modified: Some(modified),
                length: Some(10),
            };
            let headers = headers(&[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, &date)]);
            let verdict = current.judge(&Method::GET, &headers);
            assert_eq!(verdict == Verdict::Part(0..2), part, "{date}");
        }
    }
}
