//! The polling transport: GET receives queued messages or waits for one, POST sends messages.

mod body;

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header, request::Parts};
use stellarfw_transport::{
    CloseReason,
    http::{Body, Response, text},
    turn,
};

pub(crate) use self::body::PostLimits;
use self::body::{Uncollected, collect};
use crate::{
    machine::{PollAnswer, Source, Unserved},
    packet::protocol_error,
    payload::{Form, Packets},
    protocol::Consumer,
    query::RequestError,
    session::{NotTaken, Session, Taken},
};

/// The packets of a POST that are handled before other tasks run.
const BATCH: usize = 128;

/// Answers a poll with the queued messages, or waits for one. Not cancel safe: dropped, it ends the session, because the
/// client has aborted its poll then.
pub(crate) async fn get(
    session: Arc<Session>,
    takes_binary: bool,
) -> Result<Response, RequestError> {
    let begun = session.lock().machine.begin_poll();
    if let Err(unserved) = begun {
        return Err(refuse(&session, unserved, "overlapping polls"));
    }
    let mut polling = Polling {
        session,
        is_answered: false,
    };
    let (payload, content_type) = poll_fn(|cx| polling.poll_answer(cx, takes_binary)).await;
    polling.is_answered = true;
    let account = polling.session.lock().out.account().cloned();
    let payload = match account {
        // Counted for as long as it is written.
        Some(account) => account.lease_answer(payload),
        None => payload,
    };
    let mut response = text(StatusCode::OK, payload);
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}

/// Refuses a poll or a POST. One beside another breaks the protocol, which ends the session.
fn refuse(session: &Arc<Session>, unserved: Unserved, fault: &'static str) -> RequestError {
    match unserved {
        Unserved::Closed => RequestError::UnknownSession,
        Unserved::Upgraded => RequestError::BadRequest,
        Unserved::Overlapping => {
            session.fault(&protocol_error(fault));
            RequestError::BadRequest
        }
    }
}

/// A poll under way.
struct Polling {
    session: Arc<Session>,
    is_answered: bool,
}

impl Polling {
    fn poll_answer(&self, cx: &mut Context<'_>, takes_binary: bool) -> Poll<(Bytes, &'static str)> {
        const TEXT: &str = "text/plain; charset=UTF-8";
        let session = &self.session;
        session.poll.register(cx.waker());
        let mut state = session.lock();
        let has_packets = state.out.has_packets();
        let is_v3 = state.machine.version() == crate::Version::V3;
        let single = |v4, v3| {
            let packet: &'static str = if is_v3 { v3 } else { v4 };
            (Bytes::from_static(packet.as_bytes()), TEXT)
        };
        let (answer, closes) = match state.machine.answer_poll(has_packets) {
            PollAnswer::Wait => return Poll::Pending,
            PollAnswer::Noop => return Poll::Ready(single("6", "1:6")),
            PollAnswer::Close => (single("1", "1:1"), true),
            PollAnswer::Packets { closes } => {
                let max_payload = session.sessions().max_payload;
                let (payload, content_type, closes) =
                    state.out.take_payload(max_payload, takes_binary, closes);
                // Every queued message may have been omitted.
                if payload.is_empty() {
                    drop(state);
                    session.room.wake();
                    return Poll::Pending;
                }
                ((payload.into(), content_type), closes)
            }
        };
        drop(state);
        session.room.wake();
        if closes {
            session.end(CloseReason::Gone);
        }
        Poll::Ready(answer)
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        let is_lost = self.session.lock().machine.end_poll(self.is_answered);
        if is_lost {
            self.session.end(CloseReason::Gone);
        }
    }
}

