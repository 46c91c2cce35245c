//! What the library has to say to a client on its WebSocket: the answers to polls in its name.

use futures_util::FutureExt as _;
use http::{StatusCode, header};
use http_body_util::{BodyExt as _, Collected};
use stellarfw_transport::http::Response;

use crate::wrapped::{
    packets::{self, Packet},
    wire::{put_header, put_text},
};

/// What the library had to say.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// As frames.
    pub(super) frames: Vec<u8>,
    /// How long its answer was.
    pub(super) len: usize,
    /// Whether the first ping was in it, which the client does not get.
    pub(super) pinged: bool,
    /// It has closed the session.
    pub(super) over: bool,
}

impl Heard {
    pub(super) fn of(
        response: Response,
        protocol: u8,
        mut is_first_ping: impl FnMut() -> bool,
    ) -> Self {
        let mut heard = Self::default();
        if response.status() != StatusCode::OK {
            heard.over = true;
            return heard;
        }
        let kind = response.headers().get(header::CONTENT_TYPE);
        let binary = kind.is_some_and(packets::is_binary);
        // Of a known length, so the library has it whole.
        let payload = response.into_body().collect().now_or_never();
        let payload = payload.and_then(Result::ok).map(Collected::to_bytes);
        let payload = payload.unwrap_or_default();
        heard.len = payload.len();
        let typed = match protocol {
            3 => packets::typed(&payload, binary),
            _ => None,
        };
        let payload = typed.as_deref().unwrap_or(&payload);
        let is_read = packets::read(payload, protocol, binary, |packet| {
            let out = &mut heard.frames;
            match packet {
                Packet::Text("6" | "") => {}
                Packet::Text("2") if protocol != 3 && is_first_ping() => heard.pinged = true,
                Packet::Text(text) => {
                    heard.over |= text.starts_with('1');
                    put_text(out, text);
                }
                Packet::Binary(bytes) => {
                    let kind = (protocol == 3).then_some(4);
                    put_header(out, true, bytes.len() + usize::from(kind.is_some()));
                    out.extend(kind);
                    out.extend_from_slice(&bytes);
                }
            }
        });
        if !is_read {
            tracing::error!("the library's answer to a poll could not be read");
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use stellarfw_transport::http::text as answer;

    use super::*;

    #[test]
    fn what_the_library_says_becomes_frames() {
        let hear = |payload: &'static str, first: bool| {
            Heard::of(answer(StatusCode::OK, payload), 4, || first)
        };
        let heard = hear("42[1]\x1e6\x1ebAAE=\x1e2", false);
        assert_eq!(heard.frames, b"\x81\x0542[1]\x82\x02\0\x01\x81\x012");
        assert!(!heard.pinged && !heard.over);
        assert_eq!(heard.len, 15);

        // The first ping is not the client's.
        let heard = hear("2", true);
        assert!(heard.frames.is_empty() && heard.pinged);

        let heard = hear("4a\x1e1", false);
        assert_eq!(heard.frames, b"\x81\x024a\x81\x011");
        assert!(heard.over);

        // The library leaves out the type of bytes among several messages in protocol 3.
        let heard = Heard::of(answer(StatusCode::OK, "4:42[]5:bAP8B"), 3, || false);
        assert_eq!(heard.frames, b"\x81\x0442[]\x82\x04\x04\0\xff\x01");

        let heard = Heard::of(answer(StatusCode::BAD_REQUEST, "1"), 4, || false);
        assert!(heard.over && heard.frames.is_empty());
    }
}
