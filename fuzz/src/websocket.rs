//! WebSocket frames, with and without compression, against a reference reader of RFC 6455 and
//! RFC 7692.

use flate2::{Decompress, FlushDecompress, Status};
use stellarfw::{
    transport::{Parser, Server},
    ws::{Ws, WsConfig, deflate::DeflateConfig},
};
use tokio::runtime::Runtime;

use super::{
    runtime,
    support::{Noted, Notes, Numbers, Sent, cut, websocket as exchange},
};

/// Maximum length of a message and of a frame, in bytes.
const LONGEST: usize = 1 << 12;

thread_local! {
    static PLAIN: Fixture = Fixture::new(None);
    static ONE_BY_ONE: Fixture = Fixture::new(Some(false));
    static IN_CONTEXT: Fixture = Fixture::new(Some(true));
}

/// Sends the input after the handshake.
///
/// Messages, pongs and the close equal those of the reference, however the bytes are split into reads.
pub fn websocket(bytes: &[u8]) {
    PLAIN.with(|fixture| fixture.check(bytes));
}

/// The same with `permessage-deflate`, with and without context takeover.
///
/// No message inflates beyond the maximum length.
pub fn deflate(bytes: &[u8]) {
    ONE_BY_ONE.with(|fixture| fixture.check(bytes));
    IN_CONTEXT.with(|fixture| fixture.check(bytes));
}

struct Fixture {
    runtime: Runtime,
    server: Server,
    notes: Notes,
    /// Whether the client has context takeover; `None` without compression.
    takeover: Option<bool>,
}

impl Fixture {
    fn new(takeover: Option<bool>) -> Self {
        let notes = Notes::default();
        let mut config = WsConfig::default();
        config.compression = takeover.map(|takeover| DeflateConfig {
            client_no_context_takeover: !takeover,
            ..DeflateConfig::default()
        });
        config.max_frame = Some(LONGEST);
        let server = Server::builder()
            .configure(|config| {
                config.ping_interval = 0;
                config.max_length = LONGEST;
            })
            .parser(Parser::Raw)
            .transport(Ws::new(config))
            .handler(notes.clone())
            .build();
        Self {
            runtime: runtime(),
            server,
            notes,
            takeover,
        }
    }

    fn check(&self, bytes: &[u8]) {
        let expected = Expected::of(bytes, self.takeover);
        let mut numbers = Numbers::of(bytes);
        let pieces = cut(bytes, &mut numbers);
        for pieces in [&[bytes][..], &pieces] {
            let sent = self.runtime.block_on(self.run(pieces));
            let (messages, closed) = self.notes.take();
            assert_eq!(closed, 1, "one spark has ended");
            expected.compare(&messages, &sent);
        }
    }

    async fn run(&self, pieces: &[&[u8]]) -> Sent {
        let headers = match self.takeover {
            None => "",
            Some(true) => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            Some(false) => {
                "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
            }
        };
        let sent = exchange(&self.server, "/primus", headers, b"", pieces).await;
        sent.unwrap_or_else(|| panic!("no WebSocket"))
    }
}

/// The end of a client's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The bytes end.
    Cut,
    /// A close frame with this code.
    Close(u16),
    /// A protocol error.
    Fault,
    /// The rest is undetermined.
    Unknown,
}

/// The expected events and responses.
#[derive(Debug)]
struct Expected {
    messages: Vec<Noted>,
    /// The payloads of the pongs.
    pongs: Vec<Vec<u8>>,
    end: End,
}

/// An incomplete message.
struct Incomplete {
    is_text: bool,
    is_compressed: bool,
    bytes: Vec<u8>,
}

impl Expected {
    fn of(mut bytes: &[u8], takeover: Option<bool>) -> Self {
        let mut expected = Self {
            messages: Vec::new(),
            pongs: Vec::new(),
            end: End::Cut,
        };
        let mut inflater = Decompress::new(false);
        let mut under_way = None;
        loop {
            match expected.frame(&mut bytes, &mut under_way, &mut inflater, takeover) {
                Ok(()) => {}
                Err(end) => {
                    expected.end = end;
                    return expected;
                }
            }
        }
    }

