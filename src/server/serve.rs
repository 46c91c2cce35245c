//! Serving alone: listening, TLS, and stopping on a signal.

use std::{future::Future, io};

use stellarfw_transport::serve::{self, Listener};
use tokio::{net::TcpListener, net::ToSocketAddrs, sync::watch};

use super::{Stellar, reload, stellar::Inner};
use crate::web;

impl Stellar {
    /// Listens and serves until Ctrl-C or SIGTERM, then stops as [`Stellar::drain`] says; a second
    /// signal cuts that short. On SIGHUP it [reloads](Stellar::reload), unless that comes because
    /// the terminal of the process is closed: then it stops.
    ///
    /// Dropped, it and the others here listen no more: requests under way go on without being waited
    /// for, and connections stay until [`Stellar::shutdown`] or the runtime's end.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the certificate of the settings not be used.
    pub async fn serve(&self, address: impl ToSocketAddrs) -> io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        self.serve_until_stopped(listener).await
    }

    /// As [`Stellar::serve`], on a listener of your own.
    ///
    /// # Errors
    /// When the certificate of the settings cannot be used.
    pub async fn serve_until_stopped(&self, listener: impl Into<Listener>) -> io::Result<()> {
        let mut listener = listener.into();
        if !listener.is_secure() {
            listener = Security::of(&self.inner)?.put_on(listener);
        }
        let metrics = self.metrics_listener().await?;
        let stop = stop_or_reload(self);
        self.serve_with(vec![listener], metrics, stop, second_signal())
            .await
    }

    /// Listens on what the settings name and serves there, as [`Stellar::serve`]. `listening` is
    /// told where, when connections can come.
    ///
    /// # Errors
    /// As [`Stellar::listen`].
    pub async fn serve_configured(&self, listening: impl FnOnce(&[Listener])) -> io::Result<()> {
        let listeners = self.listen().await?;
        let metrics = self.metrics_listener().await?;
        // Who is told that it listens may ask it to stop at once.
        let stop = stop_or_reload(self);
        listening(&listeners);
        self.serve_with(listeners, metrics, stop, second_signal())
            .await
    }

    /// Serves on a listener until `stop` is done, then stops as [`Stellar::drain`] says.
    ///
    /// # Errors
    /// None after the start.
    pub async fn serve_on(
        &self,
        listener: impl Into<Listener>,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        self.serve_all(vec![listener.into()], stop).await
    }

    /// Listens on all that the settings name, with TLS if they say so. Cancel safe: then nothing is
    /// listened on.
    ///
    /// # Errors
    /// The first address that cannot be listened on, and why; or that the certificate cannot be
    /// used.
    pub async fn listen(&self) -> io::Result<Vec<Listener>> {
        // The listeners share one certificate, which is looked at and told of once.
        let secure = Security::of(&self.inner)?;
        let mut listeners = Vec::new();
        for address in &self.inner.config.listen {
            let told = |error: io::Error| {
                io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
            };
            let listener = Listener::bind(address).await.map_err(told)?;
            listeners.push(secure.put_on(listener));
        }
        Ok(listeners)
    }

    /// Serves on several listeners, as [`Stellar::serve_on`].
    ///
    /// # Errors
    /// None after the start.
    pub async fn serve_all(
        &self,
        listeners: Vec<Listener>,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let metrics = self.metrics_listener().await?;
        self.serve_with(listeners, metrics, stop, std::future::pending())
            .await
    }

    /// Listens where the settings want metrics told. Before anybody is told that the server listens,
    /// because it does not serve when this fails.
    async fn metrics_listener(&self) -> io::Result<Option<Listener>> {
        let Some(address) = &self.inner.config.metrics.listen else {
            return Ok(None);
        };
        let told = |error: io::Error| {
            let text = format!("cannot tell metrics on {address}: {error}");
            io::Error::new(error.kind(), text)
        };
        Listener::bind(address).await.map(Some).map_err(told)
    }

    /// Serves until `stop`, and drains until `cut`, which is polled only then.
    async fn serve_with(
        &self,
        listeners: Vec<Listener>,
        metrics: Option<Listener>,
        stop: impl Future<Output = ()>,
        cut: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let mut limits = self.inner.config.http.limits();
        if self.inner.config.health {
            limits.health_paths = &web::HEALTH_PATHS;
        }
        let (drained, _) = watch::channel(false);
        let mut serving = tokio::task::JoinSet::new();
        for listener in listeners {
            let mut stopped = drained.subscribe();
            let router = self.router();
            let listener = listener.budget(self.server.budget().clone());
            serving.spawn(async move {
                let stop = async {
                    stopped.wait_for(|drained| *drained).await.ok();
                };
                serve::serve(listener, router, limits, stop).await
            });
        }
        if let Some(listener) = metrics {
            tracing::info!(%listener, "metrics");
            let mut stopped = drained.subscribe();
            let router = self.metrics_router();
            serving.spawn(async move {
                let stop = async {
                    stopped.wait_for(|drained| *drained).await.ok();
                };
                serve::serve(listener, router, limits, stop).await
            });
        }
        notify_ready();
        stop.await;
        notify_stopping();
        tokio::select! {
            // Requests are answered meanwhile: those of polling clients, and `/readyz`.
            _ = self.drain() => {}
            () = cut => {}
        }
        drained.send(true).ok();
        while let Some(served) = serving.join_next().await {
            served.map_err(io::Error::other)??;
        }
        self.shutdown(stellarfw_transport::Shutdown {
            reconnect: true,
            ..Default::default()
        })
        .await;
        Ok(())
    }
}

