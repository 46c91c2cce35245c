//! From an HTTP request to an upgraded connection (RFC 6455 section 4.2).

use http::{HeaderValue, StatusCode, header};
use stellarfw_transport::{
    Admission, Server, cors,
    http::{Request, Response, refused, text},
    is_websocket_upgrade,
};

use crate::{
    WsConfig,
    deflate::{self, Negotiated},
    framing::Framing,
    session::Session,
    upgrade::{BadUpgrade, Upgrade},
};

/// Answers an upgrade request for an engine whose messages are framed by `F`: checks the handshake,
/// asks the server whether the connection may come in, and makes a spark of it. `engine` is the
/// engine's name.
///
/// What is no upgrade is answered 426, and a refusal as [`refused`] tells it. Who would be refused
/// is told so without an upgrade, too: scripts on pages do not see the answer to a failed one.
///
/// Not cancel safe, as [`Transport::serve`](stellarfw_transport::Transport::serve).
pub async fn accept<F: Framing>(
    config: &WsConfig,
    server: &Server,
    engine: &'static str,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    if !is_websocket_upgrade(&parts) {
        let cors = cors::headers(server.config(), &parts);
        let mut response = match server.admit(engine, &mut parts).await {
            Ok(_) => upgrade_required(),
            Err(refusal) => refused(&refusal, false),
        };
        cors::add(cors, &mut response);
        return response;
    }
    let upgrade = match Upgrade::read(&mut parts) {
        Ok(upgrade) => upgrade,
        Err(BadUpgrade::Handshake) => return text(StatusCode::BAD_REQUEST, "Bad Request\n"),
        Err(BadUpgrade::Version) => return upgrade_required(),
        Err(BadUpgrade::Impossible) => {
            return text(StatusCode::NOT_IMPLEMENTED, "No upgrade possible here\n");
        }
    };
    let admission = match server.admit(engine, &mut parts).await {
        Ok(admission) => admission,
        Err(refusal) => return refused(&refusal, true),
    };
    let agreed = config.compression.as_ref().and_then(|compression| {
        let offers = parts.headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS);
        deflate::negotiate(compression, offers)
    });
    let (agreed, extension) = agreed.unzip();

    let mut response = upgrade.response();
    if let Some(extension) = extension {
        let headers = response.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, extension);
    }
    tokio::spawn(upgraded::<F>(
        config.clone(),
        server.clone(),
        admission,
        agreed,
        upgrade,
    ));
    response
}

/// Waits for the upgrade, no longer than a handshake may take, and then is the connection's task.
async fn upgraded<F: Framing>(
    config: WsConfig,
    server: Server,
    mut admission: Admission,
    agreed: Option<Negotiated>,
    upgrade: Upgrade,
) {
    let timeout = server.config().handshake_timeout();
    let Some((socket, early)) = upgrade.socket(timeout).await else {
        return;
    };
    if admission.handshake().remote().is_none() {
        admission.set_remote(socket.peer());
    }
    // A task of its own, so that what the handshake needed is freed.
    tokio::spawn(Session::<F>::new(
        &config, &server, admission, agreed, socket, early,
    ));
}

fn upgrade_required() -> Response {
    let mut response = text(StatusCode::UPGRADE_REQUIRED, "Upgrade Required");
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(
        header::SEC_WEBSOCKET_VERSION,
        HeaderValue::from_static("13"),
    );
    response
}
