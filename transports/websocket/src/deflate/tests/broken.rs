//! What comes in against the book.

use super::*;

#[test]
fn what_breaks_the_protocol_passes_untouched() {
    let compressed = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let cases: [(&str, Vec<u8>); 13] = [
        ("RSV1 on a ping", frame(0xc9, KEY, b"x")),
        ("RSV1 on a close", frame(0xc8, KEY, b"")),
        ("RSV2", frame(0xa1, KEY, b"x")),
        ("RSV3", frame(0x91, KEY, b"x")),
        ("RSV1 and RSV2", frame(0xe1, KEY, &compressed)),
        ("a continuation of nothing", frame(0x80, KEY, b"x")),
        (
            "RSV1 on a continuation of nothing",
            frame(0xc0, KEY, &compressed),
        ),
        ("RSV1 on a reserved opcode", frame(0xc3, KEY, b"x")),
        ("a reserved opcode", frame(0x83, KEY, b"x")),
        ("a reserved control opcode", frame(0x8b, KEY, b"x")),
        (
            "a compressed frame without a mask",
            [&[0xc1, 7][..], &compressed].concat(),
        ),
        (
            "a long one without a mask",
            [&[0xc1, 127, 0, 0, 0, 0, 0, 1, 0, 0][..], &[7; 500]].concat(),
        ),
        (
            "RSV1 within a plain message",
            [frame(0x01, KEY, b"x"), frame(0xc0, KEY, &compressed)].concat(),
        ),
    ];
    for (what, mut wire) in cases {
        wire.extend(frame(0xc1, KEY, b"not even looked at"));
        for piece in [1, 3, usize::MAX] {
            for room in [1, 16, 4096] {
                let seen = translate(&mut inflater(), &wire, || piece, || room).unwrap();
                assert_eq!(seen, wire, "{what}");
            }
        }
    }
}

#[test]
fn within_a_compressed_message_too() {
    let begun = frame(0x41, KEY, &[0xf2, 0x48, 0xcd]);
    let cases = [
        frame(0xc0, KEY, &[0xc9, 0xc9, 0x07, 0x00]),
        frame(0xc1, KEY, &[0xc9, 0xc9, 0x07, 0x00]),
        frame(0x81, KEY, b"another"),
        frame(0x01, KEY, b"another"),
        frame(0xc9, KEY, b"ping"),
    ];
    for case in cases {
        let mut inflater = inflater();
        let start = whole(&mut inflater, &begun).unwrap();
        assert_eq!(frames(&start).first().map(|frame| frame.0), Some(0x01));
        assert_eq!(whole(&mut inflater, &case).unwrap(), case);
    }
}

