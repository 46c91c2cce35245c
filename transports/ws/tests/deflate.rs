//! `permessage-deflate` (RFC 7692), end to end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use stellarfw_ws::deflate::DeflateConfig;
use support::{
    client::{BINARY, CONTINUATION, FIN, PING, PONG, RSV1, TEXT, request},
    site::{Site, expect, expect_close, within},
};

const OFFER: &str = "Sec-WebSocket-Extensions";

async fn site(change: impl FnOnce(&mut DeflateConfig)) -> Site {
    let mut config = DeflateConfig {
        threshold: 100,
        ..DeflateConfig::default()
    };
    change(&mut config);
    Site::with(|_| {}, |ws| ws.compression = Some(config)).await
}

/// Text that a compressor likes.
fn text(len: usize) -> Vec<u8> {
    b"the same again and again, "
        .iter()
        .copied()
        .cycle()
        .take(len)
        .collect()
}

#[tokio::test]
async fn an_offer_is_answered() {
    let site = site(|_| {}).await;
    let ask = async |offer: &str| {
        let answer = site.ask(&request("/primus", &[(OFFER, offer)])).await;
        assert_eq!(answer.status, 101, "{offer}");
        answer.header(OFFER).map(str::to_owned)
    };
    let agreed = ask("permessage-deflate; client_max_window_bits")
        .await
        .unwrap();
    assert!(agreed.starts_with("permessage-deflate"), "{agreed}");
    assert!(agreed.contains("server_no_context_takeover"), "{agreed}");
    assert_eq!(ask("permessage-deflate; no_such_parameter").await, None);
    assert_eq!(ask("permessage-bzip2").await, None);
    let second = ask("permessage-deflate; no_such_parameter, permessage-deflate").await;
    assert!(second.is_some());
}

#[tokio::test]
async fn messages_are_compressed_from_the_threshold_on() {
    for takeover in [false, true] {
        let site = site(|config| {
            config.server_no_context_takeover = !takeover;
            config.client_no_context_takeover = !takeover;
        })
        .await;
        let mut client = site.client_with(&[(OFFER, "permessage-deflate")]).await;
        for _ in 0..3 {
            for len in [0, 1, 99, 100, 1_000, 100_000, 1_000_000] {
                let payload = text(len);
                client.message(TEXT, &payload).await.unwrap();
                let frame = within(client.next()).await.unwrap();
                assert_eq!(frame.head & RSV1 != 0, len >= 100, "{len} bytes");
                if len >= 100 {
                    assert!(frame.payload.len() < len);
                    let inflated = client.deflate.as_mut().unwrap().inflate(&frame.payload);
                    assert!(inflated == payload, "{len} bytes came back changed");
                } else {
                    assert!(frame.payload == payload, "{len} bytes came back changed");
                }
            }
        }
    }
}

#[tokio::test]
async fn without_a_threshold_everything_comes_back_all_the_same() {
    for takeover in [false, true] {
        let site = site(|config| {
            config.threshold = 0;
            config.server_no_context_takeover = !takeover;
        })
        .await;
        let mut client = site.client_with(&[(OFFER, "permessage-deflate")]).await;
        for len in [0, 0, 1, 2, 3, 200, 0, 70_000] {
            let payload = text(len);
            client.message(BINARY, &payload).await.unwrap();
            expect(&mut client, BINARY, &payload).await;
        }
    }
}

#[tokio::test]
async fn a_client_may_leave_messages_uncompressed_or_fragment_them() {
    let site = site(|_| {}).await;
    let mut client = site.client_with(&[(OFFER, "permessage-deflate")]).await;
    let payload = text(10_000);
    client.frame(FIN | BINARY, &payload).await.unwrap();
    expect(&mut client, BINARY, &payload).await;

    let compressed = client.deflate.as_mut().unwrap().compress(&payload);
    let (first, rest) = compressed.split_at(7);
    client.frame(RSV1 | BINARY, first).await.unwrap();
    client.frame(FIN | PING, b"between").await.unwrap();
    client.frame(CONTINUATION, rest).await.unwrap();
    client.frame(FIN | CONTINUATION, b"").await.unwrap();
    expect(&mut client, PONG, b"between").await;
    expect(&mut client, BINARY, &payload).await;
}

