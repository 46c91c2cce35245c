//! The polling transport: GETs that wait for what is to be sent, POSTs that bring what has come.

use std::{
    future::{Future as _, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderValue, Method, Request, StatusCode, header, request::Parts};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Collected, Full};
use stellarfw_transport::{
    BoxFuture, CloseReason, Holding, Lease, Pace, Spark, SparkLease,
    http::{Body, Response, body as body_of, text},
    turn,
};
use tokio::{
    task::coop::{Unconstrained, unconstrained},
    time::Instant,
};

use crate::wrapped::{
    first_ping::FirstPing,
    library::Library,
    outlet::Line,
    paced::{Chunks, Paced},
    packets,
    request::{Ask, Fault},
    session::{Polling, Session},
};

/// Waits for what is to be sent. Not cancel safe: dropped, it ends the session, because then the
/// client has broken off its poll.
pub(crate) async fn get(library: &dyn Library, session: Arc<Session>, ask: &Ask) -> Response {
    let Some(mut polling) = session.begin_poll() else {
        session.fault("overlapping polls");
        return Fault::BadRequest.response(false);
    };
    let response = loop {
        let Some(request) = request(ask, Method::GET, None, Paced::default()) else {
            return Fault::BadRequest.response(false);
        };
        // Otherwise tokio lets the library take only so many frames at once, and we count on all.
        let mut future = unconstrained(library.answer(request));
        let again = || {
            let request = self::request(ask, Method::GET, None, Paced::default())?;
            Some(unconstrained(library.answer(request)))
        };
        let answer = poll_fn(|cx| advance(&polling, &mut future, &again, cx)).await;
        if answer.pinged
            && let Some(pong) = by_client(ask, "3")
        {
            library.answer(pong).await;
        }
        if let Some(response) = answer.response {
            break response;
        }
    };
    polling.answered = true;
    if response.status().is_success() {
        leased(&polling.session, response)
    } else {
        // The library knows it no more.
        session.bound_end();
        Fault::BadRequest.with_status(response.status(), false)
    }
}

/// Counts an answer in the name of the session's spark, for as long as it is written.
fn leased(session: &Session, response: Response) -> Response {
    let Some(spark) = session.first_spark() else {
        return response;
    };
    if response.body().size_hint().exact().is_none() {
        return response;
    }
    // Of a known length, so the library has it whole.
    let (parts, body) = response.into_parts();
    let bytes = body.collect().now_or_never().and_then(Result::ok);
    let bytes = bytes.map(Collected::to_bytes).unwrap_or_default();
    Response::from_parts(parts, body_of(Full::new(spark.lease_answer(bytes))))
}

/// Gives the library what waits and lets it answer with that. `again` asks it anew.
fn advance(
    polling: &Polling,
    future: &mut Unconstrained<BoxFuture<Response>>,
    again: &dyn Fn() -> Option<Unconstrained<BoxFuture<Response>>>,
    cx: &mut Context<'_>,
) -> Poll<Answer> {
    let session = &polling.session;
    session.poll.register(cx.waker());
    loop {
        // Under the lock nobody else can hand anything over, so the answer holds all of it.
        let mut out = session.lock();
        out.hand_over(None);
        out.note();
        if let Poll::Ready(response) = Pin::new(&mut *future).poll(cx) {
            let answer = Answer::of(response, &session.first_ping, session.is_v3());
            out.polled(answer.len);
            out.note();
            drop(out);
            if answer.len <= session.short_answer {
                session.heard();
            }
            return Poll::Ready(answer);
        }
        if out.settle() {
            continue;
        }
        if out.hangs_up() {
            drop(out);
            session.hang_up();
            return Poll::Pending;
        }
        if matches!(out.line, Line::Moving | Line::WebSocket) {
            // What comes next comes over the WebSocket.
            return Poll::Ready(Answer::noop(polling.session.is_v3()));
        }
        // The library closes at once, so it is told only when a poll is there to be answered.
        let sink = out.may_close();
        drop(out);
        session.heard();
        if sink.is_none() {
            return Poll::Pending;
        }
        session.tell_to_close(sink);
        // A poll that waits is answered with the first that comes, and the last words may be several.
        let has_last_words = session.lock().has_last_words();
        if has_last_words && let Some(anew) = again() {
            *future = anew;
        }
    }
}

/// What the library answers to a poll.
struct Answer {
    /// What the client gets of it; nothing where the first ping was all.
    response: Option<Response>,
    /// So long it was.
    len: usize,
    /// Whether the first ping was in it, which the client does not get.
    pinged: bool,
}

impl Answer {
    /// The packet that says nothing.
    fn noop(is_v3: bool) -> Self {
        Self {
            response: Some(text(StatusCode::OK, if is_v3 { "1:6" } else { "6" })),
            len: 0,
            pinged: false,
        }
    }

