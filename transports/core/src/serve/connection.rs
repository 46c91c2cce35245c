//! One connection at HTTP, until it is upgraded or gone.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::AtomicBool},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{Either, Empty};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};
use tower_service::Service;

use super::{
    Limits,
    body::{Discard, RequestBody, Shared},
    host,
    linger::Lingering,
    listener::Stream,
    pace::Paced,
    spare::{self, Spare},
};
#[cfg(feature = "tls")]
use super::{close_notify::CloseNotify, tls};
#[cfg(feature = "tls")]
use crate::budget::Budget;
use crate::http::{BoxError, Local, Peer, Secure};

/// What answers the requests of a server.
pub(super) trait Answers<B>:
    Service<
        http::Request<RequestBody>,
        Response = http::Response<B>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
}

impl<S, B> Answers<B> for S where
    S: Service<
            http::Request<RequestBody>,
            Response = http::Response<B>,
            Error = Infallible,
            Future: Send,
        > + Clone
        + Send
        + 'static
{
}

/// What a connection is served with.
pub(super) struct Serving<S> {
    pub(super) service: S,
    /// The server's own address.
    pub(super) local: Option<SocketAddr>,
    pub(super) limits: Limits,
    /// It has no place of its own.
    pub(super) spare: Option<Arc<Spare>>,
    #[cfg(feature = "tls")]
    pub(super) budget: Budget,
    pub(super) stopped: watch::Receiver<()>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<super::Tls>,
}

impl<S> Serving<S> {
    pub(super) async fn run<B>(self, stream: Stream)
    where
        S: Answers<B>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match stream {
            Stream::Tcp(stream, peer) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                self.open(stream, Some(peer)).await;
            }
            #[cfg(unix)]
            Stream::Unix(stream) => self.open(stream, None).await,
        }
    }

    async fn open<I, B>(self, stream: I, peer: Option<SocketAddr>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Answers<B>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let is_upgraded = Arc::<AtomicBool>::default();
        #[cfg_attr(
            not(feature = "tls"),
            expect(unused_mut, reason = "TLS is counted in it")
        )]
        let mut stream = Paced::new(stream, self.limits.answer, is_upgraded.clone());
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            stream.count(self.budget.lease(tls::CONNECTION));
            let accept = tls.acceptor().accept(stream);
            match tokio::time::timeout(self.header_timeout(), accept).await {
                Ok(Ok(stream)) => {
                    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let stream = CloseNotify::new(stream, self.limits.linger_timeout);
                    match is_http2 {
                        true => self.http2(stream, peer).await,
                        false => self.http1(stream, peer, true, is_upgraded).await,
                    }
                }
                Ok(Err(error)) => tracing::debug!(?peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(?peer, "TLS handshake took too long"),
            }
            return;
        }
        self.http1(stream, peer, false, is_upgraded).await;
    }

    /// How long the head of a request may take, and the connection be idle.
    pub(super) fn header_timeout(&self) -> Duration {
        match self.spare {
            Some(_) => self.limits.header_timeout.min(spare::HEADER_TIMEOUT),
            None => self.limits.header_timeout,
        }
    }

    async fn http1<I, B>(
        self,
        stream: I,
        peer: Option<SocketAddr>,
        secure: bool,
        is_upgraded: Arc<AtomicBool>,
    ) where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Answers<B>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let header_timeout = self.header_timeout();
        let Self {
            service,
            local,
            limits,
            spare,
            mut stopped,
            ..
        } = self;
        let is_kept = spare.is_none();
        let shared = Shared::new(limits, is_upgraded);
        let mut discard = Discard::new(shared.clone());
        let stream = Lingering::new(stream, shared.clone());
        let marked = Marked {
            service,
            limits,
            peer,
            local,
            secure,
            spare,
        };
        let service = service_fn(move |request| marked.answer_http1(request, &shared));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .keep_alive(is_kept)
            .max_buf_size(limits.max_head.max(8 << 10))
            .max_headers(limits.max_headers)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let mut stopping = pin!(stopped.changed());
        let mut is_stopping = false;
        let result = poll_fn(|cx| {
            if !is_stopping && stopping.as_mut().poll(cx).is_ready() {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            match connection.as_mut().poll(cx) {
                Poll::Ready(result) => Poll::Ready(result),
                Poll::Pending => discard.poll(cx),
            }
        })
        .await;
        if let Err(error) = result {
            tracing::debug!(?peer, %error, "HTTP connection failed");
        }
    }
}

