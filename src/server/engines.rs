//! The engines that are compiled in: the one place where they get their names.

use stellarfw_transport::Registry;

use crate::Config;

/// A registry of the engines whose feature is on, in the order in which they are preferred, with
/// their default settings.
///
/// ```
/// let names: Vec<_> = stellarfw::engines().names().collect();
/// # #[cfg(feature = "ws")]
/// assert!(names.contains(&"ws"));
/// ```
#[must_use]
pub fn engines() -> Registry {
    engines_with(&Config::default())
}

/// As [`engines`], with the engines' settings of a configuration.
#[must_use]
#[allow(
    unused_variables,
    unused_mut,
    reason = "with no engine's feature on nothing is added"
)]
pub fn engines_with(config: &Config) -> Registry {
    let mut registry = Registry::new();
    #[cfg(feature = "ws")]
    {
        use stellarfw_ws::Ws;
        let config = config.ws.clone();
        registry.add(Ws::NAME, Ws::ALIASES, move || {
            std::sync::Arc::new(Ws::new(config.clone()))
        });
    }
    #[cfg(feature = "engineio")]
    {
        use stellarfw_engineio::EngineIo;
        let config = config.engineio.clone();
        registry.add(EngineIo::NAME, EngineIo::ALIASES, move || {
            std::sync::Arc::new(EngineIo::new(config.clone()))
        });
    }
    #[cfg(feature = "socketio")]
    {
        use stellarfw_socketio::SocketIo;
        let config = config.socketio.clone();
        registry.add(SocketIo::NAME, SocketIo::ALIASES, move || {
            std::sync::Arc::new(SocketIo::new(config.clone()))
        });
    }
    #[cfg(feature = "sockjs")]
    {
        use stellarfw_sockjs::SockJs;
        let config = config.sockjs.clone();
        registry.add(SockJs::NAME, SockJs::ALIASES, move || {
            std::sync::Arc::new(SockJs::new(config.clone()))
        });
    }
    registry
}

/// The one name of an engine by its feature's or its own, compiled in or not.
pub(crate) fn engine_name(name: &str) -> Option<&'static str> {
    let names = [
        ("ws", "ws"),
        ("engineio", "engine.io"),
        ("socketio", "socket.io"),
        ("sockjs", "sockjs"),
    ];
    let is_it = |(feature, own): &&(&str, &str)| {
        name.eq_ignore_ascii_case(feature) || name.eq_ignore_ascii_case(own)
    };
    names.iter().find(is_it).map(|(_, own)| *own)
}
