//! The examples of RFC 7692 §7.2.3, byte for byte.

use super::*;

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

fn hello() -> Vec<(u8, Vec<u8>)> {
    vec![(1, b"Hello".to_vec())]
}

#[test]
fn a_message_in_one_block() {
    // Ours is the same: fixed codes, then the empty block that lost its tail.
    let config = DeflateConfig {
        level: 6,
        ..with_takeover()
    };
    let mut deflater = Deflater::new(&config, &agreed(EXTENSION, &config));
    let mut out = Vec::new();
    assert!(deflater.compress(b"Hello", &mut out));
    assert_eq!(out, HELLO);
    let seen = whole(&mut inflater(), &frame(0xc1, KEY, &HELLO)).unwrap();
    assert_eq!(
        frames(&seen),
        [(0x81, b"Hello".to_vec())],
        "one frame for one frame"
    );
}

#[test]
fn a_message_in_two_frames() {
    let mut wire = frame(0x41, KEY, &HELLO[..3]);
    wire.extend(frame(0x80, [1, 2, 3, 4], &HELLO[3..]));
    assert_eq!(messages(&whole(&mut inflater(), &wire).unwrap()), hello());
}

#[test]
fn sharing_the_window() {
    let config = DeflateConfig {
        level: 6,
        ..with_takeover()
    };
    let agreed = agreed(EXTENSION, &config);
    let mut deflater = Deflater::new(&config, &agreed);
    let mut out = Vec::new();
    assert!(deflater.compress(b"Hello", &mut out));
    out.clear();
    assert!(deflater.compress(b"Hello", &mut out));
    assert_eq!(out, [0xf2, 0x00, 0x11, 0x00, 0x00]);

    let mut inflater = Inflater::new(&agreed, 100);
    for payload in [&HELLO[..], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
        assert_eq!(
            messages(&whole(&mut inflater, &frame(0xc1, KEY, payload)).unwrap()),
            hello()
        );
    }
}

#[test]
fn a_block_without_compression() {
    let payload = [
        0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
    ];
    assert_eq!(
        messages(&whole(&mut inflater(), &frame(0xc1, KEY, &payload)).unwrap()),
        hello()
    );
}

#[test]
fn a_final_block() {
    let payload = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    // Then another message, with and without context takeover, and one without the added byte.
    for config in [DeflateConfig::default(), with_takeover()] {
        let mut inflater = Inflater::new(&agreed(EXTENSION, &config), 100);
        for payload in [&payload[..], &payload, &payload[..7], &HELLO] {
            assert_eq!(
                messages(&whole(&mut inflater, &frame(0xc1, KEY, payload)).unwrap()),
                hello()
            );
        }
    }
}

#[test]
fn more_after_a_final_block() {
    // Each final block ends where a byte does, and what follows starts anew.
    let mut payload = vec![0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    payload.extend(payload.clone());
    payload.extend([0x03, 0x00, 0x03, 0x00]);
    payload.extend(HELLO);
    let wire = frame(0xc2, KEY, &payload);
    for room in [1, 7, 16, 17, 4096] {
        let seen = translate(&mut inflater(), &wire, || 1, || room).unwrap();
        assert_eq!(
            messages(&seen),
            [(2, b"HelloHelloHello".to_vec())],
            "{room}"
        );
        assert_eq!(
            whole(&mut inflater(), &wire).unwrap(),
            frame(0x82, [0; 4], b"HelloHelloHello")
        );
    }
}

#[test]
fn two_blocks() {
    let payload = [
        0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
    ];
    assert_eq!(
        messages(&whole(&mut inflater(), &frame(0xc1, KEY, &payload)).unwrap()),
        hello()
    );
}

#[test]
fn an_empty_message() {
    let config = with_takeover();
    let agreed = agreed(EXTENSION, &config);
    let mut deflater = Deflater::new(&config, &agreed);
    let mut out = Vec::new();
    assert!(deflater.compress(b"", &mut out));
    assert_eq!(out, [0]);
    let mut inflater = Inflater::new(&agreed, 0);
    // Not even the byte: not by the book, but it can mean nothing else.
    for payload in [&[0][..], &[], &[0x02, 0x00]] {
        let seen = whole(&mut inflater, &frame(0xc1, KEY, payload)).unwrap();
        assert_eq!(seen, frame(0x81, [0; 4], b""));
    }
    let mut wire = frame(0x41, KEY, b"");
    wire.extend(frame(0x00, KEY, b""));
    wire.extend(frame(0x80, KEY, b""));
    assert_eq!(
        messages(&whole(&mut inflater, &wire).unwrap()),
        [(1, Vec::new())]
    );
}
