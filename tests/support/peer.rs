//! A client that speaks the protocol and checks what every message must keep to.

use std::collections::VecDeque;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use stellarfw::transport::{Message as Payload, Parser};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use super::soon;

/// A client. It counts what it sends, and knows which response is whose.
pub(crate) struct Peer {
    stream: WebSocketStream<Box<dyn Stream>>,
    parser: Parser,
    /// Its connection's id, once it has asked for it.
    id: String,
    /// Messages sent that the server counts.
    pub(crate) count: u64,
    /// What came while a response was waited for.
    held: VecDeque<Value>,
}

/// What a client receives.
#[derive(Debug, PartialEq)]
pub(crate) enum Received {
    /// A payload.
    Json(Value),
    /// The server said goodbye with this code, or the connection broke.
    Closed(Option<u16>),
}

/// What a client's bytes go over: TCP, TLS, a Unix socket.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Peer {
    /// Asks for a WebSocket over a stream.
    pub(crate) async fn over(
        stream: impl Stream + 'static,
        request: impl IntoClientRequest + Unpin,
    ) -> Result<Self, Error> {
        let stream: Box<dyn Stream> = Box::new(stream);
        let (stream, _) = soon("the handshake", client_async(request, stream)).await?;
        Ok(Self::new(stream))
    }

    fn new(stream: WebSocketStream<Box<dyn Stream>>) -> Self {
        Self {
            stream,
            parser: Parser::Json,
            id: String::new(),
            count: 0,
            held: VecDeque::new(),
        }
    }

    /// Speaks MessagePack from now on.
    pub(crate) fn speaking(mut self, parser: Parser) -> Self {
        self.parser = parser;
        self
    }

    /// Takes the welcome.
    pub(crate) async fn welcomed(&mut self) {
        let welcome = json!({ "welcome": "Hello human! Welcome to Stellar", "context": "api" });
        assert_eq!(self.recv().await, welcome);
    }

    /// Sends a message that the server counts.
    pub(crate) async fn send(&mut self, value: &Value) {
        self.count += 1;
        let frame = self.parser.encode(value).unwrap();
        let message = match frame.as_message() {
            Payload::Text(text) => Message::text(text),
            Payload::Binary(bytes) => Message::binary(bytes.to_vec()),
        };
        self.send_message(message).await;
    }

    /// Sends many messages in one write.
    pub(crate) async fn send_all(&mut self, values: impl IntoIterator<Item = Value>) {
        for value in values {
            self.count += 1;
            let text = Message::text(value.to_string());
            soon("room to send", self.stream.feed(text)).await.unwrap();
        }
        soon("room to send", self.stream.flush()).await.unwrap();
    }

    /// Sends a text as it is, which the server counts or not: that is for the test to say.
    pub(crate) async fn send_raw(&mut self, text: impl Into<String>) {
        self.send_message(Message::text(text.into())).await;
    }

    /// As [`Peer::send_raw`], counted.
    pub(crate) async fn send_text(&mut self, text: impl Into<String>) {
        self.count += 1;
        self.send_raw(text).await;
    }

    /// Sends any WebSocket message, uncounted.
    pub(crate) async fn send_message(&mut self, message: Message) {
        soon("room to send", self.stream.send(message))
            .await
            .unwrap();
    }

    /// The next thing that arrives, heartbeats apart.
    pub(crate) async fn next(&mut self) -> Received {
        if let Some(value) = self.held.pop_front() {
            return Received::Json(value);
        }
        soon("a message", self.receive()).await
    }

    /// The next thing from the socket, however many heartbeats come before it.
    async fn receive(&mut self) -> Received {
        loop {
            let message = match self.stream.next().await {
                Some(Ok(message)) => message,
                Some(Err(_)) | None => return Received::Closed(None),
            };
            let value: Value = match &message {
                Message::Text(text) => self.parser.decode(Payload::Text(text)).unwrap(),
                Message::Binary(bytes) => self.parser.decode(Payload::Binary(bytes)).unwrap(),
                Message::Close(frame) => {
                    // The goodbye is answered by reading on, so that the server need not wait.
                    while let Some(Ok(_)) = self.stream.next().await {}
                    return Received::Closed(frame.as_ref().map(|frame| frame.code.into()));
                }
                _ => continue,
            };
            let text = value.as_str().unwrap_or_default();
            if let Some(at) = text.strip_prefix("primus::ping::") {
                let pong = self.parser.encode(&format!("primus::pong::{at}")).unwrap();
                let pong = match pong.as_message() {
                    Payload::Text(text) => Message::text(text),
                    Payload::Binary(bytes) => Message::binary(bytes.to_vec()),
                };
                self.send_message(pong).await;
                continue;
            }
            return Received::Json(value);
        }
    }

    /// The next payload.
    pub(crate) async fn recv(&mut self) -> Value {
        match self.next().await {
            Received::Json(value) => value,
            closed @ Received::Closed(_) => panic!("a message was expected: {closed:?}"),
        }
    }

    /// The next payload, as the text that it is.
    pub(crate) async fn recv_text(&mut self) -> String {
        assert!(self.held.is_empty());
        match soon("a message", self.stream.next()).await {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("a text was expected: {other:?}"),
        }
    }

    /// The next payload, as the bytes that it is.
    pub(crate) async fn recv_bytes(&mut self) -> Vec<u8> {
        assert!(self.held.is_empty());
        match soon("a message", self.stream.next()).await {
            Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
            other => panic!("bytes were expected: {other:?}"),
        }
    }

    /// Awaits the goodbye, with what arrives before it.
    pub(crate) async fn closed(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut before = Vec::new();
        loop {
            match self.next().await {
                Received::Json(value) => before.push(value),
                Received::Closed(code) => return (before, code),
            }
        }
    }

    /// The response of the message that was sent last; pushes that come before it are kept.
    pub(crate) async fn response(&mut self) -> Value {
        let count = self.count;
        self.response_of(count).await
    }

    /// The response of a message; what else comes before it is kept.
    pub(crate) async fn response_of(&mut self, count: u64) -> Value {
        let is_it = |value: &Value| {
            value["context"] == "response" && value["messageCount"].as_u64() == Some(count)
        };
        if let Some(at) = self.held.iter().position(is_it) {
            return self.held.remove(at).unwrap();
        }
        let before = std::mem::take(&mut self.held);
        let mut kept = Vec::new();
        let response = loop {
            let value = self.recv().await;
            if is_it(&value) {
                break value;
            }
            kept.push(value);
        };
        self.held = before.into_iter().chain(kept).collect();
        response
    }

    /// Sends a message and awaits its response.
    pub(crate) async fn ask(&mut self, value: &Value) -> Value {
        self.send(value).await;
        self.response().await
    }

    /// Sends a text as it is and awaits its response.
    pub(crate) async fn ask_text(&mut self, text: impl Into<String>) -> Value {
        self.send_text(text).await;
        self.response().await
    }

    /// Calls an action and awaits its response, without what every response has.
    pub(crate) async fn call(&mut self, params: Value) -> Value {
        let response = self
            .ask(&json!({ "event": "action", "params": params }))
            .await;
        self.body(response)
    }

    /// A response without what every response has, which is checked.
    pub(crate) fn body(&self, response: Value) -> Value {
        body_of(response, self.count)
    }

    /// Asserts that a message gets exactly this response, besides what every response has.
    pub(crate) async fn expect(&mut self, message: Value, body: Value) {
        let response = self.ask(&message).await;
        assert_eq!(body_of(response, self.count), body, "to {message}");
    }

    /// Asserts that a verb is refused with this error.
    pub(crate) async fn refused(&mut self, message: Value, error: Value) {
        let body = json!({ "status": error, "error": error });
        self.expect(message, body).await;
    }

    /// Asserts that a join or leave is refused with this error.
    pub(crate) async fn refused_false(&mut self, message: Value, error: Value) {
        let body = json!({ "status": error, "error": error, "data": false });
        self.expect(message, body).await;
    }

    /// The id of its connection.
    pub(crate) async fn id(&mut self) -> String {
        if self.id.is_empty() {
            let details = self.ask(&json!({ "event": "detailsView" })).await;
            self.id = details["data"]["id"].as_str().unwrap().to_owned();
        }
        self.id.clone()
    }

    /// Joins a room that takes it.
    pub(crate) async fn join(&mut self, room: &str) {
        let body = json!({ "status": "OK", "data": true });
        self.expect(json!({ "event": "roomAdd", "room": room }), body)
            .await;
    }

    /// Leaves a room that it is in.
    pub(crate) async fn leave(&mut self, room: &str) {
        let body = json!({ "status": "OK", "data": true });
        self.expect(json!({ "event": "roomLeave", "room": room }), body)
            .await;
    }

    /// Says something in a room that it is in.
    pub(crate) async fn say(&mut self, room: &str, message: Value) {
        let request = json!({ "event": "say", "room": room, "message": message });
        self.expect(request, json!({ "status": "OK" })).await;
    }

    /// The next payload is a chat message; its content. `from` none is the server.
    pub(crate) async fn heard(&mut self, room: &str, from: Option<&str>) -> Value {
        let mut push = self.recv().await;
        let message = push["message"].take();
        assert!(
            push["sentAt"]
                .as_u64()
                .is_some_and(|at| at > 1_600_000_000_000),
            "{push}"
        );
        push["sentAt"] = Value::Null;
        let from = from.map_or(json!(0), Value::from);
        let expected = json!({ "message": null, "room": room, "from": from, "context": "user", "sentAt": null });
        assert_eq!(push, expected, "with {message}");
        message
    }

    /// Asserts that nothing has arrived that was not read: whatever was sent to it before now
    /// would come before the response that it asks for.
    pub(crate) async fn heard_nothing_more(&mut self) {
        self.ask(&json!({ "event": "detailsView" })).await;
        assert_eq!(self.held, Vec::<Value>::new());
    }

    /// Sends bytes in the place of a WebSocket frame.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }

    /// Sends what is no WebSocket frame, and awaits the end.
    pub(crate) async fn break_off(mut self) {
        self.send_bytes(&[0xff; 64]).await;
        while let Received::Json(_) = self.next().await {}
    }

    /// Says goodbye and awaits the answer.
    pub(crate) async fn goodbye(mut self) {
        self.stream.close(None).await.ok();
        while let Some(Ok(_)) = soon("the goodbye", self.stream.next()).await {}
    }
}

/// A response without what every response has, which is checked.
pub(crate) fn body_of(mut response: Value, count: u64) -> Value {
    let fields = response.as_object_mut().unwrap();
    assert_eq!(fields.remove("messageCount"), Some(json!(count)));
    assert_eq!(fields.remove("context"), Some(json!("response")));
    response
}
