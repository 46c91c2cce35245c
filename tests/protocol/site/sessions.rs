//! Sessions, by the cookie that HTTP and connections share.

use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{ActionResult, Call, SendFile},
    config::SessionKey,
    transport::OriginPolicy,
};

use crate::{
    http::echo,
    support::{Folder, Host, host},
};

fn who() -> stellarfw::Builder {
    Stellar::builder().action("who", async |call: Call| {
        ActionResult::Ok(json!({ "who": call.caller().fingerprint() }))
    })
}

#[tokio::test]
async fn one_session_over_http_and_connections() {
    let host = host(who()).await;
    let reply = host.get("/api/who").await;
    let fingerprint = reply.header("x-sessionid").unwrap().to_owned();
    assert!(fingerprint.len() == 40 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let cookie = reply.header("set-cookie").unwrap();
    assert!(
        cookie.contains("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(reply.json()["who"], fingerprint.as_str());
    let token = reply.cookie().unwrap().strip_prefix("sessionID=").unwrap();
    let second = host.get("/api/who").await;
    assert_ne!(second.header("x-sessionid"), Some(fingerprint.as_str()));

    let cookie = format!("other=1; sessionID={token}");
    let headers = [("Cookie", cookie.as_str())];
    let again = host.http("GET /api/who", &headers, b"").await;
    assert_eq!(again.json()["who"], fingerprint.as_str());
    assert_eq!(again.header("x-sessionid"), Some(fingerprint.as_str()));
    assert_eq!(again.header("set-cookie"), None);
    let details = json!({ "event": "detailsView" });
    let mut by_cookie = host.connect("/primus", &headers).await.unwrap();
    by_cookie.welcomed().await;
    assert_eq!(
        by_cookie.ask(&details).await["data"]["fingerprint"],
        fingerprint.as_str()
    );
    assert_eq!(
        by_cookie.call(json!({ "action": "who" })).await["who"],
        fingerprint.as_str()
    );
    // The URL counts more than the cookie, if its token is one.
    let other = host.session();
    for (query, expected) in [
        (other.token(), other.fingerprint()),
        ("%3Cb%3E", &fingerprint),
        (other.fingerprint(), &fingerprint),
    ] {
        let path = format!("/primus?a=b&sessionID={query}");
        let mut by_query = host.connect(&path, &headers).await.unwrap();
        by_query.welcomed().await;
        let details = by_query.ask(&details).await;
        assert_eq!(details["data"]["fingerprint"], expected, "{query}");
    }
}

#[tokio::test]
async fn ids_that_were_never_issued_are_replaced() {
    let host = host(who()).await;
    let session = host.session();
    let (token, fingerprint) = (session.token(), session.fingerprint());
    let mut forged = token.to_owned();
    forged.replace_range(..1, if token.starts_with('A') { "B" } else { "A" });
    let details = json!({ "event": "detailsView" });
    for bad in [
        "",
        "<b>",
        "a b",
        "mine",
        &"a".repeat(40),
        &"x".repeat(129),
        fingerprint,
        &forged,
        &format!("{token}x"),
        &token[..token.len() - 1],
    ] {
        let cookie = format!("sessionID={bad}");
        let headers = [("Cookie", cookie.as_str())];
        let reply = host.http("GET /api/who", &headers, b"").await;
        assert_eq!(reply.header("x-sessionid").unwrap().len(), 40, "{bad}");
        assert_ne!(reply.json()["who"], bad);
        assert_ne!(reply.json()["who"], fingerprint, "{bad}");
        let new = reply.cookie().unwrap().strip_prefix("sessionID=").unwrap();
        assert_ne!(new, bad);
        let mut peer = host.connect("/primus", &headers).await.unwrap();
        peer.welcomed().await;
        let of_peer = &peer.ask(&details).await["data"]["fingerprint"];
        assert_eq!(*of_peer, Value::Null, "{bad}");
    }
    // Of another process, whose key is another.
    let stranger = crate::support::host(who()).await.session();
    let cookie = format!("sessionID={}", stranger.token());
    let reply = host.http("GET /api/who", &[("Cookie", &cookie)], b"").await;
    assert_ne!(reply.json()["who"], stranger.fingerprint());
}

#[tokio::test]
async fn processes_that_share_a_key_share_sessions() {
    let shared = || {
        who().configure(|config| {
            config.session_key = SessionKey::new("a key that both of the processes have");
        })
    };
    let (one, two) = (host(shared()).await, host(shared()).await);
    let first = one.get("/api/who").await;
    let headers = [("Cookie", first.cookie().unwrap())];
    let second = two.http("GET /api/who", &headers, b"").await;
    assert_eq!(second.json()["who"], first.json()["who"]);
    assert_eq!(second.header("set-cookie"), None);
    let weak = who().configure(|config| config.session_key = SessionKey::new("secret"));
    assert!(
        weak.build()
            .await
            .unwrap_err()
            .to_string()
            .contains("sessionKey")
    );
    let bad = who().configure(|config| config.session_cookie = Some("a b".into()));
    assert!(
        bad.build()
            .await
            .unwrap_err()
            .to_string()
            .contains("sessionCookie")
    );
}

/// What stands in the cookie is in no body, no other header and no frame.
#[tokio::test]
async fn the_token_is_shown_nowhere_else() {
    let folder = Folder::of(&[("page.html", "<p>"), ("a.txt", "a")]);
    let builder = who()
        .action("file", async || ActionResult::Ok(SendFile("a.txt".into())))
        .configure(|config| config.jsonp = true)
        .public(folder.path());
    let host = host(builder).await;
    let session = host.session();
    let cookie = format!("sessionID={}", session.token());
    for path in [
        "/",
        "/page.html",
        "/docs",
        "/docs/openapi.json",
        "/api/who",
        "/api/file",
        "/api/none",
        "/api/who?callback=cb",
        "/stellar-client",
        "/primus/spec",
        "/primus/nothing",
        "/missing",
    ] {
        for headers in [&[][..], &[("Cookie", cookie.as_str())]] {
            let reply = host.http(&format!("GET {path}"), headers, b"").await;
            let token = reply.cookie().map_or(session.token(), |cookie| {
                cookie.strip_prefix("sessionID=").unwrap()
            });
            let body = String::from_utf8_lossy(&reply.body);
            assert!(!body.contains(token), "{path}: {body}");
            let shown = reply.headers_without("set-cookie");
            assert!(!shown.contains(token), "{path}: {shown}");
        }
    }
    let headers = [("Cookie", cookie.as_str())];
    let mut peer = host.connect("/primus", &headers).await.unwrap();
    peer.welcomed().await;
    for asked in [
        json!({ "event": "detailsView" }),
        json!({ "event": "action", "params": { "action": "who" } }),
    ] {
        let answer = peer.ask(&asked).await.to_string();
        assert!(!answer.contains(session.token()), "{answer}");
        assert!(answer.contains(session.fingerprint()), "{answer}");
    }
}

/// A page of another origin cannot act in its visitor's name, nor replace the visitor's session.
#[tokio::test]
async fn requests_from_elsewhere_run_without_the_session() {
    let host = host(who()).await;
    let session = host.session();
    let cookie = format!("sessionID={}", session.token());
    let own = format!("http://{}", host.address);
    let own_page = format!("{own}/page");
    const BROWSER: (&str, &str) = ("User-Agent", "Mozilla/5.0");
    let foreign: &[&[(&str, &str)]] = &[
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Origin", "http://127.0.0.1:1")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "navigate"),
        ],
        &[("Referer", "https://evil.example/")],
        &[BROWSER],
    ];
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        for headers in foreign {
            let mut headers = headers.to_vec();
            headers.push(("Cookie", &cookie));
            let line = format!("{method} /api/who");
            let reply = host.http(&line, &headers, b"").await;
            assert_eq!(reply.status, 200, "{headers:?}");
            let json = reply.json();
            assert_eq!(json["who"], Value::Null, "{method} {headers:?}");
            assert_eq!(json["requesterInformation"]["fingerprint"], Value::Null);
            assert_eq!(reply.header("set-cookie"), None, "{headers:?}");
            assert_eq!(reply.header("x-sessionid"), None, "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("User-Agent", "curl/8.14.1")],
            &[("Origin", own.as_str())],
            &[BROWSER, ("Sec-Fetch-Site", "same-origin")],
            &[BROWSER, ("Sec-Fetch-Site", "none")],
            &[BROWSER, ("Referer", own_page.as_str())],
        ] {
            let mut headers = headers.to_vec();
            headers.push(("Cookie", &cookie));
            let reply = host
                .http(&format!("{method} /api/who"), &headers, b"")
                .await;
            assert_eq!(reply.json()["who"], session.fingerprint(), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn pages_that_are_let_in_act_with_the_session() {
    let page = [("Origin", "https://app.example")];
    let asked = async |builder: stellarfw::Builder| {
        let host = host(builder).await;
        let session = host.session();
        let cookie = format!("sessionID={}", session.token());
        let headers = [page[0], ("Cookie", cookie.as_str())];
        let reply = host.http("POST /api/who", &headers, b"").await;
        reply.json()["who"] == session.fingerprint()
    };
    let list = || vec!["https://app.example".to_owned()];
    assert!(!asked(who()).await);
    assert!(
        asked(who().configure(|config| config.server.origins = OriginPolicy::List(list()))).await
    );
    assert!(asked(who().configure(|config| config.server.origins = OriginPolicy::Any)).await);
    assert!(
        asked(who().configure(|config| {
            config.cors.origins = list();
            config.cors.credentials = true;
        }))
        .await
    );
    // Who may read answers, but not with cookies, does not act with them.
    assert!(!asked(who().configure(|config| config.cors.origins = list())).await);
    assert!(!asked(who().configure(|config| config.cors.origins = vec!["*".into()])).await);
}

#[tokio::test]
async fn a_script_has_no_session() {
    let host = host(who().configure(|config| config.jsonp = true)).await;
    let session = host.session();
    let cookie = format!("sessionID={}", session.token());
    for headers in [
        &[("Cookie", cookie.as_str())][..],
        &[
            ("Cookie", cookie.as_str()),
            ("Sec-Fetch-Site", "same-origin"),
        ],
        &[],
    ] {
        let reply = host.http("GET /api/who?callback=cb", headers, b"").await;
        let text = reply.text();
        assert!(text.starts_with("/**/cb({\"who\":null,"), "{text}");
        assert_eq!(
            (reply.header("set-cookie"), reply.header("x-sessionid")),
            (None, None)
        );
    }
}

/// A visitor may come to a page from anywhere, and has a session then.
#[tokio::test]
async fn visits_bring_a_session_and_frames_do_not() {
    let folder = Folder::of(&[("page.html", "<p>")]);
    let host = host(who().public(folder.path())).await;
    for path in ["/page.html", "/docs"] {
        for (headers, is_given) in [
            (&[][..], true),
            (&[("Referer", "https://search.example/")], true),
            (
                &[
                    ("Sec-Fetch-Site", "cross-site"),
                    ("Sec-Fetch-Dest", "document"),
                ],
                true,
            ),
            (
                &[
                    ("Sec-Fetch-Site", "cross-site"),
                    ("Sec-Fetch-Dest", "iframe"),
                ],
                false,
            ),
            (
                &[("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Dest", "image")],
                false,
            ),
            (&[("Origin", "https://evil.example")], false),
        ] {
            let reply = host.http(&format!("GET {path}"), headers, b"").await;
            assert_eq!(reply.status, 200);
            let given = reply.header("set-cookie").is_some();
            assert_eq!(given, is_given, "{path} {headers:?}");
        }
    }
}

/// Polls until a client's details have come, and gives their text.
async fn details(host: &Host, poll: &str, headers: &[(&str, &str)]) -> String {
    loop {
        let reply = host.http(poll, headers, b"").await;
        assert_eq!(reply.status, 200, "{poll}: {}", reply.text());
        if reply.text().contains("fingerprint") {
            return reply.text().to_owned();
        }
    }
}

#[tokio::test]
async fn one_session_over_every_engine() {
    let builder = Stellar::builder().configure(|config| {
        config.transports = ["engine.io", "socket.io", "sockjs"]
            .map(String::from)
            .to_vec();
    });
    let host = host(builder).await;
    let issued = host.session();
    let (session, fingerprint) = (issued.token(), issued.fingerprint());
    let query = format!("&sessionID={session}");
    let cookies = [
        format!("sessionID={session}"),
        format!("sessionID=\"{session}\""),
        format!("a=\"b;c\"; sessionid=no; xsessionID=no;sessionID={session};d"),
        format!("\tsessionID = {session} ; sessionID=second"),
        format!("flag; =; a=ü; sessionID=\"{session}\""),
    ];
    let cookies = cookies
        .each_ref()
        .map(|cookie| [("Cookie", cookie.as_str())]);
    let last = format!("sessionID={session}");
    let apart = [
        ("Cookie", "a=1"),
        ("Cookie", last.as_str()),
        ("Cookie", "sessionID=no"),
    ];
    let mut ways: Vec<(&str, &[(&str, &str)])> = vec![(&query, &[]), ("", &apart)];
    ways.extend(cookies.iter().map(|cookie| ("", cookie.as_slice())));
    for (at, (query, headers)) in ways.into_iter().enumerate() {
        if query.is_empty() {
            let reply = host.http("GET /api", headers, b"").await;
            assert_eq!(
                reply.header("x-sessionid"),
                Some(fingerprint),
                "{headers:?}"
            );
        }
        for (path, messages) in [
            ("/engine.io/", &[r#"4{"event":"detailsView"}"#][..]),
            (
                "/socket.io/",
                &["40", r#"42["message",{"event":"detailsView"}]"#][..],
            ),
        ] {
            let url = format!("{path}?EIO=4&transport=polling{query}");
            let opened = host.http(&format!("GET {url}"), headers, b"").await;
            let opened: Value = serde_json::from_str(&opened.text()[1..]).unwrap();
            let url = format!("{url}&sid={}", opened["sid"].as_str().unwrap());
            for message in messages {
                let sent = host
                    .http(&format!("POST {url}"), headers, message.as_bytes())
                    .await;
                assert_eq!(sent.status, 200, "{path}: {}", sent.text());
            }
            let told = details(&host, &format!("GET {url}"), headers).await;
            assert!(told.contains(fingerprint), "{path}{query}: {told}");
        }
        let query = query.replacen('&', "?", 1);
        let path = format!("POST /sockjs/000/session{at}");
        let opened = host.http(&format!("{path}/xhr{query}"), headers, b"").await;
        assert_eq!(opened.text(), "o\n");
        let message = br#"["{\"event\":\"detailsView\"}"]"#;
        let sent = host
            .http(&format!("{path}/xhr_send"), headers, message)
            .await;
        assert_eq!(sent.status, 204);
        let told = details(&host, &format!("{path}/xhr"), headers).await;
        assert!(told.contains(fingerprint), "sockjs{query}: {told}");
    }
}

#[tokio::test]
async fn sessions_can_be_off() {
    let host = host(echo().configure(|config| config.session_cookie = None)).await;
    let reply = host.get("/api/echo").await;
    assert_eq!(
        (reply.header("set-cookie"), reply.header("x-sessionid")),
        (None, None)
    );
    assert_eq!(
        reply.json()["requesterInformation"]["fingerprint"],
        Value::Null
    );
    let mut peer = host
        .connect("/primus?sessionID=x", &[("Cookie", "sessionID=y")])
        .await
        .unwrap();
    peer.welcomed().await;
    let details = peer.ask(&json!({ "event": "detailsView" })).await;
    assert_eq!(details["data"]["fingerprint"], Value::Null);
}
