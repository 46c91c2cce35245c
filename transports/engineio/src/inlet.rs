//! The way in: a session's inlet, which the library's callbacks, requests and the end share.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use parking_lot::Mutex;
use stellarfw_transport::{CloseReason, Frame, Inlet, Message, Spark, turn};

/// So many messages may come while the spark is being opened; more of them end it.
const EARLY: usize = 256;

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
            let overflow = cell.early.len() > EARLY;
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

    /// Whether messages are brought at once.
    pub(crate) fn is_open(&self) -> bool {
        self.0.lock().inlet.is_some()
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
        cell.early = VecDeque::new();
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