/// The TLS of the settings, if they have some.
struct Security {
    #[cfg(feature = "tls")]
    tls: Option<serve::Tls>,
}

impl Security {
    #[cfg(feature = "tls")]
    fn of(inner: &Inner) -> io::Result<Self> {
        let tls = match (&inner.config.tls.cert, &inner.config.tls.key) {
            (Some(cert), Some(key)) => {
                let tls = serve::Tls::from_files(cert, key).map_err(io::Error::other)?;
                // All listeners share one, so that it is reloaded for all of them.
                Some(inner.tls.get_or_init(|| tls).clone())
            }
            (None, None) => None,
            _ => return Err(io::Error::other("tls.cert and tls.key must be given both")),
        };
        Ok(Self { tls })
    }

    #[cfg(not(feature = "tls"))]
    fn of(inner: &Inner) -> io::Result<Self> {
        if inner.config.tls == crate::config::TlsConfig::default() {
            return Ok(Self {});
        }
        Err(io::Error::other("this program was built without TLS"))
    }

    fn put_on(&self, listener: Listener) -> Listener {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return listener.tls(tls.clone());
        }
        listener
    }
}

/// Done when the process is asked to stop, from this call on: by Ctrl-C or SIGTERM.
fn stop_signal() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let signals = {
        use tokio::signal::unix::{SignalKind, signal};
        [SignalKind::terminate(), SignalKind::interrupt()].map(signal)
    };
    async move {
        #[cfg(unix)]
        if let [Ok(mut terminate), Ok(mut interrupt)] = signals {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
            }
        }
        tokio::signal::ctrl_c().await.ok();
    }
}

/// As [`stop_signal`]; meanwhile SIGHUP reloads.
fn stop_or_reload(stellar: &Stellar) -> impl Future<Output = ()> + use<> {
    let (stop, reloads) = (stop_signal(), reload::on_signal(stellar));
    async move {
        tokio::select! {
            () = stop => {}
            () = reloads => {}
        }
    }
}

/// As [`stop_signal`], from the first time that it is polled: the one before is not heard again.
async fn second_signal() {
    stop_signal().await;
}

/// Tells systemd that the server serves, if it asked to be told.
pub(crate) fn notify_ready() {
    #[cfg(unix)]
    notify(&[sd_notify::NotifyState::Ready]);
}

/// Tells systemd that the server stops.
fn notify_stopping() {
    #[cfg(unix)]
    notify(&[sd_notify::NotifyState::Stopping]);
}

#[cfg(unix)]
pub(crate) fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
