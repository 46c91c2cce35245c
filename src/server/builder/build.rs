//! From what a server is to be to the server.

use std::sync::Arc;
#[cfg(feature = "tls")]
use std::sync::OnceLock;

use stellarfw_broker::BrokerError;
use stellarfw_transport::{Parser, Registry, StartError, Transport, UnknownTransport};

use super::{Builder, Modify};
use crate::{
    actions::{Action, ActionService, Actions, ActionsError, BadRoute, is_method},
    config::Config,
    connections::{Availability, Connections, Sessions, is_cookie_name},
    dispatch::Dispatcher,
    files::Files,
    rooms::Rooms,
    server::{
        engines::{engine_name, engines_with},
        paths::{clash, is_path},
        stellar::{Inner, Stellar, WeakStellar},
    },
    web::{Compressor, remove_left_over},
};

/// A server could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The settings name an engine that there is not.
    #[error(transparent)]
    UnknownTransport(#[from] UnknownTransport),
    /// No engine is compiled in and none was given.
    #[error("there is no transport: switch on the feature of one, or give one of your own")]
    NoTransport,
    /// The settings name a codec that there is not.
    #[error("there is no parser {0:?}; there are: json, msgpack")]
    UnknownParser(String),
    /// A path in the settings is none.
    #[error("{key} is {value:?}, and must be a path such as /primus, with nothing to be escaped")]
    BadPath {
        /// Which setting.
        key: &'static str,
        /// What it is.
        value: String,
    },
    /// A script in the settings is no file.
    #[error("{key} is {}, and there is no such file", path.display())]
    NoScript {
        /// Which setting.
        key: &'static str,
        /// What it is.
        path: std::path::PathBuf,
    },
    /// A bound in the settings lets nothing through. Bounds that 0 switches off are no such.
    #[error("{key} is 0, and lets nothing through; it has to be 1 or more")]
    Nothing {
        /// Which setting.
        key: &'static str,
    },
    /// Socket.IO's events are to be passed on as they are.
    #[error("socketio.plainEvents is for applications on the transport layer alone")]
    PlainEvents,
    /// Two of the server's paths would be the same, or one would never be reached.
    #[error("{0}")]
    Paths(String),
    /// A room that is to exist from the start has the empty text as its name, which no client
    /// could say.
    #[error("startingChatRooms has a room without a name")]
    NamelessRoom,
    /// Actions, their inputs and middleware do not fit together.
    #[error(transparent)]
    Actions(#[from] ActionsError),
    /// A declared route is not one.
    #[error(transparent)]
    Route(#[from] BadRoute),
    /// The settings of CORS contradict each other.
    #[error("{0}")]
    Cors(String),
    /// A path of `guard.files` is none.
    #[error("guard.files has {0:?}, and must have paths such as /reports")]
    GuardedPath(String),
    /// A method of `actionMethods` is none.
    #[error("actionMethods has {0:?}, and must have any of GET, POST, PUT, PATCH, DELETE")]
    ActionMethod(String),
    /// The name of the session cookie is none.
    #[error(
        "sessionCookie is {0:?}, and must be a name of letters, digits and punctuation that cookies may have"
    )]
    SessionCookie(String),
    /// The session key could be guessed.
    #[error(
        "sessionKey is shorter than 32 characters; `openssl rand -hex 32` makes one that is not"
    )]
    WeakSessionKey,
    /// The broker could not start or not make the first rooms.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// An engine could not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Builder {
    /// The server: with its broker started, its first rooms made and its engines started. Not cancel
    /// safe: dropped half-way, some of it may have been done.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(mut self) -> Result<Stellar, BuildError> {
        let mut config = self.config;
        config.transports.append(&mut self.names);
        config.starting_chat_rooms.append(&mut self.rooms);
        config.room_limits.extend(self.limits);
        config.public.append(&mut self.public);
        check(&config)?;
        let names = config
            .listen
            .iter()
            .filter_map(|address| host_name(address));
        config.server.own_hosts.extend(names);
        if let Some(bad) = self.bad_route {
            return Err(bad.into());
        }
        let parser = match self.parser {
            Some(parser) => parser,
            None => parser_of(&config)?,
        };
        config.parser = parser.name().to_owned();

        #[cfg(feature = "sockjs")]
        if config.scripts.sockjs.is_some() {
            config.sockjs.serve_script("sockjs.js");
        }
        let registry = self.registry.unwrap_or_else(|| engines_with(&config));
        let transports = engines_of(&config, &registry, self.transports)?;
        config.transports = transports.iter().map(|t| t.name().to_owned()).collect();
        if let Some(fault) = clash(&config, &transports, !self.routes.is_empty()) {
            return Err(BuildError::Paths(fault));
        }

        let mut actions = in_groups(self.actions, &self.groups);
        name_blocked(&mut actions, &registry, &transports)?;
        let actions = Actions::build(actions, self.middlewares)?;

        let limits = config.connection_limits();
        let connections = Connections::new(limits, self.connection_hooks, sessions(&config));
        let connections = Arc::new(connections);
        let rooms = Rooms::new(
            self.broker,
            self.room_hooks,
            config.room_settings(),
            connections.clone(),
            parser.clone(),
            self.has_transforms,
        );
        let availability = Arc::<Availability>::default();
        let handle = Arc::<WeakStellar>::default();
        self.shared.insert(handle.clone());
        let actions = Arc::new(ActionService::new(
            actions,
            config.action_settings(),
            self.shared,
            availability.clone(),
        ));
        let files = Arc::new(Files {
            folders: config.public.clone(),
            embedded: self.embedded,
            follow_symlinks: config.follow_symlinks,
            sending: Arc::default(),
        });
        let dispatcher = Dispatcher::new(
            config.dispatch_settings(),
            connections.clone(),
            rooms.clone(),
            actions.clone(),
            files.clone(),
        );
        let mut server = self
            .server
            .config(config.server.clone())
            .parser(parser.clone())
            .handler(dispatcher);
        for transport in transports {
            server = server.shared_transport(transport);
        }
        let server = server.build();
        connections.bind(&server);

        tokio::task::spawn_blocking(remove_left_over);
        rooms.start(&config.starting_chat_rooms).await?;
        let compressor = Compressor::new(config.max_compress, config.compress_cache);
        let inner = Arc::new(Inner {
            config,
            parser,
            connections,
            rooms,
            actions,
            files,
            availability,
            compressor: Arc::new(compressor),
            routes: self.routes.into(),
            reload: self.reload,
            #[cfg(feature = "tls")]
            tls: OnceLock::new(),
        });
        let stellar = Stellar { inner, server };
        handle.set(&stellar);
        stellar.start().await?;
        Ok(stellar)
    }
}

