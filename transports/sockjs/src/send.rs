//! Messages that come in the body of a request.

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
    answers::plain,
    desk::{Denied, Taken},
    frame::{self, Malformed},
    session::Session,
};

/// So many messages are handled before others get their turn.
const BUDGET: usize = 128;

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long.
    pub(crate) length: usize,
    /// How far it may fall behind the least rate.
    pub(crate) timeout: Duration,
    /// In bytes a second.
    pub(crate) least_rate: u64,
}

/// How long a text on the wire may be that holds one message of `max_length` bytes: JSON escapes
/// two bytes with six at most, but for control characters, which no codec's text holds.
pub(crate) fn longest(max_length: usize) -> usize {
    max_length.saturating_mul(3).saturating_add(4_096)
}

/// Hands the messages of a request to a session. Those that have arrived whole are handed in even
/// if the client goes away.
pub(crate) async fn send(
    session: &Session,
    parts: &Parts,
    body: Body,
    form: bool,
    limits: Limits,
) -> Response {
    let mut taken = match session.desk().take().await {
        Ok(taken) => taken,
        Err(Denied::Closed) => return not_found(),
        Err(Denied::Crowded) => {
            return plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many requests at once\n",
            );
        }
    };
    let (bytes, _lease) = match read(&mut taken, body, limits).await {
        Ok(read) => read,
        Err(status) => return plain(status, ""),
    };
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) if form => payload(parts, text),
        Ok(text) => Cow::Borrowed(text),
        Err(_) => return malformed(Malformed::BrokenJson),
    };
    match frame::messages(&text) {
        Ok(messages) => hand_in(&mut taken, &messages).await,
        Err(fault) => return malformed(fault),
    }
    if form {
        // Some browsers do strange things when there is nothing.
        plain(StatusCode::OK, "ok")
    } else {
        // The type is for those that take it for XML otherwise.
        plain(StatusCode::NO_CONTENT, "")
    }
}

/// What was wrong with a body, in the protocol's words.
fn malformed(fault: Malformed) -> Response {
    match fault {
        Malformed::NoPayload => plain(StatusCode::INTERNAL_SERVER_ERROR, "Payload expected."),
        Malformed::BrokenJson => plain(StatusCode::INTERNAL_SERVER_ERROR, "Broken JSON encoding."),
        Malformed::TooMany => plain(StatusCode::PAYLOAD_TOO_LARGE, "Too many messages.\n"),
    }
}

/// The payload in a body that may be a form.
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

/// Reads a body as it comes, at the least rate or faster. One that is too long ends the session. What
/// has come counts for the session's spark.
async fn read(
    taken: &mut Taken<'_>,
    mut body: Body,
    limits: Limits,
) -> Result<(Bytes, SparkLease), StatusCode> {
    let Some(spark) = taken.inlet().map(|inlet| inlet.spark().clone()) else {
        return Err(StatusCode::NOT_FOUND);
    };
    let mut lease = spark.lease(Holding::Inbound, 0);
    let mut all: Vec<u8> = Vec::new();
    let mut pace = Pace::new(Instant::now(), limits.timeout, limits.least_rate);
    let told = http_body::Body::size_hint(&body).lower();
    let mut too_long = told > limits.length as u64;
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
        if let Some(inlet) = taken.inlet() {
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
    if let Some(inlet) = taken.inlet() {
        inlet.spark().close(CloseReason::TooLarge);
    }
    Err(StatusCode::PAYLOAD_TOO_LARGE)
}

/// Hands messages in, no faster than the handler takes them.
async fn hand_in(taken: &mut Taken<'_>, messages: &[Cow<'_, str>]) {
    let mut rest = messages.iter();
    while rest.len() > 0 {
        if let Some(inlet) = taken.inlet() {
            some(inlet, &mut rest);
        }
        if rest.len() > 0 && !is_ready(taken).await {
            return;
        }
    }
}

/// Hands in as many as the handler takes now, with one write for all that is answered at once.
fn some<'a>(inlet: &mut Inlet, rest: &mut impl Iterator<Item = &'a Cow<'a, str>>) {
    let _turn = turn();
    for _ in 0..BUDGET {
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

/// Waits until the handler takes more. False when the session is over.
async fn is_ready(taken: &Taken<'_>) -> bool {
    tokio::task::yield_now().await;
    let over = taken.over();
    let mut over = pin!(over);
    over.as_mut().enable();
    if taken.is_over() {
        return false;
    }
    tokio::select! {
        biased;
        () = over => false,
        () = poll_fn(|cx| taken.poll_ready(cx)) => true,
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
