//! The suite's way to the engine, and the clients of that.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, atomic::Ordering},
};

use async_trait::async_trait;
use http::header;
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use stellarfw_transport::{
    Capabilities, Frame, Outbox, Peer, Refusal, Server, Transport,
    http::{Response, is_under, refused},
};
use tokio::sync::Notify;

use super::{Call, End, Library, Line, Memory, MemoryOutlet, State};
use crate::harness::{Client, Connect, Harness, Received, Refused, Stage};

/// The suite's way to [`Memory`].
#[derive(Clone, Copy, Debug)]
pub struct MemoryHarness {
    /// What the engine can do. Default: everything.
    pub capabilities: Capabilities,
}

impl Default for MemoryHarness {
    fn default() -> Self {
        Self {
            capabilities: Capabilities::FULL,
        }
    }
}

impl Harness for MemoryHarness {
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn Stage>) {
        let engine = Arc::new(Memory::new(self.capabilities));
        (engine.clone(), Box::new(MemoryStage(engine)))
    }
}

struct MemoryStage(Arc<Memory>);

impl MemoryStage {
    /// The request of a client, as far as this engine has such a thing.
    fn request(&self, server: &Server, connect: &Connect) -> Result<http::Request<()>, Refused> {
        let capabilities = self.0.capabilities;
        let pathname = server.config().pathname.as_str();
        let mut uri = connect.path.as_deref().unwrap_or(pathname).to_owned();
        let mut request = http::Request::builder();
        if capabilities.headers {
            let mut paths = self.0.path().into_iter().chain([pathname]);
            if !paths.any(|path| is_under(&uri, path)) {
                return Err(Refused {
                    status: Some(404),
                    ..Refused::default()
                });
            }
            for (name, value) in &connect.headers {
                request = request.header(name, value);
            }
        }
        if capabilities.query && !connect.query.is_empty() {
            uri = format!("{uri}?{}", connect.query);
        }
        let request = request.uri(uri).body(());
        Ok(request.unwrap_or_else(|error| panic!("no such request can be: {error}")))
    }

    async fn open(
        &self,
        library: Arc<Library>,
        connect: Connect,
    ) -> Result<MemoryClient, Rejected> {
        let server = &library.server;
        let id = library.next.fetch_add(1, Ordering::Relaxed);
        // From the block for documentation: no real client has it.
        let port = 1_024 + u16::try_from(id % 60_000).unwrap_or_default();
        let address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), port));
        let (mut parts, ()) = self.request(server, &connect)?.into_parts();
        parts.extensions.insert(Peer(address));
        let admission = server.admit(Memory::NAME, &mut parts).await?;

        let line = Arc::new(Line {
            id,
            capabilities: self.0.capabilities,
            library: library.clone(),
            state: Mutex::new(State {
                outbox: Outbox::new(server.outbox_limits()),
                pipe: VecDeque::new(),
                ping: false,
                closing: None,
                cut: false,
            }),
            readable: Notify::new(),
        });
        let inlet = server.open(admission, Arc::new(MemoryOutlet(line.clone())));
        let client = MemoryClient {
            line: Some(line.clone()),
            answer: true,
            address,
        };
        // The engine has stopped when nobody takes it; then the inlet is dropped and tells.
        library.calls.send(Call::Open(inlet, line)).await.ok();
        Ok(client)
    }
}

/// Why a client was not let in.
enum Rejected {
    Refused(Refused),
    Refusal(Refusal),
}

impl From<Refused> for Rejected {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Refusal> for Rejected {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

/// Reads the answer that an engine over HTTP gives.
async fn read(response: Response) -> Refused {
    let (parts, body) = response.into_parts();
    let bytes = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |name| {
        let value = parts.headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    Refused {
        status: Some(parts.status.as_u16()),
        message: json["error"].as_str().map(str::to_owned),
        www_authenticate: text(header::WWW_AUTHENTICATE),
        connection_close: Some(text(header::CONNECTION).as_deref() == Some("close")),
    }
}

#[async_trait]
impl Stage for MemoryStage {
    async fn serve(&mut self, _: &Server, _: &[SocketAddr]) {}

    async fn connect(&self, connect: Connect) -> Result<Box<dyn Client>, Refused> {
        let library = self.0.library.lock().clone();
        let Some(library) = library else {
            return Err(Refused::default());
        };
        match self.open(library, connect).await {
            Ok(client) => Ok(Box::new(client)),
            Err(Rejected::Refused(refused)) => Err(refused),
            Err(Rejected::Refusal(refusal)) if self.0.capabilities.refusal => {
                Err(read(refused(&refusal, true)).await)
            }
            Err(Rejected::Refusal(_)) => Ok(Box::new(MemoryClient {
                line: None,
                answer: true,
                address: SocketAddr::from(([0, 0, 0, 0], 0)),
            })),
        }
    }
}

struct MemoryClient {
    /// None when it was not let in and is to find out by itself.
    line: Option<Arc<Line>>,
    answer: bool,
    address: SocketAddr,
}

impl MemoryClient {
    async fn call(&self, call: impl FnOnce(u64) -> Call) -> io::Result<()> {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        let line = self.line.as_ref().ok_or_else(closed)?;
        if line.state.lock().cut {
            return Err(closed());
        }
        let sent = line.library.calls.send(call(line.id)).await;
        sent.map_err(|_| closed())
    }
}

#[async_trait]
impl Client for MemoryClient {
    async fn send(&mut self, payload: Frame) -> io::Result<()> {
        self.call(|id| Call::Message(id, payload)).await
    }

    async fn next(&mut self) -> Received {
        let Some(line) = self.line.clone() else {
            return Received::Closed(None);
        };
        loop {
            let pinged = {
                let mut state = line.state.lock();
                if let Some(frame) = state.pipe.pop_front() {
                    state.flow();
                    return Received::Payload(frame);
                }
                state.flow();
                if !state.pipe.is_empty() {
                    continue;
                }
                if state.cut {
                    return Received::Closed(None);
                }
                if let Some(code) = state.closing {
                    state.cut = true;
                    line.end(End::Gone(line.id));
                    return Received::Closed(line.capabilities.close_codes.then_some(code));
                }
                std::mem::take(&mut state.ping) && self.answer
            };
            if pinged {
                self.call(Call::Alive).await.ok();
            } else {
                line.readable.notified().await;
            }
        }
    }

    fn answer_pings(&mut self, answer: bool) {
        self.answer = answer;
    }

    async fn goodbye(self: Box<Self>, code: u16) {
        let Some(line) = &self.line else { return };
        let code = if line.capabilities.close_codes {
            code
        } else {
            1005
        };
        self.call(|id| Call::Goodbye(id, code)).await.ok();
        while !line.state.lock().cut {
            line.readable.notified().await;
        }
    }

    async fn vanish(self: Box<Self>) {}

    async fn send_half(&mut self, _: Frame) -> bool {
        false
    }

    async fn send_garbage(&mut self, _: &[u8]) -> bool {
        false
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(self.address)
    }
}

impl Drop for MemoryClient {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            // First this, for the case that its opening has not been worked off yet.
            line.cut();
            line.end(End::Gone(line.id));
        }
    }
}
