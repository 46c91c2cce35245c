//! Compressing what goes out (RFC 7692 §7.2.1).

use flate2::{Compress, FlushCompress};

use super::{TAIL, config::DeflateConfig, negotiate::Negotiated, pool};

/// Compresses outgoing payloads, one message each.
///
/// The caller frames the result: RSV1 set on the message's first frame and on no other. Memory
/// while idle: see the [module](super#what-a-connection-costs).
#[derive(Debug)]
pub struct Deflater {
    level: u8,
    window_bits: u8,
    threshold: u32,
    /// With context takeover, the history: made by the first message.
    history: History,
}

#[derive(Debug)]
enum History {
    Forget,
    Keep(Option<Box<Compress>>),
}

/// All that decides how a message is compressed on its own. Connections with equal values can be
/// sent the same compressed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SharedDeflater {
    level: u8,
    window_bits: u8,
}

impl Deflater {
    /// For one connection. Allocates nothing.
    #[must_use]
    pub fn new(config: &DeflateConfig, agreed: &Negotiated) -> Self {
        let history = if agreed.server_no_context_takeover {
            History::Forget
        } else {
            History::Keep(None)
        };
        Self {
            level: config.level.clamp(1, 9),
            window_bits: agreed.server_max_window_bits.clamp(9, 15),
            threshold: u32::try_from(config.threshold).unwrap_or(u32::MAX),
            history,
        }
    }

    /// Whether a payload of `len` bytes is worth compressing, by the configured threshold.
    #[must_use]
    pub fn wants(&self, len: usize) -> bool {
        len >= self.threshold as usize
    }

    /// Appends `payload`, compressed as one message, to `out`. False: it would not get smaller,
    /// `out` is as it was, and the message goes out as it is. With context takeover that is never
    /// the case, for then the history holds it.
    #[must_use = "false means that the message goes out uncompressed"]
    pub fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        match &mut self.history {
            History::Forget => SharedDeflater {
                level: self.level,
                window_bits: self.window_bits,
            }
            .compress(payload, out),
            History::Keep(history) => {
                let deflate =
                    history.get_or_insert_with(|| pool::new_deflate(self.level, self.window_bits));
                if message(deflate, payload, out, usize::MAX).is_none() {
                    // Unheard of. Blocks without compression refer to nothing, nor will what a new
                    // one makes.
                    *history = None;
                    store(payload, out);
                }
                true
            }
        }
    }

    /// What this connection's compressed messages depend on, if that is not its history: a
    /// publication is then compressed once for all connections where this is equal. `None` with
    /// context takeover.
    #[must_use]
    pub fn shared(&self) -> Option<SharedDeflater> {
        match self.history {
            History::Forget => Some(SharedDeflater {
                level: self.level,
                window_bits: self.window_bits,
            }),
            History::Keep(_) => None,
        }
    }
}

impl SharedDeflater {
    /// A number that is equal for equal values.
    #[must_use]
    pub fn key(self) -> u32 {
        u32::from(self.level) << 8 | u32::from(self.window_bits)
    }

    /// As [`Deflater::compress`], for every connection with this value.
    #[must_use = "false means that the message goes out uncompressed"]
    pub fn compress(self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        if payload.len() < 2 {
            return false;
        }
        let mut deflate = pool::take_deflate(self.level, self.window_bits);
        let smaller = message(&mut deflate, payload, out, payload.len()).is_some();
        if smaller {
            pool::put_deflate(self.level, self.window_bits, deflate);
        }
        smaller
    }
}

/// One message, without its tail, if that is shorter than `limit`; else `out` is as it was, and
/// `deflate` to be dropped: it may hold output that was not taken, and zlib-rs (0.6.8) panics some
/// time after a reset of one that does.
fn message(deflate: &mut Compress, payload: &[u8], out: &mut Vec<u8>, limit: usize) -> Option<()> {
    let before = out.len();
    let written = sync_flush(deflate, payload, out, limit);
    out.truncate(written.map_or(before, |written| before + written));
    written.map(drop)
}

fn sync_flush(
    deflate: &mut Compress,
    payload: &[u8],
    out: &mut Vec<u8>,
    limit: usize,
) -> Option<usize> {
    if payload.is_empty() {
        // A flush with nothing to flush gives nothing; this is the empty block that it should be.
        out.push(0);
        return Some(1);
    }
    let before = out.len();
    let start = deflate.total_in();
    // Text shrinks to a third or so; what does not fit takes another turn.
    let mut room = payload.len() / 2 + 64;
    loop {
        out.reserve(room);
        let done = (deflate.total_in() - start) as usize;
        deflate
            .compress_vec(payload.get(done..)?, out, FlushCompress::Sync)
            .ok()?;
        let written = (out.len() - before).saturating_sub(TAIL.len());
        // A flush is complete only when it leaves room, and then everything was read.
        if out.len() < out.capacity() {
            let read = (deflate.total_in() - start) as usize;
            let whole = read == payload.len() && written > 0 && out.ends_with(&TAIL);
            return (whole && written < limit).then_some(written);
        }
        if written >= limit {
            return None;
        }
        room = room.max(4096);
    }
}

/// The message in blocks without compression (RFC 1951 §3.2.4).
pub(super) fn store(payload: &[u8], out: &mut Vec<u8>) {
    for block in payload.chunks(usize::from(u16::MAX)) {
        let len = block.len() as u16;
        out.push(0);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.push(0);
}
