//! The sending side of a session: one bounded queue, and the transport that empties it.

use std::sync::Arc;

use stellarfw_transport::{
    Account, CloseReason, Frame, Held, Kind, Outbox, OutboxLimits, PushError, Waiting,
};
use stellarfw_websocket::{
    COPY_MAX, FrameWriter, LargePayload, NextFrame, SocketWrite, WRITE_BATCH,
    frame::{OP_BINARY, OP_TEXT, put_close, put_header},
};

use crate::{
    packet::{MESSAGE_V3, Version},
    payload::PayloadWriter,
};

/// The bytes of queued replies above which nothing more is read from a client.
const REPLIES_MAX: usize = 16 << 10;
/// What a reply takes besides its bytes.
const REPLY: usize = 64;
/// The longest answer to a poll, but for its last message.
const POLL_MAX: usize = 1 << 20;

/// The sending side.
pub(crate) struct Outgoing {
    version: Version,
    outbox: Outbox,
    /// The way into the WebSocket, from the moment on that there is one.
    writer: Option<FrameWriter>,
    /// The client is on its WebSocket, and messages may be written to it.
    flows: bool,
    /// The close packet precedes the close frame of a WebSocket.
    has_close_packet: bool,
    /// A ping is due, and in protocol 3 an answer to one.
    ping: bool,
    pong: bool,
    replies: Replies,
}

/// Replies that are queued.
#[derive(Default)]
struct Replies {
    bytes: usize,
    /// How many frames were pushed and taken out so far, and behind which the last reply is.
    pushed: u64,
    taken: u64,
    last: u64,
}

impl Replies {
    fn took(&mut self) {
        self.taken += 1;
    }

    /// All that was taken out has left.
    fn left(&mut self) {
        if self.taken >= self.last {
            self.bytes = 0;
        }
    }
}

impl Outgoing {
    pub(crate) fn new(version: Version, limits: Arc<OutboxLimits>, has_close_packet: bool) -> Self {
        Self {
            version,
            outbox: Outbox::new(limits),
            writer: None,
            flows: false,
            has_close_packet,
            ping: false,
            pong: false,
            replies: Replies::default(),
        }
    }

    /// Queues messages that stay together: all of them or none.
    pub(crate) fn push(
        &mut self,
        frames: impl IntoIterator<Item = Frame>,
        is_reply: bool,
    ) -> Result<(), PushError> {
        let taken = self.written();
        let mut is_first = true;
        for frame in frames {
            let len = frame.len();
            match std::mem::take(&mut is_first) {
                true => self.outbox.push_behind(frame, taken)?,
                false => self.outbox.push_with_last(frame)?,
            }
            self.replies.pushed += 1;
            if is_reply {
                self.replies.bytes += len + REPLY;
                self.replies.last = self.replies.pushed;
            }
        }
        Ok(())
    }

    /// Returns `true` if so many replies are queued that nothing more is to be read from the client.
    pub(crate) fn is_backed_up(&self) -> bool {
        self.replies.bytes > REPLIES_MAX
    }

    /// Frames that were taken out of the outbox and are not written.
    fn written(&self) -> Waiting {
        let writer = self.writer.as_ref().map(FrameWriter::waiting);
        writer.unwrap_or_default()
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let (mut waiting, written) = (self.outbox.waiting(), self.written());
        waiting.frames += written.frames;
        waiting.bytes += written.bytes;
        waiting
    }

    /// Counts queued messages in this account, unless the account of another open spark is in use.
    pub(crate) fn set_account(&mut self, account: Account) {
        if !self.outbox.spark_account().is_some_and(Account::is_open) {
            self.outbox.set_account(account);
            self.note();
        }
    }

    pub(crate) fn account(&self) -> Option<&Account> {
        self.outbox.spark_account()
    }

    /// Updates the spark's account.
    pub(crate) fn note(&mut self) {
        let mut held = Held::default();
        if let Some(writer) = &self.writer
            && !writer.is_empty()
        {
            held = writer.held(self.outbox.spark_account());
        } else {
            self.replies.left();
        }
        self.outbox.settle(held);
    }

    /// Asks for a ping, or in protocol 3 answers one.
    pub(crate) fn ping(&mut self) {
        self.ping = true;
    }

    pub(crate) fn pong(&mut self) {
        self.pong = true;
    }

    /// Returns `true` if packets are queued.
    pub(crate) fn has_packets(&self) -> bool {
        self.ping || self.pong || !self.outbox.is_empty()
    }

    /// The session closes: accepts no more messages, and drops the queued ones if the reason says so.
    ///
    /// Returns `true` if what was begun is in the way of the close frame and was dropped: the socket is to be cut.
    pub(crate) fn close(&mut self, reason: &CloseReason) -> bool {
        match reason.drops_waiting() {
            true => self.outbox.clear(),
            false => self.outbox.close(),
        }
        let is_in_the_way =
            *reason == CloseReason::OverBudget && self.written().bytes > WRITE_BATCH;
        if let Some(writer) = self.writer.as_mut().filter(|_| is_in_the_way) {
            writer.clear();
        }
        self.note();
        is_in_the_way
    }

    /// Drops queued messages. Frames that were begun are still written.
    pub(crate) fn clear(&mut self) {
        self.outbox.clear();
        self.ping = false;
        self.pong = false;
        self.note();
    }

