//! What the server tells of itself: `/docs` and the documents beside it.

use serde_json::json;
use stellarfw::{
    Builder, Stellar,
    actions::{Action, ActionResult, Format, Input},
};

use crate::support::{Host, host};

const DOCUMENTS: [(&str, &str); 7] = [
    ("/docs", "text/html; charset=utf-8"),
    ("/docs/docs.js", "text/javascript; charset=utf-8"),
    ("/docs/docs.css", "text/css; charset=utf-8"),
    ("/docs/logo.svg", "image/svg+xml"),
    ("/docs/openapi.json", "application/json; charset=utf-8"),
    ("/docs/asyncapi.json", "application/json; charset=utf-8"),
    ("/stellar-client.d.ts", "text/plain; charset=utf-8"),
];

fn action(name: &str) -> Action {
    Action::new(name, async || ActionResult::Ok(()))
}

fn declared() -> Builder {
    Stellar::builder()
        .add_action(
            action("sum")
                .describe("Adds a < b & c")
                .input(Input::required("a").describe("One").format(Format::Integer))
                .input(Input::optional("b").default(2).validate("numeric|max:9"))
                .example(json!({ "sum": 3 })),
        )
        .add_action(action("secret").private())
        .add_action(action("sum").versioned(2).private())
        .route("get", "/sums/:a", "sum")
        .route("get", "/secrets", "secret")
}

#[tokio::test]
async fn documents_are_cached_and_only_read() {
    let host = host(declared()).await;
    for (path, mime) in DOCUMENTS {
        let reply = host.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-type"), Some(mime), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        // The page carries a session.
        let cached = if path == "/docs" {
            "private, no-cache"
        } else {
            "no-cache"
        };
        assert_eq!(reply.header("cache-control"), Some(cached), "{path}");
        let tag = reply.header("etag").unwrap();
        let known = [("If-None-Match", tag)];
        let again = host.http(&format!("GET {path}"), &known, b"").await;
        assert_eq!((again.status, again.text()), (304, ""), "{path}");
        assert_eq!(again.header("etag"), Some(tag));
        let other = [("If-None-Match", "\"other\"")];
        let again = host.http(&format!("GET {path}"), &other, b"").await;
        assert_eq!(again.body, reply.body, "{path}");
        let head = host.http(&format!("HEAD {path}"), &[], b"").await;
        assert_eq!((head.status, head.text()), (200, ""), "{path}");
        assert_eq!(head.header("etag"), Some(tag));
        for method in ["POST", "PUT", "DELETE"] {
            let wrong = host.http(&format!("{method} {path}"), &[], b"").await;
            assert_eq!(wrong.status, 405, "{method} {path}");
        }
        let takes = [("Accept-Encoding", "gzip")];
        let small = host.http(&format!("GET {path}"), &takes, b"").await;
        assert_eq!(small.header("content-encoding"), Some("gzip"), "{path}");
    }
}

#[tokio::test]
async fn one_setting_switches_all_of_it_off() {
    let host = host(declared().configure(|config| config.docs = false)).await;
    for (path, _) in DOCUMENTS {
        assert_eq!(host.get(path).await.status, 404, "{path}");
    }
    assert_eq!(host.get("/docs/").await.status, 404);
    assert_eq!(host.get("/stellar-client").await.status, 200);
}

#[tokio::test]
async fn the_page_loads_its_own_files_and_brings_a_session() {
    let host = host(declared()).await;
    let page = host.get("/docs").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-sessionid").unwrap().len(), 40);
    assert!(page.header("set-cookie").is_some());
    let text = page.text();
    assert_eq!(text.matches("<script").count(), 2);
    for own in [
        "docs/docs.js",
        "docs/docs.css",
        "docs/logo.svg",
        "stellar-client",
    ] {
        assert!(text.contains(&format!("\"{own}\"")), "{own}");
    }
    for inline in ["<style", " style=", " onclick=", "javascript:", "://"] {
        assert!(!text.contains(inline), "{inline}");
    }
    let policy = host.get("/docs/docs.js").await;
    assert_eq!(policy.header("content-security-policy"), None);
}