    /// Looks into a response, where something is to be found there or to be put right.
    fn of(response: Response, first_ping: &FirstPing, is_v3: bool) -> Self {
        // Of a known length, so the library has it whole.
        let known = response.body().size_hint().exact();
        let len = known.and_then(|len| usize::try_from(len).ok());
        let (len, is_known) = (len.unwrap_or(usize::MAX), len.is_some());
        let is_wanted = is_v3 || first_ping.is_awaited();
        if !response.status().is_success() || !is_known || !is_wanted {
            return Self {
                response: Some(response),
                len,
                pinged: false,
            };
        }
        let (mut parts, body) = response.into_parts();
        let bytes = body.collect().now_or_never().and_then(Result::ok);
        let bytes = bytes.map(Collected::to_bytes).unwrap_or_default();
        let changed = match is_v3 {
            true => {
                let kind = parts.headers.get(header::CONTENT_TYPE);
                let typed = packets::typed(&bytes, kind.is_some_and(packets::is_binary));
                typed.map(Bytes::from)
            }
            false => first_ping.strip(&bytes),
        };
        let pinged = !is_v3 && changed.is_some();
        if let Some(changed) = &changed {
            let length = HeaderValue::from(changed.len());
            parts.headers.insert(header::CONTENT_LENGTH, length);
        }
        let bytes = changed.unwrap_or(bytes);
        let is_all = pinged && bytes.is_empty();
        let response = || Response::from_parts(parts, body_of(Full::new(bytes)));
        Self {
            response: (!is_all).then(response),
            len,
            pinged,
        }
    }
}

/// Takes what has come. Cancel safe in that a message is taken whole or not at all.
pub(crate) async fn post(
    library: &dyn Library,
    session: Arc<Session>,
    ask: &Ask,
    parts: &Parts,
    body: Body,
    limits: PostLimits,
) -> Response {
    let Some(_posting) = session.begin_post() else {
        session.fault("overlapping POSTs");
        return Fault::BadRequest.response(false);
    };
    let (body, mut lease) = match collect(&session, body, limits).await {
        Ok(collected) => collected,
        Err(Uncollected::TooLarge) => {
            session.end_with(&CloseReason::TooLarge);
            return too_large();
        }
        Err(Uncollected::Broken) => return Fault::BadRequest.response(false),
        Err(Uncollected::Late) => return text(StatusCode::REQUEST_TIMEOUT, "Request Timeout\n"),
        Err(Uncollected::NoRoom) => {
            return text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n");
        }
    };
    session.alive();
    let (most, timeout) = (limits.unheard, limits.timeout);
    if !session.wait_heard(body.len(), most, timeout).await {
        session.fault_with(&CloseReason::SlowConsumer);
        return Fault::BadRequest.response(false);
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    // The library reads on for ever where a length of protocol 3 ends within a character.
    if ask.protocol == 3 {
        if lease.resize(body.held() + body.len()).is_err() {
            return text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n");
        }
        let is_binary = content_type.is_some_and(packets::is_binary);
        if !packets::read(&body.joined(), 3, is_binary, |_| {}) {
            session.fault("bad payload");
            return Fault::BadRequest.response(false);
        }
    }
    let body = Paced::new(body, session.clone(), ask.protocol == 3);
    let Some(request) = request(ask, Method::POST, content_type, body) else {
        return Fault::BadRequest.response(false);
    };
    let mut future = library.answer(request);
    let response = poll_fn(|cx| {
        // One turn for the messages that are taken at once.
        let _turn = turn();
        future.as_mut().poll(cx)
    })
    .await;
    let is_too_large = |spark: &Spark| spark.close_reason() == Some(&CloseReason::TooLarge);
    match () {
        () if session.sparks().iter().any(is_too_large) => too_large(),
        _ if response.status().is_success() => response,
        _ => {
            session.fault("bad payload");
            Fault::BadRequest.with_status(response.status(), false)
        }
    }
}

/// The bounds of a POST's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostLimits {
    pub(crate) bytes: usize,
    pub(crate) timeout: Duration,
    /// How far a body may fall behind the least rate, in bytes a second.
    pub(crate) grace: Duration,
    pub(crate) least_rate: u64,
    /// So many bytes of them may be given to a library that answers, and not be heard by a poll.
    pub(crate) unheard: usize,
}

#[derive(Debug)]
enum Uncollected {
    TooLarge,
    Broken,
    /// It came too slowly.
    Late,
    /// The memory budget is used up.
    NoRoom,
}

/// Bytes of a body, in the name of the session's spark if there is one.
enum BodyLease {
    Spark(SparkLease),
    Session(Lease),
}

