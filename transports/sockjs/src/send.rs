//! Messages from a client, in the body of a request.

use std::{borrow::Cow, future::poll_fn, pin::pin, task::Context, task::Waker, time::Duration};

use bytes::Bytes;
use http::{StatusCode, header, request::Parts};
use http_body_util::BodyExt as _;
use stellarfw_transport::{
    CloseReason, Holding, Inlet, Message, Pace, SparkLease, handshake::query_pairs, http::Body,
    http::Response, http::not_found, turn,
};

use tokio::time::Instant;

use crate::{
    frame::{self, Malformed},
    responses::plain,
    session::Session,
    slot::{AcquireError, InletGuard},
};

/// Maximum number of messages delivered before the task yields.
const BATCH: usize = 128;

/// Limits of a request body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// Maximum length in bytes.
    pub(crate) length: usize,
    /// How far the body may fall behind `least_rate`.
    pub(crate) timeout: Duration,
    /// Minimum rate in bytes per second.
    pub(crate) least_rate: u64,
}

/// Returns the maximum encoded length of one message of `max_length` bytes.
///
/// JSON expands two bytes to at most six. Control characters expand further, but no codec produces
/// them.
pub(crate) fn max_encoded_length(max_length: usize) -> usize {
    max_length.saturating_mul(3).saturating_add(4_096)
}

/// Delivers the messages of a request to a session.
///
/// The messages of a complete body are delivered even if the client disconnects.
pub(crate) async fn send(
    session: &Session,
    parts: &Parts,
    body: Body,
    form: bool,
    limits: BodyLimits,
) -> Response {
    let mut guard = match session.slot().acquire().await {
        Ok(guard) => guard,
        Err(AcquireError::Closed) => return not_found(),
        Err(AcquireError::TooManyWaiting) => {
            return plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many requests at once\n",
            );
        }
    };
    let (bytes, _lease) = match read(&mut guard, body, limits).await {
        Ok(read) => read,
        Err(status) => return plain(status, ""),
    };
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) if form => payload(parts, text),
        Ok(text) => Cow::Borrowed(text),
        Err(_) => return malformed(Malformed::BrokenJson),
    };
    match frame::messages(&text) {
        Ok(messages) => deliver(&mut guard, &messages).await,
        Err(fault) => return malformed(fault),
    }
    if form {
        // Some browsers mishandle an empty response to a form.
        plain(StatusCode::OK, "ok")
    } else {
        // Without a content type some browsers parse the response as XML.
        plain(StatusCode::NO_CONTENT, "")
    }
}

/// Returns the response to a malformed body, with the protocol's texts.
fn malformed(fault: Malformed) -> Response {
    match fault {
        Malformed::NoPayload => plain(StatusCode::INTERNAL_SERVER_ERROR, "Payload expected."),
        Malformed::BrokenJson => plain(StatusCode::INTERNAL_SERVER_ERROR, "Broken JSON encoding."),
        Malformed::TooMany => plain(StatusCode::PAYLOAD_TOO_LARGE, "Too many messages.\n"),
    }
}

/// Extracts the payload from a body that may be a form.
fn payload<'t>(parts: &Parts, text: &'t str) -> Cow<'t, str> {
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let is_form = content_type.is_some_and(|value| {
        value
            .as_bytes()
            .to_ascii_lowercase()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    if !is_form {
        return Cow::Borrowed(text);
    }
    query_pairs(text)
        .find_map(|(key, value)| (key == "d").then_some(value))
        .unwrap_or_default()
}

/// Reads a body, which must not fall behind the minimum rate.
///
/// The bytes are leased from the session's spark. A body over the limit closes the session.
///
/// # Errors
/// Returns the status of the response.
async fn read(
    guard: &mut InletGuard<'_>,
    mut body: Body,
    limits: BodyLimits,
) -> Result<(Bytes, SparkLease), StatusCode> {
    let Some(spark) = guard.inlet().map(|inlet| inlet.spark().clone()) else {
        return Err(StatusCode::NOT_FOUND);
    };
    let mut lease = spark.lease(Holding::Inbound, 0);
    let mut all: Vec<u8> = Vec::new();
    let mut pace = Pace::new(Instant::now(), limits.timeout, limits.least_rate);
    let declared = http_body::Body::size_hint(&body).lower();
    let mut too_long = declared > limits.length as u64;
    while !too_long {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = spark.over_budget() => return Err(StatusCode::SERVICE_UNAVAILABLE),
            () = tokio::time::sleep_until(pace.due()) => return Err(StatusCode::REQUEST_TIMEOUT),
        };
        let Some(frame) = frame else {
            return Ok((all.into(), lease));
        };
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        if let Some(inlet) = guard.inlet() {
            inlet.alive();
        }
        let Ok(data) = frame.into_data() else {
            continue;
        };
        too_long = all.len() + data.len() > limits.length;
        if !too_long {
            all.extend_from_slice(&data);
            pace.came(Instant::now(), data.len());
            lease.resize(all.capacity());
        }
    }
    if let Some(inlet) = guard.inlet() {
        inlet.spark().close(CloseReason::TooLarge);
    }
    Err(StatusCode::PAYLOAD_TOO_LARGE)
}

/// Delivers messages at the rate at which the handler accepts them.
async fn deliver(guard: &mut InletGuard<'_>, messages: &[Cow<'_, str>]) {
    let mut rest = messages.iter();
    while rest.len() > 0 {
        if let Some(inlet) = guard.inlet() {
            deliver_ready(inlet, &mut rest);
        }
        if rest.len() > 0 && !wait_ready(guard).await {
            return;
        }
    }
}

/// Delivers the messages that the handler accepts now, in one write batch.
fn deliver_ready<'a>(inlet: &mut Inlet, rest: &mut impl Iterator<Item = &'a Cow<'a, str>>) {
    let _turn = turn();
    for _ in 0..BATCH {
        if is_busy(inlet) {
            return;
        }
        let Some(message) = rest.next() else { return };
        inlet.receive(Message::Text(message));
    }
}

fn is_busy(inlet: &Inlet) -> bool {
    inlet
        .poll_ready(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}

/// Waits until the handler accepts more. Returns `false` if the session has ended.
async fn wait_ready(guard: &InletGuard<'_>) -> bool {
    tokio::task::yield_now().await;
    let ended = guard.ended();
    let mut ended = pin!(ended);
    ended.as_mut().enable();
    if guard.has_ended() {
        return false;
    }
    tokio::select! {
        biased;
        () = ended => false,
        () = poll_fn(|cx| guard.poll_ready(cx)) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_its_payload_in_d() {
        let parts = |content_type: &str| {
            let request = http::Request::builder().header("content-type", content_type);
            request.body(()).unwrap().into_parts().0
        };
        let form = parts("application/x-www-form-urlencoded; charset=utf-8");
        assert_eq!(payload(&form, "x=1&d=%5B%22a+b%22%5D"), "[\"a b\"]");
        assert_eq!(payload(&form, "p=p"), "");
        assert_eq!(payload(&parts("text/plain"), "[\"%61bc\"]"), "[\"%61bc\"]");
    }
}
