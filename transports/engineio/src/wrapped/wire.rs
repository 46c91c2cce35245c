//! What leaves over a session's WebSocket. Over plain TCP it is framed and written on the thread of
//! whoever sends, all that waits in one write; what the library has to say joins it, in whole frames.
//! Over anything else the session's task writes.

use stellarfw_websocket::{
    DirectWriter, FrameWriter,
    frame::{self, OP_BINARY, OP_TEXT},
};

/// With more bytes than that waiting for a peer that does not read, the library is asked for nothing.
const OWN_MAX: usize = 16 << 10;

/// The way out of a WebSocket.
pub(crate) struct Wire {
    pub(crate) pipe: FrameWriter,
    /// The client has been told that the session is open, and no goodbye was said: messages may
    /// follow.
    pub(crate) open: bool,
}

impl Wire {
    pub(crate) fn new(writer: Option<DirectWriter>) -> Self {
        Self {
            pipe: FrameWriter::new(writer),
            open: false,
        }
    }

    /// Whether so much waits that the library is not to be asked for more.
    pub(crate) fn is_backed_up(&self) -> bool {
        self.pipe.is_blocked() && self.pipe.waiting().bytes > OWN_MAX
    }
}

/// Appends the header of a server's frame, which has no mask and is all of its message (RFC 6455
/// section 5.2).
pub fn put_header(out: &mut Vec<u8>, binary: bool, len: usize) {
    frame::put_header(out, if binary { OP_BINARY } else { OP_TEXT }, len);
}

/// Appends a short message.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_header(out, false, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// A goodbye with a code and a text, or without.
pub(crate) fn close(reason: Option<(u16, &str)>) -> Vec<u8> {
    let mut out = Vec::new();
    frame::put_close(&mut out, reason);
    out
}
