//! An echo server on TCP, for tests below the level of the suite.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use stellarfw_transport::{
    CloseReason, CodecError, Delivery, Flow, Handler, Message, Parser, Server, ServerConfig, Spark,
    serve,
};
use stellarfw_ws::{Ws, WsConfig};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::client::{self, Answer, CLOSE, Raw};

pub struct Site {
    pub server: Server,
    pub address: SocketAddr,
    pub ends: Arc<Mutex<Vec<CloseReason>>>,
}

struct Echo(Arc<Mutex<Vec<CloseReason>>>);

impl Handler for Echo {
    fn open(&self, _: &Spark) -> Flow {
        Flow::DONE
    }

    fn message(&self, spark: &Spark, message: Message<'_>) -> Result<Flow, CodecError> {
        spark
            .send_frame(message.to_frame(), Delivery::Reliable)
            .ok();
        Ok(Flow::DONE)
    }

    fn error(&self, _: &Spark, _: &CodecError) {}

    fn close(&self, _: &Spark, reason: &CloseReason) {
        self.0.lock().push(reason.clone());
    }
}

impl Site {
    pub async fn new() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    /// An echo without codec and heartbeats, changed as told.
    pub async fn with(
        change: impl FnOnce(&mut ServerConfig),
        change_ws: impl FnOnce(&mut WsConfig),
    ) -> Self {
        let mut ws = WsConfig::default();
        change_ws(&mut ws);
        let ends = Arc::default();
        let server = Server::builder()
            .parser(Parser::Raw)
            .configure(|config| config.ping_interval = 0)
            .configure(change)
            .transport(Ws::new(ws))
            .handler(Echo(Arc::clone(&ends)))
            .build();
        server.start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = server.service();
        tokio::spawn(async move {
            serve(
                listener,
                service,
                Default::default(),
                std::future::pending(),
            )
            .await
        });
        Self {
            server,
            address,
            ends,
        }
    }

    pub async fn stream(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// What a request is answered.
    pub async fn ask(&self, request: &str) -> Answer {
        let asked = Raw::ask(self.stream().await, request);
        within(asked).await.unwrap().1
    }

    pub async fn client(&self) -> Raw {
        self.client_with(&[]).await
    }

    pub async fn client_with(&self, headers: &[(&str, &str)]) -> Raw {
        let request = client::request("/primus", headers);
        within(Raw::upgrade(self.stream().await, &request))
            .await
            .unwrap()
    }

    /// That the server still serves others.
    pub async fn is_well(&self) {
        let mut client = self.client().await;
        client.message(client::TEXT, b"well?").await.unwrap();
        expect(&mut client, client::TEXT, b"well?").await;
    }
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), future)
        .await
        .expect("waited in vain")
}

/// The next message must be this one.
pub async fn expect(client: &mut Raw, opcode: u8, payload: &[u8]) {
    let (got, bytes) = within(client.receive())
        .await
        .expect("the connection ended");
    assert_eq!(got, opcode, "payload {:?}", String::from_utf8_lossy(&bytes));
    assert!(bytes == payload, "another payload came");
}

/// The next frame must be a close of this code, and then the connection must end.
pub async fn expect_close(client: &mut Raw, code: u16) {
    let (opcode, payload) = within(client.receive())
        .await
        .expect("it ended without a close");
    assert_eq!(
        opcode,
        CLOSE,
        "payload {:?}",
        String::from_utf8_lossy(&payload)
    );
    assert_eq!(
        client::code(&payload),
        code,
        "{:?}",
        String::from_utf8_lossy(&payload)
    );
    assert!(
        within(client.next()).await.is_err(),
        "something came after the close"
    );
}
