//! `/api`: actions over HTTP.

mod multipart;
mod params;
mod portions;
mod reply;
mod routes;
mod uploads;

use std::{sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{Method, StatusCode, header, request::Parts};
use serde_json::{Value, json};
use stellarfw_broker::now_ms;
use stellarfw_transport::{Client, Lease, Peer, SparkId, handshake::query_value};

use self::{
    params::{BadBody, Read, Received},
    reply::{Answer, Requester},
};
pub(crate) use self::{routes::routes, uploads::remove_left_over};
use super::{
    guard::{authorize, drop_credentials},
    session::Session,
    statics::decode,
};
use crate::{
    actions::{Caller, HttpCaller, Outcome, execute},
    connections::usage::HttpPlace,
    protocol::StellarError,
    web::Web,
};

/// What the path of a request says.
enum Named {
    /// The action is named by what follows this prefix, if anything does.
    Below(String),
    /// A declared route: its action, and what stands for its parameters.
    Route {
        action: String,
        values: Vec<(String, String)>,
        /// It is for one method.
        has_method: bool,
    },
}

async fn answer(web: &Web, named: Named, request: Request) -> Response {
    let config = &web.settings;
    let (mut parts, body) = request.into_parts();
    match parts.method {
        Method::OPTIONS => {
            let declared = declared_methods(web, &named, &parts);
            return allowed(StatusCode::OK, declared.as_deref(), config.trace);
        }
        Method::TRACE if config.trace => {}
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE => {}
        _ => return allowed(StatusCode::METHOD_NOT_ALLOWED, None, config.trace),
    }
    let started = Instant::now();
    // Any page can run a script and read what it is called with.
    let callback = callback(web, &parts);
    let may_act = callback.is_none() && Session::may_act(web, &parts);
    let session = match may_act {
        true => Session::of_call(web, &parts),
        false => None,
    };
    if !may_act {
        drop_credentials(&mut parts.headers);
    }
    let mut identity = None;
    let mut extensions = None;
    if config.guard.api {
        match authorize(web, &mut parts).await {
            Ok(Some(found)) => {
                extensions = Some(found.extensions);
                identity = found.identity;
            }
            Ok(None) => {}
            Err(refused) => return refused,
        }
    }
    let mut caller = caller(web, &parts, session.as_ref());
    caller.extensions = extensions;
    caller.by_route = matches!(
        &named,
        Named::Route {
            has_method: true,
            ..
        }
    );
    let address = caller.remote.map(|remote| remote.ip());
    let client = web.server.client(identity.as_ref(), address);
    // Before the body is read: a call that is not made costs as little as can be.
    let over_rate = client.as_ref().and_then(|it| it.count_message().err());
    let (outcome, received, _lease) = match over_rate {
        None => call(web, named, &parts, body, &caller, client.as_ref()).await,
        Some(_) => (
            Ok(StellarError::too_many_messages().into()),
            Received::nothing(),
            None,
        ),
    };
    if let Ok(Outcome::File(path)) = outcome {
        let mut response = super::statics::file(web, &path, &parts).await;
        if let Some(session) = &session {
            session.tell(response.headers_mut());
        }
        return response;
    }
    let Answer {
        status,
        allow,
        mut fields,
        retry_after,
    } = reply::settle(outcome);
    fields.insert(
        "serverInformation".into(),
        json!({
            "serverName": config.name,
            "apiVersion": config.api_version,
            "requestDuration": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "currentTime": now_ms(),
        }),
    );
    fields.shift_remove("requesterInformation");
    let secrets = web.actions.registry.secrets_of(&received.raw_params);
    let requester = Requester {
        id: &caller.id,
        fingerprint: caller.fingerprint.as_deref(),
        remote_ip: caller.remote.map(|remote| remote.ip()),
        received_params: received.shown(secrets).unwrap_or_default(),
    };
    let answer = Answer {
        status,
        allow,
        fields,
        retry_after: over_rate.or(retry_after),
    };
    let text = reply::text(&answer, &requester);
    drop(received);
    reply::respond(
        &parts.method,
        &answer,
        web.server.budget(),
        text,
        session.as_ref(),
        callback.as_deref(),
    )
}

/// A response that lists the methods: those that an action declares, or all.
fn allowed(status: StatusCode, declared: Option<&str>, trace: bool) -> Response {
    let methods = declared.unwrap_or("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    let methods = match trace {
        true => format!("{methods}, TRACE"),
        false => methods.to_owned(),
    };
    (status, [(header::ALLOW, methods)]).into_response()
}

/// The methods that the action of a request declares, as `Allow` lists them; `None` if there is no such
/// action or it declares none.
fn declared_methods(web: &Web, named: &Named, parts: &Parts) -> Option<String> {
    let named = match named {
        Named::Route { action, .. } => Some(action.clone()),
        Named::Below(prefix) => action_below(prefix, parts.uri.path()),
    };
    let query = |name| query_value(&parts.uri, name).map(|value| value.into_owned());
    let name = named.or_else(|| query("action"))?;
    let version = query("apiVersion").map(Value::String);
    web.actions.allow(&name, version.as_ref())
}

/// The action that the path of a request names below a prefix.
fn action_below(prefix: &str, path: &str) -> Option<String> {
    let rest = path.strip_prefix(prefix).unwrap_or_default();
    let action = rest.trim_matches('/');
    let decoded = || decode(action).unwrap_or_else(|| action.to_owned());
    (!action.is_empty()).then(decoded)
}

fn caller(web: &Web, parts: &Parts, session: Option<&Session>) -> HttpCaller {
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
    let server = web.server.config();
    HttpCaller {
        id: SparkId::random().to_string(),
        fingerprint: session.map(|session| session.fingerprint().to_owned()),
        remote: server.client_address(peer, &parts.headers),
        method: parts.method.clone(),
        headers: parts.headers.clone(),
        extensions: None,
        by_route: false,
    }
}

/// Reads the parameters and runs the action; tells the parameters too.
async fn call(
    web: &Web,
    named: Named,
    parts: &Parts,
    body: Body,
    caller: &HttpCaller,
    client: Option<&Arc<Client>>,
) -> (Result<Outcome, BadBody>, Received, Option<Arc<Lease>>) {
    let budget = web.server.budget();
    let read = params::read(parts, body, &web.settings, budget).await;
    let read = read.and_then(|mut read| {
        name(&mut read, named, parts.uri.path());
        read.finish()
    });
    let (received, uploads, lease) = match read {
        Ok((received, uploads, lease)) => (received, uploads, Arc::new(lease)),
        Err(bad) => return (Err(bad), Received::nothing(), None),
    };
    if parts.method == Method::TRACE {
        return (Ok(Outcome::Nothing), received, Some(lease));
    }
    let most = web.settings.simultaneous_actions_per_client;
    let Some(place) = HttpPlace::take(client, most) else {
        return (
            Ok(StellarError::too_many_pending().into()),
            received,
            Some(lease),
        );
    };
    let caller = Caller::Http(Box::new(caller.clone()));
    let started = execute(&web.actions, caller, received.raw_params.clone());
    // What was uploaded is kept until the action is done with it.
    let held = (uploads, place, lease.clone());
    (Ok(started.outcome(held).await), received, Some(lease))
}

/// Puts what the path says into the parameters.
fn name(read: &mut Read, named: Named, path: &str) {
    match named {
        Named::Below(prefix) => {
            if let Some(action) = action_below(&prefix, path) {
                read.set("action", action);
            }
        }
        Named::Route { action, values, .. } => {
            for (key, value) in values {
                read.set_text(&key, value);
            }
            read.set("action", action);
        }
    }
}

/// The function that a page wants its answer wrapped in (JSONP).
fn callback(web: &Web, parts: &Parts) -> Option<String> {
    if !web.settings.jsonp || parts.method != Method::GET {
        return None;
    }
    let name = query_value(&parts.uri, "callback")?;
    reply::is_callback(&name).then(|| name.into_owned())
}
