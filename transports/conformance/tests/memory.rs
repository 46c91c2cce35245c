//! The suite against the in-memory engine, with all capabilities, with few, and with one missing.

use std::sync::Arc;

use stellarfw_conformance::{memory::MemoryHarness, run_all, suite};
use stellarfw_transport::Capabilities;

mod full {
    use super::*;
    suite!(MemoryHarness::default());
}

mod text_only {
    use super::*;
    suite!(MemoryHarness {
        capabilities: Capabilities::TEXT_ONLY
    });
}

/// Runs the suite on one thread, which schedules tasks differently from the tests above.
async fn run_without(remove: fn(&mut Capabilities)) {
    let mut capabilities = Capabilities::FULL;
    remove(&mut capabilities);
    let report = run_all(Arc::new(MemoryHarness { capabilities })).await;
    assert!(report.is_success(), "{capabilities:?}\n{report}");
}

#[tokio::test]
async fn without_binary() {
    run_without(|c| c.binary = false).await;
}

#[tokio::test]
async fn without_headers() {
    run_without(|c| c.headers = false).await;
}

#[tokio::test]
async fn without_query() {
    run_without(|c| c.query = false).await;
}

#[tokio::test]
async fn without_refusal() {
    run_without(|c| c.refusal = false).await;
}

#[tokio::test]
async fn without_close_codes() {
    run_without(|c| c.close_codes = false).await;
}

#[tokio::test]
async fn without_ping() {
    run_without(|c| c.ping = false).await;
}