    /// Parses one frame.
    fn frame(
        &mut self,
        bytes: &mut &[u8],
        under_way: &mut Option<Incomplete>,
        inflater: &mut Decompress,
        takeover: Option<bool>,
    ) -> Result<(), End> {
        let [first, second, rest @ ..] = *bytes else {
            let is_good = bytes
                .first()
                .is_none_or(|first| is_good_head(*first, 0x80, under_way.as_ref(), takeover));
            // Text that is not UTF-8 may be found before its message is complete.
            let is_known = is_good && !compressed(under_way.as_ref());
            return Err(if is_known { End::Cut } else { End::Unknown });
        };
        let (is_final, opcode) = (first & 0x80 != 0, first & 0x0f);
        let is_control = opcode >= 8;
        let is_good = is_good_head(*first, *second, under_way.as_ref(), takeover);
        // An error in a frame may be reported once the frame is complete.
        let is_known = is_good && !compressed(under_way.as_ref());
        let cut = if is_known { End::Cut } else { End::Unknown };
        let (len, rest) = match second & 0x7f {
            126 => {
                let (len, rest) = rest.split_first_chunk().ok_or(cut)?;
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            127 => {
                let (len, rest) = rest.split_first_chunk().ok_or(cut)?;
                (u64::from_be_bytes(*len), rest)
            }
            len => (u64::from(len), rest),
        };
        let is_compressed = first & 0x40 != 0 || (opcode == 0 && compressed(under_way.as_ref()));
        let before = under_way.as_ref().map_or(0, |message| message.bytes.len());
        if !is_good || (is_control && len > 125) {
            let has_mask = second & 0x80 != 0;
            let all = len.saturating_add(if has_mask { 4 } else { 0 });
            return Err(if rest.len() as u64 >= all {
                End::Fault
            } else {
                End::Unknown
            });
        }
        if !is_compressed && len > (LONGEST - if is_control { 0 } else { before }) as u64 {
            // The mask may be read first, and of a further fragment all of it.
            let least = if before > 0 { len + 4 } else { 4 };
            return Err(if (rest.len() as u64) < least {
                End::Unknown
            } else {
                End::Fault
            });
        }
        if is_compressed && len > LONGEST as u64 {
            return Err(End::Unknown);
        }
        let (key, rest) = rest.split_first_chunk::<4>().ok_or(cut)?;
        let there = rest.len().min(len as usize);
        let (masked, after) = rest.split_at(there);
        let payload: Vec<u8> = masked
            .iter()
            .zip(key.iter().cycle())
            .map(|(b, k)| b ^ k)
            .collect();
        if (there as u64) < len {
            let is_text = opcode == 1 || under_way.as_ref().is_some_and(|message| message.is_text);
            if is_control || is_compressed || !is_text {
                return Err(if is_compressed {
                    End::Unknown
                } else {
                    End::Cut
                });
            }
            let mut text = under_way
                .take()
                .map_or_else(Vec::new, |message| message.bytes);
            text.extend(payload);
            return Err(match (is_beginning(&text), takeover) {
                (true, _) => End::Cut,
                (false, None) => End::Fault,
                // With compression agreed on, text is checked frame by frame.
                (false, Some(_)) => End::Unknown,
            });
        }
        *bytes = after;
        match opcode {
            8 => Err(close_event(&payload)),
            9 => {
                self.pongs.push(payload);
                Ok(())
            }
            10 => Ok(()),
            _ => {
                let message = under_way.get_or_insert(Incomplete {
                    is_text: opcode == 1,
                    is_compressed,
                    bytes: Vec::new(),
                });
                message.bytes.extend(payload);
                if is_final && let Some(message) = under_way.take() {
                    return self.message(message, inflater, takeover);
                }
                let is_spoilt = message_is_spoilt(under_way.as_ref());
                if is_spoilt { Err(End::Fault) } else { Ok(()) }
            }
        }
    }

    fn message(
        &mut self,
        message: Incomplete,
        inflater: &mut Decompress,
        takeover: Option<bool>,
    ) -> Result<(), End> {
        let bytes = if message.is_compressed {
            if takeover == Some(false) {
                inflater.reset(false);
            }
            inflate(inflater, &message.bytes)?
        } else {
            message.bytes
        };
        if bytes.len() > LONGEST {
            return Err(End::Fault);
        }
        self.messages.push(if message.is_text {
            Noted::Text(String::from_utf8(bytes).map_err(|_| End::Fault)?)
        } else {
            Noted::Binary(bytes)
        });
        Ok(())
    }

    fn compare(&self, messages: &[Noted], sent: &Sent) {
        let (expected, found) = (&self.messages[..], messages);
        let pongs: Vec<_> = sent.payloads(0x8a).collect();
        if self.end == End::Unknown {
            assert_eq!(found.get(..expected.len()), Some(expected), "{sent:?}");
            return;
        }
        assert_eq!(found, expected, "{self:?} {sent:?}");
        // A protocol error may be detected before a ping between the frames is answered.
        let most = self.pongs.get(..pongs.len()).unwrap_or(&self.pongs);
        assert_eq!(pongs, most, "{self:?} {sent:?}");
        assert!(pongs.len() == self.pongs.len() || self.end == End::Fault);
        match (self.end, sent.close()) {
            (End::Cut, None) => {}
            // An invalid code is answered without a code.
            (End::Close(code), Some(answered)) => assert_eq!(code, answered),
            (End::Fault, Some(1002 | 1007 | 1009)) => {}
            (end, close) => panic!("{end:?} was answered with {close:?}: {self:?}"),
        }
    }
}

/// Returns `true` if a frame may start with these two bytes.
fn is_good_head(
    first: u8,
    second: u8,
    under_way: Option<&Incomplete>,
    takeover: Option<bool>,
) -> bool {
    let (is_final, opcode) = (first & 0x80 != 0, first & 0x0f);
    let is_compressed = first & 0x40 != 0;
    let may_be_compressed = takeover.is_some() && matches!(opcode, 1 | 2);
    first & 0x30 == 0
        && (!is_compressed || may_be_compressed)
        && second & 0x80 != 0
        && match opcode {
            0 => under_way.is_some(),
            1 | 2 => under_way.is_none(),
            8..=10 => is_final,
            _ => false,
        }
}

fn compressed(under_way: Option<&Incomplete>) -> bool {
    under_way.is_some_and(|message| message.is_compressed)
}

fn message_is_spoilt(under_way: Option<&Incomplete>) -> bool {
    under_way.is_some_and(|message| {
        message.is_text && !message.is_compressed && !is_beginning(&message.bytes)
    })
}

/// Returns `true` if the bytes are a prefix of valid UTF-8.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

fn close_event(payload: &[u8]) -> End {
    match payload {
        [] => End::Close(1005),
        [_] => End::Fault,
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            let is_code = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            // Unassigned codes are accepted.
            match (is_code, std::str::from_utf8(reason)) {
                (true, Ok(_)) => End::Close(code),
                (false, _) if (1015..3000).contains(&code) => End::Unknown,
                _ => End::Fault,
            }
        }
    }
}