#[tokio::test]
async fn nothing_that_is_declared_is_markup() {
    let names = [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"><b>",
        "constructor",
        "__proto__",
        "a&amp;b",
        "line\nbreak",
        "",
    ];
    let builder = names.iter().fold(Stellar::builder(), |builder, name| {
        let input = Input::required(*name).describe(*name).default(*name);
        let action = action(name).describe(*name).group(*name).block("http");
        builder.add_action(action.input(input).example(json!({ *name: name })))
    });
    let builder = builder.configure(|config| {
        config.name = "</title><script>alert(2)</script>".into();
        config.api_version = "<b>".into();
    });
    let host = host(builder).await;
    let page = host.get("/docs").await;
    let text = page.text();
    assert_eq!(text.matches("<script").count(), 2);
    for markup in ["<img src=x", "<b>", "\"><b>", "<title></title>"] {
        assert!(!text.contains(markup), "{markup}");
    }
    assert!(text.contains("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(text.contains("a&amp;amp;b"));
    // Anchors are told apart although their names are not made of the signs of anchors.
    let anchors: Vec<&str> = text
        .split("<article class=\"action\" id=\"")
        .skip(1)
        .map(|rest| &rest[..rest.find('"').unwrap()])
        .collect();
    assert_eq!(anchors.len(), names.len());
    for anchor in &anchors {
        assert_eq!(anchors.iter().filter(|other| *other == anchor).count(), 1);
        assert!(text.contains(&format!("href=\"#{anchor}\"")), "{anchor}");
    }
    host.get("/docs/openapi.json").await.json();
    host.get("/docs/asyncapi.json").await.json();
}

#[tokio::test]
async fn private_actions_are_nowhere() {
    let host = host(declared()).await;
    for (path, _) in DOCUMENTS {
        let reply = host.get(path).await;
        assert!(!reply.text().contains("secret"), "{path}");
    }
    // The newest of these is private, so that the other one has to be asked for.
    let openapi = host.get("/docs/openapi.json").await.json();
    let get = &openapi["paths"]["/api/sum"]["get"];
    assert_eq!(get["operationId"], "get.action.sum.v1");
    let version = &get["parameters"][2];
    assert_eq!(
        (&version["name"], &version["required"], &version["schema"]),
        (
            &json!("apiVersion"),
            &json!(true),
            &json!({ "type": "integer", "enum": [1] })
        )
    );
    assert_eq!(openapi["paths"]["/api/sums/{a}"], json!(null));
}

#[tokio::test]
async fn inputs_are_told_with_what_they_take() {
    let builder = Stellar::builder()
        .configure(|config| {
            config.name = "Sums".into();
            config.api_version = "7".into();
            config.api_path = "/rpc/".into();
            config.session_cookie = None;
        })
        .add_action(
            action("sum")
                .describe("Adds a < b & c")
                .input(Input::required("a").describe("One").format(Format::Integer))
                .input(Input::optional("b").default(2).validate("numeric|max:9"))
                .example(json!({ "sum": 3 })),
        );
    let host = host(builder).await;
    let openapi = host.get("/docs/openapi.json").await.json();
    assert_eq!(openapi["openapi"], "3.1.0");
    assert_eq!(openapi["info"]["title"], "Sums");
    assert_eq!(openapi["info"]["version"], "7");
    assert_eq!(openapi["security"], json!([]));
    let post = &openapi["paths"]["/rpc/sum"]["post"];
    // Descriptions are Markdown there, and hold no HTML.
    assert_eq!(post["description"], "Adds a &lt; b &amp; c");
    assert_eq!(
        openapi["components"]["schemas"]["action.sum"],
        json!({
            "type": "object",
            "properties": {
                "a": { "type": "integer", "description": "One" },
                "b": {
                    "type": "number",
                    "maximum": 9,
                    "x-stellar-validators": ["numeric|max:9"],
                    "default": 2,
                },
            },
            "required": ["a"],
        })
    );
    let asyncapi = host.get("/docs/asyncapi.json").await.json();
    let message = &asyncapi["components"]["messages"]["action.sum"];
    assert_eq!(
        message["examples"][0]["payload"],
        json!({ "event": "action", "params": { "action": "sum", "a": 1 } })
    );
    let types = host.get("/stellar-client.d.ts").await;
    assert!(
        types.text().contains(
            "  /** Adds a < b & c */\n  \"sum\": {\n    params: {\n      /** One */\n      \"a\": number;\n"
        ),
        "{}",
        types.text()
    );
}

#[tokio::test]
async fn they_are_below_a_path_of_an_apps_too() {
    let stellar = declared().build().await.unwrap();
    let app = axum::Router::new().nest_service("/live", stellar.router());
    let nested = Host::of_router(stellar, app).await;
    let openapi = nested.get("/live/docs/openapi.json").await;
    assert_eq!(openapi.json()["servers"][0]["url"], "..");
    let moved = nested.get("/live/docs/").await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (308, Some("../docs"))
    );
}
