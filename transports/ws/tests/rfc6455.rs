//! RFC 6455, below what any client library would let one do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::time::Duration;

use stellarfw_transport::{CloseReason, MessageRate};
use support::{
    client::{
        BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, RSV2, RSV3, TEXT, code, goodbye,
        header, masked, unmasked,
    },
    site::{Site, expect, expect_close, within},
};

/// Bytes that break the protocol, and what they are answered with.
async fn is_closed_for(site: &Site, bytes: &[u8], with: u16) {
    let mut client = site.client().await;
    // The server need not take what comes after the fault.
    client.write(bytes).await.ok();
    expect_close(&mut client, with).await;
}

#[tokio::test]
async fn fragments_are_joined_and_control_frames_may_come_between() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.frame(TEXT, b"one ").await.unwrap();
    client.frame(FIN | PING, b"in between").await.unwrap();
    client.frame(CONTINUATION, b"two ").await.unwrap();
    client.frame(CONTINUATION, b"").await.unwrap();
    expect(&mut client, PONG, b"in between").await;
    client.frame(FIN | PONG, b"unasked").await.unwrap();
    client.frame(FIN | CONTINUATION, b"three").await.unwrap();
    expect(&mut client, TEXT, b"one two three").await;

    client.frame(BINARY, &[0xff]).await.unwrap();
    client.frame(FIN | CONTINUATION, &[0xfe]).await.unwrap();
    expect(&mut client, BINARY, &[0xff, 0xfe]).await;
    client.frame(FIN | TEXT, b"").await.unwrap();
    expect(&mut client, TEXT, b"").await;
}

#[tokio::test]
async fn fragments_out_of_place_are_refused() {
    let site = Site::new().await;
    is_closed_for(&site, &masked(FIN | CONTINUATION, b"of what?"), 1002).await;
    is_closed_for(&site, &masked(CONTINUATION, b"of what?"), 1002).await;
    let two = [masked(TEXT, b"one"), masked(FIN | TEXT, b"two")].concat();
    is_closed_for(&site, &two, 1002).await;
    site.is_well().await;
}

#[tokio::test]
async fn a_frame_without_a_mask_is_refused() {
    let site = Site::new().await;
    is_closed_for(&site, &unmasked(FIN | TEXT, b"bare"), 1002).await;
    is_closed_for(&site, &unmasked(FIN | PING, b""), 1002).await;
    site.is_well().await;
}

#[tokio::test]
async fn reserved_bits_and_opcodes_are_refused() {
    let site = Site::new().await;
    for bits in [RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3] {
        for opcode in [TEXT, BINARY, PING, CLOSE] {
            is_closed_for(&site, &masked(FIN | bits | opcode, b"x"), 1002).await;
        }
    }
    for opcode in [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        is_closed_for(&site, &masked(FIN | opcode, b"x"), 1002).await;
        is_closed_for(&site, &masked(FIN | opcode, b""), 1002).await;
    }
    site.is_well().await;
}

#[tokio::test]
async fn control_frames_are_short_and_whole() {
    let site = Site::new().await;
    for opcode in [PING, PONG, CLOSE] {
        is_closed_for(&site, &masked(FIN | opcode, &[0; 126]), 1002).await;
        is_closed_for(&site, &masked(opcode, b"x"), 1002).await;
    }
    let mut client = site.client().await;
    client.frame(FIN | PING, &[7; 125]).await.unwrap();
    expect(&mut client, PONG, &[7; 125]).await;
    client.frame(FIN | PING, b"").await.unwrap();
    expect(&mut client, PONG, b"").await;
}

#[tokio::test]
async fn text_is_utf8() {
    let site = Site::new().await;
    for bytes in [
        &b"\xff"[..],
        b"valid \xc3\x28",
        b"\xed\xa0\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xc0\xaf",
        b"cut off \xe2\x82",
    ] {
        is_closed_for(&site, &masked(FIN | TEXT, bytes), 1007).await;
        let halves = [
            masked(TEXT, &bytes[..1]),
            masked(FIN | CONTINUATION, &bytes[1..]),
        ];
        is_closed_for(&site, &halves.concat(), 1007).await;
    }
    // A character may be cut by the end of a fragment.
    let mut client = site.client().await;
    let text = "żółw 🐢";
    for (at, byte) in text.bytes().enumerate() {
        let head = if at == 0 { TEXT } else { CONTINUATION };
        client.frame(head, &[byte]).await.unwrap();
    }
    client.frame(FIN | CONTINUATION, b"").await.unwrap();
    expect(&mut client, TEXT, text.as_bytes()).await;
    site.is_well().await;
}

