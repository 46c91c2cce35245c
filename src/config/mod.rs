//! The settings of the Stellar layer, and reading them.

mod load;
mod origin;
mod parts;
mod plain;
mod secret;
mod serving;
mod variable;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use stellarfw_transport::ServerConfig;

pub use self::{
    load::{ConfigError, FILE, Sources},
    origin::{Origin, Origins},
    secret::is_secret,
    serving::{DrainConfig, HttpConfig, MetricsConfig, TlsConfig},
    variable::UnknownVariable,
};
pub use crate::{connections::SessionKey, web::ScriptsConfig};
use crate::{
    rooms::PublishRate,
    web::{Cors, GuardConfig},
};

/// The settings of a [`Stellar`](crate::Stellar). An unknown key is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Config {
    /// The name clients see in `serverInformation`. Default `stellarfw`.
    pub name: String,
    /// The version of the API clients see. Default `1`.
    pub api_version: String,
    /// The engines by name, the primary one first. Default: the first that is compiled in.
    pub transports: Vec<String>,
    /// The codec: `json` or `msgpack`. Default `json`.
    pub parser: String,
    /// Where it listens when nothing else is said: addresses such as `127.0.0.1:8080`, or `unix:`
    /// and the path of a socket. Default: `127.0.0.1:8080`.
    pub listen: Vec<String>,
    /// The certificate it speaks TLS with where it listens by itself. Default: none, no TLS.
    pub tls: TlsConfig,
    /// What connections may take at HTTP where it listens by itself.
    pub http: HttpConfig,
    /// How it stops.
    pub drain: DrainConfig,
    /// Where it tells its metrics.
    pub metrics: MetricsConfig,
    /// Whether `/healthz` and `/readyz` are answered. Default true.
    pub health: bool,
    /// The settings of the transport layer.
    pub server: ServerConfig,
    /// The text of the welcome; none, `false` in a file, sends no welcome.
    /// Default `Hello human! Welcome to Stellar`.
    #[serde(with = "stellarfw_transport::switch")]
    pub welcome: Option<String>,
    /// Milliseconds that the welcome is held back. Default 0.
    pub welcome_delay: u64,
    /// The rooms that exist from the start. Default: `defaultRoom`.
    pub starting_chat_rooms: Vec<String>,
    /// How many actions one connection may have under way, and how many files; one more gets 007.
    /// Default 5.
    pub simultaneous_actions: u32,
    /// How many actions one client may have under way, over all its connections and HTTP, and how
    /// many files; one more gets 007, over HTTP with 429. 0 is no bound. Default 1,000.
    ///
    /// A client is what has the same [`Builder::client_key`](crate::Builder::client_key), or else the
    /// same address.
    pub simultaneous_actions_per_client: u32,
    /// Milliseconds an action may take before it gets 022. Default 30,000.
    pub action_timeout: u64,
    /// How many rooms one connection may be in; one more gets 023. Default 1,000.
    pub max_rooms: usize,
    /// How many members a room may have, of all processes together; one more gets 024.
    /// Default 100,000.
    pub max_members: usize,
    /// How many members an answer to a client's `roomView` lists; it gets the others page by page.
    /// Default 1,000.
    pub max_room_view: usize,
    /// How many members single rooms may have, by name, where it is not `maxMembers`.
    pub room_limits: BTreeMap<String, usize>,
    /// The longest content of a client's `say` or `event`, in bytes of JSON; a longer one gets 008.
    /// Default 256 KiB.
    pub max_message: usize,
    /// How deep lists and objects may be nested in a client's `say` or `event`; deeper gets 003.
    /// Default 128.
    pub max_depth: usize,
    /// How many bytes clients may publish to rooms in a time; more gets 025.
    pub publish_rate: PublishRate,
    /// How many verbs of one connection may wait for one that takes time, and how many of its
    /// events may have listeners still at work; one more gets 007. Default 256.
    pub max_pending_verbs: usize,
    /// Where files are looked for, in order. Default: nowhere.
    pub public: Vec<PathBuf>,
    /// The largest file that is sent as a message, in bytes; a larger one gets 008.
    /// Default 10,485,760.
    pub max_file: usize,
    /// Seconds that browsers may keep a public file without asking; 0 lets them ask each time.
    /// Default 0.
    pub file_max_age: u64,
    /// The longest public file that is compressed for those who take it, in bytes; a longer one is
    /// sent as it is, unless a compressed form lies beside it. 0 compresses none. Default 8 MiB.
    pub max_compress: usize,
    /// How many bytes of compressed files are kept in memory, those used last; 0 compresses none.
    /// Default 16 MiB.
    pub compress_cache: usize,
    /// Whether symlinks in the public folders may lead out of them. Default false.
    pub follow_symlinks: bool,
    /// The path of the HTTP API. Default `/api`.
    pub api_path: String,
    /// The longest body of an API request in bytes; a longer one gets 413. Default 1 MiB.
    pub max_body: usize,
    /// The longest multipart body in bytes, its files included; a longer one gets 413.
    /// Default 10,485,760.
    pub max_upload: usize,
    /// How many parts a multipart body may have; more get 400. Default 64.
    pub max_upload_parts: usize,
    /// What the authorizer decides about besides connections.
    pub guard: GuardConfig,
    /// The methods of actions that declare none, such as `["POST"]`; others get 405. Default: every
    /// method.
    pub action_methods: Vec<String>,
    /// Which pages of other origins may use the API. Default: none.
    pub cors: Cors,
    /// Whether GET requests with `callback=` get JSONP, which every page can read; such a call has no
    /// session. Default false.
    pub jsonp: bool,
    /// Whether TRACE requests are answered, with what was received. Default false.
    pub trace: bool,
    /// What is logged, as a filter such as `info` or `warn,stellarfw=debug`, for programs that set up
    /// their log by the settings, as the command `stellarfw` does: the library itself does not.
    /// Default: none, `RUST_LOG` counts.
    #[serde(with = "stellarfw_transport::switch")]
    pub log: Option<String>,
    /// Whether `/docs`, the documents below it, the page at `/` and `/stellar-client.d.ts` are served.
    /// Default true.
    pub docs: bool,
    /// Scripts of other libraries that it serves.
    pub scripts: ScriptsConfig,
    /// The name of the session cookie; none, `false` in a file, sets no cookie.
    /// Default `sessionID`.
    #[serde(with = "stellarfw_transport::switch")]
    pub session_cookie: Option<String>,
    /// The secret that sessions are signed with, which several processes have to share. Default: a
    /// random one, so that sessions end with the process.
    pub session_key: SessionKey,
    /// The settings of the engine `ws`, where `transports` names it.
    #[cfg(feature = "ws")]
    pub ws: stellarfw_ws::WsConfig,
    /// The settings of the engine `engine.io`, where `transports` names it.
    #[cfg(feature = "engineio")]
    pub engineio: stellarfw_engineio::EngineIoConfig,
    /// The settings of the engine `socket.io`, where `transports` names it. `plainEvents` has to
    /// stay off.
    #[cfg(feature = "socketio")]
    pub socketio: stellarfw_socketio::SocketIoConfig,
    /// The settings of the engine `sockjs`, where `transports` names it.
    #[cfg(feature = "sockjs")]
    pub sockjs: stellarfw_sockjs::SockJsConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "stellarfw".into(),
            api_version: "1".into(),
            transports: Vec::new(),
            parser: "json".into(),
            listen: vec!["127.0.0.1:8080".into()],
            tls: TlsConfig::default(),
            http: HttpConfig::default(),
            drain: DrainConfig::default(),
            metrics: MetricsConfig::default(),
            health: true,
            server: ServerConfig::default(),
            welcome: Some("Hello human! Welcome to Stellar".into()),
            welcome_delay: 0,
            starting_chat_rooms: vec!["defaultRoom".into()],
            simultaneous_actions: 5,
            simultaneous_actions_per_client: 1_000,
            action_timeout: 30_000,
            max_rooms: 1_000,
            max_members: 100_000,
            max_room_view: 1_000,
            room_limits: BTreeMap::new(),
            max_message: 256 << 10,
            max_depth: 128,
            publish_rate: PublishRate::default(),
            max_pending_verbs: 256,
            public: Vec::new(),
            max_file: 10_485_760,
            file_max_age: 0,
            max_compress: 8 << 20,
            compress_cache: 16 << 20,
            follow_symlinks: false,
            api_path: "/api".into(),
            max_body: 1 << 20,
            max_upload: 10_485_760,
            max_upload_parts: 64,
            guard: GuardConfig::default(),
            action_methods: Vec::new(),
            cors: Cors::default(),
            jsonp: false,
            trace: false,
            log: None,
            docs: true,
            scripts: ScriptsConfig::default(),
            session_cookie: Some("sessionID".into()),
            session_key: SessionKey::default(),
            #[cfg(feature = "ws")]
            ws: Default::default(),
            #[cfg(feature = "engineio")]
            engineio: Default::default(),
            #[cfg(feature = "socketio")]
            socketio: Default::default(),
            #[cfg(feature = "sockjs")]
            sockjs: Default::default(),
        }
    }
}

impl Config {
    /// The paths among them, with their keys.
    pub(crate) fn paths(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("server.pathname", &self.server.pathname),
            ("apiPath", &self.api_path),
            #[cfg(feature = "ws")]
            ("ws.path", &self.ws.path),
            #[cfg(feature = "engineio")]
            ("engineio.path", &self.engineio.path),
            #[cfg(feature = "socketio")]
            ("socketio.path", &self.socketio.path),
            #[cfg(feature = "sockjs")]
            ("sockjs.path", &self.sockjs.path),
        ]
    }

    /// The time an action may take.
    #[must_use]
    pub fn action_timeout(&self) -> Duration {
        Duration::from_millis(self.action_timeout)
    }
}
