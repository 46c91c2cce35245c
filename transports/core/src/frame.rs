//! One payload: borrowed on its way in ([`Message`]), shared on its way out ([`Frame`]).

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::budget::{Budget, Held, Holding, Lease};

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
        Frame::new(self.kind(), Bytes::copy_from_slice(self.as_bytes()))
    }
}

/// A payload on its way out: encoded already, cheap to clone, shared by all who receive it.
#[derive(Clone)]
pub struct Frame {
    kind: Kind,
    payload: Bytes,
    /// Of one that goes to many.
    many: Option<Arc<Many>>,
}

/// What the clones of a frame for many share.
#[derive(Default)]
struct Many {
    translations: Translations,
    /// There from the moment on that it waits for one of them.
    waiting: OnceLock<Waiting>,
}

/// A frame for many of which at least one has not been sent at once.
struct Waiting {
    /// Of the payload, counted once for all who wait for it.
    _lease: Lease,
    /// How many bytes of it each of those stands for.
    share: usize,
}

/// What engines made of a payload, by what they made it with. There are few of them.
type Translations = Mutex<Vec<(TranslationKey, Option<Bytes>)>>;

/// What a frame takes besides its bytes where it waits.
const ENTRY: usize = 64;

/// The bytes of a frame for many, kept by what engines make of it; see [`Frame::many`].
#[derive(Clone)]
pub struct SharedFrame {
    many: Arc<Many>,
    bytes: usize,
}

impl SharedFrame {
    /// Counts the frame in a budget, if it is not counted yet, until the last of its clones is gone.
    /// What one who waits for it holds.
    pub(crate) fn wait(&self, budget: &Budget) -> Held {
        let waiting = self.many.waiting.get_or_init(|| {
            let made = self.many.translations.lock();
            let made = made.iter().filter_map(|(_, made)| made.as_ref());
            let bytes = self.bytes + made.map(Bytes::len).sum::<usize>();
            Waiting {
                _lease: budget.lease_for(Holding::Outbound, bytes),
                share: bytes / Arc::strong_count(&self.many).max(1),
            }
        });
        Held {
            own: ENTRY,
            share: waiting.share,
        }
    }
}

impl std::fmt::Debug for SharedFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedFrame({} bytes)", self.bytes)
    }
}

/// What a translation depends on: who made it, and its settings as a number.
pub type TranslationKey = (&'static str, u32);

/// So many translations of a frame are kept.
const TRANSLATIONS: usize = 8;

impl Frame {
    const fn new(kind: Kind, payload: Bytes) -> Self {
        Self {
            kind,
            payload,
            many: None,
        }
    }

    /// A frame that goes to many: what an engine makes of it is made once. See
    /// [`Frame::translated`].
    #[must_use]
    pub fn for_many(mut self) -> Self {
        self.many.get_or_insert_default();
        self
    }

    /// Whether it goes to many, so that a translation is worth keeping.
    #[must_use]
    pub fn is_for_many(&self) -> bool {
        self.many.is_some()
    }

    /// A handle on the bytes of a frame for many, for an engine that keeps them when the frame itself
    /// is gone.
    #[must_use]
    pub fn many(&self) -> Option<SharedFrame> {
        self.many.as_ref().map(|many| SharedFrame {
            many: many.clone(),
            bytes: self.payload.len(),
        })
    }

    /// What one who waits for it holds: its bytes, or its share of those of a frame for many.
    pub(crate) fn wait(&self, budget: &Budget) -> Held {
        match self.many() {
            Some(many) => many.wait(budget),
            None => Held::own(self.payload.len() + ENTRY),
        }
    }

    /// What an engine makes of the payload, such as its compressed form: `make` is called for the
    /// first of the clones of a [`Frame::for_many`], and what it gave is there for the others. For
    /// every other frame it is called each time.
    ///
    /// `make` must depend on the payload and the key alone, and must not call back here.
    pub fn translated(
        &self,
        key: TranslationKey,
        make: impl FnOnce(&[u8]) -> Option<Bytes>,
    ) -> Option<Bytes> {
        let Some(many) = &self.many else {
            return make(&self.payload);
        };
        // Held while it is made: others wait for it rather than make it again.
        let mut known = many.translations.lock();
        if let Some((_, made)) = known.iter().find(|(known, _)| *known == key) {
            return made.clone();
        }
        let made = make(&self.payload);
        if known.len() < TRANSLATIONS {
            known.push((key, made.clone()));
        }
        made
    }

    /// A frame of other bytes that an engine has made of this one, for example with [`Frame::translated`]. Where this one
    /// goes to many, what waits of the new one counts once for all of them, too.
    ///
    /// The bytes of a text frame must be UTF-8; if they are not, its [message](Frame::as_message) is binary.
    #[must_use]
    pub fn derived(&self, kind: Kind, payload: impl Into<Bytes>) -> Self {
        Self {
            kind,
            payload: payload.into(),
            many: self.many.clone(),
        }
    }

    /// A text frame.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Kind::Text, Bytes::from(text.into()))
    }

    /// A text frame of a constant: no allocation.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self::new(Kind::Text, Bytes::from_static(text.as_bytes()))
    }

    /// A text frame of bytes, if they are UTF-8; otherwise the bytes come back.
    ///
    /// # Errors
    /// The bytes themselves when they are not UTF-8.
    pub fn text_from_bytes(bytes: impl Into<Bytes>) -> Result<Self, Bytes> {
        let payload = bytes.into();
        match std::str::from_utf8(&payload) {
            Ok(_) => Ok(Self::new(Kind::Text, payload)),
            Err(_) => Err(payload),
        }
    }

    /// A binary frame.
    #[must_use]
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::new(Kind::Binary, bytes.into())
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

