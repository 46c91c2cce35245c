//! The WebSocket transports: a framing on `stellarfw-websocket`.

use http::{StatusCode, header, request::Parts};
use stellarfw_transport::{
    CloseReason, Frame, Inlet, Message, Outbox, Server,
    http::{Request, Response},
    is_websocket_upgrade, turn,
};
use stellarfw_websocket::{Framing, Plain, accept};

use crate::{
    SockJs,
    config::SockJsConfig,
    frame::{self, HEARTBEAT, OPEN},
    handshake::hide_session,
    responses::plain,
    send::max_encoded_length,
};

/// Approximate size of one WebSocket message, in bytes.
const BATCH: usize = 64 << 10;

/// Framing with the protocol's `o`, `a`, `h` and `c` frames.
struct Framed;

impl Framing for Framed {
    fn opening() -> Option<Frame> {
        Some(Frame::from_static(OPEN))
    }

    fn next_message(outbox: &mut Outbox) -> Option<Frame> {
        let (text, _) = frame::batch(outbox, BATCH)?;
        Some(Frame::text(text))
    }

    fn heartbeat() -> Option<Frame> {
        Some(Frame::from_static(HEARTBEAT))
    }

    fn closing(code: u16, text: &str) -> Option<Frame> {
        // The protocol closes without a `c` frame after a protocol error.
        let is_fault = matches!(code, 1002 | 1007);
        (!is_fault).then(|| Frame::text(frame::close_frame(code, text)))
    }

    fn receive(inlet: &mut Inlet, message: Message<'_>) -> Result<(), CloseReason> {
        let broken = || CloseReason::Protocol {
            code: 1007,
            message: "Broken framing.".into(),
        };
        let Message::Text(text) = message else {
            return Err(broken());
        };
        if text.is_empty() || frame::with_single(text, |one| inlet.receive(Message::Text(one))) {
            return Ok(());
        }
        let messages = frame::messages_or_one(text).map_err(|_| broken())?;
        let _turn = turn();
        for message in &messages {
            inlet.receive(Message::Text(message));
        }
        Ok(())
    }

    fn max_message(max_length: usize) -> usize {
        max_encoded_length(max_length)
    }
}

/// Responds to a WebSocket request, `raw` or with the protocol's frames.
pub(crate) async fn serve(
    config: &SockJsConfig,
    server: &Server,
    mount: &str,
    request: Request,
    raw: bool,
) -> Response {
    let (mut parts, body) = request.into_parts();
    if let Some(fault) = fault(&parts) {
        return plain(StatusCode::BAD_REQUEST, fault);
    }
    hide_session(&mut parts.uri, mount);
    let request = Request::from_parts(parts, body);
    if raw {
        accept::<Plain>(&config.websocket_options(), server, SockJs::NAME, request).await
    } else {
        accept::<Framed>(&config.websocket_options(), server, SockJs::NAME, request).await
    }
}

/// Returns the protocol's error text if the request is not a WebSocket upgrade.
fn fault(parts: &Parts) -> Option<&'static str> {
    let upgrade = parts.headers.get(header::UPGRADE);
    let is_websocket = upgrade.is_some_and(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.eq_ignore_ascii_case("websocket"))
    });
    if !is_websocket {
        return Some("Can \"Upgrade\" only to \"WebSocket\".");
    }
    (!is_websocket_upgrade(parts)).then_some("\"Connection\" must be \"Upgrade\".")
}
