//! Control messages: the strings that begin with `primus::`, encoded like any payload.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{codec::Parser, frame::Frame};

/// A control message of a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Control<'a> {
    /// `primus::pong::<ms>`: the answer to our ping.
    Pong,
    /// `primus::ping::<ms>`: the ping of a client older than Primus 7.
    Ping(&'a str),
    /// `primus::id::`: the client asks for its id.
    Id,
}

impl<'a> Control<'a> {
    /// Reads a control message; any other `primus::x` is application data.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        match text.strip_prefix("primus::")? {
            "id::" => Some(Self::Id),
            rest if rest.starts_with("pong::") => Some(Self::Pong),
            rest => rest.strip_prefix("ping::").map(Self::Ping),
        }
    }
}

fn encode(parser: &Parser, text: &str) -> Option<Frame> {
    if !parser.has_control() {
        return None;
    }
    parser.encode(text).ok()
}

/// `primus::ping::<ms>` with the time of now.
pub(crate) fn ping(parser: &Parser) -> Option<Frame> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    encode(parser, &format!("primus::ping::{}", now.as_millis()))
}

/// `primus::pong::<value of the ping>`.
pub(crate) fn pong(parser: &Parser, value: &str) -> Option<Frame> {
    encode(parser, &format!("primus::pong::{value}"))
}

/// `primus::id::<id>`.
pub(crate) fn id(parser: &Parser, id: &str) -> Option<Frame> {
    encode(parser, &format!("primus::id::{id}"))
}

/// `primus::server::close`: closed on purpose, do not come again.
pub(crate) fn server_close(parser: &Parser) -> Option<Frame> {
    encode(parser, "primus::server::close")
}

#[cfg(test)]
mod tests {
    use super::Control;

    #[test]
    fn only_the_known_ones_are_control() {
        assert_eq!(Control::read("primus::pong::1"), Some(Control::Pong));
        assert_eq!(Control::read("primus::ping::7"), Some(Control::Ping("7")));
        assert_eq!(Control::read("primus::id::"), Some(Control::Id));
        assert_eq!(Control::read("primus::id::abc"), None);
        assert_eq!(Control::read("primus::server::close"), None);
        assert_eq!(Control::read("primus::x"), None);
    }
}
