//! Listening alone: TLS, HTTP/2, Unix sockets, health, and stopping in an orderly way.

mod early;
mod ending;
mod http2;
mod places;
mod slow;
mod tls;

use std::{net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::ActionResult,
    config::{DrainConfig, TlsConfig},
    rooms::PublishRate,
    transport::serve::{Listener, Tls},
};
use tokio::{
    net::{TcpListener, TcpStream, UnixStream},
    sync::oneshot,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName},
    },
};

use crate::support::{Folder, Peer, host, soon, until};

/// A certificate of its own authority, in files.
struct Certificate {
    folder: Folder,
    der: CertificateDer<'static>,
}

impl Certificate {
    fn new() -> Self {
        let folder = Folder::new();
        let der = Self::write(&folder);
        Self { folder, der }
    }

    fn write(folder: &Folder) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        folder.write("cert.pem", made.cert.pem());
        folder.write("key.pem", made.signing_key.serialize_pem());
        made.cert.der().clone()
    }

    fn files(&self) -> [std::path::PathBuf; 2] {
        ["cert.pem", "key.pem"].map(|name| self.folder.path().join(name))
    }

    fn tls(&self) -> Tls {
        let [cert, key] = self.files();
        Tls::from_files(cert, key).unwrap()
    }
}

/// Connects with TLS, trusting one certificate alone.
async fn secure(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
    soon("the TLS handshake", handshake).await
}

/// A server behind TLS.
struct Secured {
    stellar: Stellar,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

async fn secured(builder: Builder, tls: Tls) -> Secured {
    let stellar = builder.build().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = Listener::from(listener).tls(tls);
    assert_eq!(listener.to_string(), format!("https://{address}"));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = stellar.clone();
    let task = tokio::spawn(async move {
        let stop = async {
            stopped.await.ok();
        };
        server.serve_on(listener, stop).await.unwrap();
    });
    Secured {
        stellar,
        address,
        stop,
        task,
    }
}

fn who() -> Builder {
    Stellar::builder()
        .action("who", async || ActionResult::Ok(json!({ "who": "me" })))
        .configure(|config| {
            // The tests write long messages.
            config.max_message = 1 << 21;
            config.publish_rate = PublishRate::unlimited();
        })
}

#[tokio::test]
async fn the_settings_say_where_and_how_to_listen() {
    let certificate = Certificate::new();
    let [cert, key] = certificate.files();
    let folder = Folder::new();
    let socket = folder.path().join("app.sock");
    let address = format!("unix:{}", socket.display());
    let builder = |cert, key| {
        let address = address.clone();
        who().configure(move |config| {
            config.listen = vec!["127.0.0.1:0".into(), address];
            config.tls = TlsConfig::default();
            config.tls.cert = cert;
            config.tls.key = key;
        })
    };
    let stellar = builder(Some(cert.clone()), Some(key))
        .build()
        .await
        .unwrap();
    let listeners = stellar.listen().await.unwrap();
    assert!(listeners.iter().all(Listener::is_secure));
    drop(listeners);
    let stellar = builder(Some(cert), None).build().await.unwrap();
    let fault = stellar.listen().await.unwrap_err().to_string();
    assert!(fault.contains("tls.key"), "{fault}");

    let stellar = builder(None, None).build().await.unwrap();
    let listeners = stellar.listen().await.unwrap();
    assert_eq!(listeners[1].to_string(), address);
    // It is taken as long as somebody listens.
    let fault = stellar.listen().await.unwrap_err().to_string();
    assert!(fault.contains("app.sock"), "{fault}");
    let port = listeners[0].local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = stellar.clone();
    let task = tokio::spawn(async move {
        let stop = async {
            stopped.await.ok();
        };
        server.serve_all(listeners, stop).await.unwrap();
    });
    // One room over both.
    let stream = UnixStream::connect(&socket).await.unwrap();
    let url = "ws://localhost/primus";
    let mut unix = Peer::over(stream, url).await.unwrap();
    unix.welcomed().await;
    unix.join("defaultRoom").await;
    let details = unix.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(details["data"]["remoteIP"], Value::Null);
    let stream = TcpStream::connect(port).await.unwrap();
    let url = "ws://localhost/primus";
    let mut tcp = Peer::over(stream, url).await.unwrap();
    tcp.welcomed().await;
    tcp.join("defaultRoom").await;
    let id = tcp.id().await;
    tcp.say("defaultRoom", json!("over both")).await;
    assert_eq!(unix.heard("defaultRoom", Some(&id)).await, "over both");
    stop.send(()).ok();
    for mut peer in [unix, tcp] {
        peer.closed().await;
        peer.goodbye().await;
    }
    soon("the end", task).await.unwrap();
    assert!(!socket.exists());

    // One that was left behind is replaced; a file that is no socket is not.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    let listener = Listener::bind(&address).await.unwrap();
    drop(listener);
    folder.write("app.sock", "precious");
    assert!(Listener::bind(&address).await.is_err());
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "precious");
}

#[tokio::test]
async fn health_is_told_and_can_be_off() {
    let mut on = host(who().configure(|config| {
        config.drain = DrainConfig::default();
        config.drain.delay = 60_000;
    }))
    .await;
    let told = async |host: &crate::support::Host, path: &str| host.get(path).await.status;
    assert_eq!(
        (told(&on, "/healthz").await, told(&on, "/readyz").await),
        (200, 200)
    );
    let mut peer = on.peer().await;
    on.stop();
    // During the delay only the answer about readiness changes.
    until("the news", async || told(&on, "/readyz").await == 503).await;
    assert_eq!(told(&on, "/healthz").await, 200);
    assert_eq!(peer.call(json!({ "action": "who" })).await["who"], "me");
    assert_eq!(
        on.peer().await.call(json!({ "action": "who" })).await["who"],
        "me"
    );

    let off = host(who().configure(|config| config.health = false)).await;
    assert_eq!(
        (told(&off, "/healthz").await, told(&off, "/readyz").await),
        (404, 404)
    );
}
