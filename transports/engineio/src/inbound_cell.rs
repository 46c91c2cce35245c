//! The place of a spark's inlet, which requests, the WebSocket, and the end share.

use std::task::{Context, Poll};

use parking_lot::{Mutex, MutexGuard};
use stellarfw_transport::{CloseReason, Inlet, Message, Spark, turn};

/// A place for an inlet that is taken out while it works, so that no lock is held while a handler runs.
///
/// One caller at a time [receives](Self::receive); everything else may be called from anywhere at any time.
#[derive(Debug, Default)]
pub struct InboundCell(Mutex<Cell>);

#[derive(Debug, Default)]
struct Cell {
    spark: Option<Spark>,
    inlet: Option<Inlet>,
    /// It is over, and why.
    end: Option<CloseReason>,
}

impl InboundCell {
    /// Puts the inlet in, once, when the spark has opened. If the end came before, the inlet is closed.
    pub fn set(&self, inlet: Inlet) {
        let mut cell = self.0.lock();
        if cell.end.is_none() {
            cell.spark = Some(inlet.spark().clone());
        }
        Self::put(cell, inlet);
    }

    fn put(mut cell: MutexGuard<'_, Cell>, inlet: Inlet) {
        match cell.end.clone() {
            None => cell.inlet = Some(inlet),
            Some(reason) => {
                drop(cell);
                inlet.close(reason);
            }
        }
    }

    /// Reports a message. Before the spark is open and after its end this does nothing.
    pub fn receive(&self, message: Message<'_>) {
        let Some(mut inlet) = self.0.lock().inlet.take() else {
            return;
        };
        {
            let _turn = turn();
            inlet.receive(message);
        }
        Self::put(self.0.lock(), inlet);
    }

    /// Reports a sign of life.
    pub fn alive(&self) {
        if let Some(inlet) = &self.0.lock().inlet {
            inlet.alive();
        }
    }

    /// Reports a ping or pong, which counts for the spark's rate.
    pub fn signal(&self) {
        let Some(mut inlet) = self.0.lock().inlet.take() else {
            return;
        };
        inlet.signal();
        Self::put(self.0.lock(), inlet);
    }

    /// Ready when the spark's inbox has room. See [`Inlet::poll_ready`].
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.0.lock().inlet {
            Some(inlet) => inlet.poll_ready(cx),
            None => Poll::Ready(()),
        }
    }

    /// Returns the spark, while it is open.
    #[must_use]
    pub fn spark(&self) -> Option<Spark> {
        self.0.lock().spark.clone()
    }

    /// Reports that the connection is gone. The first call counts.
    pub fn close(&self, reason: CloseReason) {
        let mut cell = self.0.lock();
        if cell.end.is_some() {
            return;
        }
        cell.end = Some(reason.clone());
        let (inlet, spark) = (cell.inlet.take(), cell.spark.take());
        // Both may be the last of their kind: not under the lock.
        drop(cell);
        drop(spark);
        if let Some(inlet) = inlet {
            inlet.close(reason);
        }
    }
}
