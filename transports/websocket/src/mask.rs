//! The client's mask (RFC 6455 section 5.3).

/// Removes the mask in place, eight bytes at a time so that the compiler can vectorize it.
pub(crate) fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let wide = u64::from_ne_bytes([
        key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3],
    ]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    let rest = chunks.into_remainder().iter_mut();
    for (byte, key) in rest.zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Copies as much of `from` as fits into `to`, without the mask, and returns the copy. `offset` is the
/// position of `from` in the frame's payload.
pub(crate) fn unmask_into<'a>(
    to: &'a mut [u8],
    from: &[u8],
    key: [u8; 4],
    offset: u64,
) -> &'a [u8] {
    let len = from.len().min(to.len());
    let to = &mut to[..len];
    let rotation = (offset % 4) as u32 * 8;
    // Eight bytes at a time, in memory order, so that the compiler can vectorize it.
    let key = u64::from_le_bytes([
        key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3],
    ])
    .rotate_right(rotation);
    let mut target = to.chunks_exact_mut(8);
    let mut source = from[..len].chunks_exact(8);
    for (to, from) in target.by_ref().zip(source.by_ref()) {
        let mut word = [0; 8];
        word.copy_from_slice(from);
        to.copy_from_slice(&(u64::from_le_bytes(word) ^ key).to_le_bytes());
    }
    for ((to, from), key) in target
        .into_remainder()
        .iter_mut()
        .zip(source.remainder())
        .zip(key.to_le_bytes())
    {
        *to = from ^ key;
    }
    to
}
