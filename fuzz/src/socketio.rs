//! Packets of Socket.IO in JSON and MessagePack, over both transports.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::IgnoredAny;
use serde_json::Value;
use stellarfw::{
    socketio::SocketIo,
    transport::{Message, Parser, Server},
};
use tokio::runtime::Runtime;

use super::{
    runtime,
    support::{Noted, Notes, Numbers, cut, gone, pause, put_frame, request, websocket},
};

/// Maximum number of packets; more find nothing new.
const MOST: usize = 32;

thread_local! {
    static JSON: Fixture = Fixture::new(Parser::Json);
    static MESSAGE_PACK: Fixture = Fixture::new(Parser::MessagePack);
}

/// A message of Engine.IO.
#[derive(Clone, Debug)]
enum Part<'b> {
    Text(&'b str),
    Binary(&'b [u8]),
}

impl Part<'_> {
    /// Encodes it as a WebSocket frame.
    fn put(&self, frames: &mut Vec<u8>) {
        match self {
            Part::Text(text) => put_frame(frames, 0x81, format!("4{text}").as_bytes()),
            Part::Binary(bytes) => put_frame(frames, 0x82, bytes),
        }
    }

    /// Encodes it as a polling packet.
    fn packet(&self) -> String {
        match self {
            Part::Text(text) => format!("4{text}"),
            Part::Binary(bytes) => format!("b{}", STANDARD.encode(bytes)),
        }
    }
}

/// Sends each line as a packet, without Engine.IO's type.
///
/// A line is text, or binary if it starts with `\x04` or is not UTF-8. The input is also sent as one
/// MessagePack packet.
///
/// Packets mean the same over polling and over a WebSocket. The answer is an event with the payload.
pub fn socketio(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').take(MOST);
    let parts: Vec<_> = lines
        .map(
            |line| match (line.strip_prefix(b"\x04"), std::str::from_utf8(line)) {
                (Some(bytes), _) => Part::Binary(bytes),
                (None, Ok(text)) => Part::Text(text),
                (None, Err(_)) => Part::Binary(line),
            },
        )
        .collect();
    JSON.with(|fixture| fixture.check(&parts));
    MESSAGE_PACK.with(|fixture| fixture.check(&[Part::Binary(bytes)]));
}

struct Fixture {
    runtime: Runtime,
    server: Server,
    notes: Notes,
    parser: Parser,
}

impl Fixture {
    fn new(parser: Parser) -> Self {
        let notes = Notes::echoing();
        let server = Server::builder()
            .configure(|config| config.max_length = 1 << 16)
            .parser(parser.clone())
            .transport(SocketIo::default())
            .handler(notes.clone())
            .build();
        Self {
            runtime: runtime(),
            server,
            notes,
            parser,
        }
    }

    /// Returns the opening packets of a client.
    fn connect(&self) -> Part<'static> {
        match self.parser {
            Parser::MessagePack => Part::Binary(b"\x82\xa4type\x00\xa3nsp\xa1/"),
            _ => Part::Text("0"),
        }
    }

    fn check(&self, parts: &[Part<'_>]) {
        let connect = self.connect();
        let mut hello = Vec::new();
        connect.put(&mut hello);
        let mut frames = Vec::new();
        for part in parts {
            part.put(&mut frames);
        }
        let mut numbers = Numbers::of(&frames);
        let pieces = cut(&frames, &mut numbers);
        let whole = self
            .runtime
            .block_on(self.over_websocket(&hello, &[&frames]));
        let cut = self.runtime.block_on(self.over_websocket(&hello, &pieces));
        assert_eq!(cut, whole, "however it is cut");
        // A packet cannot contain the separator of packets.
        let is_split =
            |part: &Part<'_>| matches!(part, Part::Text(text) if text.contains('\u{1e}'));
        if parts.iter().any(is_split) {
            return;
        }
        let payload = std::iter::once(&connect).chain(parts);
        let payload: Vec<String> = payload.map(Part::packet).collect();
        let polled = self.values(&self.runtime.block_on(self.over_polling(&payload)));
        // A POST with a malformed packet is refused, and those after it are not sent.
        let whole = self.values(&whole);
        assert_eq!(whole.get(..polled.len()), Some(&polled[..]), "{payload:?}");
    }

    /// Returns the contents of messages, or the messages without contents.
    fn values(&self, messages: &[Noted]) -> Vec<Result<Value, Noted>> {
        let value = |noted: &Noted| {
            let message = match noted {
                Noted::Text(text) => Message::Text(text),
                Noted::Binary(bytes) => Message::Binary(bytes),
            };
            self.parser.decode(message).map_err(|_| noted.clone())
        };
        messages.iter().map(value).collect()
    }

    async fn over_websocket(&self, hello: &[u8], pieces: &[&[u8]]) -> Vec<Noted> {
        let target = "/socket.io/?EIO=4&transport=websocket";
        let sent = websocket(&self.server, target, "", hello, pieces).await;
        let sent = sent.unwrap_or_else(|| panic!("no WebSocket"));
        let messages = self.notes.messages();
        let first = if matches!(self.parser, Parser::MessagePack) {
            0x82
        } else {
            0x81
        };
        for payload in sent.payloads(first) {
            if first == 0x81 {
                let text = std::str::from_utf8(payload).unwrap();
                let at = text.find(['[', '{']).unwrap_or(text.len());
                // Without a limit of depth.
                let is_json = serde_json::from_str::<IgnoredAny>(&text[at..]).is_ok();
                let is_json = at == text.len() || is_json;
                assert!(is_json, "what the server sent is no packet: {text}");
            } else {
                let value = self.parser.decode::<IgnoredAny>(Message::Binary(payload));
                assert!(
                    value.is_ok(),
                    "what the server sent is no packet: {payload:?}"
                );
            }
        }
        messages
    }

    async fn over_polling(&self, packets: &[String]) -> Vec<Noted> {
        let target = "/socket.io/?EIO=4&transport=polling";
        let ask = async |method: &str, target: &str, body: &str| {
            let pieces = [body.as_bytes()];
            let answer = request(&self.server, method, target, "text/plain", &pieces).await;
            answer.unwrap_or_else(|| panic!("{target} is not a valid target"))
        };
        let open = ask("GET", target, "").await;
        let sid = open
            .text()
            .split("\"sid\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let sid = sid.unwrap_or_else(|| panic!("no session: {open:?}"));
        let target = format!("{target}&sid={sid}");
        for packet in packets {
            let post = ask("POST", &target, packet).await;
            // Closes the session, as with a WebSocket.
            if post.status != 200 {
                break;
            }
            pause(20).await;
        }
        pause(100).await;
        ask("POST", &target, "1").await;
        gone(&self.server).await;
        self.notes.messages()
    }
}
