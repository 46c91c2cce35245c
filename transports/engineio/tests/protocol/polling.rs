//! GET and POST: one of each at a time, their bounds, and what does not fit.

use std::time::Duration;

use stellarfw_engineio::EngineIoConfig;
use stellarfw_transport::CloseReason;

use super::{
    bed::{Event, bed, default, ended, hear},
    support::{http::Http, line::Way},
};

#[tokio::test]
async fn a_post_that_is_too_long_is_answered_413() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.max_length = 100).await;
    for too_much in [1, 10_000] {
        let (mut line, _) = bed.connect(Way::Polling).await;
        let announced = line.open["maxPayload"].as_u64();
        assert_eq!(announced, Some(stellarfw_engineio::max_payload(100) as u64));
        // Many short messages at once are no fault.
        let short = ["4\"short\""; 10].join("\x1e");
        assert_eq!(line.post(short.as_bytes()).await.unwrap().status, 200);
        for _ in 0..10 {
            assert!(matches!(bed.event().await, Event::Message(_)));
        }
        let long = format!("4\"{}\"", "x".repeat(98 + too_much));
        assert_eq!(line.post(long.as_bytes()).await.unwrap().status, 413);
        ended(&mut line).await;
        assert_eq!(bed.closed().await, CloseReason::TooLarge);
    }
}

#[tokio::test]
async fn one_poll_and_one_post_at_a_time() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.close_timeout = 200).await;
    let (line, _) = bed.connect(Way::Polling).await;
    let target = format!("{}&transport=polling", line.target);
    let mut first = Http::connect(bed.site.address()).await.unwrap();
    first.send("GET", &target, &[], b"").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(bed.ask("GET", &target, &[]).await.json()["code"], 3);
    assert_eq!(first.answer().await.unwrap().body, b"1");
    assert!(matches!(
        bed.closed().await,
        CloseReason::Protocol { code: 1002, .. }
    ));

    let (mut line, _) = bed.connect(Way::Polling).await;
    line.send_half(b"\"half of it\"").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let target = format!("{}&transport=polling", line.target);
    assert_eq!(bed.ask("POST", &target, &[]).await.json()["code"], 3);
    assert!(matches!(
        bed.closed().await,
        CloseReason::Protocol { code: 1002, .. }
    ));
}

#[tokio::test]
async fn a_post_has_a_deadline() {
    let mut config = EngineIoConfig::default();
    config.post_timeout = 100;
    let mut bed = bed(config, default).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    line.send_half(b"\"half of it\"").await;
    assert_eq!(line.half_answer().await.status, 408);
    assert!(spark.is_open());
}

#[tokio::test]
async fn what_does_not_fit_a_poll_is_not_lost() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.max_length = 1_000).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    // More than one answer holds.
    spark.send(&0).unwrap();
    let large = "x".repeat(3_000);
    spark.send(&large).unwrap();
    for n in 0..500 {
        spark.send(&n).unwrap();
    }
    spark.send(&large).unwrap();
    assert_eq!(hear(&mut line, 1).await, [0]);
    // The library keeps the large one for the next poll, which is the WebSocket's.
    line.upgrade().await.unwrap();
    assert_eq!(hear(&mut line, 1).await, std::slice::from_ref(&large));
    let heard = hear(&mut line, 501).await;
    assert!(
        heard[..500]
            .iter()
            .enumerate()
            .all(|(n, value)| *value == n)
    );
    assert_eq!(heard[500], large);
    assert!(spark.is_open());
}

#[tokio::test]
async fn a_close_waits_for_what_does_not_fit_a_poll() {
    let mut bed = bed(EngineIoConfig::default(), |c| c.max_length = 1_000).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    let large = "x".repeat(3_000);
    spark.send(&large).unwrap();
    spark.end_with_reconnect();
    assert_eq!(hear(&mut line, 1).await, [large]);
    ended(&mut line).await;
    bed.closed().await;
}

#[tokio::test]
async fn a_close_waits_for_the_next_poll() {
    let mut bed = bed(EngineIoConfig::default(), default).await;
    let (mut line, spark) = bed.connect(Way::Polling).await;
    spark.send("last").unwrap();
    spark.end_with_reconnect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(hear(&mut line, 1).await, ["last"]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    ended(&mut line).await;
    bed.closed().await;
}
