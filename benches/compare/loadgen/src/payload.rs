//! Payloads that identify their message in replies and deliveries.

/// A payload is MARK, eight hex digits of the sender, eight hex digits of the sequence, and filler.
pub const MARK: u8 = b'~';
pub const MIN_PAYLOAD: usize = 17;

/// Writes the payload for (`id`, `seq`) into `buf`, whose length is the payload size.
pub fn fill_payload(buf: &mut [u8], id: u32, seq: u32) {
    buf[0] = MARK;
    hex8(&mut buf[1..9], id);
    hex8(&mut buf[9..17], seq);
}

pub fn new_payload(size: usize) -> Vec<u8> {
    (0..size).map(|i| b'a' + (i % 26) as u8).collect()
}

fn hex8(b: &mut [u8], v: u32) {
    for (i, d) in b.iter_mut().enumerate() {
        *d = b"0123456789abcdef"[(v >> (28 - 4 * i)) as usize & 15];
    }
}

fn unhex8(b: &[u8]) -> Option<u32> {
    b.iter()
        .try_fold(0u32, |v, c| Some(v << 4 | (*c as char).to_digit(16)?))
}

/// Finds the payload of a message. Returns its offset, sender and sequence.
pub fn find_payload(m: &[u8]) -> Option<(usize, u32, u32)> {
    let p = memchr::memchr(MARK, m)?;
    let b = m.get(p + 1..p + 17)?;
    Some((p, unhex8(&b[..8])?, unhex8(&b[8..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_round_trip() {
        let mut p = new_payload(40);
        fill_payload(&mut p, 0xdead_beef, 7);
        let m = [b"4[\"x\",\"".as_slice(), &p, b"\"]"].concat();
        assert_eq!(find_payload(&m), Some((7, 0xdead_beef, 7)));
    }
}
