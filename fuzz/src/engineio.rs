//! Polling payloads of Engine.IO, protocols 4 and 3.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use stellarfw::{
    engineio::{EngineIo, EngineIoConfig},
    transport::{Parser, Server},
};
use tokio::runtime::Runtime;

use super::{
    runtime,
    support::{Noted, Notes, Numbers, cut, gone, pause, request},
};

/// Maximum length of a payload, in bytes.
const LONGEST: usize = 1 << 16;

thread_local! {
    static FIXTURE: Fixture = Fixture::new();
}

/// The framing of packets in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Protocol 4.
    Separated,
    /// Protocol 3, as text.
    Counted,
    /// Protocol 3, with binary packets.
    Binary,
}

/// A packet: text with its type, or a binary message.
#[derive(Debug, PartialEq, Eq)]
enum Packet {
    Text(String),
    Binary(Vec<u8>),
}

/// The first byte selects the form: `4` for protocol 4, `3` for protocol 3 as text, and anything else
/// for protocol 3 with binary packets.
///
/// A payload yields the same messages however it is split into reads, and those of a reference parser.
/// The echoed messages are equal.
pub fn engineio(bytes: &[u8]) {
    let Some((first, payload)) = bytes.split_first() else {
        return;
    };
    let form = match first {
        b'4' => Form::Separated,
        b'3' => Form::Counted,
        _ => Form::Binary,
    };
    FIXTURE.with(|fixture| fixture.check(form, payload));
}

struct Fixture {
    runtime: Runtime,
    server: Server,
    notes: Notes,
}

impl Fixture {
    fn new() -> Self {
        let notes = Notes::echoing();
        let mut config = EngineIoConfig::default();
        config.allow_eio3 = true;
        let server = Server::builder()
            .configure(|config| config.max_length = LONGEST)
            .parser(Parser::Raw)
            .transport(EngineIo::new(config))
            .handler(notes.clone())
            .build();
        Self {
            runtime: runtime(),
            server,
            notes,
        }
    }

    fn check(&self, form: Form, payload: &[u8]) {
        let mut numbers = Numbers::of(payload);
        let whole = self.runtime.block_on(self.run(form, &[payload]));
        let pieces = cut(payload, &mut numbers);
        let cut = self.runtime.block_on(self.run(form, &pieces));
        assert_eq!(cut, whole);
        let (messages, status, echoes) = whole;
        let expected = packets(form, payload);
        let is_message = |packet: &Packet| match packet {
            Packet::Text(text) => text.starts_with('4'),
            Packet::Binary(_) => true,
        };
        let Some(expected) = expected.filter(|packets| packets.iter().all(is_message)) else {
            return;
        };
        if payload.is_empty() || payload.len() > LONGEST {
            return;
        }
        assert_eq!(status, 200);
        let expected: Vec<_> = expected.into_iter().map(noted).collect();
        assert_eq!(messages, expected);
        // In protocol 4 a text with the separator would be several packets.
        let is_split =
            |message: &Noted| matches!(message, Noted::Text(text) if text.contains('\u{1e}'));
        if !(form == Form::Separated && expected.iter().any(is_split)) {
            assert_eq!(echoes, expected);
        }
    }