/// The name in an address to listen on, if it has one.
fn host_name(address: &str) -> Option<String> {
    let (host, _) = address.rsplit_once(':')?;
    let is_name = !address.starts_with("unix:") && host.parse::<std::net::IpAddr>().is_err();
    (is_name && !host.is_empty() && !host.starts_with('[')).then(|| host.to_owned())
}

/// The sessions of the settings.
fn sessions(config: &Config) -> Option<Sessions> {
    let cookie = config.session_cookie.as_deref()?;
    if config.session_key.keys().is_empty() {
        tracing::info!("sessionKey is not set: sessions end with this process, and are its own");
    }
    Some(Sessions::new(cookie, &config.session_key))
}

/// Looks for what no setting may be.
fn check(config: &Config) -> Result<(), BuildError> {
    for (key, value) in config.paths() {
        if !is_path(value) {
            return Err(BuildError::BadPath {
                key,
                value: value.to_owned(),
            });
        }
    }
    let scripts = [
        ("scripts.primus", &config.scripts.primus),
        ("scripts.socketio", &config.scripts.socketio),
        ("scripts.sockjs", &config.scripts.sockjs),
    ];
    for (key, path) in scripts {
        if let Some(path) = path.clone().filter(|path| !path.is_file()) {
            return Err(BuildError::NoScript { key, path });
        }
    }
    if let Some(key) = nothing_passes(config) {
        return Err(BuildError::Nothing { key });
    }
    #[cfg(feature = "socketio")]
    if config.socketio.plain_events {
        return Err(BuildError::PlainEvents);
    }
    if config.starting_chat_rooms.iter().any(String::is_empty) {
        return Err(BuildError::NamelessRoom);
    }
    if let Some(path) = config.guard.bad_path() {
        return Err(BuildError::GuardedPath(path.to_owned()));
    }
    let is_bad = |method: &&String| !is_method(&method.to_ascii_uppercase());
    if let Some(method) = config.action_methods.iter().find(is_bad) {
        return Err(BuildError::ActionMethod(method.clone()));
    }
    if let Some(cookie) = &config.session_cookie
        && !is_cookie_name(cookie)
    {
        return Err(BuildError::SessionCookie(cookie.clone()));
    }
    if config.session_key.is_weak() {
        return Err(BuildError::WeakSessionKey);
    }
    match config.cors.fault() {
        Some(fault) => Err(BuildError::Cors(fault)),
        None => Ok(()),
    }
}