#[tokio::test]
async fn a_goodbye_is_answered_with_its_code() {
    let site = Site::new().await;
    for good in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ] {
        let mut client = site.client().await;
        client
            .frame(FIN | CLOSE, &goodbye(good, b"bye"))
            .await
            .unwrap();
        expect_close(&mut client, good).await;
        within(async {
            while site.ends.lock().last() != Some(&CloseReason::Client { code: good }) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
    let mut client = site.client().await;
    client.frame(FIN | CLOSE, b"").await.unwrap();
    let (opcode, payload) = within(client.receive()).await.unwrap();
    assert_eq!((opcode, code(&payload)), (CLOSE, 1005));
    assert!(within(client.next()).await.is_err());
}

#[tokio::test]
async fn a_broken_goodbye_is_refused() {
    let site = Site::new().await;
    for bad in [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        is_closed_for(&site, &masked(FIN | CLOSE, &goodbye(bad, b"")), 1002).await;
    }
    is_closed_for(&site, &masked(FIN | CLOSE, b"\x03"), 1002).await;
    is_closed_for(
        &site,
        &masked(FIN | CLOSE, &goodbye(1000, b"\xff\xff")),
        1007,
    )
    .await;
    site.is_well().await;
}

#[tokio::test]
async fn nothing_counts_after_a_goodbye() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let bytes = [
        masked(FIN | TEXT, b"before"),
        masked(FIN | CLOSE, &goodbye(1000, b"")),
        masked(FIN | TEXT, b"after"),
    ];
    client.write(&bytes.concat()).await.unwrap();
    // The echo of what came before may or may not be wanted any more; nothing else may come.
    let (mut opcode, mut payload) = within(client.receive()).await.unwrap();
    if opcode == TEXT {
        assert_eq!(payload, b"before");
        (opcode, payload) = within(client.receive()).await.unwrap();
    }
    assert_eq!((opcode, code(&payload)), (CLOSE, 1000));
    assert!(within(client.next()).await.is_err());
}

#[tokio::test]
async fn bytes_may_come_one_by_one() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let bytes = [
        masked(TEXT, b"byte "),
        masked(FIN | PING, b"p"),
        masked(FIN | CONTINUATION, b"by byte"),
        masked(FIN | BINARY, &[1; 200]),
    ];
    for byte in bytes.concat() {
        client.write(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    expect(&mut client, PONG, b"p").await;
    expect(&mut client, TEXT, b"byte by byte").await;
    expect(&mut client, BINARY, &[1; 200]).await;
}

#[tokio::test]
async fn a_length_that_lies_takes_no_memory() {
    let site = Site::new().await;
    // What is announced is refused at once, before any of it has come.
    let lie = |len| [header(FIN | BINARY, len, 0x80), b"mask".to_vec()].concat();
    for len in [10_485_761, 1 << 40, u64::MAX >> 1] {
        is_closed_for(&site, &lie(len), 1009).await;
    }
    let mut client = site.client().await;
    client.write(&lie(u64::MAX)).await.unwrap();
    let (opcode, payload) = within(client.receive()).await.unwrap();
    assert_eq!(opcode, CLOSE);
    assert!(matches!(code(&payload), 1002 | 1009), "{}", code(&payload));
    // Each fragment is small enough, all of them are not.
    let mut client = site.client().await;
    client.frame(BINARY, &[0; 1_000]).await.unwrap();
    for _ in 0..11 {
        client.frame(CONTINUATION, &vec![0; 1_000_000]).await.ok();
    }
    expect_close(&mut client, 1009).await;
    site.is_well().await;
}

#[tokio::test]
async fn a_message_may_have_many_fragments() {
    const MANY: usize = 65_536;
    let site = Site::new().await;
    let mut client = site.client().await;
    let mut bytes = masked(TEXT, b"a");
    for _ in 0..MANY - 2 {
        bytes.extend(masked(CONTINUATION, b"a"));
    }
    bytes.extend(masked(FIN | CONTINUATION, b"z"));
    client.write(&bytes).await.unwrap();
    let expected = "a".repeat(MANY - 1) + "z";
    expect(&mut client, TEXT, expected.as_bytes()).await;
}

#[tokio::test]
async fn a_message_may_be_large_where_that_is_allowed() {
    const LARGE: usize = 16 << 20;
    let site = Site::with(|config| config.max_length = LARGE, |_| {}).await;
    let mut client = site.client().await;
    let payload: Vec<u8> = (0..LARGE).map(|at| (at % 251) as u8).collect();
    client.message(BINARY, &payload).await.unwrap();
    expect(&mut client, BINARY, &payload).await;
    client
        .message(BINARY, &[&payload[..], b"x"].concat())
        .await
        .ok();
    expect_close(&mut client, 1009).await;
}

#[tokio::test]
async fn a_frame_limit_of_its_own_still_lets_long_messages_come_in_fragments() {
    let site = Site::with(|_| {}, |ws| ws.max_frame = Some(1_000)).await;
    let mut client = site.client().await;
    client.frame(TEXT, &[b'a'; 1_000]).await.unwrap();
    client
        .frame(FIN | CONTINUATION, &[b'a'; 1_000])
        .await
        .unwrap();
    expect(&mut client, TEXT, &[b'a'; 2_000]).await;
    is_closed_for(&site, &masked(FIN | TEXT, &[b'a'; 1_001]), 1009).await;
}

#[tokio::test]
async fn a_flood_of_pings_stays_bounded() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let mut spark = None;
    site.server.for_each(|open| spark = Some(open.clone()));
    let spark = spark.unwrap();
    let flood = masked(FIN | PING, &[b'p'; 125]).repeat(8_000);
    let mut most = 0;
    // 128 MiB of pings, of which no pong is read.
    for _ in 0..128 {
        match tokio::time::timeout(Duration::from_secs(1), client.write(&flood)).await {
            Ok(Ok(())) => most = most.max(spark.waiting().bytes),
            // Being stopped, or thrown out, is as good.
            _ => break,
        }
    }
    assert!(
        most <= 64 << 10,
        "{most} bytes wait for a client that does not read"
    );
    site.is_well().await;
}

#[tokio::test]
async fn pings_and_pongs_count_for_the_rate() {
    for opcode in [PING, PONG] {
        let rate = MessageRate::new(0.000_1, 4);
        let site = Site::with(|config| config.message_rate = rate, |_| {}).await;
        let mut client = site.client().await;
        let flood = masked(FIN | opcode, b"p").repeat(9);
        client.write(&flood).await.unwrap();
        let mut answers = 0;
        let code = loop {
            match within(client.receive()).await.unwrap() {
                (PONG, _) => answers += 1,
                (CLOSE, payload) => break code(&payload),
                (opcode, _) => panic!("a frame of opcode {opcode} came"),
            }
        };
        assert_eq!(code, 1008);
        assert!(answers <= 9, "{answers} answers to 9 pings");
        assert_eq!(site.server.counts().over_rate, 5);
        site.is_well().await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_answer_the_goodbye_is_cut() {
    let site = Site::with(|config| config.close_timeout = 100, |_| {}).await;
    let mut client = site.client().await;
    site.server.for_each(stellarfw_transport::Spark::end);
    expect_close(&mut client, 1000).await;
    within(async {
        while site.server.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_servers_ping_carries_nothing_and_a_pong_is_not_answered() {
    let site = Site::with(|config| config.ping_interval = 200, |_| {}).await;
    let mut client = site.client().await;
    for _ in 0..3 {
        expect(&mut client, PING, b"").await;
        client.frame(FIN | PONG, b"").await.unwrap();
    }
    assert_eq!(site.server.connections(), 1);
}
