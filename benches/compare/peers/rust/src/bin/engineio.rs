//! Engine.IO on engineioxide.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use engineioxide::{
    Str,
    config::EngineIoConfig,
    handler::EngineIoHandler,
    service::EngineIoService,
    sid::Sid,
    socket::{DisconnectReason, Socket},
};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;

#[derive(Debug, Default)]
struct Chat {
    room: Mutex<HashMap<Sid, Arc<Socket<()>>>>,
}

impl EngineIoHandler for Chat {
    type Data = ();

    fn on_connect(self: Arc<Self>, _: Arc<Socket<()>>) {}

    fn on_disconnect(&self, socket: Arc<Socket<()>>, _: DisconnectReason) {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.remove(&socket.id);
    }

    fn on_message(self: &Arc<Self>, message: Str, socket: Arc<Socket<()>>) {
        let room = || self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = message.as_str().strip_prefix('P') {
            for member in room().values() {
                member.emit(text.to_owned()).ok();
            }
            return;
        }
        if message.as_str().starts_with('J') {
            room().insert(socket.id, socket.clone());
        }
        socket.emit(message).ok();
    }

    fn on_binary(self: &Arc<Self>, data: Bytes, socket: Arc<Socket<()>>) {
        socket.emit_binary(data).ok();
    }
}

fn main() -> peers::Outcome {
    peers::run(async |listener| {
        let config = EngineIoConfig::builder().max_buffer_size(4096).build();
        let service = EngineIoService::with_config(Arc::new(Chat::default()), config);
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let service = service.clone();
            tokio::spawn(async move {
                let connection = http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .with_upgrades();
                connection.await.ok();
            });
        }
    })
}
