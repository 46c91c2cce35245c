//! Real-time for Rust on any transport: actions, chat rooms, files and events over one
//! connection, with a browser client that the server generates.
//!
//! ```no_run
//! use stellarfw::{Stellar, actions::{ActionResult, Params}};
//!
//! #[derive(serde::Deserialize)]
//! struct Greet { name: String }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let stellar = Stellar::builder()
//!         .room("lobby")
//!         .action("greet", async |Params(Greet { name }): Params<Greet>| {
//!             ActionResult::Ok(serde_json::json!({ "greeting": format!("Hello {name}!") }))
//!         })
//!         .build()
//!         .await?;
//!     stellar.serve("127.0.0.1:8080").await?;
//!     Ok(())
//! }
//! ```
//!
//! A page loads `/stellar-client`, and then
//! `await client.connect(); await client.action("greet", { name: "Ann" })`.
//!
//! # Features
//!
//! | feature | what it switches on | default |
//! |---|---|---|
//! | `ws` | the WebSocket engine | yes |
//! | `engineio` | the Engine.IO engine, for its official clients and Primus's | yes |
//! | `socketio` | the Socket.IO engine, for its official clients: events with acknowledgements | yes |
//! | `sockjs` | the SockJS engine, for its official clients and Primus's | yes |
//! | `tls` | TLS and HTTP/2 where the server listens by itself | yes |
//! | `schemars` | actions that are described by their Rust types: [`Action::typed`](actions::Action::typed) | no |
//! | `conformance` | `broker::conformance`: the guarantees of a broker as tests | no |
//!
//! # Where is what
//!
//! | module | |
//! |---|---|
//! | [`Stellar`], [`Builder`] | the server, and building it |
//! | [`actions`] | what clients can call |
//! | [`rooms`] | chat rooms from the server's side, hooks, listeners |
//! | [`broker`] | where rooms live and publications travel |
//! | [`Connection`] | a live connection |
//! | [`config`] | the settings: file, environment, command line |
//! | [`transport`] | the layer below: engines, sparks, codecs; usable alone |

pub mod actions;
pub mod config;
mod connections;
mod dispatch;
mod files;
mod protocol;
mod reference;
pub mod rooms;
mod server;
mod web;

/// Brokers: the backend that rooms live in and publications travel through.
pub mod broker {
    pub use stellarfw_broker::*;
    pub use stellarfw_broker_memory::MemoryBroker;
}
#[cfg(feature = "conformance")]
pub use stellarfw_broker::broker_suite;

/// The Engine.IO engine.
#[cfg(feature = "engineio")]
pub use stellarfw_engineio as engineio;
/// The Socket.IO engine.
#[cfg(feature = "socketio")]
pub use stellarfw_socketio as socketio;
/// The SockJS engine.
#[cfg(feature = "sockjs")]
pub use stellarfw_sockjs as sockjs;
pub use stellarfw_transport as transport;
/// The WebSocket engine.
#[cfg(feature = "ws")]
pub use stellarfw_ws as ws;

pub use self::{
    actions::BadRoute,
    config::Config,
    connections::{Connection, ConnectionMiddleware, Extensions, Session, Sessions},
    files::Embedded,
    protocol::StellarError,
    rooms::{ChatMiddleware, Rooms},
    server::{BuildError, Builder, ReloadError, Stellar, StellarLayer, engines, engines_with},
    web::{Cors, GuardConfig},
};

/// The code of the guides, compiled and run by the tests.
#[cfg(all(doctest, feature = "ws"))]
mod guides {
    #[cfg(feature = "schemars")]
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[cfg(feature = "schemars")]
    #[doc = include_str!("../docs/actions.md")]
    mod actions {}
    #[doc = include_str!("../docs/coming-from.md")]
    mod coming_from {}
    #[doc = include_str!("../docs/coming-from/actions.md")]
    mod coming_from_actions {}
    #[doc = include_str!("../docs/coming-from/http.md")]
    mod coming_from_http {}
    #[doc = include_str!("../docs/coming-from/rooms.md")]
    mod coming_from_rooms {}
    #[doc = include_str!("../docs/coming-from/running.md")]
    mod coming_from_running {}
    #[doc = include_str!("../docs/coming-from/websocket.md")]
    mod coming_from_websocket {}
    #[cfg(all(feature = "engineio", feature = "socketio", feature = "sockjs"))]
    #[doc = include_str!("../docs/configuration.md")]
    mod configuration {}
    #[cfg(feature = "engineio")]
    #[doc = include_str!("../docs/engineio.md")]
    mod engineio {}
    #[doc = include_str!("../docs/files.md")]
    mod files {}
    #[cfg(feature = "schemars")]
    #[doc = include_str!("../docs/getting-started.md")]
    mod getting_started {}
    #[doc = include_str!("../docs/http.md")]
    mod http {}
    #[cfg(feature = "schemars")]
    #[doc = include_str!("../docs/reference.md")]
    mod reference {}
    #[doc = include_str!("../docs/rooms.md")]
    mod rooms {}
    #[doc = include_str!("../docs/security.md")]
    mod security {}
    #[doc = include_str!("../docs/serving.md")]
    mod serving {}
    #[cfg(feature = "socketio")]
    #[doc = include_str!("../docs/socketio.md")]
    mod socketio {}
    #[cfg(feature = "sockjs")]
    #[doc = include_str!("../docs/sockjs.md")]
    mod sockjs {}
    #[doc = include_str!("../docs/transports.md")]
    mod transports {}
    #[doc = include_str!("../docs/ws.md")]
    mod ws {}
}
