//! What goes out.

use super::*;
use crate::deflate::pool;

/// A client that inflates with no more than the window that was agreed.
struct Reader {
    inflate: flate2::Decompress,
    takeover: bool,
}

impl Reader {
    fn new(agreed: &Negotiated) -> Self {
        let inflate =
            flate2::Decompress::new_with_window_bits(false, agreed.server_max_window_bits);
        Self {
            inflate,
            takeover: !agreed.server_no_context_takeover,
        }
    }

    fn read(&mut self, payload: &[u8], len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len + 64);
        let whole = [payload, &TAIL].concat();
        self.inflate
            .decompress_vec(&whole, &mut out, flate2::FlushDecompress::None)
            .unwrap();
        if !self.takeover {
            self.inflate.reset(false);
        }
        out
    }
}

#[test]
fn every_level_and_window_with_and_without_takeover() {
    let mut chance = Lcg(1);
    for takeover in [false, true] {
        for level in [1, 2, 3, 6, 9] {
            for bits in 9..=15 {
                let config = DeflateConfig {
                    level,
                    server_max_window_bits: bits,
                    server_no_context_takeover: !takeover,
                    ..DeflateConfig::default()
                };
                let agreed = agreed(EXTENSION, &config);
                let (mut deflater, mut reader) =
                    (Deflater::new(&config, &agreed), Reader::new(&agreed));
                assert_eq!(deflater.shared().is_none(), takeover);
                for len in [0, 1, 2, 100, 5_000, 33_000, 0, 300] {
                    let payload = chance.payload(len);
                    let mut out = b"before".to_vec();
                    let compressed = deflater.compress(&payload, &mut out);
                    assert!(out.starts_with(b"before"));
                    if compressed {
                        assert!(takeover || out.len() - 6 < payload.len());
                        assert_eq!(reader.read(&out[6..], len), payload, "{level} {bits} {len}");
                    } else {
                        assert!(!takeover);
                        assert_eq!(out, b"before");
                    }
                }
            }
        }
    }
}

#[test]
fn distances_stay_in_the_window() {
    // The same noise again, just further back than the window: it cannot be referred to.
    let mut chance = Lcg(7);
    for bits in 9..15 {
        let noise: Vec<u8> = (0..1 << bits).map(|_| chance.next() as u8).collect();
        let config = DeflateConfig {
            level: 9,
            server_max_window_bits: bits,
            ..with_takeover()
        };
        let mut deflater = Deflater::new(&config, &agreed(EXTENSION, &config));
        let mut out = Vec::new();
        assert!(deflater.compress(&[&noise[..], &noise].concat(), &mut out));
        assert!(out.len() > 2 * noise.len());
    }
}

#[test]
fn without_takeover_a_message_does_not_depend_on_others() {
    let config = DeflateConfig::default();
    let agreed = agreed(EXTENSION, &config);
    let payload = "the same again and again and again, "
        .repeat(90)
        .into_bytes();
    let mut first = Vec::new();
    let mut deflater = Deflater::new(&config, &agreed);
    assert!(deflater.compress(&payload, &mut first));
    for _ in 0..3 {
        let mut again = Vec::new();
        assert!(deflater.compress(&payload, &mut again));
        assert_eq!(again, first);
        let mut shared = Vec::new();
        assert!(deflater.shared().unwrap().compress(&payload, &mut shared));
        assert_eq!(shared, first);
    }
    assert!(first.len() < payload.len() / 10);
    assert!(deflater.wants(1024) && !deflater.wants(1023));
}

#[test]
fn what_does_not_shrink_goes_out_as_it_is() {
    let mut chance = Lcg(3);
    let config = DeflateConfig::default();
    let mut deflater = Deflater::new(&config, &agreed(EXTENSION, &config));
    for len in [1, 2, 3, 1_000, 100_000, 3_000_000] {
        let noise: Vec<u8> = (0..len).map(|_| chance.next() as u8).collect();
        let mut out = Vec::new();
        assert!(!deflater.compress(&noise, &mut out), "{len}");
        assert!(out.is_empty());
    }
}

#[test]
fn little_room_takes_more_turns() {
    // Noise with takeover comes out longer than it went in, and so in several turns.
    let mut chance = Lcg(4);
    for level in 1..=9 {
        let config = DeflateConfig {
            level,
            ..with_takeover()
        };
        let agreed = agreed(EXTENSION, &config);
        let (mut deflater, mut reader) = (Deflater::new(&config, &agreed), Reader::new(&agreed));
        for len in (1..300).chain([4_090, 8_190, 16_383, 65_535, 65_536, 200_000]) {
            let noise: Vec<u8> = (0..len).map(|_| chance.next() as u8).collect();
            let mut out = Vec::with_capacity(chance.below(64));
            assert!(deflater.compress(&noise, &mut out));
            assert_eq!(reader.read(&out, len), noise, "{level} {len}");
        }
    }
}

#[test]
fn blocks_without_compression_are_a_message() {
    let payload = Lcg(5).payload(150_000);
    for payload in [&payload[..], &payload[..65_535], b"", b"x"] {
        let mut out = Vec::new();
        crate::deflate::deflater::store(payload, &mut out);
        let seen = whole(&mut inflater(), &frame(0xc2, KEY, &out)).unwrap();
        assert_eq!(messages(&seen), [(2, payload.to_vec())]);
    }
}

#[test]
fn the_pool_is_bounded_and_clean() {
    for level in 1..=9 {
        for bits in 9..=15 {
            let deflate = pool::take_deflate(level, bits);
            assert_eq!(deflate.total_in(), 0);
            pool::put_deflate(level, bits, deflate);
        }
    }
    let taken: Vec<_> = (0..20).map(|_| pool::take_inflate()).collect();
    taken.into_iter().for_each(pool::put_inflate);
    assert_eq!(pool::sizes(), (4, 8));
}

#[test]
fn they_go_between_threads() {
    fn send<T: Send + 'static>() {}
    send::<Deflater>();
    send::<Inflater>();
}
