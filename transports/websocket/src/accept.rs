//! From an HTTP request to an upgraded connection (RFC 6455 section 4.2).

use http::{HeaderValue, StatusCode, header};
use stellarfw_transport::{
    Admission, Server, cors,
    http::{Request, Response, refused, text},
    is_websocket_upgrade,
};

use crate::{
    deflate::{self, Negotiated},
    framing::Framing,
    options::WebSocketOptions,
    task::ConnectionTask,
    upgrade::{Upgrade, UpgradeError},
};

/// Answers an upgrade request for the engine of this name and runs the connection.
///
/// It validates the handshake (RFC 6455 section 4.2), asks the server for admission, and spawns the
/// task that owns the spark. Messages are framed by `F`.
///
/// A request that is no upgrade is answered 426, a broken handshake 400, and a refusal with
/// [`refused`]. A refusal takes precedence over 426, because scripts on pages cannot read the answer to a
/// failed upgrade and ask without one.
///
/// Not cancel safe, as [`Transport::serve`](stellarfw_transport::Transport::serve).
pub async fn accept<F: Framing>(
    options: &WebSocketOptions,
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
        Err(UpgradeError::Handshake) => return text(StatusCode::BAD_REQUEST, "Bad Request\n"),
        Err(UpgradeError::Version) => return upgrade_required(),
        Err(UpgradeError::Unsupported) => {
            return text(StatusCode::NOT_IMPLEMENTED, "No upgrade possible here\n");
        }
    };
    let admission = match server.admit(engine, &mut parts).await {
        Ok(admission) => admission,
        Err(refusal) => return refused(&refusal, true),
    };
    let agreed = options.compression.as_ref().and_then(|compression| {
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
        options.clone(),
        server.clone(),
        admission,
        agreed,
        upgrade,
    ));
    response
}

/// Awaits the upgrade, at most for the handshake timeout, and spawns the connection's task.
async fn upgraded<F: Framing>(
    options: WebSocketOptions,
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
    // A separate task, so that the memory of the handshake is freed.
    tokio::spawn(ConnectionTask::<F>::new(
        &options, &server, admission, agreed, socket, early,
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
