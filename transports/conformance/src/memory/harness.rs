//! The harness of the in-memory engine, and its clients.

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

use super::{Command, Connection, End, Library, Memory, MemoryOutlet, State};
use crate::harness::{Client, Connect, Harness, Received, Refused, TestServer};

/// Harness of the engine [`Memory`].
#[derive(Clone, Copy, Debug)]
pub struct MemoryHarness {
    /// Capabilities of the engine. Default: [`Capabilities::FULL`].
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
    fn engine(&self) -> (Arc<dyn Transport>, Box<dyn TestServer>) {
        let engine = Arc::new(Memory::new(self.capabilities));
        (engine.clone(), Box::new(MemoryTestServer(engine)))
    }
}

struct MemoryTestServer(Arc<Memory>);

impl MemoryTestServer {
    /// Builds the request of a client, as far as the capabilities allow.
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
        Ok(request.unwrap_or_else(|error| panic!("invalid request: {error}")))
    }

    async fn open(
        &self,
        library: Arc<Library>,
        connect: Connect,
    ) -> Result<MemoryClient, Rejected> {
        let server = &library.server;
        let id = library.next.fetch_add(1, Ordering::Relaxed);
        // From the block reserved for documentation, which no real client uses.
        let port = 1_024 + u16::try_from(id % 60_000).unwrap_or_default();
        let address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), port));
        let (mut parts, ()) = self.request(server, &connect)?.into_parts();
        parts.extensions.insert(Peer(address));
        let admission = server.admit(Memory::NAME, &mut parts).await?;

        let connection = Arc::new(Connection {
            id,
            capabilities: self.0.capabilities,
            library: library.clone(),
            state: Mutex::new(State {
                outbox: Outbox::new(server.outbox_limits()),
                pipe: VecDeque::new(),
                ping: false,
                closing: None,
                aborted: false,
            }),
            readable: Notify::new(),
        });
        let inlet = server.open(admission, Arc::new(MemoryOutlet(connection.clone())));
        let client = MemoryClient {
            connection: Some(connection.clone()),
            answer_pings: true,
            address,
        };
        // Fails only after the engine has stopped; dropping the inlet then reports the end.
        let open = Command::Open(inlet, connection);
        library.commands.send(open).await.ok();
        Ok(client)
    }
}

/// The refusal of a client, by the path check or by the server.
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

/// Converts the response that an engine over HTTP would send.
async fn to_refused(response: Response) -> Refused {
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
impl TestServer for MemoryTestServer {
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
                Err(to_refused(refused(&refusal, true)).await)
            }
            Err(Rejected::Refusal(_)) => Ok(Box::new(MemoryClient {
                connection: None,
                answer_pings: true,
                address: SocketAddr::from(([0, 0, 0, 0], 0)),
            })),
        }
    }
}

struct MemoryClient {
    /// `None` if the client was refused and the engine cannot report that.
    connection: Option<Arc<Connection>>,
    answer_pings: bool,
    address: SocketAddr,
}

impl MemoryClient {
    async fn command(&self, command: impl FnOnce(u64) -> Command) -> io::Result<()> {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        let connection = self.connection.as_ref().ok_or_else(closed)?;
        if connection.state.lock().aborted {
            return Err(closed());
        }
        let commands = &connection.library.commands;
        let sent = commands.send(command(connection.id)).await;
        sent.map_err(|_| closed())
    }
}

#[async_trait]
impl Client for MemoryClient {
    async fn send(&mut self, payload: Frame) -> io::Result<()> {
        self.command(|id| Command::Message(id, payload)).await
    }

    async fn next(&mut self) -> Received {
        let Some(connection) = self.connection.clone() else {
            return Received::Closed(None);
        };
        loop {
            let pinged = {
                let mut state = connection.state.lock();
                if let Some(frame) = state.pipe.pop_front() {
                    state.fill_pipe();
                    return Received::Payload(frame);
                }
                state.fill_pipe();
                if !state.pipe.is_empty() {
                    continue;
                }
                if state.aborted {
                    return Received::Closed(None);
                }
                if let Some(code) = state.closing {
                    state.aborted = true;
                    connection.end(End::Gone(connection.id));
                    let has_codes = connection.capabilities.close_codes;
                    return Received::Closed(has_codes.then_some(code));
                }
                std::mem::take(&mut state.ping) && self.answer_pings
            };
            if pinged {
                self.command(Command::Alive).await.ok();
            } else {
                connection.readable.notified().await;
            }
        }
    }

    fn answer_pings(&mut self, answer: bool) {
        self.answer_pings = answer;
    }

    async fn goodbye(self: Box<Self>, code: u16) {
        let Some(connection) = &self.connection else {
            return;
        };
        let code = if connection.capabilities.close_codes {
            code
        } else {
            1005
        };
        self.command(|id| Command::Close(id, code)).await.ok();
        while !connection.state.lock().aborted {
            connection.readable.notified().await;
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
        if let Some(connection) = &self.connection {
            // Aborts first, in case the engine has not processed the open command yet.
            connection.abort();
            connection.end(End::Gone(connection.id));
        }
    }
}