/// Takes the packets of a POST. Cancel safe in that a packet is taken or not.
pub(crate) async fn post(
    session: Arc<Session>,
    parts: &Parts,
    body: Body,
    limits: PostLimits,
) -> Result<Response, RequestError> {
    let begun = session.lock().machine.begin_post();
    if let Err(unserved) = begun {
        return Err(refuse(&session, unserved, "overlapping POSTs"));
    }
    let posting = Posting(session);
    let session = &posting.0;
    let Some(consumer) = session.consumer() else {
        return Err(RequestError::UnknownSession);
    };
    let (payload, _lease) = match collect(session, &*consumer, body, limits).await {
        Ok(collected) => collected,
        Err(Uncollected::TooLarge) => {
            session.fault(&CloseReason::TooLarge);
            return Ok(too_large());
        }
        Err(Uncollected::Broken) => return Err(RequestError::BadRequest),
        Err(Uncollected::Late) => {
            return Ok(text(StatusCode::REQUEST_TIMEOUT, "Request Timeout\n"));
        }
        Err(Uncollected::NoRoom) => {
            let unavailable = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(text(unavailable, "Service Unavailable\n"));
        }
    };
    consumer.alive();
    let form = Form::of_post(session.version(), parts.headers.get(header::CONTENT_TYPE));
    let taken = take_all(
        session,
        &*consumer,
        Packets::new(form, &payload),
        limits.timeout,
    )
    .await;
    session.note_assembly(&*consumer, 0, true);
    if session.lock().machine.reason() == Some(&CloseReason::TooLarge) {
        return Ok(too_large());
    }
    match taken {
        Ok(()) => Ok(text(StatusCode::OK, "ok")),
        Err(reason) => {
            match &reason {
                CloseReason::Protocol { .. } => session.fault_unless_polled(&reason),
                _ => session.fault(&reason),
            }
            Err(RequestError::BadRequest)
        }
    }
}

/// Takes packets no faster than the consumer does, and only while the client fetches its replies.
async fn take_all(
    session: &Arc<Session>,
    consumer: &dyn Consumer,
    mut packets: Packets<'_>,
    timeout: Duration,
) -> Result<(), CloseReason> {
    loop {
        match take_some(session, consumer, &mut packets)? {
            Progress::Done => return Ok(()),
            Progress::Later => tokio::task::yield_now().await,
            Progress::Wait => {
                let room = poll_fn(|cx| session.poll_post(consumer, cx));
                // A busy handler may take its time; a client that does not poll may not.
                let is_slow = session.lock().out.is_backed_up();
                match is_slow {
                    false => room.await,
                    true => tokio::time::timeout(timeout, room)
                        .await
                        .map_err(|_| CloseReason::SlowConsumer)?,
                }
            }
        }
    }
}

/// How far the packets of a POST have come.
enum Progress {
    Done,
    /// There are more, after other tasks.
    Later,
    /// There are more, when the consumer takes them.
    Wait,
}

/// Takes as many packets as the consumer takes now. Their answers leave in one write.
fn take_some(
    session: &Arc<Session>,
    consumer: &dyn Consumer,
    packets: &mut Packets<'_>,
) -> Result<Progress, CloseReason> {
    let _turn = turn();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    for _ in 0..BATCH {
        if session.poll_post(consumer, &mut cx).is_pending() {
            return Ok(Progress::Wait);
        }
        // After the end of the session nothing more is handed on.
        let next = packets
            .next()
            .filter(|_| !session.lock().machine.is_closed());
        let Some(packet) = next else {
            return Ok(Progress::Done);
        };
        match session.take(consumer, Source::Post, &packet?) {
            Ok(Taken::Yes | Taken::Upgraded) => {}
            Ok(Taken::Left) => {
                session.end(CloseReason::Client { code: 1005 });
                return Ok(Progress::Done);
            }
            Err(NotTaken::Session(reason)) => return Err(reason),
            Err(NotTaken::Upgrade) => return Err(protocol_error("bad packet")),
        }
    }
    Ok(Progress::Later)
}

impl Session {
    /// Ready when the next packet of a POST may be taken, or the session is over.
    fn poll_post(&self, consumer: &dyn Consumer, cx: &mut Context<'_>) -> Poll<()> {
        self.room.register(cx.waker());
        let state = self.lock();
        if state.machine.is_closed() {
            return Poll::Ready(());
        }
        let is_backed_up = state.out.is_backed_up();
        drop(state);
        match is_backed_up {
            true => Poll::Pending,
            false => consumer.poll_ready(cx),
        }
    }
}

/// A POST under way.
struct Posting(Arc<Session>);

impl Drop for Posting {
    fn drop(&mut self) {
        self.0.lock().machine.end_post();
        // The WebSocket may be read now.
        self.0.task.wake();
    }
}

fn too_large() -> Response {
    text(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large\n")
}