    /// Opens a session, posts a payload and polls.
    ///
    /// Returns the delivered messages, the status of the post and the echoed messages.
    async fn run(&self, form: Form, pieces: &[&[u8]]) -> (Vec<Noted>, u16, Vec<Noted>) {
        let protocol = if form == Form::Separated { 4 } else { 3 };
        let target = format!("/engine.io/?EIO={protocol}&transport=polling");
        let get = async |target: &str| {
            let answer = request(&self.server, "GET", target, "text/plain", &[]).await;
            answer.unwrap_or_else(|| panic!("{target} is not a valid target"))
        };
        let open = get(&target).await;
        let sid = open
            .text()
            .split("\"sid\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let sid = sid.unwrap_or_else(|| panic!("no session: {open:?}"));
        let target = format!("{target}&sid={sid}");
        let kind = match form {
            Form::Binary => "application/octet-stream",
            _ => "text/plain;charset=UTF-8",
        };
        let post = request(&self.server, "POST", &target, kind, pieces).await;
        let post = post.unwrap_or_else(|| panic!("{target} is not a valid target"));
        let messages = self.notes.messages();
        let mut echoes = Vec::new();
        let mut polls = 0;
        while post.status == 200 && echoes.len() < messages.len() && polls < 100 {
            polls += 1;
            let poll = tokio::select! {
                biased;
                poll = get(&target) => poll,
                // Nothing more is sent.
                () = pause(500) => break,
            };
            if poll.status != 200 {
                break;
            }
            let form = match (form, poll.is_binary) {
                (Form::Separated, _) => Form::Separated,
                (_, true) => Form::Binary,
                (_, false) => Form::Counted,
            };
            let came = packets(form, &poll.body);
            let came =
                came.unwrap_or_else(|| panic!("the server sent a malformed payload: {poll:?}"));
            let is_other =
                |packet: &Packet| matches!(packet, Packet::Text(text) if !text.starts_with('4'));
            let is_over = came.contains(&Packet::Text("1".into()));
            echoes.extend(
                came.into_iter()
                    .filter(|packet| !is_other(packet))
                    .map(noted),
            );
            if is_over {
                break;
            }
        }
        self.end(&target, protocol).await;
        (messages, post.status.as_u16(), echoes)
    }

    /// Disconnects the client.
    async fn end(&self, target: &str, protocol: u8) {
        let close: &[u8] = if protocol == 3 { b"1:1" } else { b"1" };
        request(&self.server, "POST", target, "text/plain", &[close]).await;
        gone(&self.server).await;
        self.notes.take();
    }
}

fn noted(packet: Packet) -> Noted {
    match packet {
        Packet::Text(text) => Noted::Text(text.get(1..).unwrap_or_default().to_owned()),
        Packet::Binary(bytes) => Noted::Binary(bytes),
    }
}

/// Parses a payload by the protocol. `None` if it is malformed.
fn packets(form: Form, mut payload: &[u8]) -> Option<Vec<Packet>> {
    let base64 = |text: &str, prefix| match text.strip_prefix(prefix) {
        Some(text) => STANDARD.decode(text).ok().map(Packet::Binary),
        None => Some(Packet::Text(text.to_owned())),
    };
    let mut packets = Vec::new();
    match form {
        Form::Separated => {
            let text = std::str::from_utf8(payload).ok()?;
            for packet in text.split('\u{1e}') {
                packets.push(base64(packet, "b")?);
            }
        }
        Form::Counted => {
            // Lengths are in UTF-16 code units.
            let units: Vec<u16> = std::str::from_utf8(payload).ok()?.encode_utf16().collect();
            let mut rest = &units[..];
            while !rest.is_empty() {
                let colon = rest.iter().position(|unit| *unit == u16::from(b':'))?;
                let length = String::from_utf16(&rest[..colon]).ok()?;
                let is_number = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
                let length: usize = length.parse().ok().filter(|_| is_number && colon <= 20)?;
                let packet = rest.get(colon + 1..)?.get(..length)?;
                packets.push(base64(&String::from_utf16(packet).ok()?, "b4")?);
                rest = &rest[colon + 1 + length..];
            }
        }
        Form::Binary => {
            while let Some((kind, rest)) = payload.split_first() {
                let end = rest.iter().position(|byte| *byte == 0xff)?;
                let mut length = 0_usize;
                for digit in &rest[..end] {
                    let digit = Some(usize::from(*digit)).filter(|digit| *digit < 10)?;
                    length = length.checked_mul(10)?.checked_add(digit)?;
                }
                let packet = rest[end + 1..].get(..length)?;
                payload = &rest[end + 1 + length..];
                packets.push(match kind {
                    0 => Packet::Text(std::str::from_utf8(packet).ok()?.to_owned()),
                    1 => Packet::Binary(packet.strip_prefix(&[4])?.to_vec()),
                    _ => return None,
                });
            }
        }
    }
    Some(packets)
}
