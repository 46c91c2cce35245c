//! What leaves over a session's WebSocket. Over plain TCP it is framed and written on the thread of
//! whoever sends, all that waits in one write; what the library has to say joins it, in whole frames.
//! Over anything else the session's task writes.

use stellarfw_ws::{pipe::Pipe, socket::DirectWriter};

/// With more bytes than that waiting for a peer that does not read, the library is asked for nothing.
const OWN_MAX: usize = 16 << 10;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// The way out of a WebSocket.
pub(crate) struct Wire {
    pub(crate) pipe: Pipe,
    /// The client has been told that the session is open, and no goodbye was said: messages may
    /// follow.
    pub(crate) open: bool,
}

impl Wire {
    pub(crate) fn new(writer: Option<DirectWriter>) -> Self {
        Self {
            pipe: Pipe::new(writer),
            open: false,
        }
    }

    /// Whether so much waits that the library is not to be asked for more.
    pub(crate) fn is_backed_up(&self) -> bool {
        self.pipe.is_stuck() && self.pipe.waiting().bytes > OWN_MAX
    }
}

/// Appends the header of a server's frame, which has no mask and is all of its message (RFC 6455
/// section 5.2).
pub fn put_header(out: &mut Vec<u8>, binary: bool, len: usize) {
    stellarfw_ws::put_header(out, if binary { BINARY } else { TEXT }, len);
}

/// Appends a short message.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_header(out, false, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// A goodbye with a code and a text, or without.
pub(crate) fn close(reason: Option<(u16, &str)>) -> Vec<u8> {
    let mut out = Vec::new();
    let Some((code, text)) = reason else {
        stellarfw_ws::put_header(&mut out, CLOSE, 0);
        return out;
    };
    // A control frame's payload is at most 125 bytes, two of them the code.
    let mut len = text.len().min(123);
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    stellarfw_ws::put_header(&mut out, CLOSE, len + 2);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&text.as_bytes()[..len]);
    out
}