#[tokio::test]
async fn the_reserved_bit_is_only_for_the_first_frame_of_data() {
    let site = site(|_| {}).await;
    for bytes in [
        vec![(FIN | RSV1 | PING, &b""[..])],
        vec![(TEXT, b"a"), (FIN | RSV1 | CONTINUATION, b"b")],
    ] {
        let mut client = site.client_with(&[(OFFER, "permessage-deflate")]).await;
        for (head, payload) in bytes {
            client.frame(head, payload).await.unwrap();
        }
        expect_close(&mut client, 1002).await;
    }
    // And for nobody who has not agreed.
    let mut client = site.client().await;
    client.frame(FIN | RSV1 | TEXT, b"x").await.unwrap();
    expect_close(&mut client, 1002).await;
    site.is_well().await;
}

#[tokio::test]
async fn what_does_not_inflate_is_refused() {
    let site = site(|_| {}).await;
    let mut client = site.client_with(&[(OFFER, "permessage-deflate")]).await;
    client.frame(FIN | RSV1 | TEXT, &[0xff; 50]).await.unwrap();
    expect_close(&mut client, 1007).await;

    let mut client = site.client_with(&[(OFFER, "permessage-deflate")]).await;
    client.message(TEXT, b"not \xff utf8").await.unwrap();
    expect_close(&mut client, 1007).await;
    site.is_well().await;
}

#[tokio::test]
async fn a_bomb_does_not_go_off() {
    let config = DeflateConfig::default();
    let site = Site::with(
        |server| server.max_length = 100_000,
        |ws| ws.compression = Some(config),
    )
    .await;
    let mut client = site.client_with(&[(OFFER, "permessage-deflate")]).await;
    client.message(BINARY, &vec![0; 100_000]).await.unwrap();
    expect(&mut client, BINARY, &vec![0; 100_000]).await;
    let bomb = client.deflate.as_mut().unwrap().compress(&vec![0; 5 << 20]);
    assert!(bomb.len() < 100_000, "{} bytes", bomb.len());
    client.frame(FIN | RSV1 | BINARY, &bomb).await.ok();
    expect_close(&mut client, 1009).await;
    site.is_well().await;
}

#[tokio::test]
async fn a_publication_reaches_clients_of_every_agreement() {
    use stellarfw_transport::{Delivery, Frame};

    let site = site(|config| {
        config.server_no_context_takeover = false;
    })
    .await;
    let forgets = "permessage-deflate; server_no_context_takeover";
    let narrow = "permessage-deflate; server_no_context_takeover; server_max_window_bits=9";
    let mut clients = Vec::new();
    for offer in [forgets, "", narrow, "permessage-deflate", forgets, narrow] {
        let headers: &[(&str, &str)] = if offer.is_empty() {
            &[]
        } else {
            &[(OFFER, offer)]
        };
        clients.push(site.client_with(headers).await);
    }
    for len in [50, 5_000, 100_000, 5_000] {
        let payload = text(len);
        let frame = Frame::binary(payload.clone());
        assert_eq!(site.server.write_frame(&frame, Delivery::Reliable), 6);
        let mut sent = Vec::new();
        for client in &mut clients {
            let frame = within(client.next()).await.unwrap();
            let plain = match frame.head & RSV1 != 0 {
                true => client.deflate.as_mut().unwrap().inflate(&frame.payload),
                false => frame.payload.clone(),
            };
            assert!(plain == payload, "{len} bytes came changed");
            sent.push(frame.payload);
        }
        assert!(sent[0] == sent[4] && sent[2] == sent[5]);
        assert_eq!(sent[1].len(), len);
    }
}
