//! Common parts of the servers: each is run as `NAME PORT`, and prints a line when it listens.

use std::{error::Error, future::Future, net::SocketAddr};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};

pub type Outcome = Result<(), Box<dyn Error>>;

/// Runs a server like `#[tokio::main]`. The first argument is the port.
pub fn run<F: Future<Output = Outcome>>(server: impl FnOnce(TcpListener) -> F) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let port = std::env::args().nth(1).ok_or("usage: NAME PORT")?.parse()?;
        server(listen(port)?).await
    })
}

fn listen(port: u16) -> Result<TcpListener, Box<dyn Error>> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, Rlimit { ..limit })?;
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    let listener = socket.listen(4096)?;
    println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}
