//! The trait of an engine.

use std::net::SocketAddr;

use async_trait::async_trait;

use crate::{
    http::{Request, Response},
    server::Server,
};

/// An engine: it turns bytes on the network into sparks.
///
/// There are two kinds, and one engine may be both. An engine over HTTP answers the requests that
/// fall under its paths ([`Transport::serve`]), whatever they become: an upgraded WebSocket or a
/// series of polls. An engine of another kind opens its own sockets when the server
/// [starts](Transport::start).
///
/// For each connection an engine
/// 1. asks [`Server::admit`] whether it may come in (origin, authorizer, bounds),
/// 2. calls [`Server::open`] with an [`Outlet`](crate::Outlet), its way out, and gets an
///    [`Inlet`](crate::Inlet), the way in,
/// 3. reports messages and signs of life to the inlet, in order, and at last that the connection
///    is gone,
/// 4. notes with [`Spark::assembling`](crate::Spark::assembling) what it holds of a message that has not
///    come whole.
///
/// All else is the same for every engine and none of its business: control messages, heartbeats,
/// ids, codecs, transforms, limits of the inbox, shutdown.
///
/// The methods have no defaults, so that a wrapper cannot forget one.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Its one name, such as `ws`; what a spark tells as [`Spark::transport`](crate::Spark::transport).
    fn name(&self) -> &'static str;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The path of its own convention, such as `/socket.io`, at which it answers besides the
    /// server's pathname; none for engines without one.
    fn path(&self) -> Option<&str>;

    /// Opens the sockets of its own, if it has any, and tells where they listen. Called once,
    /// before the first request. Need not be cancel safe.
    ///
    /// # Errors
    /// When that cannot be done, for example because the address is in use.
    async fn start(&self, server: &Server) -> Result<Vec<SocketAddr>, StartError>;

    /// Answers a request under `mount`, the path at which it was reached. Engines without HTTP
    /// answer [`http::not_found`](crate::http::not_found).
    ///
    /// Not cancel safe: a request that is dropped half-way may or may not have opened a spark.
    async fn serve(&self, server: &Server, mount: &str, request: Request) -> Response;

    /// Stops listening and lets go of what the engine keeps besides its sparks, which the server
    /// has closed by then. May be called again, also after a call that was dropped half-way.
    async fn stop(&self);
}

/// What an engine can do; the conformance suite holds it to what it declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Text payloads arrive as text.
    pub text: bool,
    /// Binary payloads arrive as they were sent.
    pub binary: bool,
    /// There is an HTTP request with headers, so that origin policy and authorizer see them.
    pub headers: bool,
    /// There is a URL with a query.
    pub query: bool,
    /// A refusal reaches the client with its status and message.
    pub refusal: bool,
    /// The peer's goodbye carries a code, and so does the server's.
    pub close_codes: bool,
    /// The engine has a ping of its own, which every client answers without knowing of Primus.
    pub ping: bool,
}

impl Capabilities {
    /// Everything: what `ws` can do. Take away what an engine cannot.
    pub const FULL: Self = Self {
        text: true,
        binary: true,
        headers: true,
        query: true,
        refusal: true,
        close_codes: true,
        ping: true,
    };

    /// Nothing but text payloads. Add what an engine can.
    pub const TEXT_ONLY: Self = Self {
        text: true,
        binary: false,
        headers: false,
        query: false,
        refusal: false,
        close_codes: false,
        ping: false,
    };
}

/// An engine could not start.
#[derive(Debug, thiserror::Error)]
#[error("transport {transport} cannot start: {source}")]
pub struct StartError {
    transport: &'static str,
    setting: Option<&'static str>,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl StartError {
    /// A setting is 0, with which nothing would work.
    #[must_use]
    pub fn zero(transport: &'static str, setting: &'static str) -> Self {
        let source = format!("{setting} is 0, and lets nothing through; it has to be 1 or more");
        Self::new(transport, source).with_setting(setting)
    }

    /// What went wrong in which transport.
    pub fn new(
        transport: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            transport,
            setting: None,
            source: source.into(),
        }
    }

    /// Names the setting of the engine that is to blame, as its configuration has it: `path`, or
    /// `compression.level`.
    #[must_use]
    pub fn with_setting(mut self, setting: &'static str) -> Self {
        self.setting = Some(setting);
        self
    }

    /// The transport that cannot start.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        self.transport
    }

    /// The setting of the engine that is to blame, if one is.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        self.setting
    }
}
