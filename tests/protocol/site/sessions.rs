//! Sessions, by the cookie that HTTP and connections share.

use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{ActionResult, Call},
};

use crate::{
    http::echo,
    support::{Host, host},
};

#[tokio::test]
async fn one_session_over_http_and_connections() {
    let builder = Stellar::builder().action("who", async |call: Call| {
        ActionResult::Ok(json!({ "who": call.caller().fingerprint() }))
    });
    let host = host(builder).await;
    let reply = host.get("/api/who").await;
    let session = reply.header("x-sessionid").unwrap().to_owned();
    assert!(session.len() == 40 && session.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let cookie = reply.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with(&format!("sessionID={session}; Path=/")),
        "{cookie}"
    );
    assert_eq!(reply.json()["who"], session.as_str());
    let second = host.get("/api/who").await;
    assert_ne!(second.header("x-sessionid"), Some(session.as_str()));

    let cookie = format!("other=1; sessionID={session}");
    let headers = [("Cookie", cookie.as_str())];
    let again = host.http("GET /api/who", &headers, b"").await;
    assert_eq!(again.json()["who"], session.as_str());
    assert_eq!(again.header("x-sessionid"), Some(session.as_str()));
    assert_eq!(again.header("set-cookie"), None);
    let details = json!({ "event": "detailsView" });
    let mut by_cookie = host.connect("/primus", &headers).await.unwrap();
    by_cookie.welcomed().await;
    assert_eq!(
        by_cookie.ask(&details).await["data"]["fingerprint"],
        session.as_str()
    );
    assert_eq!(
        by_cookie.call(json!({ "action": "who" })).await["who"],
        session.as_str()
    );
    // The URL counts more than the cookie.
    let mut by_query = host
        .connect("/primus?a=b&sessionID=mine", &headers)
        .await
        .unwrap();
    by_query.welcomed().await;
    assert_eq!(by_query.ask(&details).await["data"]["fingerprint"], "mine");
    let own = [("Cookie", "sessionID=of-an_App1")];
    let reply = host.http("GET /api/who", &own, b"").await;
    assert_eq!(reply.json()["who"], "of-an_App1");
    // What cannot be a session's id is not taken over, over either.
    let long = format!("sessionID={}", "x".repeat(129));
    for bad in [
        "sessionID=",
        "sessionID=%00",
        "sessionID=<b>",
        "sessionID=a b",
        "sessionID",
        &long,
    ] {
        let reply = host.http("GET /api/who", &[("Cookie", bad)], b"").await;
        assert_eq!(reply.header("x-sessionid").unwrap().len(), 40, "{bad}");
        assert!(reply.header("set-cookie").is_some());
        let mut peer = host.connect("/primus", &[("Cookie", bad)]).await.unwrap();
        peer.welcomed().await;
        let fingerprint = &peer.ask(&details).await["data"]["fingerprint"];
        assert_eq!(*fingerprint, Value::Null, "{bad}");
    }
    let path = "/primus?sessionID=%3Cb%3E";
    let mut falls_back = host.connect(path, &headers).await.unwrap();
    falls_back.welcomed().await;
    let fingerprint = &falls_back.ask(&details).await["data"]["fingerprint"];
    assert_eq!(*fingerprint, session.as_str());
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
    let session = host
        .get("/api")
        .await
        .header("x-sessionid")
        .unwrap()
        .to_owned();
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
                Some(session.as_str()),
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
            assert!(told.contains(&session), "{path}{query}: {told}");
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
        assert!(told.contains(&session), "sockjs{query}: {told}");
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
