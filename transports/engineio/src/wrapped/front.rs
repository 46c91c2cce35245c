//! The front of the library: all that is asked of an engine and that the library does not do.
//!
//! Requests are checked here (origin, protocol, session, size), a session's connection is admitted
//! and bounded, and its WebSocket is watched. The library sees only requests it can answer.

use std::{sync::Arc, time::Duration};

use engineioxide::config::EngineIoConfig as LibraryConfig;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use stellarfw_transport::{
    Refusal, Server, ServerConfig, SessionOwner, cors,
    http::{Body, Request, Response, refused},
    is_websocket_upgrade,
};
use stellarfw_websocket::Upgrade;

use crate::wrapped::{
    config::{EngineIoConfig, max_payload},
    entry::Entry,
    handshake,
    library::Library,
    outlet::{Line, SPARE, WINDOW},
    polling::{self, PostLimits},
    request::{Ask, Fault},
    session::{Session, Sessions},
};

/// Seconds that a browser may remember what it may send.
const PREFLIGHT: u32 = 600;

/// An engine's front: its library, and the sessions in it.
pub struct Front<L> {
    name: &'static str,
    pub(crate) library: Arc<L>,
    sessions: Arc<Sessions>,
    config: EngineIoConfig,
    pub(crate) post: PostLimits,
    /// The longest message of the library.
    pub(crate) longest: usize,
    pub(crate) attachments: usize,
    /// Clients ask to be let in after their first request.
    admit_later: bool,
    /// How long a WebSocket may take nothing of what is written to it.
    pub(crate) patience: Duration,
}

/// What an engine needs of its front besides Engine.IO.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FrontOptions {
    /// How much longer a message is on the wire than its payload.
    pub overhead: usize,
    /// Clients ask to be let in after their first request; see [`Session::admit`].
    pub admit_later: bool,
    /// Text messages that begin with 45 or 46 are followed by so many binary ones as they say, which
    /// belong to them and with them are one message: at most this number.
    pub attachments: usize,
}

/// The library's settings for a server.
#[must_use]
pub fn library_config(
    config: &EngineIoConfig,
    options: FrontOptions,
    server: &ServerConfig,
) -> LibraryConfig {
    let longest = server.max_length.saturating_add(options.overhead);
    LibraryConfig::builder()
        .req_path("/")
        .ping_interval(config.ping_interval(server))
        .ping_timeout(config.ping_timeout())
        .max_buffer_size(WINDOW + SPARE)
        // What comes over a WebSocket is a POST for the library, however short those of clients are.
        .max_payload(config.max_payload(longest).max(max_payload(longest)) as u64)
        .build()
}

impl<L: Library> Front<L> {
    /// The front of an engine of this name.
    pub fn new(
        name: &'static str,
        config: EngineIoConfig,
        options: FrontOptions,
        server: &ServerConfig,
        library: L,
    ) -> Arc<Self> {
        let longest = server.max_length.saturating_add(options.overhead);
        let payload = config.max_payload(longest);
        Arc::new(Self {
            name,
            library: Arc::new(library),
            sessions: Arc::new(Sessions::new(payload, config.ping_interval(server))),
            post: PostLimits {
                bytes: payload,
                timeout: config.post_timeout(),
                grace: server.body_grace(config.post_timeout()),
                least_rate: server.least_rate,
                unheard: match options.admit_later {
                    true => payload,
                    false => usize::MAX,
                },
            },
            longest,
            attachments: options.attachments,
            admit_later: options.admit_later,
            patience: config.patience(server),
            config,
        })
    }

    /// Size of the buffer from which is read what does not come whole.
    pub(crate) fn read_buffer(&self) -> usize {
        self.config.read_buffer
    }

    /// Answers a request under the engine's path. Not cancel safe, as
    /// [`Transport::serve`](stellarfw_transport::Transport::serve).
    pub async fn serve(self: &Arc<Self>, server: &Server, request: Request) -> Response {
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
                .unwrap_or_else(|fault| fault.response(upgrade))
        };
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            cors::add(cors, &mut response);
        }
        response
    }

    async fn answer(
        self: &Arc<Self>,
        server: &Server,
        parts: &mut Parts,
        body: Body,
    ) -> Result<Response, Fault> {
        let mut ask = Ask::read(parts, self.config.allow_eio3)?;
        let Some(sid) = ask.sid else {
            return self.open(server, parts, &ask).await;
        };
        let bind = self.config.bind.as_ref();
        let session = self.sessions.get(sid);
        let session = session.filter(|it| it.owner.sent(server.config(), bind, parts));
        let session = session.ok_or(Fault::UnknownSession)?;
        // From here on the library's own id of it.
        ask.sid = session.sid();
        if ask.socket {
            let upgrade = upgrade(parts)?;
            if !session.begin_upgrade() {
                return Ok(handshake::decline(server, upgrade));
            }
            return Ok(handshake::websocket(self, server, session, &ask, upgrade));
        }
        if session.lock().line == Line::WebSocket {
            return Err(Fault::BadRequest);
        }
        match parts.method {
            Method::GET => Ok(polling::get(&*self.library, session, &ask).await),
            Method::POST => {
                Ok(polling::post(&*self.library, session, &ask, parts, body, self.post).await)
            }
            _ => Err(Fault::BadRequest),
        }
    }

    /// Opens a session.
    async fn open(
        self: &Arc<Self>,
        server: &Server,
        parts: &mut Parts,
        ask: &Ask,
    ) -> Result<Response, Fault> {
        let upgrade = match ask.socket {
            true => Some(upgrade(parts)?),
            false => None,
        };
        let owner = SessionOwner::of(server.config(), self.config.bind.as_ref(), parts);
        let is_https = server.config().is_https(&parts.extensions, &parts.headers);
        let secure = if is_https == Some(true) {
            "; Secure"
        } else {
            ""
        };
        let entry = match self.enter(server, parts).await {
            Ok(entry) => entry,
            Err(refusal) => return Ok(refused(&refusal, ask.socket)),
        };
        let library = Arc::downgrade(&self.library);
        let session = Session::new(&self.sessions, library, server, *ask, (entry, owner));
        if let Some(upgrade) = upgrade {
            return Ok(handshake::websocket(self, server, session, ask, upgrade));
        }
        let mut response = handshake::polling(&*self.library, &session, ask, self.post.bytes).await;
        if let (Some(name), Some(_)) = (&self.config.cookie, session.sid())
            && let Ok(value) = HeaderValue::from_str(&format!(
                "{name}={}; Path=/; HttpOnly; SameSite=Lax{secure}",
                session.id()
            ))
        {
            response.headers_mut().insert(header::SET_COOKIE, value);
        }
        Ok(response)
    }

    /// Lets a session in, or gives it a place to ask for that.
    async fn enter(&self, server: &Server, parts: &mut Parts) -> Result<Entry, Refusal> {
        if !self.admit_later {
            let admission = server.admit(self.name, parts).await?;
            return Ok(Entry::Admitted(server.clone(), Box::new(admission)));
        }
        let places = server.reserve(self.name, parts)?;
        let empty = http::Request::new(()).into_parts().0;
        let parts = Box::new(std::mem::replace(parts, empty));
        Ok(Entry::Asked(server.clone(), parts, Some(Box::new(places))))
    }
}

/// Reads a request for a WebSocket.
fn upgrade(parts: &mut Parts) -> Result<Upgrade, Fault> {
    if !is_websocket_upgrade(parts) {
        return Err(Fault::BadRequest);
    }
    Upgrade::read(parts).map_err(|_| Fault::BadRequest)
}
