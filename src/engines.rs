//! The engines that are compiled in: the one place where they get their names.

use stellarfw_transport::Registry;

/// A registry of the engines whose feature is on, in the order in which they are preferred.
///
/// ```
/// let names: Vec<_> = stellarfw::engines().names().collect();
/// # #[cfg(feature = "ws")]
/// assert!(names.contains(&"ws"));
/// ```
#[must_use]
pub fn engines() -> Registry {
    #[allow(unused_mut, reason = "with no engine's feature on nothing is added")]
    let mut registry = Registry::new();
    #[cfg(feature = "ws")]
    registry.add(stellarfw_ws::Ws::NAME, stellarfw_ws::Ws::ALIASES, || {
        std::sync::Arc::new(stellarfw_ws::Ws::default())
    });
    #[cfg(feature = "engineio")]
    registry.add(
        stellarfw_engineio::EngineIo::NAME,
        stellarfw_engineio::EngineIo::ALIASES,
        || std::sync::Arc::new(stellarfw_engineio::EngineIo::default()),
    );
    #[cfg(feature = "socketio")]
    registry.add(
        stellarfw_socketio::SocketIo::NAME,
        stellarfw_socketio::SocketIo::ALIASES,
        || std::sync::Arc::new(stellarfw_socketio::SocketIo::default()),
    );
    #[cfg(feature = "sockjs")]
    registry.add(
        stellarfw_sockjs::SockJs::NAME,
        stellarfw_sockjs::SockJs::ALIASES,
        || std::sync::Arc::new(stellarfw_sockjs::SockJs::default()),
    );
    registry
}