/// Inflates a message (RFC 7692 section 7.2.2).
fn inflate(inflater: &mut Decompress, bytes: &[u8]) -> Result<Vec<u8>, End> {
    let mut out = Vec::with_capacity(LONGEST + 64);
    let mut input = [bytes, &[0, 0, 0xff, 0xff]].concat();
    loop {
        let before = inflater.total_in();
        let status = inflater.decompress_vec(&input, &mut out, FlushDecompress::Sync);
        let read = (inflater.total_in() - before) as usize;
        input.drain(..read);
        match status {
            Err(_) => return Err(End::Fault),
            // Data may follow a final block.
            Ok(Status::StreamEnd) => return Err(End::Unknown),
            Ok(_) if out.len() > LONGEST => return Err(End::Fault),
            Ok(_) if input.is_empty() => break,
            Ok(_) if read == 0 => return Err(End::Unknown),
            Ok(_) => {}
        }
    }
    // The end of a block is only visible with the next one.
    let before = inflater.total_in();
    let end = [0, 0, 0, 0xff, 0xff];
    let length = out.len();
    match inflater.decompress_vec(&end, &mut out, FlushDecompress::Sync) {
        Ok(Status::Ok) if out.len() == length && inflater.total_in() - before == 5 => Ok(out),
        _ => Err(End::Unknown),
    }
}
