//! Why a spark ended, and how that is told to its peer.

use std::{borrow::Cow, fmt};

/// Why a spark ended.
///
/// [`CloseReason::code`] is the WebSocket close code (RFC 6455 section 7.4) an engine with close
/// codes sends; [`CloseReason::reconnect`] tells whether the client is asked to come again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client said goodbye, with this code (1005 when it gave none).
    Client {
        /// The code the client gave.
        code: u16,
    },
    /// The connection broke without a goodbye.
    Gone,
    /// [`Spark::end`](crate::Spark::end) was called: 1000.
    Ended {
        /// Whether the client is asked to come again.
        reconnect: bool,
    },
    /// The server is shutting down: 1001.
    Shutdown {
        /// Whether the client is asked to come again.
        reconnect: bool,
    },
    /// Nothing was heard for a whole ping interval: 1001; the client should come again.
    HeartbeatTimeout,
    /// The outbox was full: the peer reads more slowly than it is sent to. 1013; come again.
    SlowConsumer,
    /// More messages arrived than may wait for a busy handler. 1013; come again.
    InboxFull,
    /// The peer went on sending more messages than it may: 1008; come again.
    RateLimit,
    /// A message was longer than `maxLength`: 1009.
    TooLarge,
    /// The peer broke the engine's protocol.
    Protocol {
        /// The close code that names the fault (1002, 1007 …).
        code: u16,
        /// What was wrong, for the log and for the peer. Never holds payload.
        message: Cow<'static, str>,
    },
    /// The handler panicked: 1011; come again.
    Panic,
    /// The server's memory budget was used up, and this spark held most of it: 1013; come again.
    OverBudget,
    /// A message came more slowly than the least rate: 1008; come again.
    TooSlow,
}

impl CloseReason {
    /// All labels, in the order of their index.
    pub(crate) const LABELS: [&'static str; 13] = [
        "client",
        "gone",
        "ended",
        "shutdown",
        "heartbeat_timeout",
        "slow_consumer",
        "inbox_full",
        "too_large",
        "protocol",
        "panic",
        "rate_limit",
        "over_budget",
        "too_slow",
    ];

    pub(crate) fn index(&self) -> usize {
        match self {
            Self::Client { .. } => 0,
            Self::Gone => 1,
            Self::Ended { .. } => 2,
            Self::Shutdown { .. } => 3,
            Self::HeartbeatTimeout => 4,
            Self::SlowConsumer => 5,
            Self::InboxFull => 6,
            Self::TooLarge => 7,
            Self::Protocol { .. } => 8,
            Self::Panic => 9,
            Self::RateLimit => 10,
            Self::OverBudget => 11,
            Self::TooSlow => 12,
        }
    }

    /// A word for it, for metrics: `client`, `slow_consumer`, …
    #[must_use]
    pub fn label(&self) -> &'static str {
        Self::LABELS[self.index()]
    }

    /// The WebSocket close code for it.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::Client { code } | Self::Protocol { code, .. } => *code,
            Self::Gone => 1006,
            Self::Ended { .. } => 1000,
            Self::Shutdown { .. } | Self::HeartbeatTimeout => 1001,
            Self::SlowConsumer | Self::InboxFull | Self::OverBudget => 1013,
            Self::RateLimit | Self::TooSlow => 1008,
            Self::TooLarge => 1009,
            Self::Panic => 1011,
        }
    }

    /// Whether the client may come again: if not, it is sent `primus::server::close` first.
    #[must_use]
    pub fn reconnect(&self) -> bool {
        match self {
            Self::Ended { reconnect } | Self::Shutdown { reconnect } => *reconnect,
            _ => true,
        }
    }

    /// Returns `true` if the spark ends for what waits for it: its engine drops that at once.
    #[must_use]
    pub fn drops_waiting(&self) -> bool {
        matches!(self, Self::SlowConsumer | Self::OverBudget)
    }

    /// Returns `true` if what the peer goes on sending means nothing: a message under assembly is
    /// dropped, not waited for.
    #[must_use]
    pub fn drops_inbound(&self) -> bool {
        matches!(self, Self::OverBudget | Self::TooSlow)
    }

    /// The short text that goes with the code; at most 123 bytes, as RFC 6455 allows.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Client { .. } => "closed by the client",
            Self::Gone => "connection lost",
            Self::Ended { .. } => "",
            Self::Shutdown { .. } => "server is shutting down",
            Self::HeartbeatTimeout => "heartbeat timeout",
            Self::SlowConsumer => "slow consumer",
            Self::InboxFull => "too many messages",
            Self::RateLimit => "message rate exceeded",
            Self::TooLarge => "message too big",
            Self::Protocol { message, .. } => message,
            Self::Panic => "internal error",
            Self::OverBudget => "server out of memory",
            Self::TooSlow => "message too slow",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            "" => f.write_str("ended by the server"),
            text => f.write_str(text),
        }
    }
}
