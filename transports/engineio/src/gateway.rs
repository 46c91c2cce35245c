//! Requests of an engine: checked, and dispatched to sessions, polls, POSTs, and WebSockets.

use std::sync::{Arc, OnceLock};

use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use stellarfw_transport::{
    Server, SessionOwner, cors,
    http::{Body, Request, Response, refused, text},
    is_websocket_upgrade,
};
use stellarfw_websocket::Upgrade;

use crate::{
    config::EngineIoConfig,
    machine::Transport,
    open_packet::open_payload,
    polling::{self, PostLimits},
    protocol::Protocol,
    query::{Query, RequestError},
    session::Session,
    sessions::Sessions,
    websocket,
};

/// The seconds that a browser may remember what it may send.
const PREFLIGHT: u32 = 600;

/// Requirements of a protocol on top of Engine.IO.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct GatewayOptions {
    /// How much longer a message is than its payload, in bytes.
    pub overhead: usize,
    /// Over a WebSocket the close frame alone ends a session, without Engine.IO's close packet before it. A client
    /// that closes as soon as it reads the packet does not see the code of the frame.
    pub close_frame_only: bool,
}

/// Serves the requests of an engine on Engine.IO, and owns its sessions.
pub struct Gateway<P> {
    protocol: Arc<P>,
    config: EngineIoConfig,
    options: GatewayOptions,
    /// Created with the first request, when the server's settings are known.
    settled: OnceLock<Settled>,
}

/// Everything that depends on the server's settings.
struct Settled {
    sessions: Arc<Sessions>,
    post: PostLimits,
    socket: websocket::Options,
}

impl<P: Protocol> Gateway<P> {
    /// Creates the gateway of an engine, for one server.
    #[must_use]
    pub fn new(config: EngineIoConfig, options: GatewayOptions, protocol: P) -> Self {
        Self {
            protocol: Arc::new(protocol),
            config,
            options,
            settled: OnceLock::new(),
        }
    }

    /// Returns the protocol upon its sessions.
    pub fn protocol(&self) -> &P {
        &self.protocol
    }

    /// Returns the settings.
    pub fn config(&self) -> &EngineIoConfig {
        &self.config
    }

    fn settle(&self, server: &Server) -> Settled {
        let settings = server.config();
        let longest = settings.max_length.saturating_add(self.options.overhead);
        let max_payload = self.config.max_payload(longest);
        let timeout = self.config.post_timeout();
        Settled {
            sessions: Sessions::new(&self.config, self.options, server, max_payload),
            post: PostLimits {
                bytes: max_payload,
                timeout,
                grace: settings.body_grace(timeout),
                least_rate: settings.least_rate,
            },
            socket: websocket::Options {
                read_buffer: self.config.read_buffer,
                longest,
                patience: self.config.patience(settings),
                handshake_timeout: settings.handshake_timeout(),
            },
        }
    }

    /// Answers a request under the engine's path. Not cancel safe, as
    /// [`Transport::serve`](stellarfw_transport::Transport::serve).
    pub async fn serve(&self, server: &Server, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let upgrade = is_websocket_upgrade(&parts);
        if !server.config().allows_page(&parts) {
            return refused(&server.refuse_origin(&parts), upgrade);
        }
        let cors = cors::headers(server.config(), &parts);
        let mut response = if parts.method == Method::OPTIONS {
            cors::preflight("GET, POST", PREFLIGHT)
        } else {
            self.answer(server, &mut parts, body)
                .await
                .unwrap_or_else(|error| error.response(upgrade))
        };
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            cors::add(cors, &mut response);
        }
        response
    }

    async fn answer(
        &self,
        server: &Server,
        parts: &mut Parts,
        body: Body,
    ) -> Result<Response, RequestError> {
        let settled = self.settled.get_or_init(|| self.settle(server));
        let query = Query::read(parts, self.config.allow_eio3)?;
        let Some(id) = &query.session else {
            return self.open(settled, server, parts, &query).await;
        };
        let bind = self.config.bind.as_ref();
        let session = settled.sessions.get(id);
        let session = session.filter(|it| it.owner.sent(server.config(), bind, parts));
        let session = session.ok_or(RequestError::UnknownSession)?;
        if query.websocket {
            let upgrade = read_upgrade(parts)?;
            if !session.lock().machine.begin_upgrade() {
                return Ok(websocket::decline(server, upgrade));
            }
            let options = settled.socket.with_base64(query.base64);
            return Ok(websocket::move_to(session, upgrade, options));
        }
        match parts.method {
            Method::GET => polling::get(session, !query.base64).await,
            Method::POST => polling::post(session, parts, body, settled.post).await,
            _ => Err(RequestError::BadRequest),
        }
    }

    /// Opens a session.
    async fn open(
        &self,
        settled: &Settled,
        server: &Server,
        parts: &mut Parts,
        query: &Query,
    ) -> Result<Response, RequestError> {
        let upgrade = match query.websocket {
            true => Some(read_upgrade(parts)?),
            false => None,
        };
        let owner = SessionOwner::of(server.config(), self.config.bind.as_ref(), parts);
        let is_https = server.config().is_https(&parts.extensions, &parts.headers) == Some(true);
        let accepted = match self.protocol.accept(server, parts).await {
            Ok(accepted) => accepted,
            Err(refusal) => return Ok(refused(&refusal, query.websocket)),
        };
        let begin = {
            let (sessions, version) = (settled.sessions.clone(), query.version);
            move |transport| Session::new(&sessions, version, transport, owner)
        };
        let Some(upgrade) = upgrade else {
            let session = begin(Transport::Polling);
            let consumer = self.protocol.open(server, accepted, &session);
            session.open(consumer);
            let mut response = text(StatusCode::OK, open_payload(&session));
            if let Some(cookie) = self.cookie(&session, is_https) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            return Ok(response);
        };
        let (protocol, of_server) = (self.protocol.clone(), server.clone());
        let begin = move || {
            let session = begin(Transport::WebSocket);
            let open = move |session: &Arc<Session>| protocol.open(&of_server, accepted, session);
            (session, open)
        };
        let options = settled.socket.with_base64(query.base64);
        Ok(websocket::open(begin, upgrade, options))
    }

    /// Returns the cookie with the session's id, for load balancers.
    fn cookie(&self, session: &Session, is_https: bool) -> Option<HeaderValue> {
        let name = self.config.cookie.as_ref()?;
        let secure = if is_https { "; Secure" } else { "" };
        let id = session.id();
        HeaderValue::from_str(&format!(
            "{name}={id}; Path=/; HttpOnly; SameSite=Lax{secure}"
        ))
        .ok()
    }

    /// Ends all sessions.
    pub fn stop(&self) {
        if let Some(settled) = self.settled.get() {
            settled.sessions.end_all();
        }
    }
}

impl<P> Drop for Gateway<P> {
    fn drop(&mut self) {
        // Sessions and their table hold each other.
        if let Some(settled) = self.settled.get() {
            settled.sessions.release();
        }
    }
}

/// Reads a request for a WebSocket.
fn read_upgrade(parts: &mut Parts) -> Result<Upgrade, RequestError> {
    if !is_websocket_upgrade(parts) {
        return Err(RequestError::BadRequest);
    }
    Upgrade::read(parts).map_err(|_| RequestError::BadRequest)
}
