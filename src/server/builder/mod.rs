//! Building a server: what it is to be. [`build`] makes it.

mod build;
#[cfg(feature = "schemars")]
mod typed;

pub use self::build::BuildError;

use std::{any::Any, fmt, future::Future, path::PathBuf, sync::Arc};

use http::Extensions;
use stellarfw_broker::Broker;
use stellarfw_broker_memory::MemoryBroker;
use stellarfw_transport::{Flow, Parser, Refusal, Registry, Server, ServerBuilder, Transport};

use crate::{
    actions::{Action, ActionHandler, BadRoute, Middleware, Route},
    config::Config,
    connections::{Connection, ConnectionHooks, ConnectionMiddleware},
    files::Embedded,
    protocol::StellarError,
    rooms::{ChatMiddleware, Event, RoomHooks, RoomName, Say},
    server::reload::ReloadHook,
};

/// Builds a [`Stellar`](crate::Stellar).
#[must_use]
pub struct Builder {
    config: Config,
    /// None: those that are compiled in.
    registry: Option<Registry>,
    /// Engines, rooms and folders besides those of the settings.
    names: Vec<String>,
    rooms: Vec<String>,
    limits: Vec<(String, usize)>,
    public: Vec<PathBuf>,
    transports: Vec<Arc<dyn Transport>>,
    parser: Option<Parser>,
    broker: Arc<dyn Broker>,
    actions: Vec<Action>,
    middlewares: Vec<Middleware>,
    groups: Vec<(String, Modify)>,
    routes: Vec<Route>,
    bad_route: Option<BadRoute>,
    connection_hooks: ConnectionHooks,
    room_hooks: RoomHooks,
    embedded: Vec<Embedded>,
    reload: Vec<ReloadHook>,
    shared: Extensions,
    server: ServerBuilder,
    has_transforms: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            config: Config::default(),
            registry: None,
            names: Vec::new(),
            rooms: Vec::new(),
            limits: Vec::new(),
            public: Vec::new(),
            transports: Vec::new(),
            parser: None,
            broker: Arc::new(MemoryBroker::new()),
            actions: Vec::new(),
            middlewares: Vec::new(),
            groups: Vec::new(),
            routes: Vec::new(),
            bad_route: None,
            connection_hooks: ConnectionHooks::default(),
            room_hooks: RoomHooks::default(),
            embedded: Vec::new(),
            reload: Vec::new(),
            shared: Extensions::new(),
            server: with_events(Server::builder()),
            has_transforms: false,
        }
    }
}

/// Adds how messages are events of Socket.IO.
#[cfg(feature = "socketio")]
fn with_events(server: ServerBuilder) -> ServerBuilder {
    let events = stellarfw_socketio::Events::new(crate::protocol::StellarEvents);
    server.extension(events)
}

#[cfg(not(feature = "socketio"))]
fn with_events(server: ServerBuilder) -> ServerBuilder {
    server
}

type Modify = Box<dyn Fn(Action) -> Action + Send + Sync>;

impl Builder {
    /// All settings at once. Default: [`Config::default`]. What the builder itself is told of rooms,
    /// public folders and engines comes after those of the settings, whenever it is told.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Changes some settings.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Picks an engine by one of its names. The first one picked owns `/primus`; several may run
    /// at once. Default: the first that is compiled in.
    pub fn transport(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Adds an engine that is set up already, or one of your own. It keeps the settings that it
    /// has: those of the configuration are for engines that are picked by name.
    pub fn engine(mut self, engine: impl Transport) -> Self {
        self.transports.push(Arc::new(engine));
        self
    }

    /// Where engines are looked up by name. Default: those that are compiled in, with their
    /// settings of the configuration: [`engines_with`](crate::engines_with).
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// The codec. Default: what the settings name.
    pub fn parser(mut self, parser: Parser) -> Self {
        self.parser = Some(parser);
        self
    }

    /// Sets the broker: the backend of the rooms. Default: [`MemoryBroker`].
    pub fn broker(mut self, broker: impl Broker) -> Self {
        self.broker = Arc::new(broker);
        self
    }

    /// Adds an action of an async function.
    pub fn action<E>(self, name: impl Into<String>, handler: impl ActionHandler<E>) -> Self {
        self.add_action(Action::new(name, handler))
    }

    /// Adds an action with its declarations.
    pub fn add_action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Adds middleware of actions.
    pub fn middleware(mut self, middleware: Middleware) -> Self {
        self.middlewares.push(middleware);
        self
    }

    /// Modifies all actions of a group, wherever they were added:
    /// ```
    /// # use stellarfw::Stellar;
    /// let builder = Stellar::builder().group("admin", |action| action.middleware("auth").block("http"));
    /// ```
    pub fn group(
        mut self,
        name: impl Into<String>,
        modify: impl Fn(Action) -> Action + Send + Sync + 'static,
    ) -> Self {
        self.groups.push((name.into(), Box::new(modify)));
        self
    }

    /// Declares a route of the API: `route("get", "/users/:id", "user")` calls the action `user`
    /// with the parameter `id` for `GET /api/users/7`. `all` is every method. A fault in it is
    /// told when the server is built.
    pub fn route(mut self, method: &str, path: &str, action: &str) -> Self {
        match Route::read(method, path, action) {
            Ok(route) => {
                if self.routes.iter().any(|known| known.clashes(&route)) {
                    self.bad_route.get_or_insert(route.clash());
                }
                self.routes.push(route);
            }
            Err(bad) => {
                self.bad_route.get_or_insert(bad);
            }
        }
        self
    }

    /// Adds a room that exists from the start, besides those of the settings.
    pub fn room(mut self, name: impl Into<String>) -> Self {
        self.rooms.push(name.into());
        self
    }

    /// Adds a room that exists from the start, for at most so many members.
    pub fn room_for(mut self, name: impl Into<String>, max_members: usize) -> Self {
        let name = name.into();
        self.limits.push((name.clone(), max_members));
        self.room(name)
    }

    /// Adds a folder of public files. Default: none.
    pub fn public(mut self, folder: impl Into<PathBuf>) -> Self {
        self.public.push(folder.into());
        self
    }

    /// Adds public files that are built into the program; folders come first.
    pub fn embedded(mut self, files: impl IntoIterator<Item = Embedded>) -> Self {
        self.embedded.extend(files);
        self
    }

    /// Adds what the application reloads with the server's certificate: on SIGHUP where the server
    /// stops on signals, and with [`Stellar::reload`](crate::Stellar::reload). The hook may block. An
    /// error of it is logged, and hooks after it run all the same.
    ///
    /// ```
    /// use std::sync::{Arc, RwLock};
    /// use stellarfw::Stellar;
    ///
    /// let banned = Arc::new(RwLock::new(String::new()));
    /// let builder = Stellar::builder().on_reload(move || {
    ///     let text = std::fs::read_to_string("banned.txt")?;
    ///     *banned.write().map_err(|_| "a hook panicked before")? = text;
    ///     Ok(())
    /// });
    /// ```
    pub fn on_reload(
        mut self,
        hook: impl Fn() -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
    ) -> Self {
        self.reload.push(Box::new(hook));
        self
    }

    /// Shares a value with the actions, who take it as [`Shared`](crate::actions::Shared).
    pub fn share<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.shared.insert(Arc::new(value));
        self
    }

