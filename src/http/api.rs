//! `/api`: actions over HTTP.

use std::time::Instant;

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};
use stellarfw_transport::{Peer, SparkId};

use super::{
    body::{self, BadBody},
    session::Session,
    statics::decode,
};
use crate::{
    Stellar, StellarError,
    actions::{ActionError, Caller, HttpCaller, Outcome, Status, execute},
    time::now_ms,
};

pub(super) fn routes(stellar: &Stellar, path: &str) -> Router {
    let handler = |prefix: String| {
        let stellar = stellar.clone();
        any(move |request: Request| {
            let (stellar, prefix) = (stellar.clone(), prefix.clone());
            async move { answer(&stellar, &prefix, request).await }
        })
    };
    Router::new()
        .route(path, handler(path.to_owned()))
        .route(&format!("{path}/"), handler(path.to_owned()))
        .route(&format!("{path}/{{*action}}"), handler(path.to_owned()))
}

async fn answer(stellar: &Stellar, prefix: &str, request: Request) -> Response {
    let started = Instant::now();
    let config = stellar.config();
    let (parts, body) = request.into_parts();
    match parts.method {
        Method::OPTIONS => return StatusCode::OK.into_response(),
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE => {}
        _ => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
    let session = Session::of(&parts.headers, config.session_cookie.as_deref());
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
    let caller = HttpCaller {
        id: SparkId::random().to_string(),
        fingerprint: session.as_ref().map(|session| session.id.clone()),
        remote: config.server.trusted_proxies.client(peer, &parts.headers),
        method: parts.method.clone(),
        headers: parts.headers.clone(),
    };

    let read = body::read(&parts, body, config.max_body).await;
    let (outcome, received) = match read {
        Err(bad) => (Err(bad), Value::Object(Map::new())),
        Ok(mut read) => {
            let rest = parts.uri.path().strip_prefix(prefix).unwrap_or_default();
            let named = rest.trim_matches('/');
            if !named.is_empty() {
                let named = decode(named).unwrap_or_else(|| named.to_owned());
                read.map.insert("action".into(), named.into());
            }
            let received = Value::Object(read.map.clone());
            let caller = Caller::Http(caller.clone());
            let outcome = execute(&stellar.app, caller, read.into_input()).await;
            (Ok(outcome), received)
        }
    };
    let (status, mut fields) = settle(outcome);
    fields.insert(
        "serverInformation".into(),
        json!({
            "serverName": config.name,
            "apiVersion": config.api_version,
            "requestDuration": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "currentTime": now_ms(),
        }),
    );
    fields.insert(
        "requesterInformation".into(),
        json!({
            "id": caller.id,
            "fingerprint": caller.fingerprint,
            "remoteIP": caller.remote.map(|remote| remote.ip()),
            "receivedParams": received,
        }),
    );
    respond(&parts.method, status, &fields, session.as_ref())
}

type Answer = (StatusCode, Map<String, Value>);

fn settle(outcome: Result<Outcome, BadBody>) -> Answer {
    match outcome {
        Err(BadBody(status, text)) => {
            let map = Map::from_iter([("error".to_owned(), Value::String(text))]);
            (status, map)
        }
        Ok(Outcome::Nothing) => (StatusCode::NO_CONTENT, Map::new()),
        Ok(Outcome::Reply(reply)) => match reply.to_fields() {
            Ok(fields) => (StatusCode::OK, fields),
            Err(error) => {
                tracing::error!(%error, "what an action returned could not be encoded");
                failed(&StellarError::internal().into())
            }
        },
        Ok(Outcome::Error(error)) => failed(&error),
    }
}

fn failed(error: &ActionError) -> Answer {
    let status = match error.status() {
        Status::BadRequest => StatusCode::BAD_REQUEST,
        Status::NotFound => StatusCode::NOT_FOUND,
        Status::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Status::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    match serde_json::to_value(error) {
        Ok(Value::Object(map)) => (status, map),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, Map::new()),
    }
}

fn respond(
    method: &Method,
    status: StatusCode,
    fields: &Map<String, Value>,
    session: Option<&Session>,
) -> Response {
    let text = serde_json::to_vec(fields).unwrap_or_default();
    let body = if *method == Method::HEAD || status == StatusCode::NO_CONTENT {
        Body::empty()
    } else {
        Body::from(text)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(session) = session {
        session.tell(headers);
    }
    response
}
