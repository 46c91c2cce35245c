//! What a connection holds: of messages that are not whole, and of those that are not read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::time::Duration;

use stellarfw_transport::{CloseReason, Delivery, Frame, OutboxLimits, SendError, Spark};
use support::{
    client::{BINARY, CONTINUATION, FIN, PING, PONG, TEXT, header, masked},
    site::{Site, expect, expect_close, within},
};

async fn until(what: &str, reached: impl Fn() -> bool) {
    let wait = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(30), wait).await;
    assert!(done.is_ok(), "waited in vain until {what}");
}

fn spark(site: &Site) -> Spark {
    let mut found = None;
    site.server.for_each(|spark| found = Some(spark.clone()));
    found.unwrap()
}

#[tokio::test]
async fn long_frames_of_every_length_arrive_as_they_are() {
    let site = Site::new().await;
    let mut client = site.client().await;
    for len in [32_767, 32_768, 32_769, 65_535, 65_536, 98_304, 300_001] {
        // Of three bytes each, so that every part ends within one.
        let text: String = "€".repeat(len / 3);
        let frame = masked(FIN | TEXT, text.as_bytes());
        let (head, rest) = frame.split_at(100);
        client.write(head).await.unwrap();
        client.write(rest).await.unwrap();
        expect(&mut client, TEXT, text.as_bytes()).await;

        let bytes: Vec<u8> = (0..len).map(|n| (n * 7) as u8).collect();
        client.frame(BINARY, &bytes).await.unwrap();
        client.frame(FIN | PING, b"between").await.unwrap();
        client.frame(FIN | CONTINUATION, &bytes).await.unwrap();
        expect(&mut client, PONG, b"between").await;
        expect(&mut client, BINARY, &bytes.repeat(2)).await;
    }
}

#[tokio::test]
async fn text_that_is_wrong_in_any_part_of_a_long_frame_is_refused() {
    let site = Site::new().await;
    for at in [0, 32_767, 32_768, 70_000] {
        let mut client = site.client().await;
        let mut bytes = vec![b'a'; 100_000];
        bytes[at] = 0xff;
        client.write(&masked(FIN | TEXT, &bytes)).await.ok();
        expect_close(&mut client, 1007).await;
    }
}

#[tokio::test]
async fn what_has_come_of_a_message_is_counted_and_no_more_than_that() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let held = || site.server.budget().uses().inbound;
    let payload = vec![b'x'; 8 << 20];
    let frame = masked(FIN | BINARY, &payload);
    client.write(&frame[..14]).await.unwrap();
    until("the header is held", || held() > 0).await;
    assert!(held() < 100, "{}", held());
    client.write(&frame[14..1 << 20]).await.unwrap();
    until("a part is held", || held() > 1_000_000).await;
    assert!(held() < 1_100_000, "{}", held());
    client.write(&frame[1 << 20..]).await.unwrap();
    expect(&mut client, BINARY, &payload).await;
    until("nothing is held", || site.server.budget().used() == 0).await;

    // Short ones, which wait in another place.
    let frame = masked(FIN | BINARY, &payload[..1_000]);
    client.write(&frame[..500]).await.unwrap();
    until("half of it is held", || held() == 500).await;
    client.write(&frame[500..]).await.unwrap();
    expect(&mut client, BINARY, &payload[..1_000]).await;
    until("nothing is held", || site.server.budget().used() == 0).await;

    // Those that are gone hold nothing.
    client
        .write(&masked(BINARY, &payload[..1 << 20]))
        .await
        .unwrap();
    until("a fragment is held", || held() >= 1 << 20).await;
    drop(client);
    until("nothing is held", || site.server.budget().used() == 0).await;
}

#[tokio::test]
async fn fragments_are_not_held_without_an_end_whatever_comes_between() {
    let site = Site::with(
        |config| {
            config.message_timeout = 300;
            config.least_rate = 1 << 20;
        },
        |_| {},
    )
    .await;
    let mut client = site.client().await;
    client.frame(TEXT, &[b'a'; 10_000]).await.unwrap();
    let ended = within(async {
        while spark(&site).is_open() {
            client.frame(FIN | PING, b"").await.ok();
            client.frame(CONTINUATION, b"a").await.ok();
            tokio::time::sleep(Duration::from_millis(50)).await;
            if site.server.connections() == 0 {
                break;
            }
        }
    });
    ended.await;
    loop {
        let (opcode, payload) = within(client.receive()).await.unwrap();
        if opcode != PONG {
            assert_eq!(support::client::code(&payload), 1008);
            break;
        }
    }
    drop(client);
    until("the end is reported", || !site.ends.lock().is_empty()).await;
    assert_eq!(*site.ends.lock(), [CloseReason::TooSlow]);
    assert_eq!(site.server.budget().used(), 0);
}

#[tokio::test]
async fn a_slow_message_that_goes_on_arrives() {
    let site = Site::with(
        |config| {
            config.message_timeout = 2_000;
            config.least_rate = 1_000;
        },
        |_| {},
    )
    .await;
    let mut client = site.client().await;
    // Longer than the grace, and four times as fast as the least rate.
    let payload = vec![b'x'; 30 * 1_600];
    let frame = masked(FIN | BINARY, &payload);
    for part in frame.chunks(1_600) {
        client.write(part).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    expect(&mut client, BINARY, &payload).await;
    assert!(spark(&site).is_open());
}

#[tokio::test]
async fn a_message_of_which_nothing_more_comes_is_not_waited_for() {
    let site = Site::with(|config| config.message_timeout = 100, |_| {}).await;
    for part in [
        &masked(FIN | TEXT, b"abc")[..3],
        &header(FIN | BINARY, 70_000, 0x80),
    ] {
        let mut client = site.client().await;
        client.write(part).await.unwrap();
        expect_close(&mut client, 1008).await;
    }
}

#[tokio::test]
async fn what_the_socket_has_not_taken_counts_in_the_outbox() {
    const MIB: usize = 1 << 20;
    let site = Site::with(|config| config.outbox = OutboxLimits::new(100, MIB), |_| {}).await;
    let client = site.client().await;
    let spark = spark(&site);
    let send = |bytes: usize| spark.send_frame(Frame::binary(vec![0; bytes]), Delivery::Volatile);
    // Far more than the network takes.
    send(40 * MIB).unwrap();
    let waiting = spark.waiting();
    assert!(waiting.bytes > 10 * MIB, "{waiting:?}");
    // All of it is in memory, however much of it has been written.
    assert!(site.server.budget().uses().outbound >= 40 * MIB);
    send(MIB / 4).unwrap();
    send(MIB / 4).unwrap();
    assert!(matches!(send(1), Err(SendError::Dropped)));
    let reliable = spark.send_frame(Frame::binary(vec![0; 1]), Delivery::Reliable);
    assert!(matches!(reliable, Err(SendError::SlowConsumer)));
    drop(client);
    until("nothing is held", || site.server.budget().used() == 0).await;
}
