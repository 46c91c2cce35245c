//! Compressed forms of public files: each is made once and kept, within a bound.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use http::HeaderValue;
use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::spawn_blocking,
};

use super::coding::Coding;

/// How hard it is tried to make content short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// For files: a sixth of the time of [`Effort::High`], and a twentieth longer.
    Usual,
    /// For what is made once while the server runs.
    High,
}

/// Compresses content in memory. It takes a thread for milliseconds, so not one of the runtime's.
///
/// # Errors
/// None in practice: neither encoder fails where the writer does not.
fn compress(bytes: &[u8], coding: Coding, effort: Effort) -> io::Result<Vec<u8>> {
    let out = Vec::with_capacity(bytes.len() / 4);
    match coding {
        Coding::Brotli => {
            let quality = match effort {
                Effort::Usual => 5,
                Effort::High => 9,
            };
            let mut encoder = brotli::CompressorWriter::new(out, 4_096, quality, 22);
            encoder.write_all(bytes)?;
            encoder.flush()?;
            Ok(encoder.into_inner())
        }
        Coding::Gzip => {
            let level = match effort {
                Effort::Usual => flate2::Compression::default(),
                Effort::High => flate2::Compression::best(),
            };
            let mut encoder = flate2::write::GzEncoder::new(out, level);
            encoder.write_all(bytes)?;
            encoder.finish()
        }
    }
}

/// Content is compressed by so many threads at once: half of the processors, so that the others are
/// left for everything else. One bound for all servers of the process.
static AT_ONCE: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(processors.div_ceil(2)))
});

/// Compresses a text of the server's own, off the runtime's threads. Cancel safe: work that has
/// begun is finished and lost.
pub(super) async fn compress_text(text: Bytes, coding: Coding) -> io::Result<Bytes> {
    let permit = AT_ONCE.clone().acquire_owned().await;
    let permit = permit.map_err(io::Error::other)?;
    let task = spawn_blocking(move || {
        let compressed = compress(&text, coding, Effort::High);
        drop(permit);
        compressed.map(Bytes::from)
    });
    task.await.map_err(io::Error::other)?
}

/// Which content: a file as it was at some time, in one coding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) path: PathBuf,
    /// The entity tag of the content as it is.
    pub(super) tag: HeaderValue,
    pub(super) coding: Coding,
}

/// Where content is read from.
#[derive(Debug)]
pub(super) enum Source {
    File(File),
    Bytes(Bytes),
}

impl Source {
    fn read(self, length: usize) -> io::Result<Bytes> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::File(mut file) => {
                file.rewind()?;
                let mut bytes = Vec::with_capacity(length);
                // One byte more shows that it has grown.
                file.take(length as u64 + 1).read_to_end(&mut bytes)?;
                if bytes.len() != length {
                    return Err(io::Error::other("the file has changed"));
                }
                Ok(bytes.into())
            }
        }
    }
}

/// Compresses public files and keeps the results.
#[derive(Clone, Debug)]
pub(crate) struct Compressor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What is longer is sent as it is.
    max_length: usize,
    /// So many bytes of results are kept.
    max_kept: usize,
    /// Taken by those that are being compressed or wait for that.
    places: Arc<Semaphore>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    /// Counts uses, so that the entry that was used longest ago can be found.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    result: watch::Receiver<State>,
    /// What it counts for; 0 while it is made.
    bytes: usize,
    used: u64,
}

#[derive(Clone, Debug)]
enum State {
    UnderWay,
    Done(Bytes),
    /// It does not get shorter, or could not be read.
    Useless,
}

/// So many files of a server wait or are being compressed; with the longest of them the last has waited
/// for some seconds.
const PLACES: usize = 16;

/// What an entry takes beside its bytes: its key, its channel and its place in the table.
const OVERHEAD: usize = 512;

impl Compressor {
    /// Compresses files of at most `max_length` bytes and keeps `max_kept` bytes of results; 0 of
    /// either compresses nothing.
    pub(crate) fn new(max_length: usize, max_kept: usize) -> Self {
        Self(Arc::new(Inner {
            max_length,
            max_kept,
            places: Arc::new(Semaphore::new(PLACES)),
            kept: Mutex::default(),
        }))
    }

    /// Returns `true` if a file of that many bytes is not too long.
    pub(super) fn takes(&self, length: u64) -> bool {
        self.0.max_kept > 0 && usize::try_from(length).is_ok_and(|it| it <= self.0.max_length)
    }

