//! The suite against the in-memory engine: with everything, with next to nothing, and with one
//! thing lacking at a time.

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

/// Runs the suite on this thread alone, which is another schedule than the tests above have.
async fn lacking(lack: fn(&mut Capabilities)) {
    let mut capabilities = Capabilities::FULL;
    lack(&mut capabilities);
    let report = run_all(Arc::new(MemoryHarness { capabilities })).await;
    assert!(report.is_success(), "{capabilities:?}\n{report}");
}

#[tokio::test]
async fn without_binary() {
    lacking(|c| c.binary = false).await;
}

#[tokio::test]
async fn without_headers() {
    lacking(|c| c.headers = false).await;
}

#[tokio::test]
async fn without_query() {
    lacking(|c| c.query = false).await;
}

#[tokio::test]
async fn without_refusal() {
    lacking(|c| c.refusal = false).await;
}

#[tokio::test]
async fn without_close_codes() {
    lacking(|c| c.close_codes = false).await;
}

#[tokio::test]
async fn without_ping() {
    lacking(|c| c.ping = false).await;
}
