//! The way in: a session's inlet, which the library's callbacks, requests and the end share.

use std::task::{Context, Poll};

use parking_lot::Mutex;
use stellarfw_transport::{CloseReason, Inlet, Message, Spark, turn};

/// A place for an inlet that is taken out while it is at work, so that no lock is held then.
#[derive(Debug, Default)]
pub(crate) struct InletCell(Mutex<Cell>);

#[derive(Debug, Default)]
struct Cell {
    spark: Option<Spark>,
    inlet: Option<Inlet>,
    /// It is over, and why.
    end: Option<CloseReason>,
}

impl InletCell {
    /// Puts the inlet in, once, when the spark has opened.
    pub(crate) fn set(&self, inlet: Inlet) {
        let mut cell = self.0.lock();
        if cell.end.is_none() {
            cell.spark = Some(inlet.spark().clone());
        }
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
        let taken = self.0.lock().inlet.take();
        let Some(mut inlet) = taken else {
            return;
        };
        {
            let _turn = turn();
            inlet.receive(message);
        }
        self.put(self.0.lock(), inlet);
    }

    /// Reports a sign of life.
    pub(crate) fn alive(&self) {
        if let Some(inlet) = &self.0.lock().inlet {
            inlet.alive();
        }
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
