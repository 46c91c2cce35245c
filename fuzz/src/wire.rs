//! An in-memory connection on one thread.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use stellarfw::{
    Stellar,
    transport::{CloseReason, Frame, Inlet, Message, Outlet, Peer, PushError, Spark, Waiting},
};

/// A client together with its engine.
pub struct Wire {
    inlet: Option<Inlet>,
    spark: Spark,
    line: Arc<Line>,
}

#[derive(Default)]
struct Line(Mutex<State>);

#[derive(Default)]
struct State {
    frames: Vec<Frame>,
    closed: bool,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct End(Arc<Line>);

impl Outlet for End {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        let mut state = self.0.state();
        if state.closed {
            return Err(PushError::Closed);
        }
        state.frames.push(frame);
        Ok(())
    }

    fn flush(&self) {}

    fn waiting(&self) -> Waiting {
        Waiting::default()
    }

    fn ping(&self) {}

    fn close(&self, _: &CloseReason) {
        self.0.state().closed = true;
    }

    fn abort(&self) {
        self.0.state().closed = true;
    }
}

impl Wire {
    /// Connects to a server, at a path with its query.
    pub async fn open(stellar: &Stellar, uri: &str) -> Self {
        let mut request = http::Request::new(());
        if let Ok(uri) = uri.parse() {
            *request.uri_mut() = uri;
        }
        let (mut parts, ()) = request.into_parts();
        let address = SocketAddr::from(([192, 0, 2, 1], 1_024));
        parts.extensions.insert(Peer(address));
        let server = stellar.transport();
        let admission = match server.admit("wire", &mut parts).await {
            Ok(admission) => admission,
            Err(refusal) => panic!("refused: {refusal:?}"),
        };
        let line = Arc::new(Line::default());
        let inlet = server.open(admission, Arc::new(End(line.clone())));
        Self {
            spark: inlet.spark().clone(),
            inlet: Some(inlet),
            line,
        }
    }

    /// Returns the spark.
    pub fn spark(&self) -> &Spark {
        &self.spark
    }

    /// Delivers a message. Closes the connection if the server requests it.
    pub fn receive(&mut self, message: Message<'_>) {
        if let Some(inlet) = &mut self.inlet {
            inlet.receive(message);
        }
        if self.line.state().closed {
            self.inlet = None;
        }
    }

    /// Returns the frames sent since the last call.
    pub fn take(&self) -> Vec<Frame> {
        std::mem::take(&mut self.line.state().frames)
    }

    /// Returns the close reason, if closed.
    pub fn ended(&self) -> Option<CloseReason> {
        self.spark.close_reason().cloned()
    }
}
