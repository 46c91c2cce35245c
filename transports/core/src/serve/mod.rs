//! An HTTP server for those who have none: accepts, bounds what a handshake may take, upgrades.

mod body;
#[cfg(feature = "tls")]
mod close_notify;
mod connection;
mod host;
#[cfg(feature = "tls")]
mod http2;
mod linger;
mod listener;
mod pace;
mod spare;
#[cfg(feature = "tls")]
mod streams;
#[cfg(feature = "tls")]
mod tls;

use std::{convert::Infallible, future::Future, io, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::{Semaphore, watch};
use tower_service::Service;

#[cfg(feature = "tls")]
pub use self::tls::{Tls, TlsError};
pub use self::{
    body::{BodyError, RequestBody},
    linger::tcp_of,
    listener::Listener,
    pace::{Pace, PacedBody},
};
use self::{
    connection::Serving,
    spare::{Places, Spares},
};
use crate::{
    addresses::{AddressLimits, Addresses},
    http::BoxError,
};

/// What a connection may take before it is a spark.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How long a client may take to send the head of a request, and how long an idle connection
    /// is kept for the next one. Default: 10 seconds.
    pub header_timeout: Duration,
    /// The largest head of a request in bytes. Default: 16 KiB; at least 8 KiB.
    pub max_head: usize,
    /// How many headers a request may have. Default: 100.
    pub max_headers: usize,
    /// How fast the body of a request must come while it is read; else the request is answered 408.
    /// Default: 15 seconds of silence at most, and 1,024 bytes a second.
    pub body: Pace,
    /// How fast a client must read what it is answered; else its connection is closed, and over HTTP/2
    /// the stream reset. An answer that has nothing to say, such as a long poll's, is not slow.
    /// Default: 30 seconds without progress at most, and 1,024 bytes a second.
    pub answer: Pace,
    /// How many connections may be at HTTP at once. Further ones are [spare](Self::spare_connections).
    /// Upgraded connections do not count. Default: 16,384.
    pub max_connections: usize,
    /// How many connections beyond those bounds are accepted all the same, for requests to the
    /// [health paths](Self::health_paths). They have three seconds to send a head, and another request is
    /// answered 503 unless a place has become free. When there are too many, the oldest is closed.
    /// 0: none, and further connections wait to be accepted. Default: 256.
    pub spare_connections: usize,
    /// The paths that are answered on spare connections. Default: none, and then there are no spare
    /// connections.
    pub health_paths: &'static [&'static str],
    /// How many connections one address (a /64 of IPv6) may have at HTTP at once; further ones are
    /// spare, or closed where there are none. 0 is no bound. Default 4,096: a quarter of all. A server behind a proxy sees the address
    /// of the proxy alone.
    pub max_connections_per_address: usize,
    /// How long requests under way are given when the server stops. Default: 5 seconds.
    pub stop_timeout: Duration,
    /// How long the rest of a request is read and discarded after an answer that came before its
    /// end, and after the connection was closed for writing: closed at once, it would be reset, and
    /// the client would lose the answer (RFC 9112 section 9.6). Less where the client is silent.
    /// Default: 30 seconds.
    pub linger_timeout: Duration,
    /// How many bytes are read and discarded so. 0: none. Default: 64 MiB.
    pub linger_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            max_head: 16 << 10,
            max_headers: 100,
            body: Pace::new(Duration::from_secs(15), 1_024),
            answer: Pace::new(Duration::from_secs(30), 1_024),
            max_connections: 16_384,
            spare_connections: 256,
            health_paths: &[],
            max_connections_per_address: 4_096,
            stop_timeout: Duration::from_secs(5),
            linger_timeout: Duration::from_secs(30),
            linger_bytes: 64 << 20,
        }
    }
}

/// What a fault of accepting is waited for: it does not go away by trying again at once.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves HTTP/1.1 with upgrades, and HTTP/2 over TLS, until `stop` is done, then lets requests
/// under way finish. Upgraded connections are not waited for:
/// [`Server::shutdown`](crate::Server::shutdown) ends them.
///
/// `listener` is a `TcpListener`, a `UnixListener`, or a [`Listener`] made of one. `service` is any
/// tower service of HTTP, such as [`Server::service`](crate::Server::service) or an axum `Router`;
/// it finds the client's address in the extension [`Peer`](crate::http::Peer), and whether it came
/// over TLS in [`Secure`](crate::http::Secure).
///
/// Dropped, it listens no more, and requests under way finish without being waited for.
///
/// # Errors
/// None after the start: a failing accept (out of file descriptors, say) is logged and tried
/// again.
pub async fn serve<S, B>(
    listener: impl Into<Listener>,
    service: S,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let listener = listener.into();
    let (stopping, stopped) = watch::channel(());
    #[cfg(feature = "tls")]
    let watching = listener.tls.clone();
    #[cfg(feature = "tls")]
    let mut watching = pin!(async move {
        match watching {
            Some(tls) => tls.watch().await,
            None => std::future::pending().await,
        }
    });
    #[cfg(not(feature = "tls"))]
    let mut watching = pin!(std::future::pending::<()>());
    let most = u32::try_from(limits.max_connections)
        .unwrap_or(u32::MAX)
        .max(1);
    let places = Places {
        all: Arc::new(Semaphore::new(most as usize)),
        addresses: Addresses::new(AddressLimits {
            connections: limits.max_connections_per_address,
            ..AddressLimits::default()
        }),
    };
    let has_spares = limits.spare_connections > 0 && !limits.health_paths.is_empty();
    let mut spares = Spares::new(limits.spare_connections);
    let mut stop = pin!(stop);
    loop {
        let accept = async {
            let place = if has_spares {
                None
            } else {
                // The semaphore is never closed, so there is always a place in the end.
                places.all.clone().acquire_owned().await.ok()
            };
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept => accepted,
            () = &mut watching => unreachable!("it watches without end"),
        };
        let stream = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_connection(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "accept failed; trying again in a second");
                drop(place);
                tokio::select! {
                    () = &mut stop => break,
                    () = tokio::time::sleep(PAUSE) => continue,
                }
            }
        };
        let peer = stream.peer();
        let place = match place {
            Some(place) => places.with_address(place, peer),
            None => places.take(peer),
        };
        let spare = match &place {
            Ok(_) => None,
            Err(_) if has_spares => Some(spares.add(places.clone(), peer)),
            // Closed without a word: it has cost nothing yet, and shall not.
            Err(_) => continue,
        };
        let serving = Serving {
            service: service.clone(),
            local: stream.local(),
            limits,
            spare: spare.clone(),
            #[cfg(feature = "tls")]
            budget: listener.budget.clone(),
            stopped: stopped.clone(),
            #[cfg(feature = "tls")]
            tls: listener.tls.clone(),
        };
        tokio::spawn(async move {
            match spare {
                None => serving.run(stream).await,
                Some(spare) => tokio::select! {
                    () = serving.run(stream) => {}
                    () = spare.ended() => {}
                },
            }
            drop(place);
        });
    }
    drop(listener);
    stopping.send(()).ok();
    let all = places.all.acquire_many(most);
    if tokio::time::timeout(limits.stop_timeout, all)
        .await
        .is_err()
    {
        tracing::warn!("requests were still under way at the deadline");
    }
    Ok(())
}

/// Whether the fault is one of the connection that was to be accepted, not of the listener.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