    /// The compressed content of a file of that many bytes. Requests for one that is being made wait
    /// for it. Cancel safe: what was begun is finished and kept.
    ///
    /// `None` if it is to be sent as it is: it is too long or does not get shorter, or as many others
    /// wait to be compressed as may.
    pub(super) async fn get(&self, key: &Key, source: Source, length: u64) -> Option<Bytes> {
        let length = usize::try_from(length)
            .ok()
            .filter(|_| self.takes(length))?;
        let known = self.0.kept.lock().look_up(key);
        let mut result = match known {
            Some(result) => result,
            None => self.begin(key, source, length)?,
        };
        // In a block of its own, because what is borrowed from the channel locks it.
        let state = match result
            .wait_for(|state| !matches!(state, State::UnderWay))
            .await
        {
            Ok(state) => state.clone(),
            Err(_) => State::UnderWay,
        };
        match state {
            State::Done(bytes) => Some(bytes),
            State::Useless => None,
            State::UnderWay => {
                // Whoever made it panicked.
                self.0.kept.lock().remove(key);
                None
            }
        }
    }

    /// Begins to compress, if nobody has begun meanwhile and not too many wait for a thread.
    fn begin(&self, key: &Key, source: Source, length: usize) -> Option<watch::Receiver<State>> {
        let place = self.0.places.clone().try_acquire_owned().ok()?;
        let (sender, receiver) = watch::channel(State::UnderWay);
        {
            let mut kept = self.0.kept.lock();
            if let Some(known) = kept.look_up(key) {
                return Some(known);
            }
            kept.insert(key.clone(), receiver.clone());
        }
        let (inner, key) = (self.0.clone(), key.clone());
        // A task of its own, because whoever asked first may leave.
        tokio::spawn(async move {
            if let Ok(permit) = AT_ONCE.clone().acquire_owned().await {
                let held = (permit, place);
                spawn_blocking(move || inner.make(&key, source, length, &sender, held));
            }
        });
        Some(receiver)
    }
}

impl Inner {
    fn make(
        &self,
        key: &Key,
        source: Source,
        length: usize,
        sender: &watch::Sender<State>,
        held: (OwnedSemaphorePermit, OwnedSemaphorePermit),
    ) {
        let read = source.read(length);
        let compressed = read.and_then(|bytes| compress(&bytes, key.coding, Effort::Usual));
        drop(held);
        let (state, bytes) = match compressed {
            Ok(mut bytes) if bytes.len() < length => {
                bytes.shrink_to_fit();
                let length = bytes.len();
                (State::Done(bytes.into()), Some(length))
            }
            Ok(_) => (State::Useless, Some(0)),
            // It may be readable the next time.
            Err(_) => (State::Useless, None),
        };
        let mut kept = self.kept.lock();
        match bytes {
            Some(bytes) => kept.finish(key, bytes + OVERHEAD, self.max_kept),
            None => kept.remove(key),
        }
        drop(kept);
        sender.send_replace(state);
    }
}

impl Kept {
    fn look_up(&mut self, key: &Key) -> Option<watch::Receiver<State>> {
        self.uses += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.uses;
        Some(entry.result.clone())
    }

    fn insert(&mut self, key: Key, result: watch::Receiver<State>) {
        let (bytes, used) = (0, self.uses);
        let entry = Entry {
            result,
            bytes,
            used,
        };
        self.entries.insert(key, entry);
    }

    /// Counts an entry that is done, and drops those that were used longest ago where there are too
    /// many. It does not drop what is under way: as many are as may be at once.
    fn finish(&mut self, key: &Key, bytes: usize, most: usize) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.bytes = bytes;
        self.bytes += bytes;
        if self.bytes <= most {
            return;
        }
        let done = self.entries.iter().filter(|(_, entry)| entry.bytes > 0);
        let mut by_use: Vec<_> = done.map(|(key, it)| (it.used, key.clone())).collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        // An eighth more than needed, so that not each new entry has to look through all.
        for (_, key) in by_use {
            if self.bytes <= most - most / 8 {
                break;
            }
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key {
            path: name.into(),
            tag: HeaderValue::from_static("\"1\""),
            coding: Coding::Gzip,
        }
    }

    fn text(length: usize) -> Source {
        Source::Bytes(Bytes::from(vec![b'x'; length]))
    }