    /// Takes the payload of a poll: queued messages up to `max_payload` bytes, and one message more.
    ///
    /// Returns it with its content type.
    pub(crate) fn take_payload(
        &mut self,
        max_payload: usize,
        takes_binary: bool,
        closes: bool,
    ) -> (Vec<u8>, &'static str, bool) {
        let limit = max_payload.min(POLL_MAX);
        // In protocol 3 the form depends on whether there are bytes in it.
        let mut frames = Vec::new();
        let mut has_binary = false;
        if self.version == Version::V3 {
            let mut len = 0;
            while len < limit
                && let Some(frame) = self.pop()
            {
                len += frame.len();
                has_binary |= frame.kind() == Kind::Binary;
                frames.push(frame);
            }
        }
        let mut payload = PayloadWriter::new(self.version, has_binary, takes_binary);
        if std::mem::take(&mut self.ping) {
            payload.text("2", "");
        }
        if std::mem::take(&mut self.pong) {
            payload.text("3", "");
        }
        for frame in frames {
            payload.message(&frame);
        }
        while self.version == Version::V4
            && payload.len() < limit
            && let Some(frame) = self.pop()
        {
            if !payload.message(&frame) {
                tracing::warn!(
                    "a text with U+001E was left out: polling separates packets with it"
                );
            }
        }
        // Alone in its payload: socket.io-client handles a message one tick after it reads it, so it would
        // see the end of the transport before the message that explains it.
        let is_last = closes && self.outbox.is_empty() && payload.len() == 0;
        if is_last {
            payload.text("1", "");
        }
        self.note();
        let (bytes, content_type) = payload.finish();
        (bytes, content_type, is_last)
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.outbox.pop()?;
        self.replies.took();
        Some(frame)
    }

    /// Gives it the way into the WebSocket. Messages wait until they [flow](Self::flow).
    pub(crate) fn attach(&mut self, writer: FrameWriter) {
        self.writer = Some(writer);
    }

    /// Takes the WebSocket away.
    pub(crate) fn detach(&mut self) {
        self.writer = None;
        self.flows = false;
        self.note();
    }

    /// The client is on its WebSocket.
    pub(crate) fn flow(&mut self) {
        self.flows = true;
    }

    /// Nothing more may be said over the WebSocket but what is queued there.
    pub(crate) fn stop(&mut self) {
        self.flows = false;
        self.clear();
    }

    pub(crate) fn writer(&mut self) -> Option<&mut FrameWriter> {
        self.writer.as_mut()
    }

    /// Queues a text frame of the protocol's own.
    pub(crate) fn put_text(&mut self, text: &str) {
        if let Some(writer) = &mut self.writer {
            let mut bytes = Vec::with_capacity(text.len() + 10);
            put_text(&mut bytes, "", text);
            writer.put(bytes);
        }
    }

    /// Writes queued messages to the WebSocket in batches, until none is left or the socket accepts no more. `task` is
    /// how the connection's task writes, if that asks. `close` is the session's reason, where the close packet is due.
    ///
    /// Returns `true` if the close packet was put behind all others.
    pub(crate) fn write(
        &mut self,
        task: Option<&mut SocketWrite<'_>>,
        close: Option<&CloseReason>,
    ) -> bool {
        let Some(mut writer) = self.writer.take() else {
            return false;
        };
        let mut close = close.filter(|_| self.flows);
        let was_due = close.is_some();
        writer.write(task, |batch| self.next(batch, &mut close));
        self.writer = Some(writer);
        was_due && close.is_none()
    }

    /// Puts what goes out next into a batch.
    fn next(&mut self, batch: &mut Vec<u8>, close: &mut Option<&CloseReason>) -> NextFrame {
        if !self.flows {
            return NextFrame::None;
        }
        if std::mem::take(&mut self.ping) {
            put_text(batch, "2", "");
            return NextFrame::Appended;
        }
        if std::mem::take(&mut self.pong) {
            put_text(batch, "3", "");
            return NextFrame::Appended;
        }
        if let Some(frame) = self.pop() {
            return put_message(batch, self.version, frame);
        }
        let Some(reason) = close.take() else {
            return NextFrame::None;
        };
        if self.has_close_packet {
            put_text(batch, "1", "");
        }
        put_close(batch, Some((reason.code(), reason.text())));
        self.flows = false;
        NextFrame::Appended
    }
}

/// Appends a message as the WebSocket frame that it is. A payload too large to copy comes back, to follow it.
fn put_message(batch: &mut Vec<u8>, version: Version, frame: Frame) -> NextFrame {
    // A text message has its type in front, and so has a binary one of protocol 3.
    let (opcode, kind) = match (frame.kind(), version) {
        (Kind::Text, _) => (OP_TEXT, Some(b'4')),
        (Kind::Binary, Version::V3) => (OP_BINARY, Some(MESSAGE_V3)),
        (Kind::Binary, Version::V4) => (OP_BINARY, None),
    };
    put_header(batch, opcode, frame.len() + usize::from(kind.is_some()));
    batch.extend(kind);
    if frame.len() > COPY_MAX {
        return NextFrame::Large(LargePayload {
            many: frame.many(),
            bytes: frame.into_payload(),
        });
    }
    batch.extend_from_slice(frame.payload());
    NextFrame::Appended
}

/// Appends a packet that is text, as a WebSocket frame.
fn put_text(out: &mut Vec<u8>, kind: &str, text: &str) {
    put_header(out, OP_TEXT, kind.len() + text.len());
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests;
