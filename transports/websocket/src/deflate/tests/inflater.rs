//! What comes in by the book.

use super::*;

fn conversation() -> (Vec<u8>, Vec<(u8, Vec<u8>)>) {
    let mut client = Client::new(6, 15);
    let text = "the quick brown fox ".repeat(30).into_bytes();
    let compressed = client.compress(&text);
    let mut wire = frame(0x81, KEY, b"plain");
    wire.extend(frame(0xc1, [9, 8, 7, 6], &compressed));
    wire.extend(frame(0x89, KEY, b"ping"));
    // A plain message in three fragments, a ping between.
    wire.extend(frame(0x02, KEY, b"one"));
    wire.extend(frame(0x00, KEY, b""));
    wire.extend(frame(0x8a, KEY, b""));
    wire.extend(frame(0x80, KEY, &[b'x'; 200]));
    // A compressed one in fragments, pings between.
    client.0.reset();
    let compressed = client.compress(&text);
    wire.extend(frame(0x42, [1, 0, 0, 0], &compressed[..1]));
    wire.extend(frame(0x89, KEY, b"between"));
    wire.extend(frame(0x00, [0, 0, 0, 0], b""));
    wire.extend(frame(0x00, [0, 1, 0, 255], &compressed[1..20]));
    wire.extend(frame(0x89, KEY, b""));
    wire.extend(frame(0x80, KEY, &compressed[20..]));
    wire.extend(frame(0x88, KEY, &[3, 232]));
    let seen = vec![
        (1, b"plain".to_vec()),
        (1, text.clone()),
        (9, b"ping".to_vec()),
        (10, Vec::new()),
        (2, [&b"one"[..], &[b'x'; 200]].concat()),
        (9, b"between".to_vec()),
        (9, Vec::new()),
        (2, text),
        (8, vec![3, 232]),
    ];
    (wire, seen)
}

#[test]
fn split_anywhere() {
    let (wire, expected) = conversation();
    assert_eq!(messages(&whole(&mut inflater(), &wire).unwrap()), expected);
    // Byte by byte, and in two at every byte.
    assert_eq!(
        messages(&translate(&mut inflater(), &wire, || 1, || 4096).unwrap()),
        expected
    );
    for at in 1..wire.len() {
        let mut pieces = [at, wire.len()].into_iter();
        let seen = translate(
            &mut inflater(),
            &wire,
            || pieces.next().unwrap_or(1),
            || 4096,
        )
        .unwrap();
        assert_eq!(messages(&seen), expected, "at {at}");
    }
}

#[test]
fn slices_of_every_size() {
    let (wire, expected) = conversation();
    for room in (1..300).chain([65_540, 65_541, 65_542, 65_543, 65_544, 200_000]) {
        for piece in [1, 5, usize::MAX] {
            let seen = translate(&mut inflater(), &wire, || piece, || room).unwrap();
            assert_eq!(messages(&seen), expected, "{room} {piece}");
        }
    }
}

#[test]
fn every_window_and_level_with_and_without_takeover() {
    let mut chance = Lcg(11);
    for takeover in [false, true] {
        for bits in 9..=15 {
            for level in [1, 3, 6, 9] {
                let config = DeflateConfig {
                    client_max_window_bits: bits,
                    client_no_context_takeover: !takeover,
                    ..DeflateConfig::default()
                };
                let agreed = agreed("permessage-deflate; client_max_window_bits", &config);
                assert_eq!(agreed.client_max_window_bits, bits);
                let mut inflater = Inflater::new(&agreed, 1 << 20);
                let mut client = Client::new(level, bits);
                for len in [10, 10, 0, 3_000, 40_000, 3_000] {
                    let payload = chance.payload(len);
                    let wire = frame(0xc2, KEY, &client.compress(&payload));
                    let seen = translate(&mut inflater, &wire, || 1_500, || 4_096).unwrap();
                    assert_eq!(messages(&seen), [(2, payload)], "{bits} {level} {len}");
                    if !takeover {
                        client.0.reset();
                    }
                }
            }
        }
    }
}

#[test]
fn plain_bytes_stay_where_they_are() {
    let mut inflater = inflater();
    let mut wire = frame(0x81, KEY, &[b'a'; 70_000]);
    wire.extend(frame(0x89, KEY, b"ping"));
    let plain = wire.len();
    for chunk in wire.chunks(999) {
        assert_eq!(inflater.plain_prefix(chunk), chunk.len());
        assert!(!inflater.pending());
    }
    wire.extend(frame(0xc1, KEY, &[0]));
    assert_eq!(inflater.plain_prefix(&wire), plain);
    assert_eq!(inflater.plain_prefix(&wire[plain..]), 0);
}