#[test]
fn a_plain_message_is_not_inflated() {
    let wire = frame(0x81, KEY, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    assert_eq!(whole(&mut inflater(), &wire).unwrap(), wire);
}

#[test]
fn bombs() {
    let zeros = vec![0; 1 << 23];
    let bomb = frame(0xc1, KEY, &Client::new(9, 15).compress(&zeros));
    let max = 1 << 16;
    let agreed = agreed(EXTENSION, &DeflateConfig::default());
    for room in [1, 40, 4_096, 1 << 20] {
        let mut inflater = Inflater::new(&agreed, max);
        let (mut consumed, mut written) = (0, 0);
        let error = loop {
            let mut slice = vec![0; room];
            match inflater.translate(&bomb[consumed..], &mut slice) {
                Ok(done) => {
                    assert!(done.written <= room);
                    consumed += done.consumed;
                    written += done.written;
                }
                Err(error) => break error,
            }
        };
        assert_eq!(error, DeflateError::TooBig { max });
        assert_eq!(error.close_code(), 1009);
        assert!(consumed < 500, "stopped early");
        assert!(written <= 2 * max + room);
        assert!(!inflater.holds_memory());
        assert!(inflater.pending());
        assert_eq!(
            inflater.translate(&[], &mut [0; 9]),
            Err(error),
            "and stays so"
        );
        assert_eq!(inflater.plain_prefix(&frame(0x81, KEY, b"")), 0);
    }
}

#[test]
fn a_limit_is_for_a_message_not_a_frame() {
    let payload = vec![b'a'; 1000];
    let compressed = Client::new(1, 15).compress(&payload);
    let agreed = agreed(EXTENSION, &DeflateConfig::default());
    let mut wire = Vec::new();
    for (at, byte) in compressed.iter().enumerate() {
        let fin = if at + 1 == compressed.len() { 0x80 } else { 0 };
        wire.extend(frame(fin | if at == 0 { 0x41 } else { 0 }, KEY, &[*byte]));
    }
    assert!(whole(&mut Inflater::new(&agreed, 1000), &wire).is_ok());
    let error = whole(&mut Inflater::new(&agreed, 999), &wire).unwrap_err();
    assert_eq!(error, DeflateError::TooBig { max: 999 });
    // And it starts anew with each message.
    let mut inflater = Inflater::new(&agreed, 1000);
    for _ in 0..5 {
        assert!(whole(&mut inflater, &wire).is_ok());
    }
}

#[test]
fn a_frame_that_announces_too_much() {
    let agreed = agreed(EXTENSION, &DeflateConfig::default());
    for length in [80_000, u64::MAX >> 1, u64::MAX] {
        let mut wire = vec![0xc1, 0xff];
        wire.extend(length.to_be_bytes());
        wire.extend(KEY);
        let error = whole(&mut Inflater::new(&agreed, 1 << 16), &wire).unwrap_err();
        assert_eq!(error, DeflateError::TooBig { max: 1 << 16 });
        // Nothing is set aside for what is only announced.
        let mut boundless = Inflater::new(&agreed, usize::MAX);
        assert!(whole(&mut boundless, &wire).unwrap().is_empty());
        assert!(!boundless.holds_memory());
    }
}

#[test]
fn corrupt_data() {
    let cases: [(&str, &[u8]); 8] = [
        ("a reserved block type", &[0x06, 0x00]),
        (
            "lengths that do not match",
            &[0x00, 0x05, 0x00, 0x00, 0x00, 1, 2, 3, 4, 5, 0],
        ),
        (
            "a distance before the start",
            &[0xf2, 0x00, 0x11, 0x00, 0x00],
        ),
        ("text", b"hello, this is no deflate"),
        (
            "cut off in a block without compression",
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48],
        ),
        ("cut off within the codes", &[0xf2, 0x48, 0xcd]),
        (
            "the tail was not taken off",
            &[
                0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff,
            ],
        ),
        ("nothing but the tail", &TAIL),
    ];
    for (what, payload) in cases {
        for config in [DeflateConfig::default(), with_takeover()] {
            let mut inflater = Inflater::new(&agreed(EXTENSION, &config), 1 << 20);
            let wire = frame(0xc2, KEY, payload);
            let error = translate(&mut inflater, &wire, || 1, || 64).unwrap_err();
            assert_eq!(error, DeflateError::Corrupt, "{what}");
            assert_eq!(error.close_code(), 1007);
            assert!(!inflater.holds_memory());
        }
    }
}

#[test]
fn messages_before_a_corrupt_one_arrive_however_much_comes_at_once() {
    let good = frame(0x81, KEY, b"plain");
    let compressed = frame(0xc1, KEY, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    let wire = [good, compressed, frame(0xc2, KEY, b"no deflate")].concat();
    for piece in [1, 7, usize::MAX] {
        let mut inflater = inflater();
        let mut out = Vec::new();
        let mut rest = &wire[..];
        let error = loop {
            let mut room = [0; 4_096];
            let next = &rest[..rest.len().min(piece)];
            match inflater.translate(next, &mut room) {
                Ok(done) => {
                    out.extend_from_slice(&room[..done.written]);
                    rest = &rest[done.consumed..];
                }
                Err(error) => break error,
            }
        };
        assert_eq!(error, DeflateError::Corrupt);
        let seen: Vec<_> = frames(&out).into_iter().map(|frame| frame.1).collect();
        assert_eq!(seen.concat(), b"plainHello");
    }
}

#[test]
fn one_connection_never_sees_another_s_bytes() {
    // The second refers back to "Hello", which the thread's decompressor has just inflated for the
    // first.
    let hello = frame(0xc1, KEY, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    let back = frame(0xc1, KEY, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    assert!(whole(&mut inflater(), &hello).is_ok());
    assert_eq!(whole(&mut inflater(), &back), Err(DeflateError::Corrupt));
    let mut same = inflater();
    assert!(whole(&mut same, &hello).is_ok());
    assert_eq!(
        whole(&mut same, &back),
        Err(DeflateError::Corrupt),
        "nor its own of another message"
    );
}

#[test]
fn many_tiny_streams_cost_what_their_bytes_do() {
    // 32,768 final blocks in one frame, each a stream of its own.
    let payload = [0x03, 0x00].repeat(1 << 15);
    let seen = whole(&mut inflater(), &frame(0xc1, KEY, &payload)).unwrap();
    assert_eq!(messages(&seen), [(1, Vec::new())]);
}
