//! What a path and a method ask for.

use http::Method;

/// As long may the name of a session be: it is the client's to choose, and ours to keep.
const LONGEST_SESSION: usize = 256;

/// What a path below the mount stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'p> {
    /// The mount itself.
    Greeting,
    /// `/info`: what the server can do.
    Info,
    /// `/iframe*.html`: the page for browsers that cannot ask other hosts.
    Iframe,
    /// `/websocket`: payloads as they are.
    RawWebsocket,
    /// `/<server>/<session>/websocket`: a connection of its own, whatever the session is called.
    Websocket,
    /// `/<server>/<session>/…`: a request of a session.
    Session(&'p str, Endpoint),
}

/// What a session is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// What is sent to it.
    Receive(Kind),
    /// To take messages: an array in JSON.
    XhrSend,
    /// The same from a form.
    JsonpSend,
}

/// How what is sent reaches the client over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Xhr,
    XhrStreaming,
    EventSource,
    HtmlFile,
    Jsonp,
}

impl<'p> Route<'p> {
    /// The route of a path, of which the mount is taken off; none: 404.
    pub(crate) fn read(rest: &'p str) -> Option<Self> {
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
            "xhr" => Endpoint::Receive(Kind::Xhr),
            "xhr_streaming" => Endpoint::Receive(Kind::XhrStreaming),
            "eventsource" => Endpoint::Receive(Kind::EventSource),
            "htmlfile" => Endpoint::Receive(Kind::HtmlFile),
            "jsonp" => Endpoint::Receive(Kind::Jsonp),
            "xhr_send" => Endpoint::XhrSend,
            "jsonp_send" => Endpoint::JsonpSend,
            _ => return None,
        };
        Some(Self::Session(session, endpoint))
    }

    /// The methods it knows, as a header tells them.
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

    /// Whether pages of other hosts may read the answer, if the origin policy lets them.
    pub(crate) fn has_cors(self) -> bool {
        match self {
            Self::Info => true,
            Self::Session(_, endpoint) => match endpoint {
                Endpoint::XhrSend => true,
                Endpoint::Receive(kind) => {
                    matches!(kind, Kind::Xhr | Kind::XhrStreaming | Kind::EventSource)
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
            Self::Receive(Kind::Xhr | Kind::XhrStreaming) | Self::XhrSend => "OPTIONS, POST",
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
    fn paths_are_of_a_strict_shape() {
        assert_eq!(Route::read(""), Some(Route::Greeting));
        assert_eq!(Route::read("/"), Some(Route::Greeting));
        assert_eq!(
            Route::read("/iframe-0.1.2abc-dirty.2144.html"),
            Some(Route::Iframe)
        );
        let xhr = Endpoint::Receive(Kind::Xhr);
        for session in ["a", "_", "1", "abcdefg_i-j%20"] {
            let path = format!("/{session}/{session}/xhr");
            assert_eq!(Route::read(&path), Some(Route::Session(session, xhr)));
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
            assert_eq!(Route::read(path), None, "{path}");
        }
        assert_eq!(Route::read(&format!("/a/{}/xhr", "x".repeat(257))), None);
    }
}
