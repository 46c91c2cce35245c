//! The greeting, `info` and `iframe.html`.

use stellarfw_sockjs::SockJsConfig;
use stellarfw_transport::OriginPolicy;

use crate::{
    fixture::{fixture, fixture_with, within},
    support::http::Response,
};

const JSON: &str = "application/json; charset=UTF-8";
const TEXT: &str = "text/plain; charset=UTF-8";
const HTML: &str = "text/html; charset=UTF-8";

pub fn assert_not_cached(response: &Response) {
    let caching = response.header("cache-control").unwrap();
    assert_eq!(
        caching,
        "no-store, no-cache, no-transform, must-revalidate, max-age=0"
    );
    assert_eq!(response.header("expires"), None);
    assert_eq!(response.header("last-modified"), None);
}

pub fn assert_cached(response: &Response) {
    let caching = response.header("cache-control").unwrap();
    assert_eq!(caching, "public, max-age=31536000");
    let expires = response.header("expires").unwrap();
    assert!(expires.ends_with(" GMT"), "{expires}");
    assert_eq!(response.header("last-modified"), None);
}

#[tokio::test]
async fn the_greeting_is_at_the_mount() {
    let fixture = fixture().await;
    for path in ["", "/"] {
        let response = fixture.get(path).await;
        assert_eq!(
            (response.status, response.text()),
            (200, "Welcome to SockJS!\n")
        );
        assert_eq!(response.header("content-type"), Some(TEXT));
        assert_eq!(response.header("set-cookie"), None);
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    }
    // The same at the engine's own path.
    let mut http = fixture.http().await;
    for (path, status) in [("/sockjs", 200), ("/sockjs/info", 200), ("/sockjsx", 404)] {
        let response = http.request("GET", path, &[], b"").await.unwrap();
        assert_eq!(response.status, status, "{path}");
    }
}

