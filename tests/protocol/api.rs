//! `/api` beyond the plain call: routes, forms with files, JSONP, CORS, TRACE.

use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{ActionResult, Call},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Host, host, soon};

fn builder() -> stellarfw::Builder {
    Stellar::builder().action("echo", async |call: Call| {
        let mut value = call.value();
        if let Some(path) = value["file"]["path"].as_str().map(str::to_owned) {
            value["read"] = std::fs::read_to_string(&path).unwrap_or_default().into();
        }
        ActionResult::Ok(json!({ "got": value }))
    })
}

fn form(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (disposition, text) in parts {
        body.push_str(&format!(
            "--XX\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{text}\r\n"
        ));
    }
    body.push_str("--XX--\r\n");
    body.into_bytes()
}

const FORM: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=XX");

#[tokio::test]
async fn declared_routes_name_the_action_and_its_parameters() {
    let builder = builder()
        .route("get", "/users/:id", "echo")
        .route("delete", "/users/:user", "nothing")
        .route("all", "/any/{a}/x/{b}", "echo");
    let host = host(builder).await;
    let reply = host.get("/api/users/7?id=8&x=1").await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json()["got"],
        json!({ "id": "7", "x": "1", "action": "echo" })
    );
    let reply = host.get("/api/users/a%2Fb").await;
    assert_eq!(reply.json()["got"]["id"], "a/b");
    let reply = host.http("DELETE /api/users/7", &[], b"").await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (404, &json!("004"))
    );
    assert_eq!(host.http("PUT /api/users/7", &[], b"").await.status, 405);
    assert_eq!(
        host.http("OPTIONS /api/users/7", &[], b"").await.status,
        200
    );
    let reply = host.post("/api/any/1/x/2", "{\"c\":3}").await;
    assert_eq!(
        reply.json()["got"],
        json!({ "c": 3, "a": "1", "b": "2", "action": "echo" })
    );
    // What is no declared route is an action's name, as ever.
    assert_eq!(host.get("/api/echo").await.status, 200);
    assert_eq!(host.get("/api/users").await.status, 404);
}

#[tokio::test]
async fn forms_bring_texts_and_files() {
    let host = host(builder()).await;
    let body = form(&[
        ("name=\"a\"", "1"),
        ("name=\"a\"", "2"),
        ("name=\"file\"; filename=\"x.txt\"", "twelve stars"),
    ]);
    let reply = host.http("POST /api/echo?q=0", &[FORM], &body).await;
    assert_eq!(reply.status, 200);
    let json = reply.json();
    assert_eq!(json["got"]["a"], json!(["1", "2"]));
    assert_eq!(json["got"]["q"], "0");
    assert_eq!(json["got"]["read"], "twelve stars");
    let file = &json["got"]["file"];
    assert_eq!(
        (&file["name"], &file["size"]),
        (&json!("x.txt"), &json!(12))
    );
    let path = file["path"].as_str().unwrap();
    assert!(
        !std::path::Path::new(path).exists(),
        "it is gone after the action"
    );
    // Where it lay is not the caller's to know.
    let received = &json["requesterInformation"]["receivedParams"]["file"];
    assert_eq!(received.get("path"), None);
    assert_eq!(received["name"], "x.txt");
}

#[tokio::test]
async fn broken_and_oversized_forms_are_refused() {
    let host = host(builder().configure(|config| {
        config.max_upload = 2_000;
        config.max_body = 100;
        config.max_upload_parts = 3;
    }))
    .await;
    let post = async |content_type: &str, body: &[u8]| {
        let headers = [("Content-Type", content_type)];
        let reply = host.http("POST /api/echo", &headers, body).await;
        (reply.status, reply.json()["error"].is_string())
    };
    let fits = form(&[("name=\"file\"; filename=\"x\"", &"x".repeat(1_500))]);
    assert_eq!(post(FORM.1, &fits).await, (200, false));
    let large = form(&[("name=\"file\"; filename=\"x\"", &"x".repeat(3_000))]);
    assert_eq!(post(FORM.1, &large).await, (413, true));
    let long_text = form(&[("name=\"a\"", &"x".repeat(200))]);
    assert_eq!(post(FORM.1, &long_text).await, (413, true));
    let many = form(&[("name=\"a\"", "1"); 4]);
    assert_eq!(post(FORM.1, &many).await, (400, true));
    let nameless = form(&[("filename=\"x\"", "1")]);
    assert_eq!(post(FORM.1, &nameless).await, (400, true));
    assert_eq!(post("multipart/form-data", &fits).await, (400, true));
    assert_eq!(post(FORM.1, b"--XX\r\nbroken").await, (400, true));
    assert_eq!(post("text/plain", b"x").await, (415, true));
    assert_eq!(
        post("application/x-www-form-urlencoded", b"a=\xff").await,
        (400, true)
    );
}