    /// Decides who may connect; see [`ServerBuilder::authorize`].
    pub fn authorize<F, Fut, T>(mut self, f: F) -> Self
    where
        F: Fn(&http::request::Parts) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<T>, Refusal>> + Send + 'static,
        T: Any + Send + Sync,
    {
        self.server = self.server.authorize(f);
        self
    }

    /// Names the client that an identity of the authorizer is; see [`ServerBuilder::client_key`].
    ///
    /// ```
    /// use stellarfw::{Stellar, transport::Refusal};
    ///
    /// struct User { id: u64 }
    ///
    /// let builder = Stellar::builder()
    ///     .authorize(|_| async { Ok::<_, Refusal>(Some(User { id: 7 })) })
    ///     .client_key(|user: &User| Some(user.id.to_string()));
    /// ```
    pub fn client_key<T: Any + Send + Sync>(
        mut self,
        key: impl Fn(&T) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.server = self.server.client_key(key);
        self
    }

    /// Changes the transport layer underneath: hooks, transforms, ids. Its settings are those of
    /// [`Config::server`], its handler and engines are this builder's.
    pub fn with_server(mut self, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        self.server = change(self.server);
        self.has_transforms = self.server.has_outgoing_transforms();
        self
    }

    /// Adds middleware of connections.
    pub fn connections(mut self, middleware: ConnectionMiddleware) -> Self {
        middleware.add_to(&mut self.connection_hooks);
        self
    }

    /// Adds middleware of chat rooms.
    pub fn chat(mut self, middleware: ChatMiddleware) -> Self {
        middleware.add_to(&mut self.room_hooks);
        self
    }

    /// Decides who may join one room: [`ChatMiddleware::join`] for that room alone.
    pub fn guard_room<F, Fut>(self, room: impl Into<String>, guard: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), StellarError>> + Send + 'static,
    {
        let room = room.into();
        self.chat(ChatMiddleware::new().join(move |connection, joined| {
            let verdict = (*joined == *room).then(|| guard(connection));
            async move {
                match verdict {
                    Some(verdict) => verdict.await,
                    None => Ok(()),
                }
            }
        }))
    }

    /// Adds [`ChatMiddleware::join`].
    pub fn on_join<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(Connection, RoomName) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), StellarError>> + Send + 'static,
    {
        self.chat(ChatMiddleware::new().join(hook))
    }

    /// Adds [`ChatMiddleware::leave`].
    pub fn on_leave<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(Connection, RoomName) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.chat(ChatMiddleware::new().leave(hook))
    }

    /// Adds [`ChatMiddleware::on_say_receive`].
    pub fn on_say_receive<F, Fut>(self, hook: F) -> Self
    where
        F: Fn(Connection, Say) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Say, StellarError>> + Send + 'static,
    {
        self.chat(ChatMiddleware::new().on_say_receive(hook))
    }

    /// Adds [`ChatMiddleware::say`].
    pub fn on_say(
        self,
        hook: impl Fn(&Connection, Say) -> Option<Say> + Send + Sync + 'static,
    ) -> Self {
        self.chat(ChatMiddleware::new().say(hook))
    }

    /// Adds a listener for an event that clients send to rooms, by its name, whatever the room.
    /// It hears of events of members only, when the hooks that may refuse them have passed.
    pub fn on_event<F, Fut>(mut self, event: impl Into<String>, listener: F) -> Self
    where
        F: Fn(Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listeners = self.room_hooks.listeners.entry(event.into()).or_default();
        listeners.push(Box::new(move |event| Flow::start(listener(event))));
        self
    }

    /// As [`Builder::on_event`], for the events of one room.
    pub fn on_room_event<F, Fut>(
        mut self,
        room: impl Into<String>,
        event: impl Into<String>,
        listener: F,
    ) -> Self
    where
        F: Fn(Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let room = self
            .room_hooks
            .room_listeners
            .entry(room.into())
            .or_default();
        let listeners = room.entry(event.into()).or_default();
        listeners.push(Box::new(move |event| Flow::start(listener(event))));
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
