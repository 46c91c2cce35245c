//! The Socket.IO engine of stellarfw: protocol 5 on the namespace `/`, and on others if there are
//! [any](SocketIoConfig::namespaces).
//!
//! ```no_run
//! use stellarfw_socketio::SocketIo;
//! use stellarfw_transport::Server;
//!
//! let server = Server::builder().transport(SocketIo::default()).build();
//! let service = server.service(); // mount it in axum, hyper, …
//! ```
//!
//! The protocol is socketioxide's, behind the same [front](stellarfw_engineio::wrapped::Front) as
//! Engine.IO's, with the same WebSockets. A payload is the argument of an event `message`, both ways, and besides:
//!
//! | a client's event | the payload it becomes |
//! |---|---|
//! | `say` `(room, message)`, `roomAdd` `(room)`, `detailsView`, … | `{event, room, message, …}` |
//! | `action` `({action, …})` or `(name, {…})` | `{event:"action", params}` |
//! | `event` `(room, event, data)` | `{event:"event", params:{room,event,data}}` |
//! | any other | `{event, args:[…]}` |
//!
//! An event with an acknowledgement is given the one response to that payload. What the server
//! pushes is an event named by its `context`: `user`, `alert`, `api`, `welcome`, and `api` for any
//! context of the application's own; what a member of a room sent as an event comes under its own
//! name too, with `(data, push)`, unless it would pass for the server or the client itself. Primus's
//! control messages come as `primus`, all else as `message`.
//!
//! With [`SocketIoConfig::plain_events`] payloads are events as they are, `{event, args}`, and an
//! application on the transport layer alone emits and acknowledges what it likes.
//!
//! With MessagePack as the server's parser clients use socket.io-msgpack-parser.
//!
//! | file | what is in it |
//! |---|---|
//! | `config` | the settings |
//! | `handshake` | the client asks to be let in |
//! | `session` | its events, and its end |
//! | `outlet` | the way out |
//! | `codec` | between events and payloads |
//!
//! # Features
//!
//! | feature | what it switches on |
//! |---|---|
//! | `v2` | clients of Socket.IO 2, where [`SocketIoConfig::allow_eio3`] lets them in |

mod codec;
mod config;
mod handshake;
mod outlet;
mod session;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use engineioxide::service::NotFoundService;
use socketioxide::{ParserConfig, SocketIo as Library, service::SocketIoService};
use stellarfw_engineio::wrapped::{Front, FrontOptions, library_config};
use stellarfw_transport::{
    Capabilities, Server, StartError, Transport,
    http::{Request, Response},
};

use self::{
    codec::{MOST_ATTACHED, Mode, Style},
    handshake::Entrance,
};
pub use self::{
    config::SocketIoConfig,
    handshake::{Auth, Namespace},
};

type Service = SocketIoService<NotFoundService>;

/// The Socket.IO engine; its name is `socket.io`.
///
/// What a client gets:
///
/// | case | answer |
/// |---|---|
/// | refused by the authorizer | `connect_error` with the refusal's message |
/// | a page of another origin, too many connections under way | the HTTP status and `{"error":…}` |
/// | the server ends it for good | `disconnect` with `io server disconnect`: it stays away |
/// | it may come again | the transport closes, and it reconnects by itself |
/// | a message over `maxLength` | close 1009; a POST is answered 413 |
#[derive(Default)]
pub struct SocketIo {
    config: SocketIoConfig,
    /// Made with the first request, when the server's settings are known.
    front: OnceLock<Arc<Front<Service>>>,
}

impl SocketIo {
    /// The engine's name.
    pub const NAME: &'static str = "socket.io";
    /// Other usual names of it.
    pub const ALIASES: &'static [&'static str] = &["socketio"];

    /// An engine with these settings.
    #[must_use]
    pub fn new(config: SocketIoConfig) -> Self {
        Self {
            config,
            front: OnceLock::new(),
        }
    }

    fn front(&self, server: &Server) -> Arc<Front<Service>> {
        let settings = server.config();
        let mode = Mode::of(server.parser());
        let config = self.config.engine();
        let mut options = FrontOptions::default();
        options.overhead = mode.overhead(settings.max_length);
        options.admit_later = true;
        options.attachments = match mode.is_binary() {
            true => 0,
            false => MOST_ATTACHED,
        };
        let engine = library_config(&config, options, settings);
        let builder = Library::builder()
            .req_path("/")
            .ping_interval(engine.ping_interval)
            .ping_timeout(engine.ping_timeout)
            .max_buffer_size(engine.max_buffer_size)
            .max_payload(engine.max_payload)
            .connect_timeout(self.config.connect_timeout(settings));
        let builder = if mode.is_binary() {
            builder.with_parser(ParserConfig::msgpack())
        } else {
            let parser = ParserConfig::common()
                .max_incoming_binary_buf_size(settings.max_length)
                .max_incoming_binaries(MOST_ATTACHED)
                .packet_completion_timeout(settings.handshake_timeout());
            builder.with_parser(parser)
        };
        let (service, io) = builder.build_svc();
        let several = self.config.has_several();
        for (number, name) in (0..).zip(&self.config.namespaces) {
            let entrance = Entrance {
                mode,
                style: Style::of(&self.config),
                longest: settings.max_length,
                namespace: (name.as_str().into(), number),
                is_one_of_several: several,
            };
            io.ns::<_, ()>(name.clone(), entrance);
        }
        Front::new(Self::NAME, config, options, settings, service)
    }
}

impl fmt::Debug for SocketIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIo")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for SocketIo {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::FULL;
        // A refusal's message reaches the client, its status does not.
        capabilities.refusal = false;
        capabilities.close_codes = false;
        capabilities
    }

    fn path(&self) -> Option<&str> {
        Some(&self.config.path)
    }

    async fn start(&self, _: &Server) -> Result<Vec<SocketAddr>, StartError> {
        if self.config.allow_eio3 && !cfg!(feature = "v2") {
            let text = "clients of Socket.IO 2 need the feature `v2`";
            return Err(StartError::new(Self::NAME, text));
        }
        if let Some(setting) = self.config.zero() {
            return Err(StartError::zero(Self::NAME, setting));
        }
        match self.config.bad_namespaces() {
            Some(text) => Err(StartError::new(Self::NAME, text).with_setting("namespaces")),
            None => Ok(Vec::new()),
        }
    }

    async fn serve(&self, server: &Server, _mount: &str, request: Request) -> Response {
        let front = self.front.get_or_init(|| self.front(server));
        front.serve(server, request).await
    }

    async fn stop(&self) {}
}
