//! Files that are sent by message: read and encoded once for all who ask while one of them is being
//! answered.

use std::{
    collections::HashMap,
    fmt,
    fs::Metadata,
    path::PathBuf,
    sync::{Arc, Weak},
    time::SystemTime,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use parking_lot::Mutex;
use stellarfw_transport::{Budget, CodecError, Frame, Kind, Lease};
use tokio::sync::OnceCell;

use super::{FileError, Found, Opened, source};

/// The files that are being sent.
#[derive(Debug, Default)]
pub(crate) struct Sending(Mutex<HashMap<Key, Weak<SentFile>>>);

/// What tells the contents of files apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
    /// Device and inode.
    id: (u64, u64),
}

impl Key {
    fn of(path: PathBuf, metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let id = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let id = (0, 0);
        Self {
            path,
            length: metadata.len(),
            modified: metadata.modified().ok(),
            id,
        }
    }
}

/// A file on its way to clients. It is leased, with the frames that were made of it, for as long as
/// one of them waits to be sent.
#[derive(Debug, Default)]
pub(crate) struct SentFile {
    content: OnceCell<Content>,
    frames: Mutex<Vec<(u64, Arc<Slot>)>>,
}

/// The frame of a number, while it waits to be sent. Its lock is held while it is made: those who ask
/// for the same wait for it, and do not make it again. What makes it is a codec, which calls nobody.
type Slot = Mutex<Weak<SharedFrame>>;

/// A file as clients get it.
pub(crate) struct Content {
    /// The text, or the bytes in base64.
    pub(crate) text: String,
    pub(crate) is_base64: bool,
    /// The length of the file in bytes.
    pub(crate) length: usize,
    pub(crate) mime: String,
    pub(crate) modified: SystemTime,
    budget: Budget,
    _lease: Lease,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("length", &self.length)
            .field("mime", &self.mime)
            .finish_non_exhaustive()
    }
}

/// The bytes of a frame, whoever it is sent to.
#[derive(Debug)]
struct SharedFrame {
    kind: Kind,
    payload: Bytes,
    _lease: Lease,
    _file: Arc<SentFile>,
}

struct Payload(Arc<SharedFrame>);

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        &self.0.payload
    }
}

impl SharedFrame {
    fn frame(self: Arc<Self>) -> Result<Frame, CodecError> {
        let kind = self.kind;
        let payload = Bytes::from_owner(Payload(self));
        match kind {
            Kind::Binary => Ok(Frame::binary(payload)),
            Kind::Text => Frame::text_from_bytes(payload)
                .map_err(|_| CodecError::new("a text frame is not UTF-8")),
        }
    }
}

impl Content {
    fn new(found: Found, mut lease: Lease, budget: Budget) -> Self {
        let length = found.bytes.len();
        let (text, is_base64) = match String::from_utf8(found.bytes.into()) {
            Ok(text) => (text, false),
            Err(error) => (STANDARD.encode(error.as_bytes()), true),
        };
        lease.resize(text.len());
        Self {
            text,
            is_base64,
            length,
            mime: found.mime,
            modified: found.modified,
            budget,
            _lease: lease,
        }
    }
}

/// A file of so many bytes is encoded on a thread for work that blocks.
const LARGE: usize = 256 << 10;

/// A file of so many bytes, and its base64 beside it.
fn at_most(length: usize) -> usize {
    length.saturating_mul(7) / 3
}

impl SentFile {
    /// A file that is there already.
    pub(super) fn of(found: Found, budget: &Budget) -> Result<Arc<Self>, FileError> {
        let lease = budget.try_lease(at_most(found.bytes.len()));
        let lease = lease.map_err(|_| FileError::NoRoom)?;
        let file = Self::default();
        file.content
            .set(Content::new(found, lease, budget.clone()))
            .ok();
        Ok(Arc::new(file))
    }

    /// What is sent of it; it is there once the file was handed out.
    pub(crate) fn content(&self) -> Option<&Content> {
        self.content.get()
    }

    /// The frame of a response: the one that another client waits for if it is the same. `number` is
    /// what is the client's own in it; none if that is more than a number.
    ///
    /// # Errors
    /// When it cannot be encoded. None: the budget has no room for it.
    pub(crate) fn frame(
        self: &Arc<Self>,
        number: Option<u64>,
        make: impl FnOnce(&Content) -> Result<Frame, CodecError>,
    ) -> Option<Result<Frame, CodecError>> {
        let Some(number) = number else {
            return Some(self.make(make)?.and_then(SharedFrame::frame));
        };
        let slot = self.slot(number);
        let mut known = slot.lock();
        let frame = match known.upgrade() {
            Some(frame) => frame,
            None => match self.make(make)? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error)),
            },
        };
        *known = Arc::downgrade(&frame);
        drop(known);
        Some(frame.frame())
    }

    fn make(
        self: &Arc<Self>,
        make: impl FnOnce(&Content) -> Result<Frame, CodecError>,
    ) -> Option<Result<Arc<SharedFrame>, CodecError>> {
        let content = self.content()?;
        let mut lease = content.budget.try_lease(content.text.len()).ok()?;
        let made = make(content);
        Some(made.map(|made| {
            lease.resize(made.len());
            Arc::new(SharedFrame {
                kind: made.kind(),
                payload: made.into_payload(),
                _lease: lease,
                _file: self.clone(),
            })
        }))
    }

    fn slot(&self, number: u64) -> Arc<Slot> {
        let mut frames = self.frames.lock();
        let mut known = frames.iter();
        if let Some((_, slot)) = known.find(|(known, _)| *known == number) {
            return slot.clone();
        }
        // Those that nobody has, and whose frame is sent.
        frames.retain(|(_, slot)| {
            Arc::strong_count(slot) > 1
                || slot.try_lock().is_none_or(|frame| frame.strong_count() > 0)
        });
        let slot = Arc::default();
        frames.push((number, Arc::clone(&slot)));
        slot
    }
}

