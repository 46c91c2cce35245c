//! Protocol adapters: encoding of outgoing messages, and interpretation of incoming frames.
//!
//! Two layers: the engine (plain WebSocket text, Engine.IO v4, or SockJS), and on it the message
//! form (bare text, Primus JSON, Socket.IO events, or Stellar requests over Primus JSON).

use crate::ws::{Conn, OP_TEXT, Res, Target, encode};
use clap::ValueEnum;
use memchr::memmem;
use std::net::Ipv4Addr;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Proto {
    Raw,
    Primus,
    Engineio,
    Sockjs,
    Socketio,
    Stellar,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Engine {
    Ws,
    Engineio,
    /// Each message is the event `message`
    Socketio,
    Sockjs,
}

/// The bytes around a payload, including the framing of the engine.
#[derive(Clone)]
pub struct Template {
    pre: Vec<u8>,
    post: Vec<u8>,
}

impl Template {
    pub fn write(&self, out: &mut Vec<u8>, mask: [u8; 4], payload: &[u8]) {
        encode(out, OP_TEXT, mask, &[&self.pre, payload, &self.post]);
    }
}

pub struct Names {
    pub event: String,
    pub action: String,
    pub param: String,
    pub join_verb: String,
    pub send_template: Option<String>,
    pub join_template: Option<String>,
    pub pub_template: Option<String>,
}

pub struct Codec {
    pub proto: Proto,
    pub engine: Engine,
    names: Names,
}

/// The meaning of a frame after the protocol's control traffic is handled.
pub enum Ev<'a> {
    Open,
    Connected,
    App(&'a [u8]),
}

#[derive(Default, Clone, Copy)]
pub struct Pings {
    pub engine: u64,
    pub primus: u64,
}

impl Codec {
    pub fn new(proto: Proto, engine: Option<Engine>, names: Names) -> Codec {
        let engine = engine.unwrap_or(match proto {
            Proto::Raw | Proto::Primus | Proto::Stellar => Engine::Ws,
            // Control packets of Socket.IO, over Engine.IO.
            Proto::Engineio | Proto::Socketio => Engine::Engineio,
            Proto::Sockjs => Engine::Sockjs,
        });
        Codec {
            proto,
            engine,
            names,
        }
    }

    pub fn default_path(&self) -> String {
        let base = match self.proto {
            Proto::Raw => "/",
            Proto::Primus | Proto::Stellar => "/primus",
            Proto::Engineio => "/engine.io",
            Proto::Socketio => "/socket.io",
            Proto::Sockjs => "/sockjs",
        };
        match self.engine {
            Engine::Ws => base.to_string(),
            Engine::Engineio => {
                format!("{}/?EIO=4&transport=websocket", base.trim_end_matches('/'))
            }
            Engine::Socketio => "/socket.io/?EIO=4&transport=websocket".into(),
            Engine::Sockjs => format!("{}/000/{{rand}}/websocket", base.trim_end_matches('/')),
        }
    }

    fn primus_framed(&self) -> bool {
        matches!(self.proto, Proto::Primus | Proto::Stellar)
    }

    /// Returns the framing of the engine around one message.
    fn wrap(&self, text: &str) -> String {
        match self.engine {
            Engine::Ws => text.to_string(),
            Engine::Engineio => format!("4{text}"),
            Engine::Socketio => format!("42[\"message\",{text}]"),
            Engine::Sockjs => {
                let mut s = String::from("[\"");
                for c in text.chars() {
                    if c == '"' || c == '\\' {
                        s.push('\\');
                    }
                    s.push(c);
                }
                s.push_str("\"]");
                s
            }
        }
    }

    fn template(&self, text: &str) -> Template {
        let whole = self.wrap(text);
        match whole.find("{payload}") {
            Some(p) => Template {
                pre: whole.as_bytes()[..p].to_vec(),
                post: whole.as_bytes()[p + 9..].to_vec(),
            },
            None => Template {
                pre: whole.into_bytes(),
                post: Vec::new(),
            },
        }
    }

    /// Returns the message that `echo` sends. It may have no payload.
    pub fn echo_template(&self, with_payload: bool) -> Template {
        let n = &self.names;
        let text = match (&n.send_template, self.proto) {
            (Some(t), _) => t.clone(),
            (None, Proto::Raw | Proto::Engineio | Proto::Sockjs) => "{payload}".into(),
            (None, Proto::Primus) => "\"{payload}\"".into(),
            (None, Proto::Socketio) => format!("2[\"{}\",\"{{payload}}\"]", n.event),
            (None, Proto::Stellar) if with_payload => format!(
                "{{\"event\":\"action\",\"params\":{{\"action\":\"{}\",\"{}\":\"{{payload}}\"}}}}",
                n.action, n.param
            ),
            (None, Proto::Stellar) => {
                format!(
                    "{{\"event\":\"action\",\"params\":{{\"action\":\"{}\"}}}}",
                    n.action
                )
            }
        };
        self.template(&text)
    }

    pub fn join_template(&self, room: &str) -> Template {
        let n = &self.names;
        let text = match (&n.join_template, self.proto) {
            (Some(t), _) => t.replace("{room}", room),
            (None, Proto::Raw | Proto::Engineio | Proto::Sockjs) => format!("J{room}"),
            (None, Proto::Primus) => format!("\"J{room}\""),
            (None, Proto::Socketio) => format!("2[\"join\",\"{room}\"]"),
            (None, Proto::Stellar) => {
                format!("{{\"event\":\"{}\",\"room\":\"{room}\"}}", n.join_verb)
            }
        };
        self.template(&text)
    }

    pub fn pub_template(&self, room: &str) -> Template {
        let n = &self.names;
        let text = match (&n.pub_template, self.proto) {
            (Some(t), _) => t.replace("{room}", room),
            (None, Proto::Raw | Proto::Engineio | Proto::Sockjs) => "P{payload}".into(),
            (None, Proto::Primus) => "\"P{payload}\"".into(),
            (None, Proto::Socketio) => "2[\"pub\",\"{payload}\"]".into(),
            (None, Proto::Stellar) => {
                format!("{{\"event\":\"say\",\"room\":\"{room}\",\"message\":\"{{payload}}\"}}")
            }
        };
        self.template(&text)
    }

    /// Returns `true` if the message responds to a request.
    pub fn is_reply(&self, m: &[u8]) -> bool {
        match self.proto {
            Proto::Stellar => context(m) == Some(b"response"),
            Proto::Socketio => matches!(m.first(), Some(b'2' | b'3')),
            _ => true,
        }
    }

    /// Returns `true` if the message is a broadcast delivery.
    pub fn is_delivery(&self, m: &[u8]) -> bool {
        match self.proto {
            Proto::Stellar => context(m) != Some(b"response"),
            Proto::Socketio => m.first() == Some(&b'2'),
            _ => true,
        }
    }

    pub fn is_error(&self, m: &[u8]) -> bool {
        match self.proto {
            // Errors are the field `error` in actions, and a `status` object instead of "OK" in verbs.
            Proto::Stellar => {
                memmem::find(m, b"\"error\":").is_some()
                    || memmem::find(m, b"\"status\":{").is_some()
            }
            Proto::Socketio => m.first() == Some(&b'4'),
            _ => false,
        }
    }

    fn one(
        &self,
        m: &[u8],
        out: &mut Vec<u8>,
        mask: [u8; 4],
        pings: &mut Pings,
        f: &mut impl FnMut(Ev<'_>, &mut Vec<u8>) -> Res<()>,
    ) -> Res<()> {
        if self.primus_framed() && m.starts_with(b"\"primus::") {
            let body = &m[9..];
            if let Some(ts) = body.strip_prefix(b"ping::") {
                pings.primus += 1;
                let ts = String::from_utf8_lossy(ts);
                let pong = self.wrap(&format!("\"primus::pong::{ts}"));
                encode(out, OP_TEXT, mask, &[pong.as_bytes()]);
                return Ok(());
            }
            if body.starts_with(b"server::close") {
                return Err("primus::server::close".into());
            }
            return Ok(());
        }
        if self.proto == Proto::Socketio && m.first() == Some(&b'0') {
            return f(Ev::Connected, out);
        }
        f(Ev::App(m), out)
    }

    pub fn incoming(
        &self,
        frame: &[u8],
        out: &mut Vec<u8>,
        mask: [u8; 4],
        pings: &mut Pings,
        f: &mut impl FnMut(Ev<'_>, &mut Vec<u8>) -> Res<()>,
    ) -> Res<()> {
        match self.engine {
            Engine::Ws => self.one(frame, out, mask, pings, f),
            Engine::Engineio | Engine::Socketio => match frame.first() {
                Some(b'4') if self.engine == Engine::Socketio => match &frame[1..] {
                    [b'0', ..] => f(Ev::Connected, out),
                    [b'1', ..] => Err("socket.io disconnect".into()),
                    [b'4', rest @ ..] => Err(format!(
                        "socket.io error {:?}",
                        String::from_utf8_lossy(rest)
                    )),
                    event => match event_message(event) {
                        Some(m) => self.one(m, out, mask, pings, f),
                        None => Ok(()),
                    },
                },
                Some(b'4') => self.one(&frame[1..], out, mask, pings, f),
                Some(b'2') => {
                    pings.engine += 1;
                    encode(out, OP_TEXT, mask, &[b"3", &frame[1..]]);
                    Ok(())
                }
                Some(b'0') => f(Ev::Open, out),
                Some(b'1') => Err("engine.io close".into()),
                _ => Ok(()),
            },
            Engine::Sockjs => match frame.first() {
                Some(b'a') => {
                    let mut s = Vec::new();
                    let mut at = 1;
                    while next_json_string(frame, &mut at, &mut s)? {
                        self.one(&s, out, mask, pings, f)?;
                    }
                    Ok(())
                }
                Some(b'h') => {
                    pings.engine += 1;
                    Ok(())
                }
                Some(b'o') => f(Ev::Open, out),
                Some(b'c') => Err(format!("sockjs close {:?}", String::from_utf8_lossy(frame))),
                _ => Ok(()),
            },
        }
    }
}

/// Returns the argument of a Socket.IO event with one argument and any name.
fn event_message(event: &[u8]) -> Option<&[u8]> {
    let rest = event.strip_prefix(b"2[\"")?;
    let name = memchr::memchr(b'"', rest)?;
    rest[name + 1..].strip_prefix(b",")?.strip_suffix(b"]")
}

/// Returns the `context` of a Stellar message.
fn context(m: &[u8]) -> Option<&[u8]> {
    let p = memmem::find(m, b"\"context\":\"")? + 11;
    let e = memchr::memchr(b'"', &m[p..])?;
    Some(&m[p..p + e])
}

/// Returns the `messageCount` of a Stellar response.
pub fn message_count(m: &[u8]) -> Option<u64> {
    let p = memmem::find(m, b"\"messageCount\":")? + 15;
    let digits = m[p..].iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(&m[p..p + digits]).ok()?.parse().ok()
}

/// Returns the next string of a JSON array of strings, unescaped, and advances `at`.
fn next_json_string(b: &[u8], at: &mut usize, s: &mut Vec<u8>) -> Res<bool> {
    s.clear();
    while *at < b.len() && b[*at] != b'"' {
        *at += 1;
    }
    if *at >= b.len() {
        return Ok(false);
    }
    *at += 1;
    loop {
        let n = memchr::memchr2(b'"', b'\\', &b[*at..]).ok_or("sockjs: open string")?;
        s.extend_from_slice(&b[*at..*at + n]);
        *at += n + 1;
        if b[*at - 1] == b'"' {
            return Ok(true);
        }
        let e = *b.get(*at).ok_or("sockjs: open escape")?;
        *at += 1;
        match e {
            b'n' => s.push(b'\n'),
            b't' => s.push(b'\t'),
            b'r' => s.push(b'\r'),
            b'b' => s.push(8),
            b'f' => s.push(12),
            b'u' => {
                let h = b.get(*at..*at + 4).ok_or("sockjs: short \\u")?;
                let v = u32::from_str_radix(&String::from_utf8_lossy(h), 16)
                    .map_err(|_| "sockjs: bad \\u")?;
                *at += 4;
                let c = char::from_u32(v).unwrap_or('\u{fffd}');
                s.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => s.push(other),
        }
    }
}

/// A protocol session over one connection.
pub struct Session {
    pub conn: Conn,
    pub pings: Pings,
}

impl Session {
    /// Opens the connection and completes the handshake of the protocol.
    pub async fn open(t: &Target, codec: &Codec, src: Option<Ipv4Addr>) -> Res<Session> {
        let mut s = Session {
            conn: Conn::open(t, src).await?,
            pings: Pings::default(),
        };
        if codec.engine != Engine::Ws {
            s.wait(codec, |ev| matches!(ev, Ev::Open)).await?;
        }
        if codec.proto == Proto::Socketio || codec.engine == Engine::Socketio {
            let mask = s.conn.mask;
            encode(&mut s.conn.out, OP_TEXT, mask, &[b"40"]);
            s.conn.flush().await?;
            s.wait(codec, |ev| matches!(ev, Ev::Connected)).await?;
        }
        Ok(s)
    }

    /// Processes frames until `want` returns a value. Other messages are dropped.
    pub async fn wait(&mut self, codec: &Codec, mut want: impl FnMut(&Ev<'_>) -> bool) -> Res<()> {
        let mut seen = false;
        while !seen {
            let open = self
                .pump(codec, |ev, _, _| {
                    seen |= want(&ev);
                    Ok(())
                })
                .await?;
            self.conn.flush().await?;
            if !open && !seen {
                return Err("closed by the server while waiting".into());
            }
        }
        Ok(())
    }

    pub async fn pump(
        &mut self,
        codec: &Codec,
        mut f: impl FnMut(Ev<'_>, &mut Vec<u8>, [u8; 4]) -> Res<()>,
    ) -> Res<bool> {
        let pings = &mut self.pings;
        self.conn
            .pump(|frame, out, mask| {
                codec.incoming(frame, out, mask, pings, &mut |ev, out| f(ev, out, mask))
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockjs_strings() {
        let mut at = 1;
        let mut s = Vec::new();
        let f = br#"a["{\"a\":\"\\u0041\"}","b\u00e9"]"#;
        assert!(next_json_string(f, &mut at, &mut s).unwrap());
        assert_eq!(s, br#"{"a":"\u0041"}"#);
        assert!(next_json_string(f, &mut at, &mut s).unwrap());
        assert_eq!(s, "bé".as_bytes());
        assert!(!next_json_string(f, &mut at, &mut s).unwrap());
    }

    #[test]
    fn socket_io_events() {
        assert_eq!(
            event_message(br#"2["message",{"a":[1]}]"#),
            Some(br#"{"a":[1]}"#.as_slice())
        );
        assert_eq!(event_message(br#"2["say",1]"#), Some(b"1".as_slice()));
        assert_eq!(event_message(br#"2["say"]"#), None);
    }

    #[test]
    fn stellar_fields() {
        let m = br#"{"data":1,"context":"response","messageCount":42}"#;
        assert_eq!(context(m), Some(b"response".as_slice()));
        assert_eq!(message_count(m), Some(42));
    }
}