/// Tells a service whom its requests come from.
pub(super) struct Marked<S> {
    pub(super) service: S,
    pub(super) limits: Limits,
    pub(super) peer: Option<SocketAddr>,
    pub(super) local: Option<SocketAddr>,
    pub(super) secure: bool,
    pub(super) spare: Option<Arc<Spare>>,
}

/// What a connection answers by itself is empty.
pub(super) type Answer<B> = http::Response<Either<B, Empty<Bytes>>>;

/// An answer without a body.
pub(super) fn bare<B>(status: StatusCode) -> Answer<B> {
    let mut response = http::Response::new(Either::Right(Empty::new()));
    *response.status_mut() = status;
    response
}

impl<S> Marked<S> {
    fn mark<B>(&self, request: &mut http::Request<B>) {
        let extensions = request.extensions_mut();
        if let Some(peer) = self.peer {
            extensions.insert(Peer(peer));
        }
        if let Some(local) = self.local {
            extensions.insert(Local(local));
        }
        if self.secure {
            extensions.insert(Secure);
        }
    }

    /// Returns `true` if the connection has a place, or needs none for this request.
    pub(super) fn admits<B>(&self, request: &http::Request<B>) -> bool {
        self.spare.as_ref().is_none_or(|spare| {
            self.limits.health_paths.contains(&request.uri().path()) || spare.has_place()
        })
    }

    /// Answers a request of HTTP/1, or refuses one whose target is not served here.
    fn answer_http1<B>(
        &self,
        mut request: http::Request<Incoming>,
        shared: &Arc<Shared>,
    ) -> impl Future<Output = Result<Answer<B>, Infallible>> + Send + use<S, B>
    where
        S: Answers<B>,
        B: Send,
    {
        // On a socket without an address is a proxy of the same host, which may have ended TLS.
        let is_secure = self.secure || self.peer.is_none();
        let refused = match host::settle(&mut request, is_secure) {
            Err(refused) => Some(bare(refused)),
            Ok(()) if !self.admits(&request) => Some(spare::refusal()),
            Ok(()) => None,
        };
        let refused = refused.map(|mut response| {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
            response
        });
        let answer = refused.is_none().then(|| {
            let begun = shared.begin(&request);
            let (parts, body) = request.into_parts();
            let (body, late) = RequestBody::new(body, self.limits.body, None);
            let body = body.of_connection(shared.clone());
            let answer = self.answer(http::Request::from_parts(parts, body));
            (answer, begun, late, shared.clone())
        });
        async move {
            let Some((answer, begun, late, shared)) = answer else {
                return Ok(refused.unwrap_or_else(|| bare(StatusCode::BAD_REQUEST)));
            };
            let mut response = answer.await?;
            shared.answered(&begun, &late, &mut response);
            Ok(response.map(Either::Left))
        }
    }

    /// Answers a request.
    pub(super) fn answer<B>(
        &self,
        mut request: http::Request<RequestBody>,
    ) -> impl Future<Output = Result<http::Response<B>, Infallible>> + Send + use<S, B>
    where
        S: Answers<B>,
    {
        self.mark(&mut request);
        let mut service = self.service.clone();
        async move {
            poll_fn(|cx: &mut Context<'_>| -> Poll<_> { service.poll_ready(cx) }).await?;
            service.call(request).await
        }
    }
}
