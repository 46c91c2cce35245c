//! Conversations by chance, and noise.

use super::*;

#[test]
fn conversations() {
    for seed in 0..60 {
        let mut chance = Lcg(seed);
        let takeover = chance.coin();
        let bits = 9 + chance.below(7) as u8;
        let config = DeflateConfig {
            level: 1 + chance.below(9) as u8,
            client_no_context_takeover: !takeover,
            server_no_context_takeover: !takeover,
            server_max_window_bits: bits,
            ..DeflateConfig::default()
        };
        let agreed = agreed(EXTENSION, &config);
        let mut inflater = Inflater::new(&agreed, 1 << 20);
        // The other direction's compressor is a good client too.
        let mut deflater = Deflater::new(&config, &agreed);

        let mut wire = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..chance.below(20) {
            let len = [0, 5, 100, 1_000, 20_000][chance.below(5)] + chance.below(10);
            let payload = chance.payload(len);
            let opcode = 1 + chance.below(2) as u8;
            let mut bytes = Vec::new();
            let compressed = chance.coin() && deflater.compress(&payload, &mut bytes);
            let mut rest = if compressed { &bytes[..] } else { &payload[..] };
            let mut first = opcode | if compressed { 0x40 } else { 0 };
            loop {
                let last = chance.below(3) == 0;
                let (part, others) = rest.split_at(if last {
                    rest.len()
                } else {
                    chance.below(rest.len() + 1)
                });
                rest = others;
                let key = (chance.next() as u32).to_be_bytes();
                wire.extend(frame(first | if last { 0x80 } else { 0 }, key, part));
                first = 0;
                if last {
                    break;
                }
                if chance.coin() {
                    let control = 9 + chance.below(2) as u8;
                    wire.extend(frame(0x80 | control, key, b"control"));
                    expected.push((control, b"control".to_vec()));
                }
            }
            expected.push((opcode, payload));
        }
        let (small, mut other) = (chance.below(3) == 0, Lcg(seed + 1));
        let piece = || 1 + chance.below(if small { 3 } else { 5_000 });
        let room = || 1 + other.below(if small { 40 } else { 5_000 });
        let seen = translate(&mut inflater, &wire, piece, room).unwrap();
        assert_eq!(messages(&seen), expected, "seed {seed}");
    }
}

#[test]
fn damage_is_an_error_or_other_data_but_no_panic() {
    let mut failed = 0;
    for seed in 0..1_000 {
        let mut chance = Lcg(seed);
        let len = 1 + chance.below(2_000);
        let mut bytes = Client::new(6, 15).compress(&chance.payload(len));
        for _ in 0..1 + chance.below(3) {
            let at = chance.below(bytes.len());
            bytes[at] ^= 1 << chance.below(8);
        }
        if chance.coin() {
            bytes.truncate(chance.below(bytes.len() + 1));
        }
        let agreed = agreed(EXTENSION, &DeflateConfig::default());
        let mut inflater = Inflater::new(&agreed, 4_000);
        let room = 1 + chance.below(600);
        match translate(&mut inflater, &frame(0xc2, KEY, &bytes), || 700, || room) {
            Ok(seen) => assert!(messages(&seen)[0].1.len() <= 4_000),
            Err(_) => failed += 1,
        }
    }
    assert!(failed > 300, "{failed}");
}

#[test]
fn noise_as_wire_bytes() {
    for seed in 0..1_000 {
        let mut chance = Lcg(seed);
        let wire: Vec<u8> = (0..chance.below(300))
            .map(|_| chance.next() as u8)
            .collect();
        // Half of them start like a compressed frame.
        let wire = if chance.coin() {
            [&[0xc1, 0xfe, 0x00, 0xff][..], &wire].concat()
        } else {
            wire
        };
        let agreed = agreed(EXTENSION, &with_takeover());
        let room = 1 + chance.below(100);
        let _ = translate(&mut Inflater::new(&agreed, 1_000), &wire, || 50, || room);
    }
}