impl Sending {
    /// The content of an open file of at most `max` bytes. Cancel safe: another one who waits for it
    /// reads it then.
    pub(super) async fn share(
        &self,
        opened: Opened,
        max: usize,
        budget: &Budget,
    ) -> Result<Arc<SentFile>, FileError> {
        let file = self.entry(Key::of(opened.path.clone(), &opened.metadata));
        let read = async {
            let length = usize::try_from(opened.metadata.len()).unwrap_or(usize::MAX);
            // What is too long is not read, so it needs no room.
            let lease = budget.try_lease(at_most(length.min(max)));
            let lease = lease.map_err(|_| FileError::NoRoom)?;
            let found = source::read(opened, max).await?;
            // Base64 of many MiB would hold up a thread of the runtime.
            let budget = budget.clone();
            if found.bytes.len() < LARGE {
                return Ok(Content::new(found, lease, budget));
            }
            let task = tokio::task::spawn_blocking(move || Content::new(found, lease, budget));
            task.await
                .map_err(|error| FileError::Unreadable(std::io::Error::other(error)))
        };
        file.content.get_or_try_init(|| read).await?;
        Ok(file)
    }

    fn entry(&self, key: Key) -> Arc<SentFile> {
        let mut files = self.0.lock();
        if let Some(file) = files.get(&key).and_then(Weak::upgrade) {
            return file;
        }
        files.retain(|_, file| file.strong_count() > 0);
        let file = Arc::<SentFile>::default();
        files.insert(key, Arc::downgrade(&file));
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Files;

    async fn ask(files: &Files, budget: &Budget) -> Result<Arc<SentFile>, FileError> {
        files.send("a.bin", usize::MAX, budget).await
    }

    fn frame(file: &Arc<SentFile>, number: Option<u64>) -> Frame {
        let make = |content: &Content| Ok(Frame::text(format!("{}{number:?}", content.text)));
        file.frame(number, make).unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_file_is_read_and_encoded_once_for_those_who_are_sent_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        std::fs::write(&path, vec![0xff; 600_000]).unwrap();
        let files = Files {
            folders: vec![folder.path().to_owned()],
            ..Files::default()
        };
        let budget = Budget::new(10_000_000);
        let (first, second) = tokio::join!(ask(&files, &budget), ask(&files, &budget));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        let content = first.content().unwrap();
        assert_eq!((content.length, content.is_base64), (600_000, true));
        assert_eq!(budget.used(), 800_000);

        let frames = [frame(&first, Some(1)), frame(&second, Some(1))];
        let [one, same] = frames.each_ref().map(|frame| frame.payload().as_ptr());
        assert_eq!(one, same);
        let used = budget.used();
        assert_eq!(used, 800_000 + frames[0].len());
        let other = frame(&first, Some(2));
        let own = [frame(&first, None), frame(&first, None)];
        assert_ne!(other.payload().as_ptr(), one);
        assert_ne!(own[0].payload().as_ptr(), own[1].payload().as_ptr());
        drop((first, second, other, own));
        assert_eq!(budget.used(), used);
        // Whoever comes while it is being sent gets the same.
        let third = ask(&files, &budget).await.unwrap();
        assert_eq!(frame(&third, Some(1)).payload().as_ptr(), one);
        drop((third, frames));
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn a_frame_that_several_ask_for_at_once_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.bin"), "text").unwrap();
        let files = Files {
            folders: vec![folder.path().to_owned()],
            ..Files::default()
        };
        let file = ask(&files, &Budget::unlimited()).await.unwrap();
        let made = std::sync::atomic::AtomicUsize::new(0);
        let all = std::sync::Barrier::new(8);
        let frames = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    all.wait();
                    let frame = file.frame(Some(1), |content| {
                        made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        std::thread::yield_now();
                        Ok(Frame::text(content.text.clone()))
                    });
                    frames.lock().push(frame.unwrap().unwrap());
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
        assert_eq!(frames.lock().len(), 8);
    }

    #[tokio::test]
    async fn another_content_is_another_file_and_what_has_no_room_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        std::fs::write(&path, "short").unwrap();
        let files = Files {
            folders: vec![folder.path().to_owned()],
            ..Files::default()
        };
        let budget = Budget::new(10_000);
        let first = ask(&files, &budget).await.unwrap();
        std::fs::write(&path, "longer text").unwrap();
        let second = ask(&files, &budget).await.unwrap();
        assert_eq!(first.content().unwrap().text, "short");
        assert_eq!(second.content().unwrap().text, "longer text");
        std::fs::write(&path, [0; 5_000]).unwrap();
        assert!(matches!(ask(&files, &budget).await, Err(FileError::NoRoom)));
        drop((first, second));
        assert_eq!(budget.used(), 0);
        std::fs::write(&path, [b'x'; 4_000]).unwrap();
        let file = ask(&files, &budget).await.unwrap();
        let held = frame(&file, Some(1));
        // The next one would be too much beside it.
        assert!(file.frame(Some(2), |_| Ok(Frame::text(""))).is_none());
        drop(held);
        assert!(file.frame(Some(2), |_| Ok(Frame::text(""))).is_some());
    }
}
