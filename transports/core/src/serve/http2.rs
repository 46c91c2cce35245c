//! HTTP/2 on one connection: many requests beside each other, and no upgrades.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::{Answers, Marked, Serving};
use crate::http::BoxError;

/// So many requests of one connection may be under way.
const STREAMS: u32 = 100;

/// Counts requests that began and that were answered.
#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    answered: AtomicU64,
}

impl Activity {
    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    fn is_busy(&self) -> bool {
        self.begun() != self.answered.load(Ordering::Acquire)
    }
}

impl<S> Serving<S> {
    pub(super) async fn http2<I, B>(self, stream: I, peer: Option<SocketAddr>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Answers<B>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Self {
            service,
            limits,
            mut stopped,
            ..
        } = self;
        let marked = Marked {
            service,
            peer,
            secure: true,
            // HTTP/2 resets one stream, with NO_ERROR, and not the connection (RFC 9113 section 8.1).
            shared: None,
        };
        let activity = Arc::<Activity>::default();
        let seen = activity.clone();
        let service = service_fn(move |request: http::Request<Incoming>| {
            let activity = seen.clone();
            activity.begun.fetch_add(1, Ordering::AcqRel);
            let answer = marked.answer(request);
            async move {
                let answer = answer.await;
                activity.answered.fetch_add(1, Ordering::AcqRel);
                answer
            }
        });
        let longest = u32::try_from(limits.max_head).unwrap_or(u32::MAX);
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(longest)
            .keep_alive_interval(Some(limits.header_timeout))
            .keep_alive_timeout(limits.header_timeout)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let mut last = 0;
        let mut closing = false;
        let result = loop {
            tokio::select! {
                result = connection.as_mut() => break result,
                _ = stopped.changed(), if !closing => {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = tokio::time::sleep(limits.header_timeout) => {
                    let begun = activity.begun();
                    if begun == 0 {
                        tracing::debug!(?peer, "no request came over HTTP/2 in time");
                        return;
                    }
                    // What is still being sent goes on to its end.
                    if !closing && begun == last && !activity.is_busy() {
                        closing = true;
                        connection.as_mut().graceful_shutdown();
                    }
                    last = begun;
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(?peer, %error, "HTTP/2 connection failed");
        }
    }
}
