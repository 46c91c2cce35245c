//! An in-memory spark.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use stellarfw::transport::{CloseReason, Frame, Inlet, Outlet, PushError, Server, Waiting};

/// An outlet that discards every frame.
#[derive(Default)]
struct Sink(AtomicUsize);

impl Outlet for Sink {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        self.0.fetch_add(frame.len(), Ordering::Relaxed);
        Ok(())
    }
    fn flush(&self) {}
    fn waiting(&self) -> Waiting {
        Waiting::default()
    }
    fn ping(&self) {}
    fn close(&self, _: &CloseReason) {}
    fn abort(&self) {}
}

/// Opens a spark and returns its inlet.
pub(super) async fn open(server: &Server) -> Inlet {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    match server.admit("bench", &mut parts).await {
        Ok(admission) => server.open(admission, Arc::new(Sink::default())),
        Err(refusal) => panic!("refused: {refusal}"),
    }
}