/// A bound of 0 with which no client could do anything. Some bounds are none with 0, so it is easily
/// taken for that.
fn nothing_passes(config: &Config) -> Option<&'static str> {
    let server = &config.server;
    let bounds = [
        ("simultaneousActions", config.simultaneous_actions == 0),
        ("actionTimeout", config.action_timeout == 0),
        ("maxMessage", config.max_message == 0),
        ("server.maxLength", server.max_length == 0),
        ("server.maxConnections", server.max_connections == 0),
        ("server.maxHandshakes", server.max_handshakes == 0),
        ("server.handshakeTimeout", server.handshake_timeout == 0),
        ("server.outbox.frames", server.outbox.frames == 0),
        ("server.outbox.bytes", server.outbox.bytes == 0),
    ];
    let (key, _) = bounds.into_iter().find(|(_, is_nothing)| *is_nothing)?;
    Some(key)
}

/// The codec that the settings name.
fn parser_of(config: &Config) -> Result<Parser, BuildError> {
    Parser::by_name(&config.parser)
        .filter(|parser| !matches!(parser, Parser::Raw))
        .ok_or_else(|| BuildError::UnknownParser(config.parser.clone()))
}

/// The engines that the settings name and those that were given, or the first there is.
fn engines_of(
    config: &Config,
    registry: &Registry,
    mut given: Vec<Arc<dyn Transport>>,
) -> Result<Vec<Arc<dyn Transport>>, BuildError> {
    let mut transports = Vec::new();
    for name in &config.transports {
        transports.push(registry.make(name)?);
    }
    transports.append(&mut given);
    if transports.is_empty() {
        let name = registry.names().next();
        transports.push(registry.make(name.ok_or(BuildError::NoTransport)?)?);
    }
    Ok(transports)
}

/// The actions, with what each one's groups make of it.
fn in_groups(actions: Vec<Action>, groups: &[(String, Modify)]) -> Vec<Action> {
    let one = |action: Action| {
        groups.iter().fold(action, |action, (group, modify)| {
            if action.group_name() == Some(group) {
                modify(action)
            } else {
                action
            }
        })
    };
    actions.into_iter().map(one).collect()
}

/// Gives the engines that actions are closed to their one name.
fn name_blocked(
    actions: &mut [Action],
    registry: &Registry,
    transports: &[Arc<dyn Transport>],
) -> Result<(), ActionsError> {
    // Engines may be blocked that are not compiled in, or do not run here.
    let one_name = |name: &str| match name.trim() {
        http if http.eq_ignore_ascii_case("http") => Some("http"),
        name => registry
            .name_of(name)
            .or_else(|| transports.iter().map(|t| t.name()).find(|own| *own == name))
            .or_else(|| engine_name(name)),
    };
    for action in actions {
        if let Err(transport) = action.name_blocked(one_name) {
            return Err(ActionsError::UnknownTransport {
                action: action.name().to_owned(),
                transport,
                known: format!("http, {registry}"),
            });
        }
    }
    Ok(())
}
