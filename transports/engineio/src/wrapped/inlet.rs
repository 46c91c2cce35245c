//! The way in: a session's inlet, which the library's callbacks, requests and the end share.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use parking_lot::Mutex;
use stellarfw_transport::{CloseReason, Frame, Inlet, Message, Spark, turn};

/// So many messages may come while the spark is being opened; more of them end it,
const EARLY: usize = 256;
/// and so do longer ones, one over.
const EARLY_BYTES: usize = 1 << 20;

/// A place for an inlet that is taken out while it is at work, so that no lock is held then.
#[derive(Debug, Default)]
pub(crate) struct InletCell(Mutex<Cell>);

#[derive(Debug, Default)]
struct Cell {
    spark: Option<Spark>,
    inlet: Option<Inlet>,
    /// The spark is open: what came before that has been brought.
    open: bool,
    /// What came before the spark was open.
    early: VecDeque<Frame>,
    /// It is over, and why.
    end: Option<CloseReason>,
}

impl InletCell {
    /// Puts the inlet in, once, when the spark has opened.
    pub(crate) fn set(&self, mut inlet: Inlet) {
        let mut cell = self.0.lock();
        if cell.end.is_none() {
            cell.spark = Some(inlet.spark().clone());
        }
        while let Some(frame) = cell.early.pop_front() {
            drop(cell);
            inlet.receive(frame.as_message());
            cell = self.0.lock();
        }
        cell.open = true;
        cell.early = VecDeque::new();
        self.put(cell, inlet);
    }

    fn put(&self, mut cell: parking_lot::MutexGuard<'_, Cell>, inlet: Inlet) {
        match cell.end.clone() {
            None => cell.inlet = Some(inlet),
            Some(reason) => {
                drop(cell);
                inlet.close(reason);
            }
        }
    }

    /// Reports a message. The library gives the messages of a connection one at a time.
    pub(crate) fn receive(&self, message: Message<'_>) {
        let mut cell = self.0.lock();
        let Some(mut inlet) = cell.inlet.take() else {
            if !cell.open && cell.end.is_none() {
                cell.early.push_back(message.to_frame());
            }
            // The last may pass the bound: the first always fits.
            let before = cell.early.iter().rev().skip(1);
            let overflow =
                cell.early.len() > EARLY || before.map(Frame::len).sum::<usize>() > EARLY_BYTES;
            drop(cell);
            if overflow {
                self.close(CloseReason::InboxFull);
            }
            return;
        };
        drop(cell);
        {
            let _turn = turn();
            inlet.receive(message);
        }
        self.put(self.0.lock(), inlet);
    }

    /// Reports a message, or ends the spark for one that is too long.
    pub(crate) fn receive_or_refuse(&self, message: Option<Message<'_>>) {
        match message {
            Some(message) => self.receive(message),
            None => {
                if let Some(spark) = self.spark() {
                    spark.close(CloseReason::TooLarge);
                }
            }
        }
    }

    /// Reports a sign of life.
    pub(crate) fn alive(&self) {
        if let Some(inlet) = &self.0.lock().inlet {
            inlet.alive();
        }
    }

    /// Reports a ping or pong.
    pub(crate) fn signal(&self) {
        let Some(mut inlet) = self.0.lock().inlet.take() else {
            return;
        };
        inlet.signal();
        self.put(self.0.lock(), inlet);
    }

    /// Ready when a message may be brought.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.0.lock().inlet {
            Some(inlet) => inlet.poll_ready(cx),
            None => Poll::Ready(()),
        }
    }

    /// The spark, while it is there.
    pub(crate) fn spark(&self) -> Option<Spark> {
        self.0.lock().spark.clone()
    }

    /// Reports that the connection is gone; the first call counts.
    pub(crate) fn close(&self, reason: CloseReason) {
        let mut cell = self.0.lock();
        if cell.end.is_some() {
            return;
        }
        // What came before the spark was open also came before this, and is brought when it opens.
        if matches!(reason, CloseReason::InboxFull) {
            cell.early = VecDeque::new();
        }
        cell.end = Some(reason.clone());
        let inlet = cell.inlet.take();
        // Released outside of the lock.
        let spark = cell.spark.take();
        drop(cell);
        drop(spark);
        if let Some(inlet) = inlet {
            inlet.close(reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Request;
    use stellarfw_transport::{CodecError, Flow, Handler, Outlet, PushError, Server, Waiting};

    use super::*;

    /// Notes what is reported.
    #[derive(Default)]
    struct Notes(Arc<Mutex<Vec<String>>>);

    impl Handler for Notes {
        fn open(&self, _: &Spark) -> Flow {
            Flow::DONE
        }

        fn message(&self, _: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
            self.0.lock().push(format!("{message:?}"));
            Ok(Flow::DONE)
        }

        fn error(&self, _: &Spark, error: &CodecError) {
            self.0.lock().push(error.to_string());
        }

        fn close(&self, _: &Spark, reason: &CloseReason) {
            self.0.lock().push(format!("{reason:?}"));
        }
    }

    struct Nowhere;

    impl Outlet for Nowhere {
        fn push(&self, _: Frame) -> Result<(), PushError> {
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

    /// What is reported of a spark that opens when so many messages and the end have come.
    async fn reported(early: usize, reason: CloseReason) -> Vec<String> {
        reported_of(&vec!["1"; early], reason).await
    }

    async fn reported_of(early: &[&str], reason: CloseReason) -> Vec<String> {
        let notes = Notes::default();
        let noted = notes.0.clone();
        let server = Server::builder().handler(notes).build();
        let (mut parts, ()) = Request::new(()).into_parts();
        let admission = server.admit("engine.io", &mut parts).await.unwrap();
        let cell = InletCell::default();
        for text in early {
            cell.receive(Message::Text(text));
        }
        cell.close(reason);
        // After the end nothing comes.
        cell.receive(Message::Text("2"));
        cell.set(server.open(admission, Arc::new(Nowhere)));
        let noted = noted.lock();
        noted.clone()
    }

    #[tokio::test]
    async fn what_came_before_the_spark_was_open_is_brought_before_its_end() {
        let reason = CloseReason::Client { code: 1005 };
        let message = format!("{:?}", Message::Text("1"));
        let all = [message.clone(), message, format!("{reason:?}")];
        assert_eq!(reported(2, reason).await, all);
    }

    #[tokio::test]
    async fn too_much_that_came_before_is_not_brought() {
        let reason = CloseReason::InboxFull;
        let all = [format!("{reason:?}")];
        assert_eq!(reported(EARLY + 1, CloseReason::Gone).await, all);
        let long = "1".repeat(EARLY_BYTES + 1);
        let one = reported_of(&[&long], CloseReason::Gone).await;
        assert_eq!(one.len(), 2);
        let two = reported_of(&[&long, "1"], CloseReason::Gone).await;
        assert_eq!(two, all);
    }
}
