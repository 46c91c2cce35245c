//! Request bodies and frames of SockJS.

use std::cell::Cell;

use stellarfw::{
    sockjs::SockJs,
    transport::{Parser, Server},
};
use tokio::runtime::Runtime;

use super::{
    runtime,
    support::{Noted, Notes, Numbers, cut, gone, put_frame, request, websocket},
};

thread_local! {
    static FIXTURE: Fixture = Fixture::new();
}

/// Sends the input as a body of `xhr_send` and `jsonp_send`, plain and as a form, and as a WebSocket
/// message.
///
/// Each delivers the same messages, which are those of serde, or none. The echoed messages are equal.
pub fn sockjs(bytes: &[u8]) {
    FIXTURE.with(|fixture| fixture.check(bytes));
}

struct Fixture {
    runtime: Runtime,
    server: Server,
    notes: Notes,
    /// Number of sessions, which makes names unique: a name is retained for a while.
    sessions: Cell<u64>,
}

#[derive(Clone, Copy)]
enum Endpoint {
    Xhr,
    Jsonp,
    Form,
}

impl Fixture {
    fn new() -> Self {
        let notes = Notes::echoing();
        let server = Server::builder()
            .configure(|config| {
                config.max_length = 1 << 16;
                config.ping_interval = 0;
            })
            .parser(Parser::Raw)
            .transport(SockJs::default())
            .handler(notes.clone())
            .build();
        Self {
            runtime: runtime(),
            server,
            notes,
            sessions: Cell::new(0),
        }
    }

    fn check(&self, bytes: &[u8]) {
        let mut numbers = Numbers::of(bytes);
        let pieces = cut(bytes, &mut numbers);
        let expected = expected(bytes);
        let mut form = b"a=b&d=".to_vec();
        for byte in bytes {
            form.extend(format!("%{byte:02X}").bytes());
        }
        let polled: [(Endpoint, &[&[u8]]); 4] = [
            (Endpoint::Xhr, &[bytes]),
            (Endpoint::Xhr, &pieces),
            (Endpoint::Jsonp, &[bytes]),
            (Endpoint::Form, &[&form]),
        ];
        for (endpoint, pieces) in polled {
            let is_text = std::str::from_utf8(bytes).is_ok();
            if matches!(endpoint, Endpoint::Form) && !is_text {
                continue;
            }
            let (messages, came) = self.runtime.block_on(self.over_polling(endpoint, pieces));
            match &expected {
                Some(expected) => assert_eq!(messages, *expected),
                None => assert_eq!(messages, []),
            }
            assert_eq!(came, messages);
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            let mut frame = Vec::new();
            put_frame(&mut frame, 0x81, bytes);
            let pieces = cut(&frame, &mut numbers);
            for pieces in [&[&frame[..]][..], &pieces] {
                let (messages, came) = self.runtime.block_on(self.over_websocket(pieces));
                // A WebSocket message may be a single string.
                let single = serde_json::from_str::<String>(text)
                    .ok()
                    .map(|text| vec![Noted::Text(text)]);
                match expected.as_ref().or(single.as_ref()) {
                    Some(expected) => assert_eq!(messages, *expected),
                    None => assert_eq!(messages, []),
                }
                assert_eq!(came, messages);
            }
        }
    }

    async fn over_polling(&self, endpoint: Endpoint, pieces: &[&[u8]]) -> (Vec<Noted>, Vec<Noted>) {
        let session = self.sessions.get();
        self.sessions.set(session + 1);
        let ask = async |endpoint: &str, kind, pieces: &[&[u8]]| {
            let target = format!("/sockjs/000/{session}/{endpoint}");
            let answer = request(&self.server, "POST", &target, kind, pieces).await;
            answer.unwrap_or_else(|| panic!("{target} is not a valid target"))
        };
        let open = ask("xhr", "text/plain", &[]).await;
        assert_eq!(open.text(), "o\n");
        let (endpoint, kind) = match endpoint {
            Endpoint::Xhr => ("xhr_send", "text/plain"),
            Endpoint::Jsonp => ("jsonp_send", "text/plain"),
            Endpoint::Form => ("jsonp_send", "application/x-www-form-urlencoded"),
        };
        let sent = ask(endpoint, kind, pieces).await;
        let messages = self.notes.messages();
        assert!(messages.is_empty() || sent.status.is_success(), "{sent:?}");
        let mut came = Vec::new();
        while came.len() < messages.len() {
            let poll = ask("xhr", "text/plain", &[]).await;
            came.extend(frame(poll.text().trim_end_matches('\n')));
        }
        self.server.for_each(|spark| spark.abort());
        gone(&self.server).await;
        (messages, came)
    }

    async fn over_websocket(&self, pieces: &[&[u8]]) -> (Vec<Noted>, Vec<Noted>) {
        let target = "/sockjs/000/session/websocket";
        let sent = websocket(&self.server, target, "", b"", pieces).await;
        let sent = sent.unwrap_or_else(|| panic!("no WebSocket"));
        let mut came = Vec::new();
        for payload in sent.payloads(0x81) {
            let text = std::str::from_utf8(payload).unwrap();
            if !matches!(text, "o" | "h") && !text.starts_with('c') {
                came.extend(frame(text));
            }
        }
        gone(&self.server).await;
        (self.notes.messages(), came)
    }
}

/// Parses the messages of a body with serde.
fn expected(bytes: &[u8]) -> Option<Vec<Noted>> {
    let texts: Vec<String> = serde_json::from_slice(bytes).ok()?;
    Some(texts.into_iter().map(Noted::Text).collect())
}

/// Parses the messages of a frame from the server.
fn frame(text: &str) -> Vec<Noted> {
    let list = text
        .strip_prefix('a')
        .and_then(|list| expected(list.as_bytes()));
    list.unwrap_or_else(|| panic!("the server sent a malformed frame: {text}"))
}
