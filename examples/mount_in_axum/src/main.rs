//! A Stellar server inside an axum app.
//!
//! The app has its own routes, and one line adds the connections, `/api` and `/stellar-client`.
//!
//! `cargo run -p example-mount-in-axum -- 127.0.0.1:8080`

use std::net::SocketAddr;

use axum::{Router, extract::State, response::Html, routing::get};
use serde_json::json;
use stellarfw::{Stellar, actions::ActionResult};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");

    let stellar = Stellar::builder()
        .room("news")
        .action("time", async || {
            ActionResult::Ok(json!({ "time": seconds() }))
        })
        .build()
        .await?;

    let app = Router::new()
        .route("/", get(page))
        .route("/announce/{text}", get(announce))
        .with_state(stellar.clone())
        .merge(stellar.router_without_files());

    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("Listening on http://{}", listener.local_addr()?);
    // Connect info gives the server the addresses of clients.
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}

/// A route of the app that sends a message to a room.
async fn announce(
    State(stellar): State<Stellar>,
    axum::extract::Path(text): axum::extract::Path<String>,
) -> String {
    match stellar.rooms().broadcast("news", &text).await {
        Ok(()) => "said\n".to_owned(),
        Err(error) => format!("{error}\n"),
    }
}

async fn page() -> Html<&'static str> {
    Html(include_str!("page.html"))
}

fn seconds() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
