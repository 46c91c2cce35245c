//! TLS from certificate and key files, which may be replaced while the server runs.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::RwLock;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsAcceptor;

/// The memory of an idle TLS connection in bytes, which counts in the budget: keys and buffers. Measured by
/// a test.
pub(super) const CONNECTION: usize = 8 << 10;

/// What TLS may hold encrypted while the socket takes nothing, in bytes.
pub(super) const UNWRITTEN: usize = 64 << 10;

/// TLS 1.2 and 1.3 for a [`Listener`](super::Listener). Clones share the certificate.
///
/// While a server runs it looks at the files every few seconds, and takes new ones for new
/// connections. Files that cannot be used are told to the log, and what was there stays.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Shared>);

struct Shared {
    config: RwLock<Arc<ServerConfig>>,
    files: Option<Files>,
}

struct Files {
    cert: PathBuf,
    key: PathBuf,
    read: RwLock<LastRead>,
    every: Duration,
}

impl Files {
    fn stamps(&self) -> [Option<Stamp>; 2] {
        [stamp(&self.cert), stamp(&self.key)]
    }
}

/// How reading the files went last.
#[derive(Debug)]
struct LastRead {
    /// What they were then.
    seen: [Option<Stamp>; 2],
    /// They could not be used.
    failed: bool,
}

/// When a file was changed, and how long it is.
type Stamp = (SystemTime, u64);

/// A certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM.
    #[error("{}: {fault}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The two do not belong together, or are of a kind that is not spoken.
    #[error("{} and {}: {source}", cert.display(), key.display())]
    Pair {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong with them.
        source: rustls::Error,
    },
}

impl Tls {
    /// Reads a chain of certificates, the server's own first, and its private key (PKCS #8,
    /// PKCS #1 or SEC 1), both PEM.
    ///
    /// # Errors
    /// When one of them cannot be read, or they do not belong together.
    pub fn from_files(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (cert, key) = (cert.into(), key.into());
        let seen = [stamp(&cert), stamp(&key)];
        let config = load(&cert, &key)?;
        Ok(Self(Arc::new(Shared {
            config: RwLock::new(config),
            files: Some(Files {
                cert,
                key,
                read: RwLock::new(LastRead {
                    seen,
                    failed: false,
                }),
                every: Duration::from_secs(5),
            }),
        })))
    }

    /// Takes settings of rustls as they are. HTTP/2 is spoken when `alpn_protocols` has `h2`.
    #[must_use]
    pub fn from_config(config: Arc<ServerConfig>) -> Self {
        Self(Arc::new(Shared {
            config: RwLock::new(config),
            files: None,
        }))
    }

    /// Reads the files again if they have changed, or could not be used the last time. Returns
    /// `true` if there is a new certificate.
    ///
    /// # Errors
    /// When they cannot be used. The certificate stays as it was, and the next call tries again.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let Some(files) = &self.0.files else {
            return Ok(false);
        };
        {
            let read = files.read.read();
            if !read.failed && read.seen == files.stamps() {
                return Ok(false);
            }
        }
        self.reload_now().map(|()| true)
    }

    /// Reads the files again, whether or not they have changed. Does nothing to TLS that is not of
    /// files. New connections get what was read; those that are open stay as they are.
    ///
    /// # Errors
    /// When they cannot be used. The certificate stays as it was, and [`Tls::reload`] tries again.
    pub fn reload_now(&self) -> Result<(), TlsError> {
        let Some(files) = &self.0.files else {
            return Ok(());
        };
        // Before they are read, so that what is written meanwhile is a change.
        let seen = files.stamps();
        let loaded = load(&files.cert, &files.key);
        *files.read.write() = LastRead {
            seen,
            failed: loaded.is_err(),
        };
        *self.0.config.write() = loaded?;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.0.config.read().clone().into()
    }

    /// Looks at the files from time to time, without end.
    pub(super) async fn watch(&self) {
        let Some(files) = &self.0.files else {
            return std::future::pending().await;
        };
        // The same fault is logged once, however often it is met.
        let mut logged = None;
        loop {
            tokio::time::sleep(files.every).await;
            let tls = self.clone();
            match tokio::task::spawn_blocking(move || tls.reload()).await {
                Ok(Ok(true)) => {
                    logged = None;
                    tracing::info!(cert = %files.cert.display(), "new certificate");
                }
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    let fault = error.to_string();
                    if logged.as_ref() != Some(&fault) {
                        tracing::error!(%error, "the certificate stays as it was");
                    }
                    logged = Some(fault);
                }
                Err(error) => tracing::error!(%error, "the certificate could not be looked at"),
            }
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("cert", &self.files.as_ref().map(|files| &files.cert))
            .finish_non_exhaustive()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn load(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let fault = |path: &Path, fault: String| TlsError::File {
        path: path.to_owned(),
        fault,
    };
    let pem = |path: &Path| {
        let bytes = fs::read(path).map_err(|error: io::Error| fault(path, error.to_string()))?;
        Ok::<_, TlsError>(bytes)
    };
    let bytes = pem(cert)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| fault(cert, error.to_string()))?;
    if chain.is_empty() {
        return Err(fault(cert, "there is no certificate in it".into()));
    }
    let private = PrivateKeyDer::from_pem_slice(&pem(key)?)
        // The error may quote what it read.
        .map_err(|_| fault(key, "there is no private key in it".into()))?;
    let pair = |source| TlsError::Pair {
        cert: cert.to_owned(),
        key: key.to_owned(),
        source,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
