//! One payload: borrowed on its way in ([`Message`]), shared on its way out ([`Frame`]).

use bytes::Bytes;

/// Whether a payload is text or binary on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

/// A payload as an engine hands it in: borrowed from the engine's read buffer.
///
/// Borrowing is deliberate. A payload that is answered at once costs no copy, and one that must
/// be kept is copied with [`Message::to_frame`], so that nothing kept can pin a read buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text payload; the engine has checked that it is UTF-8.
    Text(&'a str),
    /// A binary payload.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The payload's bytes, whatever its kind.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload as text: of a text payload always, of a binary one when it is UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        }
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// Copies the payload into a [`Frame`] that can be kept or sent on.
    #[must_use]
    pub fn to_frame(&self) -> Frame {
        Frame {
            kind: self.kind(),
            payload: Bytes::copy_from_slice(self.as_bytes()),
        }
    }
}

/// A payload on its way out: encoded already, cheap to clone, shared by all who receive it.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    kind: Kind,
    payload: Bytes,
}

impl Frame {
    /// A text frame.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            kind: Kind::Text,
            payload: Bytes::from(text.into()),
        }
    }

    /// A text frame of a constant: no allocation.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self {
            kind: Kind::Text,
            payload: Bytes::from_static(text.as_bytes()),
        }
    }

    /// A text frame of bytes, if they are UTF-8; otherwise the bytes come back.
    ///
    /// # Errors
    /// The bytes themselves when they are not UTF-8.
    pub fn text_from_bytes(bytes: impl Into<Bytes>) -> Result<Self, Bytes> {
        let payload = bytes.into();
        match std::str::from_utf8(&payload) {
            Ok(_) => Ok(Self {
                kind: Kind::Text,
                payload,
            }),
            Err(_) => Err(payload),
        }
    }

    /// A binary frame.
    #[must_use]
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self {
            kind: Kind::Binary,
            payload: bytes.into(),
        }
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The payload's bytes.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The payload's bytes, without a copy.
    #[must_use]
    pub fn into_payload(self) -> Bytes {
        self.payload
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Whether the payload has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    /// The same payload, borrowed as an incoming [`Message`].
    #[must_use]
    pub fn as_message(&self) -> Message<'_> {
        match self.kind {
            Kind::Binary => Message::Binary(&self.payload),
            // A text frame is built of checked text only, so the second arm is never taken;
            // it keeps the type honest without `unsafe`.
            Kind::Text => match std::str::from_utf8(&self.payload) {
                Ok(text) => Message::Text(text),
                Err(_) => Message::Binary(&self.payload),
            },
        }
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Payloads may hold secrets: a log gets kind and size only.
        f.debug_struct("Frame")
            .field("kind", &self.kind)
            .field("len", &self.len())
            .finish()
    }
}