/// Frames of one kind with the same bytes are equal, whomever they are for.
impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.payload == other.payload
    }
}

impl Eq for Frame {}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Payloads may hold secrets: a log gets kind and size only.
        f.debug_struct("Frame")
            .field("kind", &self.kind)
            .field("len", &self.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_many_is_translated_once() {
        let mut made = 0;
        let mut double = |frame: &Frame, key| {
            frame.translated(key, |bytes| {
                made += 1;
                Some([bytes, bytes].concat().into())
            })
        };
        let many = Frame::text("ab").for_many();
        let clone = many.clone();
        assert_eq!(double(&many, ("x", 1)).unwrap(), "abab");
        assert_eq!(double(&clone, ("x", 1)).unwrap(), "abab");
        assert_eq!(double(&clone, ("x", 2)).unwrap(), "abab");
        let one = Frame::text("ab");
        assert_eq!(double(&one, ("x", 1)).unwrap(), "abab");
        assert_eq!(double(&one, ("x", 1)).unwrap(), "abab");
        for n in 0..100 {
            double(&many, ("y", n));
        }
        assert_eq!(made, 104);
        assert_eq!(one, many);
        // That there is none is known, too.
        assert_eq!(many.translated(("none", 0), |_| None), None);
    }

    #[test]
    fn a_derived_frame_waits_as_the_one_it_is_made_of() {
        let budget = Budget::new(1 << 20);
        let many = Frame::text("x".repeat(1_000)).for_many();
        let made = many.translated(("x", 1), |bytes| Some([bytes, b"]"].concat().into()));
        let derived: Vec<_> = (0..10)
            .map(|_| many.derived(Kind::Text, made.clone().unwrap()))
            .collect();
        assert_eq!(derived[0].len(), 1_001);
        assert!(derived[0].is_for_many());
        for frame in &derived {
            assert!(!frame.wait(&budget).is_empty());
        }
        let used = budget.used();
        assert!((1_000..4_000).contains(&used), "{used}");
        drop((many, derived));
        assert_eq!(budget.used(), 0);
        // One that goes to one is its own.
        let one = Frame::text("a").derived(Kind::Binary, vec![1]);
        assert_eq!(one, Frame::binary(vec![1]));
        assert!(!one.is_for_many());
    }
}
