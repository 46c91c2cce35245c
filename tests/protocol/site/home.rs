//! What is answered at `/` where no public folder has a page.

use serde_json::json;
use stellarfw::Stellar;

use crate::support::{Folder, Host, Reply, host};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn ask(host: &Host, line: &str, accept: &str) -> Reply {
    host.http(line, &[("Accept", accept)], b"").await
}

#[tokio::test]
async fn it_says_what_runs_to_people_terminals_and_programs() {
    let host = host(Stellar::builder().configure(|config| {
        config.name = "<Observatory> & more".into();
        config.server.pathname = "/live".into();
        config.api_path = "/rest".into();
        config.session_cookie = Some("visitor".into());
    }))
    .await;
    let text = ask(&host, "GET /", "*/*").await;
    assert_eq!(text.status, 200);
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let first = text.text().lines().next();
    assert_eq!(
        first,
        Some("<Observatory> & more, version 1 of its API, is running.")
    );
    for line in [
        "  /live                  ws",
        "  /rest                  actions over HTTP",
    ] {
        assert!(text.text().contains(line), "{}", text.text());
    }
    // Nobody asked for anything in particular.
    assert_eq!(host.get("/").await.text(), text.text());

    let value = ask(&host, "GET /", "application/json").await;
    assert_eq!(
        value.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let value = value.json();
    assert_eq!(value["name"], "<Observatory> & more");
    assert_eq!(
        value["engines"][0],
        json!({ "name": "ws", "path": "/live" })
    );
    assert_eq!(
        (&value["api"], &value["health"]),
        (&json!("/rest"), &json!("/healthz"))
    );

    let page = ask(&host, "GET /", BROWSER).await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        page.text().contains("<h1>&lt;Observatory&gt; &amp; more "),
        "{}",
        page.text()
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));

    for (reply, accept) in [(&text, "*/*"), (&page, BROWSER)] {
        assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
        let tag = reply.header("etag").unwrap();
        let again = [("Accept", accept), ("If-None-Match", tag)];
        let again = host.http("GET /", &again, b"").await;
        assert_eq!((again.status, again.text()), (304, ""));
    }
    let head = ask(&host, "HEAD /", BROWSER).await;
    assert_eq!((head.status, head.text()), (200, ""));
    assert_eq!(ask(&host, "POST /", BROWSER).await.status, 405);
    assert_eq!(ask(&host, "GET /none", BROWSER).await.status, 404);
}

/// Everything that it names is there, and nothing that is not for clients is named.
#[tokio::test]
async fn every_link_leads_somewhere() {
    let host = host(Stellar::builder().room("backroom").configure(|config| {
        config.transports = vec!["ws".into(), "engine.io".into(), "sockjs".into()];
        config.metrics.listen = Some("127.0.0.1:0".into());
    }))
    .await;
    let page = ask(&host, "GET /", BROWSER).await;
    let page = page.text();
    let mut links: Vec<&str> = page.split("href=\"").skip(1).collect();
    links
        .iter_mut()
        .for_each(|link| *link = link.split('"').next().unwrap());
    assert!(links.len() >= 9, "{links:?}");
    for link in links {
        assert_eq!(host.get(&format!("/{link}")).await.status, 200, "{link}");
    }
    for text in [page, host.get("/").await.text()] {
        for secret in ["backroom", "127.0.0.1", "metrics", "sessionID"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        for path in ["/primus", "/ws", "/engine.io", "/sockjs"] {
            assert!(text.contains(path), "{path}: {text}");
        }
    }
    for engine in ask(&host, "GET /", "application/json").await.json()["engines"]
        .as_array()
        .unwrap()
    {
        let path = engine["path"].as_str().unwrap();
        assert_ne!(host.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn it_gives_way_to_a_page_and_can_be_switched_off() {
    let folder = Folder::new();
    let with = |folder: &Folder| Stellar::builder().public(folder.path());
    // A folder without a page.
    folder.write("hello.txt", "hello");
    let host_without = host(with(&folder)).await;
    assert!(
        ask(&host_without, "GET /", BROWSER)
            .await
            .text()
            .contains("is running")
    );
    folder.write("index.html", "<p>ours");
    let page = ask(&host_without, "GET /", BROWSER).await;
    assert_eq!(page.text(), "<p>ours");

    let host = host(Stellar::builder().configure(|config| {
        config.docs = false;
        config.health = false;
    }))
    .await;
    let none = ask(&host, "GET /", BROWSER).await;
    assert_eq!(
        (none.status, none.text()),
        (404, "The requested file not exists\n")
    );
}

/// Without `health` nothing is said of it.
#[tokio::test]
async fn what_is_switched_off_is_not_named() {
    let host = host(Stellar::builder().configure(|config| config.health = false)).await;
    assert!(!host.get("/").await.text().contains("healthz"));
    let value = ask(&host, "GET /", "application/json").await.json();
    assert_eq!(value["health"], json!(null));
}
