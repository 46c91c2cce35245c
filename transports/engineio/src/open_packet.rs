//! The open packet, which announces a session's id and intervals to its client.

use serde::Serialize;

use crate::{machine::Transport, packet::Version, payload::PayloadWriter, session::Session};

/// The content of the open packet, in the order in which the protocol's own server writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Open<'a> {
    sid: &'a str,
    upgrades: &'a [&'a str],
    ping_interval: u64,
    ping_timeout: u64,
    /// Protocol 3 has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_payload: Option<usize>,
}

/// Returns the open packet of a session, with its type in front.
pub(crate) fn open_packet(session: &Session) -> String {
    let sessions = session.sessions();
    let state = session.lock();
    let (version, transport) = (state.machine.version(), state.machine.transport());
    drop(state);
    let milliseconds = |duration: std::time::Duration| u64::try_from(duration.as_millis());
    let open = Open {
        sid: session.id().as_str(),
        upgrades: match transport {
            Transport::WebSocket => &[],
            _ => &["websocket"],
        },
        ping_interval: milliseconds(sessions.timing.interval).unwrap_or(u64::MAX),
        ping_timeout: milliseconds(sessions.timing.timeout).unwrap_or(u64::MAX),
        max_payload: (version == Version::V4).then_some(sessions.max_payload),
    };
    // Strings and numbers can always be serialized.
    let json = serde_json::to_string(&open).unwrap_or_default();
    format!("0{json}")
}

/// Returns the payload that the open packet alone is.
pub(crate) fn open_payload(session: &Session) -> Vec<u8> {
    let mut payload = PayloadWriter::new(session.version(), false, false);
    payload.text(&open_packet(session), "");
    payload.finish().0
}
