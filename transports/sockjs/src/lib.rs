#![doc = include_str!("lib.md")]

mod config;
mod deadlines;
mod frame;
mod handshake;
mod http_outlet;
mod http_transport;
mod pages;
mod receiver;
mod responses;
mod route;
mod send;
mod session;
mod sessions;
mod slot;
mod websocket;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use http::{Method, StatusCode, request::Parts};
use stellarfw_transport::{
    Capabilities, Kind, Server, StartError, Transport,
    http::{Body, Request, Response, not_found, refused, text},
};

pub use self::config::SockJsConfig;
use self::{
    http_transport::HttpTransport,
    route::{Endpoint, Route},
    send::BodyLimits,
    sessions::{Lookup, Sessions},
};

/// The SockJS engine, named `sockjs`. See the [crate documentation](crate).
#[derive(Default)]
pub struct SockJs {
    config: SockJsConfig,
    sessions: Arc<Sessions>,
    /// Whether the server's codec is binary; set on first use.
    binary: OnceLock<bool>,
}

/// Returns the error text for a server with a binary codec.
fn no_binary(server: &Server) -> String {
    format!(
        "the parser {:?} makes binary payloads and SockJS carries text only: \
         use the parser \"json\", or leave sockjs out of the transports",
        server.parser().name()
    )
}

impl SockJs {
    /// The engine's name.
    pub const NAME: &'static str = "sockjs";
    /// Aliases of the name.
    pub const ALIASES: &'static [&'static str] = &[];

    /// Creates an engine with these settings.
    #[must_use]
    pub fn new(config: SockJsConfig) -> Self {
        Self {
            config,
            sessions: Arc::default(),
            binary: OnceLock::new(),
        }
    }

    /// Returns `true` if the server's codec is binary, which SockJS cannot carry.
    fn is_binary(&self, server: &Server) -> bool {
        *self.binary.get_or_init(|| {
            // A codec encodes every value to the same kind of frame.
            let sample = server.parser().encode("");
            sample.is_ok_and(|frame| frame.kind() == Kind::Binary)
        })
    }

    async fn session(
        &self,
        server: &Server,
        mount: &str,
        name: &str,
        endpoint: Endpoint,
        mut parts: Parts,
        body: Body,
    ) -> Response {
        let omits_origin = matches!(endpoint, Endpoint::Receive(kind) if kind.omits_origin());
        if let Err(refusal) = handshake::check_origin(server, &parts, omits_origin) {
            return refused(&refusal, false);
        }
        let kind = match endpoint {
            Endpoint::Receive(kind) => kind,
            Endpoint::XhrSend | Endpoint::JsonpSend => {
                let Some(session) = self.sessions.find(name) else {
                    return not_found();
                };
                let is_owner = session
                    .owner()
                    .is_some_and(|owner| owner.matches(server, &self.config, &parts));
                if !is_owner {
                    return not_found();
                }
                let limits = BodyLimits {
                    length: send::max_encoded_length(server.config().max_length),
                    timeout: server.config().body_grace(self.config.send_timeout()),
                    least_rate: server.config().least_rate,
                };
                let form = endpoint == Endpoint::JsonpSend;
                return send::send(&session, &parts, body, form, limits).await;
            }
        };
        let transport = match HttpTransport::new(kind, &parts.uri) {
            Ok(transport) => transport,
            Err(fault) => return responses::plain(StatusCode::INTERNAL_SERVER_ERROR, fault),
        };
        let session = match self.sessions.find_or_reserve(name, server, &self.config) {
            Lookup::Existing(session) => {
                let is_foreign = session
                    .owner()
                    .is_some_and(|owner| !owner.matches(server, &self.config, &parts));
                if is_foreign {
                    return not_found();
                }
                if let Err(frame) = session.attach() {
                    return receiver::reject(frame, transport);
                }
                session
            }
            Lookup::Reserved(reservation) => {
                let bind = self.config.bind.as_ref();
                match handshake::open(server, mount, reservation, bind, &mut parts).await {
                    Ok(session) => session,
                    Err(refusal) => return refused(&refusal, false),
                }
            }
        };
        receiver::receive(session, transport, self.config.response_limit.max(1)).await
    }
}

impl Drop for SockJs {
    fn drop(&mut self) {
        self.sessions.clear();
    }
}

impl fmt::Debug for SockJs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SockJs")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for SockJs {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::FULL;
        capabilities.binary = false;
        // Over HTTP a client disconnects without a close frame.
        capabilities.close_codes = false;
        capabilities
    }

    fn path(&self) -> Option<&str> {
        Some(&self.config.path)
    }

    async fn start(&self, server: &Server) -> Result<Vec<SocketAddr>, StartError> {
        if self.is_binary(server) {
            return Err(StartError::new(Self::NAME, no_binary(server)));
        }
        if let Some(setting) = self.config.zero() {
            return Err(StartError::zero(Self::NAME, setting));
        }
        if let Some(compression) = &self.config.compression {
            compression
                .validate()
                .map_err(|error| StartError::new(Self::NAME, error).with_setting("compression"))?;
        }
        Ok(Vec::new())
    }

    async fn serve(&self, server: &Server, mount: &str, request: Request) -> Response {
        let mount = mount.trim_end_matches('/');
        let path = request.uri().path().to_owned();
        let Some(route) = path.strip_prefix(mount).and_then(Route::parse) else {
            return not_found();
        };
        if !route.allows(request.method()) {
            return responses::method_not_allowed(route);
        }
        if self.is_binary(server) {
            return text(StatusCode::NOT_IMPLEMENTED, no_binary(server));
        }
        let raw = route == Route::RawWebsocket;
        if raw || route == Route::Websocket {
            if !self.config.websocket {
                return not_found();
            }
            return websocket::serve(&self.config, server, mount, request, raw).await;
        }
        let (parts, body) = request.into_parts();
        let origins = &server.config().origins;
        let common = responses::common(route, &parts, server.config(), self.config.cookie);
        let mut response = match route {
            _ if parts.method == Method::OPTIONS => responses::options(route),
            Route::Info => pages::info(&self.config),
            Route::Iframe => match self.config.script() {
                Some(script) => pages::iframe(script, origins, &parts),
                None => not_found(),
            },
            Route::Session(name, endpoint) => {
                self.session(server, mount, name, endpoint, parts, body)
                    .await
            }
            _ => pages::greeting(),
        };
        for (name, value) in &common {
            if !response.headers().contains_key(name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
    }

    async fn stop(&self) {
        self.sessions.clear();
    }
}
