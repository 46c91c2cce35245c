//! HTTP/2, which is agreed on over TLS.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;

use super::{Certificate, Secured, secure, secured, who};
use crate::support::soon;

type Http2<B = Empty<&'static [u8]>> = hyper::client::conn::http2::SendRequest<B>;

/// A client of HTTP/2, and the task of its connection.
async fn http2<B>(
    server: &Secured,
    trusted: &Certificate,
) -> (Http2<B>, tokio::task::JoinHandle<()>)
where
    B: hyper::body::Body<Data: Send, Error: std::error::Error + Send + Sync>
        + Send
        + Unpin
        + 'static,
{
    let stream = secure(server.address, &trusted.der, b"h2").await.unwrap();
    let (executor, io) = (TokioExecutor::new(), TokioIo::new(stream));
    let handshake = hyper::client::conn::http2::handshake(executor, io);
    let (client, connection) = soon("the handshake", handshake).await.unwrap();
    let task = tokio::spawn(async move {
        connection.await.ok();
    });
    (client, task)
}

#[tokio::test]
async fn http2_is_spoken_to_those_who_ask() {
    let certificate = Certificate::new();
    let server = secured(who(), certificate.tls()).await;
    let (client, connection) = http2::<Empty<&'static [u8]>>(&server, &certificate).await;
    // Many at once over the one connection.
    let requests = (0..50).map(|at| {
        let mut client = client.clone();
        async move {
            let uri = format!("https://localhost/api/who?n={at}");
            let request = hyper::Request::get(uri).body(Empty::new()).unwrap();
            let answer = client.send_request(request).await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.version(), hyper::Version::HTTP_2);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["who"], "me");
            let params = &body["requesterInformation"]["receivedParams"];
            assert_eq!(params["n"], at.to_string());
        }
    });
    soon("the answers", futures_util::future::join_all(requests)).await;
    drop(client);
    server.stop.send(()).ok();
    soon("the end", server.task).await.unwrap();
    soon("the connection's end", connection).await.unwrap();
    assert_eq!(server.stellar.transport().connections(), 0);
}

#[cfg(feature = "engineio")]
#[tokio::test]
async fn pages_are_known_by_their_origin_over_http2() {
    let certificate = Certificate::new();
    let server = secured(who().transport("engine.io"), certificate.tls()).await;
    let (mut client, connection) = http2::<Empty<&'static [u8]>>(&server, &certificate).await;
    for (origin, status) in [("https://localhost", 200), ("https://evil.example", 403)] {
        let uri = "https://localhost/engine.io/?EIO=4&transport=polling";
        let request = hyper::Request::get(uri).header("origin", origin);
        let request = request.body(Empty::new()).unwrap();
        let answer = soon("the answer", client.send_request(request))
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{origin}");
    }
    drop(client);
    server.stop.send(()).ok();
    soon("the end", server.task).await.unwrap();
    connection.abort();
}

/// A stream that is reset takes its action with it, and leaves the connection alone.
#[tokio::test]
async fn an_action_ends_with_its_stream() {
    struct Ended(std::sync::Arc<tokio::sync::Notify>);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (begun, ended) = <(
        std::sync::Arc<tokio::sync::Notify>,
        std::sync::Arc<tokio::sync::Notify>,
    )>::default();
    let (begin, end) = (begun.clone(), ended.clone());
    let builder = who().action("wait", move || {
        let (begin, ended) = (begin.clone(), Ended(end.clone()));
        async move {
            let _ended = ended;
            begin.notify_one();
            std::future::pending::<stellarfw::actions::ActionResult>().await
        }
    });
    let certificate = Certificate::new();
    let server = secured(builder, certificate.tls()).await;
    let (mut client, connection) = http2::<Empty<&'static [u8]>>(&server, &certificate).await;
    let get = |path: &str| {
        let uri = format!("https://localhost{path}");
        hyper::Request::get(uri).body(Empty::new()).unwrap()
    };
    let call = tokio::spawn(client.send_request(get("/api/wait")));
    soon("the action's start", begun.notified()).await;
    call.abort();
    soon("the action's end", ended.notified()).await;
    let answer = soon("the answer", client.send_request(get("/api/who"))).await;
    assert_eq!(answer.unwrap().status(), 200);
    drop(client);
    server.stop.send(()).ok();
    soon("the end", server.task).await.unwrap();
    connection.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_ends_its_stream_alone() {
    let certificate = Certificate::new();
    let builder = who().configure(|config| config.max_body = 1_000);
    let server = secured(builder, certificate.tls()).await;
    let (mut client, connection) = http2::<Full<Bytes>>(&server, &certificate).await;
    let post = |path: &str, mime: &str, length: usize| {
        let uri = format!("https://localhost{path}");
        let request = hyper::Request::post(uri).header("content-type", mime);
        request.body(Full::new(vec![b'x'; length].into())).unwrap()
    };
    // More than the window of the connection: it is given back for what is not read.
    for (path, mime, status) in [
        ("/api/who", "application/json", 413),
        ("/api/who", "text/plain", 415),
        ("/none", "text/plain", 405),
        ("/stellar-client", "text/plain", 405),
    ]
    .repeat(3)
    {
        let answer = client.send_request(post(path, mime, 8 << 20));
        let answer = soon("the answer", answer).await.unwrap();
        assert_eq!(answer.status(), status, "{path} {mime}");
        // RST_STREAM with NO_ERROR takes nothing from the answer.
        soon("its body", answer.into_body().collect())
            .await
            .unwrap();
    }
    let answer = client.send_request(post("/api/who", "application/json", 0));
    assert_eq!(soon("the answer", answer).await.unwrap().status(), 200);
    drop(client);
    server.stop.send(()).ok();
    soon("the end", server.task).await.unwrap();
    connection.abort();
}
