//! Compressors that belong to the thread, for messages that share no history.
//!
//! Everything in here is clean: what comes back is reset before it is kept, so no message can refer
//! to another's bytes.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress};

/// How many a thread keeps: to inflate, messages that are only half here hold one each, and more
/// are dropped; to deflate, every window size with one level.
const KEEP_INFLATE: usize = 4;
const KEEP_DEFLATE: usize = 8;

#[expect(
    clippy::vec_box,
    reason = "they come and go in their boxes, which connections hold too"
)]
struct Pool {
    inflate: Vec<Box<Decompress>>,
    deflate: Vec<((u8, u8), Box<Compress>)>,
}

thread_local! {
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool { inflate: Vec::new(), deflate: Vec::new() })
    };
}

/// Runs `work` on this thread's pool; `None` while the thread is ending.
fn with<T>(work: impl FnOnce(&mut Pool) -> T) -> Option<T> {
    POOL.try_with(|pool| work(&mut pool.borrow_mut())).ok()
}

/// Always with the full window: zlib-rs allocates it in any case, it takes in every smaller one,
/// and resetting one that was made smaller allocates anew.
pub(super) fn take_inflate() -> Box<Decompress> {
    with(|pool| pool.inflate.pop())
        .flatten()
        .unwrap_or_else(|| Box::new(Decompress::new_with_window_bits(false, 15)))
}

pub(super) fn put_inflate(mut inflate: Box<Decompress>) {
    let _ = with(|pool| {
        if pool.inflate.len() < KEEP_INFLATE {
            inflate.reset(false);
            pool.inflate.push(inflate);
        }
    });
}

pub(super) fn new_deflate(level: u8, window_bits: u8) -> Box<Compress> {
    Box::new(Compress::new_with_window_bits(
        Compression::new(level.into()),
        false,
        window_bits,
    ))
}

pub(super) fn take_deflate(level: u8, window_bits: u8) -> Box<Compress> {
    with(|pool| {
        let at = pool
            .deflate
            .iter()
            .position(|(key, _)| *key == (level, window_bits))?;
        Some(pool.deflate.swap_remove(at).1)
    })
    .flatten()
    .unwrap_or_else(|| new_deflate(level, window_bits))
}

pub(super) fn put_deflate(level: u8, window_bits: u8, mut deflate: Box<Compress>) {
    deflate.reset();
    let _ = with(|pool| {
        if pool.deflate.len() >= KEEP_DEFLATE {
            pool.deflate.swap_remove(0);
        }
        pool.deflate.push(((level, window_bits), deflate));
    });
}

#[cfg(test)]
pub(super) fn sizes() -> (usize, usize) {
    with(|pool| (pool.inflate.len(), pool.deflate.len())).unwrap_or_default()
}