/// A form that is sent in pieces, as slowly as it is taken, and its answer.
async fn in_pieces(host: &Host, pieces: impl IntoIterator<Item = Vec<u8>>) -> (u16, Value) {
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    let head = format!(
        "POST /api/echo HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{}: {}\r\n\r\n",
        host.address, FORM.0, FORM.1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for piece in pieces {
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend([&piece[..], b"\r\n"].concat());
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
        // So that the server reads each by itself, as far as that is in our hands.
        tokio::task::yield_now().await;
    }
    stream.write_all(b"0\r\n\r\n").await.ok();
    let mut answer = Vec::new();
    soon("the answer", stream.read_to_end(&mut answer))
        .await
        .ok();
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn the_head_of_a_part_is_bounded_however_slowly_it_comes() {
    let host = host(builder()).await;
    let too_long = "The multipart body is broken: the head of a part is longer than 16384 bytes";
    // A head that does not end, a name that does not end, and text before the first part.
    let endless: [&[u8]; 3] = [
        b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n",
        b"--XX\r\nContent-Disposition: form-data; name=\"",
        b"Before the first part: ",
    ];
    for begin in endless {
        for (piece, count) in [("X-More: y\r\n", 5_000), (&*"z".repeat(5_000), 20)] {
            let pieces = [begin.to_vec()].into_iter();
            let rest = std::iter::repeat_n(piece.as_bytes().to_vec(), count);
            let (status, json) = in_pieces(&host, pieces.chain(rest)).await;
            assert_eq!((status, json["error"].as_str()), (400, Some(too_long)));
        }
    }
    // Parts whose heads are long enough for a name, and bodies of any length, a few bytes at a time.
    let name = "n".repeat(8_000);
    let long = "x".repeat(50_000);
    let body = form(&[
        (&format!("name=\"{name}\""), "1"),
        ("name=\"file\"; filename=\"x\"", &long),
    ]);
    for size in [7, 1_000, 100_000] {
        let pieces = body.chunks(size).map(<[u8]>::to_vec);
        let (status, json) = in_pieces(&host, pieces).await;
        assert_eq!(status, 200, "{json}");
        assert_eq!(json["got"]["file"]["size"], 50_000);
        assert_eq!(json["got"][&name], "1");
    }
}

#[tokio::test]
async fn what_a_form_holds_counts_more_than_the_query() {
    let host = host(builder().route("post", "/users/:id", "echo")).await;
    let body = form(&[
        ("name=\"a\"", "1"),
        ("name=\"b\"", "2"),
        ("name=\"b\"", "3"),
    ]);
    let reply = host
        .http("POST /api/users/7?a=0&b=0&c=0&id=8", &[FORM], &body)
        .await;
    let got = json!({ "a": "1", "b": ["2", "3"], "c": "0", "id": "7", "action": "echo" });
    assert_eq!(reply.json()["got"], got);
    // A file in the place of a text, and a text in the place of a file.
    let body = form(&[
        ("name=\"a\"; filename=\"x\"", "1"),
        ("name=\"id\"; filename=\"y\"", "2"),
    ]);
    let reply = host.http("POST /api/users/7?a=0", &[FORM], &body).await;
    assert_eq!(reply.json()["got"]["a"]["name"], "x");
    assert_eq!(reply.json()["got"]["id"], "7");
    let told = &reply.json()["requesterInformation"]["receivedParams"];
    assert_eq!(told["a"]["path"], Value::Null);
}

#[tokio::test]
async fn jsonp_is_for_names_and_off_by_default() {
    let on = host(builder().configure(|config| config.jsonp = true)).await;
    let reply = on.get("/api/echo?callback=my.cb_1").await;
    assert_eq!(
        reply.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let text = reply.text().strip_prefix("/**/my.cb_1(").unwrap();
    let json: Value = serde_json::from_str(text.strip_suffix(");").unwrap()).unwrap();
    assert_eq!(json["got"]["callback"], "my.cb_1");
    // A script of another status would not be run.
    assert_eq!(on.get("/api/none?callback=cb").await.status, 200);
    for evil in ["alert(1)//", "a%20b", "%3Cscript%3E", "a;b", ""] {
        let reply = on.get(&format!("/api/echo?callback={evil}")).await;
        assert_eq!(
            reply.header("content-type"),
            Some("application/json; charset=utf-8")
        );
    }
    assert!(
        on.post("/api/echo?callback=cb", "{}")
            .await
            .text()
            .starts_with('{')
    );
    let off = host(builder()).await;
    assert!(
        off.get("/api/echo?callback=cb")
            .await
            .text()
            .starts_with('{')
    );
}

#[tokio::test]
async fn other_origins_read_answers_only_where_they_may() {
    let origin = |origin: &'static str| [("Origin", origin)];
    let closed = host(builder()).await;
    let reply = closed
        .http("GET /api/echo", &origin("https://a.com"), b"")
        .await;
    assert_eq!(reply.header("access-control-allow-origin"), None);

    let open = host(builder().configure(|config| {
        config.cors.origins = vec!["https://a.com".into()];
        config.cors.credentials = true;
    }))
    .await;
    let reply = open
        .http("GET /api/echo", &origin("https://a.com"), b"")
        .await;
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("https://a.com")
    );
    assert_eq!(
        reply.header("access-control-allow-credentials"),
        Some("true")
    );
    let reply = open
        .http("GET /api/echo", &origin("https://b.com"), b"")
        .await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    let preflight = [
        ("Origin", "https://a.com"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    let reply = open.http("OPTIONS /api/echo", &preflight, b"").await;
    assert_eq!(reply.status, 200);
    assert!(
        reply
            .header("access-control-allow-methods")
            .unwrap()
            .contains("PUT")
    );

    let both = builder().configure(|config| {
        config.cors.origins = vec!["*".into()];
        config.cors.credentials = true;
    });
    assert!(both.build().await.is_err());
}

#[tokio::test]
async fn trace_is_off_until_it_is_on() {
    let off = host(builder()).await;
    assert_eq!(off.http("TRACE /api/echo", &[], b"").await.status, 405);
    let on = host(builder().configure(|config| config.trace = true)).await;
    let reply = on.http("TRACE /api/echo?a=1", &[], b"").await;
    assert_eq!(reply.status, 200);
    let json = reply.json();
    assert_eq!(json["requesterInformation"]["receivedParams"]["a"], "1");
    assert_eq!(json.get("got"), None, "the action does not run");
}

#[tokio::test]
async fn texts_are_compressed_but_answers_with_secrets_are_not() {
    let page = "<!doctype html>".to_owned() + &"star ".repeat(200);
    let page: &'static [u8] = page.leak().as_bytes();
    let host = host(builder().embedded([stellarfw::Embedded {
        path: "index.html",
        bytes: page,
    }]))
    .await;
    let gzip = [("Accept-Encoding", "gzip")];
    for path in ["/", "/stellar-client"] {
        let reply = host.http(&format!("GET {path}"), &gzip, b"").await;
        assert_eq!(reply.header("content-encoding"), Some("gzip"), "{path}");
    }
    let reply = host.http("GET /api/echo", &gzip, b"").await;
    assert_eq!(reply.header("content-encoding"), None);
    let tag = host.get("/").await.header("etag").unwrap().to_owned();
    let again = host.http("GET /", &[("If-None-Match", &tag)], b"").await;
    assert_eq!((again.status, again.text()), (304, ""));
}
