//! The body of a POST on its way into the library: packet by packet, as the inbox has room.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame};

use crate::session::Session;

/// What stands between two packets of a payload (protocol 4).
const SEPARATOR: u8 = 0x1e;

/// A body that is given piece by piece; empty for requests that have none.
#[derive(Default)]
pub struct Paced {
    bytes: Bytes,
    session: Option<Arc<Session>>,
    whole: bool,
}

impl Paced {
    /// A body that is there.
    pub(crate) fn of(bytes: Bytes) -> Self {
        Self {
            bytes,
            session: None,
            whole: true,
        }
    }

    /// A session's body; `whole` when its packets are not told apart here (protocol 3).
    pub(crate) fn new(bytes: Bytes, session: Arc<Session>, whole: bool) -> Self {
        Self {
            bytes,
            session: Some(session),
            whole,
        }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.bytes.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(session) = &this.session {
            ready!(session.poll_ready(cx));
        }
        let end = match this.bytes.iter().position(|b| *b == SEPARATOR) {
            Some(at) if !this.whole => at + 1,
            _ => this.bytes.len(),
        };
        Poll::Ready(Some(Ok(Frame::data(this.bytes.split_to(end)))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl fmt::Debug for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Paced({} bytes)", self.bytes.len())
    }
}