#[tokio::test]
async fn info_lists_the_capabilities() {
    let fixture = fixture().await;
    let response = fixture.get("/info").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some(JSON));
    assert_eq!(response.header("set-cookie"), None);
    assert_not_cached(&response);
    let info = response.json();
    assert_eq!(info["websocket"], true);
    assert_eq!(info["cookie_needed"], false);
    assert_eq!(info["origins"], serde_json::json!(["*:*"]));
    let entropy = info["entropy"].as_u64().unwrap();
    assert!(u32::try_from(entropy).is_ok());

    let mut others = Vec::new();
    for _ in 0..8 {
        others.push(fixture.get("/info?t=1").await.json()["entropy"].clone());
    }
    assert!(others.iter().any(|other| *other != info["entropy"]));
    let mut http = fixture.http().await;
    for path in ["/primus", "/primus/info", "/primus/iframe.html"] {
        http.send("HEAD", path, &[], b"").await.unwrap();
        assert_eq!(within(http.response_head()).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn info_follows_the_settings() {
    let change = |config: &mut SockJsConfig| {
        config.websocket = false;
        config.cookie = true;
    };
    let fixture = fixture_with(change, |_| {}).await;
    let info = fixture.get("/info").await.json();
    assert_eq!(info["websocket"], false);
    assert_eq!(info["cookie_needed"], true);
}

#[tokio::test]
async fn cors_follows_the_origin_policy() {
    let any = fixture_with(|_| {}, |config| config.origins = OriginPolicy::Any).await;
    for (origin, allowed, credentials) in [
        (None, "*", None),
        (Some("null"), "null", Some("true")),
        (Some("http://a.com"), "http://a.com", Some("true")),
    ] {
        let origin = origin.map(|origin| ("Origin", origin));
        let response = any.request("GET", "/info", origin.as_slice(), "").await;
        assert_eq!(
            response.header("access-control-allow-origin"),
            Some(allowed)
        );
        assert_eq!(
            response.header("access-control-allow-credentials"),
            credentials
        );
        assert_eq!(response.header("vary"), Some("Origin"));
        assert_eq!(response.header("access-control-allow-headers"), None);
    }

    let same = fixture().await;
    for (origin, allowed) in [
        ("http://a.com", None),
        ("null", None),
        ("http://localhost", Some("http://localhost")),
    ] {
        let response = same
            .request("GET", "/info", &[("Origin", origin)], "")
            .await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("access-control-allow-origin"), allowed);
        assert_eq!(response.header("vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn preflight_responses_are_cached() {
    let fixture = fixture_with(|_| {}, |config| config.origins = OriginPolicy::Any).await;
    for (path, methods) in [
        ("/info", "OPTIONS, GET"),
        ("/a/b/xhr", "OPTIONS, POST"),
        ("/a/b/xhr_streaming", "OPTIONS, POST"),
        ("/a/b/xhr_send", "OPTIONS, POST"),
    ] {
        for origin in ["null", "http://a.com"] {
            let headers = [
                ("Origin", origin),
                ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "a, b, c"),
            ];
            let response = fixture.request("OPTIONS", path, &headers, "").await;
            assert_eq!((response.status, response.text()), (204, ""), "{path}");
            let header = |name: &str| response.header(&format!("access-control-{name}"));
            assert_eq!(header("allow-methods"), Some(methods), "{path}");
            assert_eq!(header("max-age"), Some("31536000"));
            assert_eq!(header("allow-headers"), Some("a, b, c"));
            assert_eq!(header("allow-credentials"), Some("true"));
            assert_eq!(header("allow-origin"), Some(origin));
            assert_cached(&response);
        }
        let empty = [("Access-Control-Request-Headers", "")];
        let response = fixture.request("OPTIONS", path, &empty, "").await;
        assert_eq!(response.header("access-control-allow-headers"), None);
    }
}

#[tokio::test]
async fn the_iframe_page_is_cached() {
    let script = "http://localhost/sockjs.js?a&b";
    let fixture = fixture_with(|config| config.script = Some(script.into()), |_| {}).await;
    let mut tags = Vec::new();
    for path in [
        "/iframe.html",
        "/iframe-a.html",
        "/iframe-.html",
        "/iframe-0.1.2.html",
        "/iframe-0.1.2abc-dirty.2144.html",
        "/iframe-a.html?t=123414",
    ] {
        let response = fixture.get(path).await;
        assert_eq!(response.status, 200, "{path}");
        assert_eq!(response.header("content-type"), Some(HTML));
        assert_eq!(response.header("set-cookie"), None);
        assert_cached(&response);
        let page = response.text();
        assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        // The client script comes first, as in the protocol.
        let (_, after) = page.split_once("</script>").unwrap();
        assert!(after.contains("SockJS.bootstrap_iframe();"), "{page}");
        assert!(page.contains("src=\"http://localhost/sockjs.js?a&amp;b\""));
        tags.push(response.header("etag").unwrap().to_owned());
    }
    assert!(tags.iter().all(|tag| *tag == tags[0]));

    let weak = format!("\"other\", W/{}", tags[0]);
    for known in [tags[0].as_str(), weak.as_str(), "*"] {
        let headers = [("If-None-Match", known)];
        let response = fixture.request("GET", "/iframe.html", &headers, "").await;
        assert_eq!((response.status, response.text()), (304, ""), "{known}");
        assert_eq!(response.header("content-type"), None);
        assert_eq!(response.header("etag"), Some(tags[0].as_str()));
        assert_cached(&response);
    }
    let headers = [("If-None-Match", "\"other\"")];
    let response = fixture.request("GET", "/iframe.html", &headers, "").await;
    assert_eq!(response.status, 200);

    for path in [
        "/iframe.htm",
        "/iframe",
        "/IFRAME.HTML",
        "/IFRAME",
        "/iframe.HTML",
        "/iframe.xml",
        "/iframe-/.html",
    ] {
        assert_eq!(fixture.get(path).await.status, 404, "{path}");
    }
}

/// A page that frames `iframe.html` acts with this server's origin.
#[tokio::test]
async fn only_pages_of_the_policy_can_frame_the_iframe_page() {
    let framing = |response: &Response| {
        let header = response.header("content-security-policy");
        header.map(str::to_owned)
    };
    let same = fixture().await.get("/iframe.html").await;
    assert_eq!(framing(&same).as_deref(), Some("frame-ancestors 'self'"));
    assert_eq!(same.header("x-frame-options"), Some("SAMEORIGIN"));

    let list = OriginPolicy::List(vec!["https://a.com".into()]);
    let fixture = fixture_with(|_| {}, |config| config.origins = list).await;
    let listed = fixture.get("/iframe.html").await;
    assert_eq!(
        framing(&listed).as_deref(),
        Some("frame-ancestors 'self' https://a.com")
    );

    let fixture = fixture_with(|_| {}, |config| config.origins = OriginPolicy::Any).await;
    let any = fixture.get("/iframe.html").await;
    assert_eq!((framing(&any), any.header("x-frame-options")), (None, None));
}

/// The default script has a hash, and other scripts the configured one.
#[tokio::test]
async fn the_iframe_script_has_an_integrity_hash() {
    let page = async |change: fn(&mut SockJsConfig)| {
        let fixture = fixture_with(change, |_| {}).await;
        fixture.get("/iframe.html").await.text().to_owned()
    };
    let default = page(|_| {}).await;
    let known = "<script src=\"https://cdn.jsdelivr.net/npm/sockjs-client@1.6.1/dist/sockjs.min.js\" \
                 integrity=\"sha384-svdnwiXBL+Js+yUneJSRFy24NgGiOfDM/vkQl/vCeVrcbYD6yW8EwPr1FnxTEZsR\" \
                 crossorigin=\"anonymous\"></script>";
    assert!(default.contains(known), "{default}");
    let own = page(|config| config.script = Some("/own.js".into())).await;
    assert!(own.contains("<script src=\"/own.js\"></script>"), "{own}");
    let both = page(|config| {
        config.script = Some("https://a.example/x.js".into());
        config.integrity = Some("sha256-a\"b".into());
    })
    .await;
    let expected =
        "<script src=\"https://a.example/x.js\" integrity=\"sha256-a&quot;b\" crossorigin";
    assert!(both.contains(expected), "{both}");
    let served = page(|config| config.serve_script("sockjs.js")).await;
    assert!(
        served.contains("<script src=\"sockjs.js\"></script>"),
        "{served}"
    );
}

#[tokio::test]
async fn without_a_script_there_is_no_iframe_page() {
    let fixture = fixture_with(|config| config.script = None, |_| {}).await;
    assert_eq!(fixture.get("/iframe.html").await.status, 404);
}