impl BodyLease {
    fn begin(session: &Session) -> Self {
        match session.first_spark() {
            Some(spark) => Self::Spark(spark.lease(Holding::Inbound, 0)),
            None => Self::Session(session.budget().lease_for(Holding::Inbound, 0)),
        }
    }

    /// Makes it a lease of so many bytes. Who is not let in yet is refused where there is no room; of
    /// sparks those end that hold most.
    fn resize(&mut self, bytes: usize) -> Result<(), Uncollected> {
        match self {
            Self::Spark(lease) => lease.resize(bytes),
            Self::Session(lease) => {
                let more = bytes.saturating_sub(lease.bytes());
                lease.try_grow(more).map_err(|_| Uncollected::NoRoom)?;
            }
        }
        Ok(())
    }
}

/// Reads a body as it comes, at the least rate or faster.
async fn collect(
    session: &Session,
    mut body: Body,
    limits: PostLimits,
) -> Result<(Chunks, BodyLease), Uncollected> {
    let told = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if told > limits.bytes {
        return Err(Uncollected::TooLarge);
    }
    let spark = session.first_spark();
    let ended = async {
        match &spark {
            Some(spark) => spark.over_budget().await,
            None => std::future::pending().await,
        }
    };
    let mut ended = pin!(ended);
    let mut lease = BodyLease::begin(session);
    let mut chunks = Chunks::default();
    let mut pace = Pace::new(Instant::now(), limits.grace, limits.least_rate);
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = &mut ended => return Err(Uncollected::NoRoom),
            () = tokio::time::sleep_until(pace.due()) => return Err(Uncollected::Late),
        };
        let Some(frame) = frame else {
            return Ok((chunks, lease));
        };
        let Ok(data) = frame.map_err(|_| Uncollected::Broken)?.into_data() else {
            continue;
        };
        if chunks.len() + data.len() > limits.bytes {
            return Err(Uncollected::TooLarge);
        }
        chunks.push(&data);
        lease.resize(chunks.held())?;
        pace.came(Instant::now(), data.len());
    }
}

fn too_large() -> Response {
    text(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large\n")
}

/// The goodbye of a client, as a payload.
pub(crate) fn goodbye(protocol: u8) -> &'static str {
    if protocol == 3 { "1:1" } else { "1" }
}

/// A payload in a client's name.
pub(crate) fn by_client(ask: &Ask, body: &'static str) -> Option<Request<Paced>> {
    let ask = Ask {
        socket: false,
        ..*ask
    };
    request(&ask, Method::POST, None, Paced::of(body.into()))
}

/// A request as the library is to see it.
pub(crate) fn request(
    ask: &Ask,
    method: Method,
    content_type: Option<&HeaderValue>,
    body: Paced,
) -> Option<Request<Paced>> {
    let mut request = Request::builder().method(method).uri(ask.uri());
    if let Some(value) = content_type {
        request = request.header(header::CONTENT_TYPE, value);
    }
    request.body(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ping_is_taken_out_of_an_answer_of_any_length() {
        let long = "4x".repeat(10);
        let pinged_long = format!("{long}\x1e2");
        // What the library answers, and what the client gets.
        for (given, rest) in [
            ("2", None),
            ("2\x1e6", Some("6")),
            ("4x\x1e2", Some("4x")),
            (&pinged_long, Some(&long[..])),
        ] {
            let first_ping = FirstPing::new(4, Duration::from_secs(60));
            let answer = Answer::of(text(StatusCode::OK, given.to_owned()), &first_ping, false);
            assert_eq!(answer.len, given.len());
            assert!(answer.pinged && !first_ping.is_awaited());
            assert_eq!(payload(answer).as_deref(), rest);

            // The next ping is the client's.
            let answer = Answer::of(text(StatusCode::OK, given.to_owned()), &first_ping, false);
            assert_eq!(answer.len, given.len());
            assert!(!answer.pinged);
            assert_eq!(payload(answer).as_deref(), Some(given));
        }
        let first_ping = FirstPing::new(4, Duration::from_secs(60));
        let answer = Answer::of(text(StatusCode::BAD_REQUEST, "2"), &first_ping, false);
        assert!(!answer.pinged && first_ping.is_awaited());
        assert_eq!(payload(answer).as_deref(), Some("2"));
    }

    /// What a client gets.
    fn payload(answer: Answer) -> Option<String> {
        let response = answer.response?;
        let told = response.headers().get(header::CONTENT_LENGTH).cloned();
        let bytes = response
            .into_body()
            .collect()
            .now_or_never()?
            .ok()?
            .to_bytes();
        assert!(told.is_none_or(|told| told == bytes.len().to_string()));
        String::from_utf8(bytes.into()).ok()
    }
}
