//! One connection at HTTP, until it is upgraded or gone.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, header};
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
};
use crate::http::{BoxError, Peer, Secure};

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
    pub(super) limits: Limits,
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
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let accept = tls.acceptor().accept(stream);
            match tokio::time::timeout(self.limits.header_timeout, accept).await {
                Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                    self.http2(stream, peer).await;
                }
                Ok(Ok(stream)) => self.http1(stream, peer, true).await,
                Ok(Err(error)) => tracing::debug!(?peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(?peer, "TLS handshake took too long"),
            }
            return;
        }
        self.http1(stream, peer, false).await;
    }

    async fn http1<I, B>(self, stream: I, peer: Option<SocketAddr>, secure: bool)
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
        let shared = Shared::new(limits);
        let mut discard = Discard::new(shared.clone());
        let stream = Lingering::new(stream, shared.clone());
        let marked = Marked {
            service,
            peer,
            secure,
            shared: Some(shared),
        };
        let service = service_fn(move |request| marked.answer_http1(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
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
    pub(super) peer: Option<SocketAddr>,
    pub(super) secure: bool,
    /// That of HTTP/1.
    pub(super) shared: Option<Arc<Shared>>,
}

impl<S> Marked<S> {
    fn mark(&self, request: &mut http::Request<Incoming>) {
        let extensions = request.extensions_mut();
        if let Some(peer) = self.peer {
            extensions.insert(Peer(peer));
        }
        if self.secure {
            extensions.insert(Secure);
        }
    }

    /// Answers a request of HTTP/1, or refuses one whose target is not served here.
    fn answer_http1<B>(
        &self,
        mut request: http::Request<Incoming>,
    ) -> impl Future<Output = Result<http::Response<Either<B, Empty<Bytes>>>, Infallible>>
    + Send
    + use<S, B>
    where
        S: Answers<B>,
    {
        // On a socket without an address is a proxy of the same host, which may have ended TLS.
        let is_secure = self.secure || self.peer.is_none();
        let settled = host::settle(&mut request, is_secure);
        let answer = settled.map(|()| self.answer(request));
        async move {
            let refused = match answer {
                Ok(answer) => return Ok(answer.await?.map(Either::Left)),
                Err(refused) => refused,
            };
            let mut response = http::Response::new(Either::Right(Empty::new()));
            *response.status_mut() = refused;
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
            Ok(response)
        }
    }

    /// Answers a request.
    pub(super) fn answer<B>(
        &self,
        mut request: http::Request<Incoming>,
    ) -> impl Future<Output = Result<http::Response<B>, Infallible>> + Send + use<S, B>
    where
        S: Answers<B>,
    {
        self.mark(&mut request);
        let mut service = self.service.clone();
        let shared = self.shared.clone();
        async move {
            poll_fn(|cx: &mut Context<'_>| -> Poll<_> { service.poll_ready(cx) }).await?;
            let Some(shared) = shared else {
                return service.call(request.map(RequestBody::new)).await;
            };
            let begun = shared.begin(&request);
            let request = request.map(|body| RequestBody::of_connection(body, shared.clone()));
            let mut response = service.call(request).await?;
            shared.answered(&begun, &mut response);
            Ok(response)
        }
    }
}
