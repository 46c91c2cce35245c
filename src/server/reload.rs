//! Reloading while the server runs: certificates, and what the application adds.

use std::{error::Error, fmt};

use super::{
    Stellar,
    serve::{notify, notify_ready},
    stellar::Inner,
};

type BoxError = Box<dyn Error + Send + Sync>;

/// What an application reloads besides the server's own.
pub(crate) type ReloadHook = Box<dyn Fn() -> Result<(), BoxError> + Send + Sync>;

/// Something could not be reloaded. It stays as it was; everything else has been reloaded.
#[derive(Debug)]
pub struct ReloadError(Vec<BoxError>);

impl ReloadError {
    /// Everything that is wrong: one error at least.
    pub fn errors(&self) -> impl Iterator<Item = &(dyn Error + Send + Sync + 'static)> {
        self.0.iter().map(|error| &**error)
    }
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            let separator = if number > 0 { "; " } else { "" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl Error for ReloadError {}

impl Stellar {
    /// Reads the certificate files of the settings again, whether or not they have changed, and runs
    /// the hooks of [`Builder::on_reload`](crate::Builder::on_reload). Connections stay.
    ///
    /// [`Stellar::serve`] and the others that stop on a signal do it on SIGHUP. Cancel safe in that
    /// what has begun is done.
    ///
    /// # Errors
    /// Everything that could not be reloaded. It stays as it was.
    pub async fn reload(&self) -> Result<(), ReloadError> {
        let inner = self.inner.clone();
        // Files are read, and hooks may take their time.
        let errors = tokio::task::spawn_blocking(move || reload(&inner)).await;
        let errors = errors.unwrap_or_else(|error| vec![error.into()]);
        match errors.is_empty() {
            true => Ok(()),
            false => Err(ReloadError(errors)),
        }
    }

    /// As [`Stellar::reload`], with a line in the log of how it went.
    async fn reload_and_log(&self) {
        notify_reloading();
        match self.reload().await {
            Ok(()) => tracing::info!("reloaded"),
            Err(errors) => {
                for error in errors.errors() {
                    tracing::error!(%error, "not reloaded; it stays as it was");
                }
            }
        }
        notify_ready();
    }
}

fn reload(inner: &Inner) -> Vec<BoxError> {
    let mut errors: Vec<BoxError> = Vec::new();
    #[cfg(feature = "tls")]
    if let Some(tls) = inner.tls.get()
        && let Err(error) = tls.reload_now()
    {
        errors.push(error.into());
    }
    for hook in &inner.reload {
        errors.extend(hook().err());
    }
    errors
}

/// Reloads on each SIGHUP from this call on. It ends when the signal comes because the terminal that
/// the process was started in is closed.
pub(crate) fn on_signal(stellar: &Stellar) -> impl Future<Output = ()> + use<> {
    let stellar = stellar.clone();
    #[cfg(unix)]
    let (signals, terminal) = {
        use tokio::signal::unix::{SignalKind, signal};
        (signal(SignalKind::hangup()), has_terminal())
    };
    async move {
        #[cfg(unix)]
        if let Ok(mut signals) = signals {
            while signals.recv().await.is_some() {
                if terminal && !has_terminal() {
                    return;
                }
                stellar.reload_and_log().await;
            }
        }
        // No signal will come.
        let _ = stellar;
        std::future::pending().await
    }
}

/// Returns `true` if the input is a terminal that is open.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// Reports to systemd that the server reloads, if it asked for that.
fn notify_reloading() {
    #[cfg(unix)]
    {
        let now = sd_notify::NotifyState::monotonic_usec_now();
        let states = [Some(sd_notify::NotifyState::Reloading), now.ok()];
        let states: Vec<_> = states.into_iter().flatten().collect();
        notify(&states);
    }
}
