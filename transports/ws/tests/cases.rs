//! What Autobahn's cases ask for and `rfc6455.rs` and `deflate.rs` do not ask; the numbers are its.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use stellarfw_ws::deflate::DeflateConfig;
use support::{
    client::{
        BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, RSV2, RSV3, Raw, TEXT, code, goodbye,
        masked,
    },
    site::{Site, expect, expect_close, within},
};

/// Bytes in pieces, each of which may arrive alone.
async fn chopped(client: &mut Raw, bytes: &[u8], size: usize) {
    for piece in bytes.chunks(size) {
        if client.write(piece).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// A message in fragments of a size.
fn fragmented(opcode: u8, payload: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut chunks = payload.chunks(size).enumerate().peekable();
    while let Some((at, chunk)) = chunks.next() {
        let opcode = if at == 0 { opcode } else { CONTINUATION };
        let fin = if chunks.peek().is_none() { FIN } else { 0 };
        out.extend(masked(fin | opcode, chunk));
    }
    out
}

/// 1: payloads around the lengths at which the form of the head changes.
#[tokio::test]
async fn payloads_of_every_form_of_length_come_back() {
    let site = Site::new().await;
    let mut client = site.client().await;
    for opcode in [TEXT, BINARY] {
        for len in [0, 1, 125, 126, 127, 128, 65_535, 65_536, 65_537] {
            let payload = vec![b'*'; len];
            client.message(opcode, &payload).await.unwrap();
            expect(&mut client, opcode, &payload).await;
        }
        let payload = vec![b'*'; 65_536];
        chopped(&mut client, &masked(FIN | opcode, &payload), 997).await;
        expect(&mut client, opcode, &payload).await;
    }
}

/// 2.6, 2.10, 2.11: each ping has its pong, in order, however they come.
#[tokio::test]
async fn every_ping_is_answered_in_order() {
    let site = Site::new().await;
    let pings: Vec<u8> = (0..10_u8)
        .flat_map(|n| masked(FIN | PING, &[n; 20]))
        .collect();
    for size in [1, 7, 1_000] {
        let mut client = site.client().await;
        chopped(&mut client, &pings, size).await;
        for n in 0..10_u8 {
            expect(&mut client, PONG, &[n; 20]).await;
        }
    }
}

/// 3.2 to 3.4, 4.1.3 to 4.2.5: what came before a bad frame is answered, what comes after is not.
#[tokio::test]
async fn what_came_before_a_bad_frame_is_answered_and_nothing_after_it() {
    let site = Site::new().await;
    for bad in [
        masked(FIN | RSV2 | TEXT, b"bad"),
        masked(FIN | RSV1 | RSV3 | BINARY, b"bad"),
        masked(FIN | RSV2 | RSV3 | PING, b"bad"),
        masked(FIN | 0x5, b""),
        masked(FIN | 0x6, b"bad"),
        masked(FIN | 0xd, b""),
        masked(FIN | 0xe, b"bad"),
    ] {
        let bytes = [
            masked(FIN | TEXT, b"good"),
            bad,
            masked(FIN | PING, b""),
            masked(FIN | TEXT, b"late"),
        ]
        .concat();
        for size in [1, 10_000] {
            let mut client = site.client().await;
            chopped(&mut client, &bytes, size).await;
            expect(&mut client, TEXT, b"good").await;
            expect_close(&mut client, 1002).await;
        }
    }
    site.is_well().await;
}

/// 5.3 to 5.8, 5.19, 5.20: fragments in one piece and in many, pings between them.
#[tokio::test]
async fn fragments_may_be_chopped_and_have_pings_between() {
    let site = Site::new().await;
    let parts: [&[u8]; 5] = [b"one", b"two", b"three", b"four", b"five"];
    let mut bytes = masked(TEXT, parts[0]);
    for (at, part) in parts.iter().enumerate().skip(1) {
        bytes.extend(masked(FIN | PING, part));
        let fin = if at == 4 { FIN } else { 0 };
        bytes.extend(masked(fin | CONTINUATION, part));
    }
    for size in [1, 5, 10_000] {
        let mut client = site.client().await;
        chopped(&mut client, &bytes, size).await;
        for part in &parts[1..] {
            expect(&mut client, PONG, part).await;
        }
        expect(&mut client, TEXT, &parts.concat()).await;
    }
}

/// 5.15 to 5.18: a message that is over cannot be continued, one that is not cannot begin again.
#[tokio::test]
async fn what_does_not_continue_is_refused_after_what_does() {
    let site = Site::new().await;
    let whole = [masked(TEXT, b"a"), masked(FIN | CONTINUATION, b"b")].concat();
    for fin in [0, FIN] {
        let mut client = site.client().await;
        let bytes = [
            whole.clone(),
            masked(fin | CONTINUATION, b"c"),
            masked(FIN | TEXT, b"d"),
        ];
        client.write(&bytes.concat()).await.unwrap();
        expect(&mut client, TEXT, b"ab").await;
        expect_close(&mut client, 1002).await;
    }
    site.is_well().await;
}

/// 6.2: text may be cut anywhere, within characters too.
#[tokio::test]
async fn text_may_be_cut_within_characters() {
    let site = Site::new().await;
    let text = "Hello-µ@ßöäüàá-UTF-8!! κόσμε 𝄞 \u{10ffff} \u{fffe} \u{0}".as_bytes();
    for size in 1..text.len() {
        let mut client = site.client().await;
        client.write(&fragmented(TEXT, text, size)).await.unwrap();
        expect(&mut client, TEXT, text).await;
    }
    let mut client = site.client().await;
    chopped(&mut client, &masked(FIN | TEXT, text), 1).await;
    expect(&mut client, TEXT, text).await;
}

/// 6.4.1, 6.4.2: text that can become no UTF-8 any more ends the connection at that fragment, not
/// when the message is whole.
#[tokio::test]
async fn a_fragment_that_is_no_utf8_is_refused_before_the_message_is_whole() {
    let site = Site::new().await;
    let good = "κόσμε".as_bytes();
    for bad in [
        // Each is wrong at its second byte, whatever follows.
        &b"\xf4\x90"[..],
        b"\xed\xa0",
        b"\xe0\x80",
        b"\xf0\x80",
        b"\xc3\x28",
        // And these at their first.
        b"\xc0",
        b"\xc1",
        b"\xf5",
        b"\xff",
        b"\x80",
    ] {
        let mut client = site.client().await;
        client.frame(TEXT, good).await.unwrap();
        client.frame(CONTINUATION, bad).await.unwrap();
        // Nothing more is sent.
        expect_close(&mut client, 1007).await;
        // The same, cut within the character.
        let mut client = site.client().await;
        client.frame(TEXT, good).await.unwrap();
        for byte in bad {
            client.frame(CONTINUATION, &[*byte]).await.ok();
        }
        expect_close(&mut client, 1007).await;
    }
    site.is_well().await;
}

/// 6.4.3, 6.4.4: and within a frame, before that is whole.
#[tokio::test]
async fn text_that_is_no_utf8_is_refused_before_its_frame_is_whole() {
    let site = Site::new().await;
    for len in [100, 1_000, 10_000, 100_000] {
        for fin in [FIN, 0] {
            let mut payload = vec![b'a'; len];
            payload[50..52].copy_from_slice(b"\xed\xa0");
            let bytes = masked(fin | TEXT, &payload);
            let start = bytes.len() - len;
            // All up to the wrong byte may become text.
            let mut client = site.client().await;
            client.write(&bytes[..start + 51]).await.unwrap();
            client.write(&bytes[start + 51..start + 52]).await.unwrap();
            expect_close(&mut client, 1007).await;
        }
    }
    site.is_well().await;
}

/// 6.5 to 6.22: the borders of what is UTF-8.
#[tokio::test]
async fn the_borders_of_utf8_hold() {
    let site = Site::new().await;
    let mut client = site.client().await;
    for good in [
        &b"\x00"[..],
        b"\x7f",
        b"\xc2\x80",
        b"\xdf\xbf",
        b"\xe0\xa0\x80",
        b"\xed\x9f\xbf",
        b"\xee\x80\x80",
        b"\xef\xbf\xbd",
        b"\xef\xbf\xbe",
        b"\xef\xbf\xbf",
        b"\xf0\x90\x80\x80",
        b"\xf0\x9f\xbf\xbe",
        b"\xf4\x8f\xbf\xbf",
    ] {
        client.frame(FIN | TEXT, good).await.unwrap();
        expect(&mut client, TEXT, good).await;
    }
    for bad in [
        &b"\xf8\x88\x80\x80\x80"[..],
        b"\xfc\x84\x80\x80\x80\x80",
        b"\xf7\xbf\xbf\xbf",
        b"\xfb\xbf\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\x80",
        b"\xbf",
        b"\x80\xbf\x80",
        b"\xc0\x20",
        b"\xe0\x20",
        b"\xf0\x20",
        b"\xc3",
        b"\xe0\xa0",
        b"\xf0\x90\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfe",
        b"\xff",
        b"\xfe\xfe\xff\xff",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xf8\x80\x80\x80\xaf",
        b"\xc1\xbf",
        b"\xe0\x9f\xbf",
        b"\xf0\x8f\xbf\xbf",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xed\xaf\xbf",
        b"\xed\xb0\x80",
        b"\xed\xbf\xbf",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"\xed\xaf\xbf\xed\xbf\xbf",
    ] {
        let mut client = site.client().await;
        client.frame(FIN | TEXT, bad).await.unwrap();
        expect_close(&mut client, 1007).await;
    }
}

/// 7.1.2 to 7.1.6: whatever comes after the goodbye, within a message or a large one before it.
#[tokio::test]
async fn the_goodbye_is_the_last_word() {
    let site = Site::new().await;
    let bye = masked(FIN | CLOSE, &goodbye(1000, b""));
    let large = masked(FIN | TEXT, &[b'a'; 256 << 10]);
    for (before, after) in [
        (Vec::new(), bye.clone()),
        (Vec::new(), masked(FIN | PING, b"")),
        (Vec::new(), masked(FIN | TEXT, b"late")),
        (masked(TEXT, b"half"), masked(FIN | CONTINUATION, b"late")),
        (large, masked(FIN | PING, b"")),
    ] {
        let mut client = site.client().await;
        client
            .write(&[before, bye.clone(), after].concat())
            .await
            .ok();
        let mut last = within(client.receive()).await.unwrap();
        if last.0 == TEXT {
            // The echo of what came before.
            last = within(client.receive()).await.unwrap();
        }
        assert_eq!((last.0, code(&last.1)), (CLOSE, 1000));
        assert!(within(client.next()).await.is_err());
    }
    site.is_well().await;
}

/// 7.3.4 to 7.3.6: reasons up to the longest come back, a longer one is no control frame.
#[tokio::test]
async fn a_goodbye_may_have_a_reason_of_123_bytes() {
    let site = Site::new().await;
    for len in [1, 123] {
        let mut client = site.client().await;
        let payload = goodbye(1000, &vec![b'*'; len]);
        client.frame(FIN | CLOSE, &payload).await.unwrap();
        let (opcode, answer) = within(client.receive()).await.unwrap();
        assert_eq!((opcode, code(&answer)), (CLOSE, 1000));
    }
    let mut client = site.client().await;
    let payload = goodbye(1000, &[b'*'; 124]);
    client.frame(FIN | CLOSE, &payload).await.unwrap();
    expect_close(&mut client, 1002).await;
}

/// 9.3 to 9.6, 10: large messages in fragments and pieces of many sizes.
#[tokio::test]
async fn large_messages_come_in_fragments_and_pieces_of_any_size() {
    const LARGE: usize = 1 << 20;
    let site = Site::new().await;
    let mut client = site.client().await;
    let payload: Vec<u8> = (0..LARGE).map(|at| b'a' + (at % 23) as u8).collect();
    for opcode in [TEXT, BINARY] {
        for size in [1_024, 4_096, 65_536, 300_000] {
            let bytes = fragmented(opcode, &payload, size);
            client.write(&bytes).await.unwrap();
            expect(&mut client, opcode, &payload).await;
        }
    }
    for size in [1_300, 65_535] {
        let bytes = masked(FIN | TEXT, &payload[..LARGE / 2]);
        chopped(&mut client, &bytes, size).await;
        expect(&mut client, TEXT, &payload[..LARGE / 2]).await;
    }
}

/// 12, 13: messages of many sizes, whole and in fragments, under every agreement.
#[tokio::test]
async fn messages_are_compressed_under_every_agreement() {
    let offers = [
        "permessage-deflate",
        "permessage-deflate; client_no_context_takeover; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=15; client_max_window_bits=9",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
         server_max_window_bits=9; client_max_window_bits=15",
        "permessage-deflate; server_no_context_takeover; client_max_window_bits; \
         server_max_window_bits=9, permessage-deflate; server_no_context_takeover; \
         client_max_window_bits, permessage-deflate; client_max_window_bits",
    ];
    let words = "Habe nun, ach! Philosophie, Juristerei und Medizin, und leider auch Theologie! ";
    for forget in [true, false] {
        let config = DeflateConfig {
            threshold: 0,
            server_no_context_takeover: forget,
            client_no_context_takeover: forget,
            ..DeflateConfig::default()
        };
        let site = Site::with(|_| {}, |ws| ws.compression = Some(config)).await;
        for offer in offers {
            let mut client = site
                .client_with(&[("Sec-WebSocket-Extensions", offer)])
                .await;
            assert!(client.deflate.is_some(), "{offer}");
            for len in [0, 16, 256, 4_096, 65_536] {
                for round in 0..3_usize {
                    let bytes = words.bytes().cycle().skip(round * 7).take(len);
                    let payload: Vec<u8> = bytes.collect();
                    client.message(TEXT, &payload).await.unwrap();
                    expect(&mut client, TEXT, &payload).await;
                    let compressed = client.deflate.as_mut().unwrap().compress(&payload);
                    let mut bytes = fragmented(BINARY, &compressed, 256);
                    // Only the first frame of a message carries the bit.
                    bytes[0] |= RSV1;
                    client.write(&bytes).await.unwrap();
                    expect(&mut client, BINARY, &payload).await;
                }
            }
        }
    }
}
