//! The server under attack, in a separate process to measure its memory.

use std::{
    error::Error,
    io::{BufRead as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{ActionResult, Params},
    config::Sources,
    transport::serve::{Listener, Tls},
    ws::deflate::DeflateConfig,
};
use tokio::net::TcpListener;

use crate::site::furnish;

static PANICS: AtomicU64 = AtomicU64::new(0);

async fn echo(Params(value): Params<Value>) -> ActionResult {
    Ok(json!({ "n": value["n"] }))
}

/// Serves on a free port and prints it.
///
/// Each line on standard input is answered with the counters. Ends at the end of the input.
pub(crate) async fn serve() -> Result<(), Box<dyn Error>> {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        loud(info);
    }));
    let mut config = Sources::new().variables(std::env::vars()).load()?;
    config.ws.compression = Some(DeflateConfig::default());
    let builder = Stellar::builder()
        .config(config)
        .room("crowd")
        .action("echo", echo);
    let (builder, folder) = furnish(builder)?;
    let stellar = builder.build().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let (secure, tls) = secure().await?;
    let asked = stellar.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() || writeln!(std::io::stdout(), "{}", counts(&asked, &tls)).is_err() {
                break;
            }
        }
        drop(folder);
        std::process::exit(0);
    });
    let listeners = vec![listener.into(), secure];
    stellar.serve_all(listeners, std::future::pending()).await?;
    Ok(())
}

/// A TLS listener and its address.
async fn secure() -> Result<(Listener, Value), Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = Listener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr().map(|address| address.port());
    let ready = json!({ "port": port, "certificate": certificate.as_ref() });
    Ok((listener.tls(Tls::from_config(Arc::new(config))), ready))
}

fn counts(stellar: &Stellar, tls: &Value) -> Value {
    let counts = stellar.transport().counts();
    let closed: serde_json::Map<_, _> = counts
        .closed
        .iter()
        .map(|(reason, count)| ((*reason).to_owned(), json!(count)))
        .collect();
    json!({
        "tls": tls,
        "budget": stellar.transport().budget().used(),
        "connections": stellar.transport().connections(),
        "refused": counts.refused,
        "overRate": counts.over_rate,
        // Counted at the decision to close; `closed` counts completed closes.
        "slow": stellar.transport().slow_consumers(),
        "received": counts.received,
        "sent": counts.sent,
        "closed": closed,
        "panics": PANICS.load(Ordering::Relaxed),
    })
}
