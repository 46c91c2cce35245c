//! The ways over HTTP: what each puts around a frame.

use std::borrow::Cow;

use bytes::Bytes;
use http::Uri;
use stellarfw_transport::handshake::query_pairs;

use crate::route::Kind;

/// As long may the name of a callback be.
const LONGEST_CALLBACK: usize = 32;
/// So much of a page some browsers want before they look at any of it.
const PAGE: usize = 1_024;

/// A way that frames go, and for those that call a function of the page, its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Xhr,
    XhrStreaming,
    EventSource,
    HtmlFile(Box<str>),
    Jsonp(Box<str>),
}

impl Way {
    /// The way of a request.
    ///
    /// # Errors
    /// What is wrong with the callback's name. It becomes script of the page, so it may hold
    /// nothing but letters, digits, `-`, `_` and dots.
    pub(crate) fn new(kind: Kind, uri: &Uri) -> Result<Self, &'static str> {
        Ok(match kind {
            Kind::Xhr => Self::Xhr,
            Kind::XhrStreaming => Self::XhrStreaming,
            Kind::EventSource => Self::EventSource,
            Kind::HtmlFile => Self::HtmlFile(callback(uri)?),
            Kind::Jsonp => Self::Jsonp(callback(uri)?),
        })
    }

    /// Whether a response holds one frame only.
    pub(crate) fn is_polling(&self) -> bool {
        matches!(self, Self::Xhr | Self::Jsonp(_))
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self {
            Self::Xhr | Self::XhrStreaming | Self::Jsonp(_) => {
                "application/javascript; charset=UTF-8"
            }
            Self::EventSource => "text/event-stream",
            Self::HtmlFile(_) => "text/html; charset=UTF-8",
        }
    }

    /// What comes before the first frame, so that browsers and proxies let the rest through.
    pub(crate) fn prelude(&self) -> Bytes {
        match self {
            Self::Xhr | Self::Jsonp(_) => Bytes::new(),
            Self::XhrStreaming => {
                let mut prelude = vec![b'h'; 2_049];
                prelude[2_048] = b'\n';
                prelude.into()
            }
            Self::EventSource => Bytes::from_static(b"\r\n"),
            Self::HtmlFile(callback) => {
                let page = include_str!("htmlfile.html").replace("{callback}", callback);
                format!("{:<PAGE$}\r\n\r\n", page.trim_end()).into()
            }
        }
    }

    /// Puts around a frame what the way needs.
    pub(crate) fn wrap(&self, mut frame: String) -> Bytes {
        match self {
            Self::Xhr | Self::XhrStreaming => {
                frame.push('\n');
                frame.into()
            }
            Self::EventSource => event(&frame).into(),
            Self::HtmlFile(_) => {
                let frame = script_string(&frame);
                format!("<script>\np({frame});\n</script>\r\n").into()
            }
            // The comment in front keeps the response from being taken for something else that
            // begins with letters of a stranger's choice.
            Self::Jsonp(callback) => {
                let frame = script_string(&frame);
                format!("/**/{callback}({frame});\r\n").into()
            }
        }
    }
}

/// A frame as an event. The official client passes each event through `decodeURI`, so a `%` is
/// escaped; the other characters that an event cannot hold are control characters, of which a
/// frame has none.
fn event(frame: &str) -> String {
    let escaped = memchr::memchr_iter(b'%', frame.as_bytes()).count();
    let mut out = String::with_capacity(frame.len() + 2 * escaped + 10);
    out.push_str("data: ");
    for part in frame.split_inclusive('%') {
        out.push_str(part);
        if part.ends_with('%') {
            out.push_str("25");
        }
    }
    out.push_str("\r\n\r\n");
    out
}

/// A frame as a string in a script. Frames hold no control characters; a `<` is escaped so that
/// no payload can end the script that it stands in.
fn script_string(frame: &str) -> String {
    let mut out = String::with_capacity(frame.len() + frame.len() / 4 + 2);
    out.push('"');
    for part in frame.split_inclusive(['"', '\\', '<']) {
        let (text, escape) = match part.as_bytes().last() {
            Some(b'"') => (&part[..part.len() - 1], "\\\""),
            Some(b'\\') => (&part[..part.len() - 1], "\\\\"),
            Some(b'<') => (&part[..part.len() - 1], "\\u003c"),
            _ => (part, ""),
        };
        out.push_str(text);
        out.push_str(escape);
    }
    out.push('"');
    out
}

/// The name of the function that the page wants to be called.
fn callback(uri: &Uri) -> Result<Box<str>, &'static str> {
    let mut pairs = query_pairs(uri.query().unwrap_or_default());
    let name = pairs
        .find_map(|(key, value)| matches!(&*key, "c" | "callback").then_some(value))
        .unwrap_or(Cow::Borrowed(""));
    if name.is_empty() {
        return Err("\"callback\" parameter required");
    }
    let is_safe = name.len() <= LONGEST_CALLBACK
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if is_safe {
        Ok(name.into())
    } else {
        Err("invalid \"callback\" parameter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jsonp(query: &'static str) -> Result<Way, &'static str> {
        Way::new(Kind::Jsonp, &Uri::try_from(format!("/?{query}")).unwrap())
    }

    #[test]
    fn callbacks_are_names_and_nothing_else() {
        for query in ["c=%63allback", "callback=callback", "x=1&c=callback"] {
            assert_eq!(jsonp(query), Ok(Way::Jsonp("callback".into())), "{query}");
        }
        assert!(jsonp("c=_jp.a1-B").is_ok());
        for query in ["", "c=", "x=c", "c"] {
            assert_eq!(
                jsonp(query),
                Err("\"callback\" parameter required"),
                "{query}"
            );
        }
        for query in [
            "c=alert(1)",
            "c=a%28b",
            "c=a%3Bb",
            "c=%3Cscript%3E",
            "c=a%0Ab",
            "c=a+b",
            "c=a%22b",
            "c=%C3%A9",
            "c=a%2F%2A",
            "c=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(
                jsonp(query),
                Err("invalid \"callback\" parameter"),
                "{query}"
            );
        }
    }

    #[test]
    fn frames_are_wrapped() {
        let frame = || String::from(r#"a["</script>\"x"]"#);
        let html = Way::HtmlFile("f".into()).wrap(frame());
        assert_eq!(
            html,
            "<script>\np(\"a[\\\"\\u003c/script>\\\\\\\"x\\\"]\");\n</script>\r\n"
        );
        assert_eq!(Way::Jsonp("f".into()).wrap("o".into()), "/**/f(\"o\");\r\n");
        assert_eq!(Way::EventSource.wrap("o".into()), "data: o\r\n\r\n");
        assert_eq!(
            Way::EventSource.wrap(r#"a["100%","%41%"]"#.into()),
            "data: a[\"100%25\",\"%2541%25\"]\r\n\r\n"
        );
        assert_eq!(Way::Xhr.wrap("o".into()), "o\n");
        assert!(Way::HtmlFile("f".into()).prelude().len() > PAGE);
        assert_eq!(Way::XhrStreaming.prelude().len(), 2_049);
    }
}
