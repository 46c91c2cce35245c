//! The fuzzed functions. Each takes bytes and panics if a property does not hold.
//!
//! The fuzz targets call them, and the ordinary tests include this file to run them over a corpus.

mod codecs;
mod cookies;
mod dispatch;
mod engineio;
mod inflate;
mod multipart;
mod params;
mod paths;
mod proxies;
mod socketio;
mod sockjs;
mod support;
mod websocket;
mod wire;

pub use self::{
    codecs::codecs,
    cookies::cookies_and_queries as cookies,
    dispatch::dispatch,
    engineio::engineio,
    inflate::inflate,
    multipart::multipart,
    params::params,
    paths::paths,
    proxies::proxies,
    socketio::socketio,
    sockjs::sockjs,
    websocket::{deflate, websocket},
    wire::Wire,
};

use stellarfw::{Builder, transport::Parser};
use tokio::runtime::Runtime;

/// Creates a single-threaded runtime, so that each input is handled deterministically.
fn runtime() -> Runtime {
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match built {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime: {error}"),
    }
}

fn built(runtime: &Runtime, builder: Builder, parser: Parser) -> stellarfw::Stellar {
    match runtime.block_on(builder.parser(parser).build()) {
        Ok(stellar) => stellar,
        Err(error) => panic!("no server: {error}"),
    }
}
