//! What an API request is answered with.

use std::{net::IpAddr, time::Duration};

use axum::{body::Body, response::Response};
use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use stellarfw_transport::{Budget, Holding};

use super::params::BadBody;
use crate::{
    StellarError,
    actions::{ActionError, Outcome, Status},
    web::session::Session,
};

/// A status and the fields of the JSON body.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The methods there are, if another was used.
    pub(super) allow: Option<String>,
    pub(super) fields: Map<String, Value>,
    /// When the client may come again, where its call is over a bound.
    pub(super) retry_after: Option<Duration>,
}

/// The answer that an outcome makes.
pub(super) fn settle(outcome: Result<Outcome, BadBody>) -> Answer {
    match outcome {
        Err(BadBody(status, text)) => Answer {
            status,
            allow: None,
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(Duration::ZERO),
            fields: Map::from_iter([("error".to_owned(), Value::String(text))]),
        },
        Ok(Outcome::Nothing) => Answer {
            status: StatusCode::NO_CONTENT,
            allow: None,
            retry_after: None,
            fields: Map::new(),
        },
        Ok(outcome) => match outcome.into_fields() {
            Ok(fields) => Answer {
                status: StatusCode::OK,
                allow: None,
                retry_after: None,
                fields,
            },
            Err(error) => failed(&error),
        },
    }
}

fn failed(error: &ActionError) -> Answer {
    let status = match error.status() {
        Status::BadRequest => StatusCode::BAD_REQUEST,
        Status::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Status::NotFound => StatusCode::NOT_FOUND,
        Status::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Status::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Status::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    match serde_json::to_value(error) {
        Ok(Value::Object(fields)) => Answer {
            status,
            allow: error.allow().map(str::to_owned),
            fields,
            // An action that is under way may be done at any time.
            retry_after: (status == StatusCode::TOO_MANY_REQUESTS).then_some(Duration::ZERO),
        },
        _ => failed(&StellarError::internal().into()),
    }
}

/// Whether a JSONP callback is a JavaScript name, or names joined by dots: anything else could
/// run as script of ours.
pub(super) fn is_callback(name: &str) -> bool {
    let is_name = |part: &str| {
        let mut chars = part.chars();
        let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
        chars.next().is_some_and(first) && chars.all(|c| first(c) || c.is_ascii_digit())
    };
    name.len() <= 128 && name.split('.').all(is_name)
}

/// What a caller is told of itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Requester<'a> {
    pub(super) id: &'a str,
    pub(super) fingerprint: Option<&'a str>,
    #[serde(rename = "remoteIP")]
    pub(super) remote_ip: Option<IpAddr>,
    pub(super) received_params: Box<RawValue>,
}

/// The JSON of an answer.
pub(super) fn text(answer: &Answer, requester: &Requester<'_>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Told<'a> {
        #[serde(flatten)]
        fields: &'a Map<String, Value>,
        requester_information: &'a Requester<'a>,
    }
    let told = Told {
        fields: &answer.fields,
        requester_information: requester,
    };
    serde_json::to_string(&told).unwrap_or_default()
}

/// Responses up to this length are not counted in the memory budget.
const SHORT: usize = 4 << 10;

pub(super) fn respond(
    method: &Method,
    answer: &Answer,
    budget: &Budget,
    mut text: String,
    session: Option<&Session>,
    callback: Option<&str>,
) -> Response {
    let is_trace = *method == Method::TRACE;
    let (mut status, mut mime) = (answer.status, "application/json; charset=utf-8");
    if is_trace {
        status = StatusCode::OK;
    }
    if let Some(callback) = callback {
        // A script's status is not seen by its page, but one that is not OK is not run.
        status = StatusCode::OK;
        mime = "text/javascript; charset=utf-8";
        let json = text
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029");
        // The comment keeps the text from being taken for a file of another format.
        text = format!("/**/{callback}({json});");
    }
    let has_content = status != StatusCode::NO_CONTENT;
    let length = text.len();
    let body = if *method == Method::HEAD || !has_content {
        Body::empty()
    } else {
        match length {
            0..=SHORT => Body::from(text),
            // It counts until it is written, and its client may be slow.
            _ => Body::from(
                budget
                    .lease_for(Holding::Outbound, length)
                    .keep(text.into()),
            ),
        }
    };
    let mut response = Response::new(body);
    if has_content {
        // That of a GET, also where there is no body.
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(allow) = answer.allow.as_ref().and_then(|allow| allow.parse().ok()) {
        headers.insert(header::ALLOW, allow);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(after) = answer.retry_after {
        // In whole seconds, and never at once.
        let seconds = after.as_secs() + 1;
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(session) = session {
        session.tell(headers);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::is_callback;

    #[test]
    fn callbacks_are_names_and_nothing_else() {
        for ok in ["cb", "$", "_a1", "jQuery.cb_1", "a.b.c"] {
            assert!(is_callback(ok), "{ok}");
        }
        let long = "a".repeat(129);
        for bad in [
            "",
            "1a",
            "a b",
            "a(",
            "alert(1)//",
            "a..b",
            ".a",
            "a;b",
            "ä",
            &long,
        ] {
            assert!(!is_callback(bad), "{bad}");
        }
    }
}
