//! Socket.IO on socketioxide.

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use socketioxide::{
    SocketIo,
    extract::{Data, SocketRef},
};

async fn connected(socket: SocketRef) {
    socket.on("echo", async |socket: SocketRef, Data::<String>(text)| {
        socket.emit("echo", &text).ok();
    });
    socket.on("join", async |socket: SocketRef, Data::<String>(room)| {
        socket.join(room.clone());
        socket.emit("joined", &room).ok();
    });
    socket.on("pub", async |socket: SocketRef, Data::<String>(text)| {
        socket.to("bench").emit("msg", &text).await.ok();
    });
}

fn main() -> peers::Outcome {
    peers::run(async |listener| {
        let (service, io) = SocketIo::builder().max_buffer_size(4096).build_svc();
        io.ns("/", connected);
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