#[test]
fn output_comes_as_fast_as_it_is_taken() {
    // A mebibyte in a kilobyte: no slice is passed over, none is overrun.
    let payload = vec![b'z'; 1 << 20];
    let wire = frame(0xc1, KEY, &Client::new(9, 15).compress(&payload));
    assert!(wire.len() < 2_000);
    let mut inflater = inflater();
    let (mut consumed, mut seen) = (0, Vec::new());
    while consumed < wire.len() || inflater.pending() {
        let mut slice = [0; 1_000];
        let done = inflater.translate(&wire[consumed..], &mut slice).unwrap();
        assert!(done.written > 0);
        consumed += done.consumed;
        seen.extend_from_slice(&slice[..done.written]);
    }
    assert_eq!(messages(&seen), [(1, payload)]);
    assert_eq!(
        inflater.translate(&[], &mut [0; 100]).unwrap(),
        Inflated::default()
    );
}

#[test]
fn nothing_is_held_back() {
    // After every byte of wire, as much is out as a decompressor without bounds has made of it.
    let mut chance = Lcg(31);
    let payloads = [
        vec![b'z'; 3_000],
        b"ab".repeat(2_000),
        chance.payload(2_000),
    ];
    for payload in payloads {
        let compressed = Client::new(6, 15).compress(&payload);
        for room in [1, 16, 23, 24, 40, 150, 4_096] {
            let mut inflater = inflater();
            let mut bare = flate2::Decompress::new(false);
            let (mut seen, mut made) = (0, vec![0; payload.len() + 1]);
            let wire = frame(0x42, KEY, &compressed);
            for (at, byte) in wire.iter().enumerate() {
                let mut out = translate(&mut inflater, &[*byte], || 1, || room).unwrap();
                if let Some(inflated) = at.checked_sub(wire.len() - compressed.len()) {
                    let byte = &compressed[inflated..=inflated];
                    bare.decompress(byte, &mut made, flate2::FlushDecompress::None)
                        .unwrap();
                    if seen > 0 && !out.is_empty() {
                        assert_eq!(out[0], 0, "a continuation");
                    }
                    seen += frames(&out)
                        .iter()
                        .map(|frame| frame.1.len())
                        .sum::<usize>();
                    assert_eq!(seen as u64, bare.total_out(), "{room}");
                    out.clear();
                }
                assert!(out.is_empty());
            }
            let end = whole(&mut inflater, &frame(0x80, KEY, b"")).unwrap();
            assert_eq!(frames(&end), [(0x80, Vec::new())]);
        }
    }
}

#[test]
fn memory_goes_back_between_messages() {
    let mut idle = inflater();
    let mut kept = Inflater::new(&agreed(EXTENSION, &with_takeover()), 100);
    let wire = frame(0xc1, KEY, &Client::new(6, 15).compress(b"some text"));
    for (inflater, keeps) in [(&mut idle, false), (&mut kept, true)] {
        assert!(!inflater.holds_memory());
        whole(inflater, &wire[..10]).unwrap();
        assert!(inflater.holds_memory());
        whole(inflater, &wire[10..]).unwrap();
        assert_eq!(inflater.holds_memory(), keeps);
    }
}

#[test]
fn a_message_of_exactly_the_limit() {
    let mut chance = Lcg(21);
    for len in [0, 1, 100, 65_536, 300_000] {
        let noise: Vec<u8> = (0..len).map(|_| chance.next() as u8).collect();
        let zeros = vec![0; len];
        for payload in [noise, zeros] {
            let wire = frame(0xc2, KEY, &Client::new(1, 15).compress(&payload));
            let agreed = agreed(EXTENSION, &DeflateConfig::default());
            let seen =
                translate(&mut Inflater::new(&agreed, len), &wire, || 4096, || 4096).unwrap();
            assert_eq!(messages(&seen), [(2, payload)]);
            if len > 0 {
                let less = translate(
                    &mut Inflater::new(&agreed, len - 1),
                    &wire,
                    || 4096,
                    || 4096,
                );
                assert_eq!(less, Err(DeflateError::TooBig { max: len - 1 }));
            }
        }
    }
}
