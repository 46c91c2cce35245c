//! WebSocket on axum in the common style: a writer task and queue per connection, and a room of
//! queues. `/echo` responds from the reader.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    routing::any,
    serve::ListenerExt,
};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

type Room = Arc<Mutex<HashMap<u64, UnboundedSender<Message>>>>;

static NEXT: AtomicU64 = AtomicU64::new(0);

async fn chat(socket: WebSocket, room: Room) {
    let members = || room.lock().unwrap_or_else(PoisonError::into_inner);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let (mut sink, mut stream) = socket.split();
    let (queue, mut waiting) = unbounded_channel::<Message>();
    let writer = tokio::spawn(async move {
        while let Some(message) = waiting.recv().await {
            if sink.send(message).await.is_err() {
                break;
            }
        }
    });
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Text(text) if text.starts_with('P') => {
                let message = Message::Text(Utf8Bytes::from(&text[1..]));
                for member in members().values() {
                    member.send(message.clone()).ok();
                }
            }
            Message::Text(text) => {
                if text.starts_with('J') {
                    members().insert(id, queue.clone());
                }
                queue.send(Message::Text(text)).ok();
            }
            Message::Close(_) => break,
            _ => {}
        }
    }
    members().remove(&id);
    drop(queue);
    writer.await.ok();
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        match message {
            Message::Text(_) => {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
            Message::Close(_) => break,
            _ => {}
        }
    }
}

fn main() -> peers::Outcome {
    peers::run(async |listener| {
        let room = Room::default();
        let app = Router::new()
            .route(
                "/echo",
                any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)),
            )
            .route(
                "/",
                any(async move |upgrade: WebSocketUpgrade| {
                    upgrade.on_upgrade(move |socket| chat(socket, room))
                }),
            );
        let listener = listener.tap_io(|socket| {
            socket.set_nodelay(true).ok();
        });
        axum::serve(listener, app).await?;
        Ok(())
    })
}
