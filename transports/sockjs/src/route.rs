//! Routing by path and method.

use http::Method;

/// Maximum length of a session's name, in bytes. The client chooses it and the server stores it.
const LONGEST_SESSION: usize = 256;

/// The route of a path below the mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'p> {
    /// The mount itself.
    Greeting,
    /// `/info`: the server's capabilities.
    Info,
    /// `/iframe*.html`: the page for browsers without cross-origin requests.
    Iframe,
    /// `/websocket`: unframed payloads.
    RawWebsocket,
    /// `/<server>/<session>/websocket`: one connection. The session's name has no meaning.
    Websocket,
    /// `/<server>/<session>/…`: a request of an HTTP session.
    Session(&'p str, Endpoint),
}

/// The endpoint of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Receives frames of the server.
    Receive(TransportKind),
    /// Sends messages of the client, as a JSON array.
    XhrSend,
    /// Sends messages of the client, as a form or a JSON array.
    JsonpSend,
}

/// An HTTP transport from server to client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransportKind {
    Xhr,
    XhrStreaming,
    EventSource,
    HtmlFile,
    Jsonp,
}

impl<'p> Route<'p> {
    /// Parses a path relative to the mount. `None` means 404.
    pub(crate) fn parse(rest: &'p str) -> Option<Self> {
        match rest {
            "" | "/" => return Some(Self::Greeting),
            "/info" => return Some(Self::Info),
            "/websocket" => return Some(Self::RawWebsocket),
            _ if is_iframe(rest) => return Some(Self::Iframe),
            _ => {}
        }
        let mut segments = rest.strip_prefix('/')?.split('/');
        let (server, session, last) = (segments.next()?, segments.next()?, segments.next()?);
        if segments.next().is_some() || !is_name(server) || !is_name(session) {
            return None;
        }
        let endpoint = match last {
            "websocket" => return Some(Self::Websocket),
            "xhr" => Endpoint::Receive(TransportKind::Xhr),
            "xhr_streaming" => Endpoint::Receive(TransportKind::XhrStreaming),
            "eventsource" => Endpoint::Receive(TransportKind::EventSource),
            "htmlfile" => Endpoint::Receive(TransportKind::HtmlFile),
            "jsonp" => Endpoint::Receive(TransportKind::Jsonp),
            "xhr_send" => Endpoint::XhrSend,
            "jsonp_send" => Endpoint::JsonpSend,
            _ => return None,
        };
        Some(Self::Session(session, endpoint))
    }

    /// Returns the allowed methods, in the format of the `Allow` header.
    pub(crate) fn methods(self) -> &'static str {
        match self {
            Self::Info => "OPTIONS, GET",
            Self::Session(_, endpoint) => endpoint.methods(),
            Self::Greeting | Self::Iframe | Self::RawWebsocket | Self::Websocket => "GET",
        }
    }

    pub(crate) fn allows(self, method: &Method) -> bool {
        let page = matches!(self, Self::Greeting | Self::Info | Self::Iframe);
        (page && method == Method::HEAD)
            || self
                .methods()
                .split(", ")
                .any(|known| known == method.as_str())
    }

    /// Returns `true` if responses carry CORS headers, subject to the origin policy.
    pub(crate) fn has_cors(self) -> bool {
        match self {
            Self::Info => true,
            Self::Session(_, endpoint) => match endpoint {
                Endpoint::XhrSend => true,
                Endpoint::Receive(kind) => {
                    matches!(
                        kind,
                        TransportKind::Xhr
                            | TransportKind::XhrStreaming
                            | TransportKind::EventSource
                    )
                }
                Endpoint::JsonpSend => false,
            },
            _ => false,
        }
    }
}

impl Endpoint {
    fn methods(self) -> &'static str {
        match self {
            Self::Receive(TransportKind::Xhr | TransportKind::XhrStreaming) | Self::XhrSend => {
                "OPTIONS, POST"
            }
            Self::Receive(_) => "GET",
            Self::JsonpSend => "POST",
        }
    }
}

fn is_name(segment: &str) -> bool {
    !segment.is_empty() && !segment.contains('.') && segment.len() <= LONGEST_SESSION
}

fn is_iframe(rest: &str) -> bool {
    let version = rest
        .strip_prefix("/iframe")
        .and_then(|rest| rest.strip_suffix(".html"));
    version.is_some_and(|version| {
        version
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'z' | b'-' | b'.' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_paths_match() {
        assert_eq!(Route::parse(""), Some(Route::Greeting));
        assert_eq!(Route::parse("/"), Some(Route::Greeting));
        assert_eq!(
            Route::parse("/iframe-0.1.2abc-dirty.2144.html"),
            Some(Route::Iframe)
        );
        let xhr = Endpoint::Receive(TransportKind::Xhr);
        for session in ["a", "_", "1", "abcdefg_i-j%20"] {
            let path = format!("/{session}/{session}/xhr");
            assert_eq!(Route::parse(&path), Some(Route::Session(session, xhr)));
        }
        for path in [
            "//",
            "///",
            "/a",
            "/a.html",
            "/a/",
            "/a/a",
            "/a/a/",
            "/a/a/a",
            "/a/a/xhr/",
            "/a/a/a/xhr",
            "///xhr",
            "//a/xhr",
            "/a//xhr",
            "/a./a/xhr",
            "/a/a./xhr",
            "/././xhr",
            "//xhr",
            "/xhr",
            "/iframe.htm",
            "/iframe",
            "/IFRAME.HTML",
            "/iframe.HTML",
            "/iframe.xml",
            "/iframe-/.html",
            "/info/",
            "/a/a/XHR",
            "a/a/xhr",
        ] {
            assert_eq!(Route::parse(path), None, "{path}");
        }
        assert_eq!(Route::parse(&format!("/a/{}/xhr", "x".repeat(257))), None);
    }
}