    /// As long as it was, and without a pattern.
    fn noise(length: usize) -> Source {
        let mut state = 1_u32;
        let bytes = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        Source::Bytes(bytes.take(length).collect())
    }

    #[tokio::test]
    async fn a_result_is_kept_and_the_source_is_read_once() {
        let compressor = Compressor::new(10_000, 1 << 20);
        let first = compressor.get(&key("a"), text(5_000), 5_000).await.unwrap();
        assert!(first.len() < 100);
        // A source that says otherwise is not looked at.
        let again = compressor
            .get(&key("a"), noise(5_000), 5_000)
            .await
            .unwrap();
        assert_eq!(again.as_ptr(), first.as_ptr());
        let brotli = Key {
            coding: Coding::Brotli,
            ..key("a")
        };
        let other = compressor.get(&brotli, text(5_000), 5_000).await.unwrap();
        assert_ne!(other, first);
    }

    #[tokio::test]
    async fn what_is_too_long_or_does_not_get_shorter_is_sent_as_it_is() {
        let compressor = Compressor::new(10_000, 1 << 20);
        assert!(
            compressor
                .get(&key("a"), text(10_001), 10_001)
                .await
                .is_none()
        );
        assert!(
            compressor
                .get(&key("b"), noise(9_000), 9_000)
                .await
                .is_none()
        );
        // It is not tried again.
        assert!(
            compressor
                .get(&key("b"), text(9_000), 9_000)
                .await
                .is_none()
        );
        // What has changed since its length was read is not kept at all.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c");
        std::fs::write(&path, [b'x'; 5_000]).unwrap();
        let file = || Source::File(File::open(&path).unwrap());
        assert!(compressor.get(&key("c"), file(), 4_000).await.is_none());
        assert!(compressor.get(&key("c"), file(), 5_000).await.is_some());
        for off in [Compressor::new(0, 1 << 20), Compressor::new(10_000, 0)] {
            assert!(off.get(&key("a"), text(5_000), 5_000).await.is_none());
        }
    }

    #[tokio::test]
    async fn the_longest_unused_are_dropped() {
        let most = 100 * (OVERHEAD + 40);
        let compressor = Compressor::new(10_000, most);
        for n in 0..300 {
            let name = key(&n.to_string());
            compressor.get(&name, text(5_000), 5_000).await.unwrap();
            compressor.get(&key("0"), text(5_000), 5_000).await.unwrap();
            assert!(compressor.0.kept.lock().bytes <= most);
        }
        let kept = compressor.0.kept.lock();
        let known = |name: &str| kept.entries.contains_key(&key(name));
        assert!(known("0") && known("299") && !known("1"));
        assert!(kept.entries.len() > 50, "{}", kept.entries.len());
        let bytes: usize = kept.entries.values().map(|entry| entry.bytes).sum();
        assert_eq!(bytes, kept.bytes);
    }

    #[tokio::test]
    async fn a_file_is_sent_as_it_is_when_many_others_wait() {
        let compressor = Compressor::new(10_000, 1 << 20);
        let taken = compressor.0.places.clone();
        let taken = taken.acquire_many_owned(PLACES as u32).await.unwrap();
        assert!(
            compressor
                .get(&key("a"), text(5_000), 5_000)
                .await
                .is_none()
        );
        drop(taken);
        assert!(
            compressor
                .get(&key("a"), text(5_000), 5_000)
                .await
                .is_some()
        );
    }

    #[tokio::test]
    async fn many_requests_for_one_file_compress_it_once() {
        let compressor = Compressor::new(1 << 20, 1 << 20);
        let one = key("a");
        let get = || compressor.get(&one, text(1 << 20), 1 << 20);
        let (a, b, c, d) = tokio::join!(get(), get(), get(), get());
        let first = a.unwrap();
        for other in [b, c, d] {
            assert_eq!(other.unwrap().as_ptr(), first.as_ptr());
        }
        // A request that is dropped leaves its work to the next.
        let two = key("b");
        {
            let dropped = compressor.get(&two, text(1 << 20), 1 << 20);
            tokio::select! {
                biased;
                _ = dropped => panic!("it was done at once"),
                () = std::future::ready(()) => {}
            }
        }
        let got = compressor.get(&two, noise(1 << 20), 1 << 20).await.unwrap();
        assert_eq!(got.len(), first.len());
    }
}
