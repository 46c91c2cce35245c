//! The HTTP transports, and how each wraps a frame.

use std::borrow::Cow;

use bytes::Bytes;
use http::Uri;
use stellarfw_transport::handshake::query_pairs;

use crate::route::TransportKind;

/// Maximum length of a callback's name, in bytes.
const LONGEST_CALLBACK: usize = 32;
/// Minimum size of a page in bytes; some browsers render nothing before that.
const PAGE: usize = 1_024;

/// An HTTP transport, with the name of the page's callback where the transport needs one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HttpTransport {
    Xhr,
    XhrStreaming,
    EventSource,
    HtmlFile(Box<str>),
    Jsonp(Box<str>),
}

impl HttpTransport {
    /// Reads the transport of a request from its URL.
    ///
    /// # Errors
    /// Returns the text of the response if the callback's name is missing or invalid. The name
    /// becomes part of a script, so only letters, digits, `-`, `_` and dots are allowed.
    pub(crate) fn new(kind: TransportKind, uri: &Uri) -> Result<Self, &'static str> {
        Ok(match kind {
            TransportKind::Xhr => Self::Xhr,
            TransportKind::XhrStreaming => Self::XhrStreaming,
            TransportKind::EventSource => Self::EventSource,
            TransportKind::HtmlFile => Self::HtmlFile(callback(uri)?),
            TransportKind::Jsonp => Self::Jsonp(callback(uri)?),
        })
    }

    /// Returns `true` if a response holds a single frame.
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

    /// Returns the bytes before the first frame. They make browsers and proxies flush early.
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

    /// Wraps a frame for the transport.
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
            // The comment prevents content sniffing of a response that would otherwise start with
            // the callback's name.
            Self::Jsonp(callback) => {
                let frame = script_string(&frame);
                format!("/**/{callback}({frame});\r\n").into()
            }
        }
    }
}

/// Encodes a frame as a server-sent event.
///
/// The official client passes each event through `decodeURI`, so `%` is escaped. An event cannot
/// hold control characters, and a frame contains none.
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

/// Encodes a frame as a string literal in a script.
///
/// `<` is escaped so that no payload can close the script element. Frames hold no control
/// characters.
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

/// Reads and validates the name of the callback from the query.
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

    fn jsonp(query: &'static str) -> Result<HttpTransport, &'static str> {
        HttpTransport::new(
            TransportKind::Jsonp,
            &Uri::try_from(format!("/?{query}")).unwrap(),
        )
    }

    #[test]
    fn invalid_callbacks_are_refused() {
        for query in ["c=%63allback", "callback=callback", "x=1&c=callback"] {
            assert_eq!(
                jsonp(query),
                Ok(HttpTransport::Jsonp("callback".into())),
                "{query}"
            );
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
        let html = HttpTransport::HtmlFile("f".into()).wrap(frame());
        assert_eq!(
            html,
            "<script>\np(\"a[\\\"\\u003c/script>\\\\\\\"x\\\"]\");\n</script>\r\n"
        );
        assert_eq!(
            HttpTransport::Jsonp("f".into()).wrap("o".into()),
            "/**/f(\"o\");\r\n"
        );
        assert_eq!(
            HttpTransport::EventSource.wrap("o".into()),
            "data: o\r\n\r\n"
        );
        assert_eq!(
            HttpTransport::EventSource.wrap(r#"a["100%","%41%"]"#.into()),
            "data: a[\"100%25\",\"%2541%25\"]\r\n\r\n"
        );
        assert_eq!(HttpTransport::Xhr.wrap("o".into()), "o\n");
        assert!(HttpTransport::HtmlFile("f".into()).prelude().len() > PAGE);
        assert_eq!(HttpTransport::XhrStreaming.prelude().len(), 2_049);
    }
}
