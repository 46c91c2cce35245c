//! HTTP/2 on one connection: many requests beside each other, and no upgrades.

use std::{convert::Infallible, net::SocketAddr, pin::pin, time::Duration};

use http_body::Body as _;
use http_body_util::Either;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{
    body::RequestBody,
    connection::{Answers, Marked, Serving},
    spare,
    streams::{PIECE, Pieces, Streams},
};
use crate::{
    budget::{Budget, Lease, OverBudget},
    http::BoxError,
};

/// So many requests of one connection may be under way.
const STREAMS: u32 = 100;

/// How many bytes of a request's body a client may send before any of them is read.
const STREAM_WINDOW: u32 = 256 << 10;

/// How many bytes of all bodies together.
const CONNECTION_WINDOW: u32 = 1 << 20;

/// How many bytes of an answer are buffered, of those that the client lets be sent.
const SEND_BUFFER: usize = 64 << 10;

/// The memory of an idle connection in bytes, which counts in the budget: the buffers that frames are
/// read and written with. Measured by a test.
pub(super) const CONNECTION: usize = 48 << 10;

/// The memory of a stream without bodies in bytes, which counts in the budget: its head and its task.
/// Measured by a test.
pub(super) const STREAM: usize = 8 << 10;

/// What a stream may hold of an answer that is not read, in bytes.
pub(super) const UNREAD: usize = SEND_BUFFER + PIECE;

impl<S> Serving<S> {
    pub(super) async fn http2<I, B>(self, stream: I, peer: Option<SocketAddr>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Answers<B>,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let header_timeout = self.header_timeout();
        let Self {
            service,
            local,
            limits,
            spare,
            budget,
            mut stopped,
            ..
        } = self;
        let marked = Marked {
            service,
            limits,
            peer,
            local,
            secure: true,
            spare,
        };
        let _lease = budget.lease(CONNECTION);
        let streams = Streams::new(limits.answer);
        let seen = streams.clone();
        let service = service_fn(move |request: http::Request<Incoming>| {
            let stream = seen.begin();
            let leases = match marked.admits(&request) {
                true => leases(&budget, request.body()).ok(),
                false => None,
            };
            let answer = leases.map(|(own, lease)| {
                stream.hold(own);
                let (parts, body) = request.into_parts();
                let (body, late) = RequestBody::new(body, marked.limits.body, lease);
                let request = http::Request::from_parts(parts, body);
                (marked.answer(request), late)
            });
            async move {
                let answer = match answer {
                    Some((answer, late)) => {
                        let mut response = answer.await?;
                        late.tell(&mut response);
                        let pieces = |body| Either::Left(Pieces::new(body, stream.clone()));
                        response.map(pieces)
                    }
                    None => spare::refusal(),
                };
                stream.answered();
                Ok::<_, Infallible>(answer)
            }
        });
        let longest = u32::try_from(limits.max_head).unwrap_or(u32::MAX);
        let connection = http2::Builder::new(streams.clone())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(longest)
            .keep_alive_interval(Some(header_timeout))
            .keep_alive_timeout(header_timeout)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let mut last = 0;
        let mut closing = None;
        let result = loop {
            tokio::select! {
                result = connection.as_mut() => break result,
                _ = stopped.changed(), if closing.is_none() => {
                    closing = Some(Instant::now());
                    connection.as_mut().graceful_shutdown();
                }
                () = streams.flooded() => {
                    tracing::debug!(?peer, "too many requests of HTTP/2 were reset");
                    return;
                }
                () = tokio::time::sleep(header_timeout) => {
                    let begun = streams.begun();
                    if begun == 0 {
                        tracing::debug!(?peer, "no request came over HTTP/2 in time");
                        return;
                    }
                    let is_idle = begun == last && !streams.is_busy();
                    last = begun;
                    match closing {
                        // What is still being sent goes on to its end.
                        None if is_idle => {
                            closing = Some(Instant::now());
                            connection.as_mut().graceful_shutdown();
                        }
                        Some(since) if is_idle && is_over(since, limits.answer.timeout) => {
                            tracing::debug!(?peer, "the last answers over HTTP/2 were not read");
                            return;
                        }
                        _ => {}
                    }
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(?peer, %error, "HTTP/2 connection failed");
        }
    }
}

fn is_over(since: Instant, timeout: Duration) -> bool {
    !timeout.is_zero() && since.elapsed() >= timeout
}

/// Leases what a stream takes, and what the protocol may hold of its request's body while nobody reads
/// it.
fn leases(budget: &Budget, body: &Incoming) -> Result<(Lease, Option<Lease>), OverBudget> {
    let own = budget.try_lease(STREAM)?;
    if body.is_end_stream() {
        return Ok((own, None));
    }
    let window = u64::from(STREAM_WINDOW);
    let length = body.size_hint().upper().unwrap_or(window).min(window);
    Ok((own, Some(budget.try_lease(length as usize)?)))
}
