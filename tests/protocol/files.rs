//! Files over a connection.

use std::{
    os::unix::fs::symlink,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use stellarfw::{
    Embedded, Stellar,
    actions::{ActionResult, SendFile},
};

use crate::support::{Folder, Host, Peer, error, host};

async fn serving(folders: &[&Folder]) -> Host {
    let builder = Stellar::builder();
    let builder = folders
        .iter()
        .fold(builder, |builder, folder| builder.public(folder.path()));
    host(builder).await
}

fn ask(file: &str) -> Value {
    json!({ "event": "file", "file": file })
}

fn refusal(code: &str, message: &str) -> Value {
    json!({
        "error": error(code, message),
        "content": null,
        "mime": "text/html",
        "length": message.len(),
    })
}

async fn not_found(peer: &mut Peer, file: &str) {
    peer.expect(ask(file), refusal("010", "The requested file not exists"))
        .await;
}

#[tokio::test]
async fn a_text() {
    let folder = Folder::new();
    let path = folder.write("a.txt", "héllo\n");
    // 2001-09-09T01:46:40Z and a few milliseconds.
    let modified = UNIX_EPOCH + Duration::from_millis(1_000_000_000_007);
    std::fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    let host = serving(&[&folder]).await;
    let mut peer = host.peer().await;
    peer.send(&json!({ "event": "file", "file": "a.txt", "messageId": 5 }))
        .await;
    assert_eq!(
        peer.recv().await,
        json!({
            "error": null,
            "content": "héllo\n",
            "mime": "text/plain",
            "length": 7,
            "lastModified": "2001-09-09T01:46:40.007Z",
            "messageCount": 1,
            "messageId": 5,
            "context": "response",
        })
    );
    // However the path is written.
    for file in ["/a.txt", "//a.txt", "./a.txt", "a.txt/"] {
        assert_eq!(peer.ask(&ask(file)).await["content"], "héllo\n", "{file}");
    }
}

#[tokio::test]
async fn what_is_no_text_comes_in_base64() {
    let folder = Folder::new();
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    folder.write("a.png", &bytes);
    folder.write("cut.txt", b"\xe2\x80");
    let host = serving(&[&folder]).await;
    let mut peer = host.peer().await;
    let sent = peer.ask(&ask("a.png")).await;
    assert_eq!(sent["error"], Value::Null);
    assert_eq!(sent["encoding"], "base64");
    assert_eq!(sent["mime"], "image/png");
    assert_eq!(sent["length"], bytes.len());
    assert_eq!(
        STANDARD.decode(sent["content"].as_str().unwrap()).unwrap(),
        bytes
    );
    let cut = peer.ask(&ask("cut.txt")).await;
    assert_eq!(
        (&cut["encoding"], &cut["content"]),
        (&json!("base64"), &json!("4oA="))
    );
}

#[tokio::test]
async fn an_empty_file_and_texts_with_anything_in_them() {
    let folder = Folder::new();
    let odd = "\u{0}\u{1}\"\\\u{2028}\u{feff}\u{1F600}\r\n";
    folder.write("empty", "");
    folder.write("odd.json", odd);
    folder.write("mit leerzeichen ü.txt", "ü");
    let host = serving(&[&folder]).await;
    let mut peer = host.peer().await;
    let sent = peer.ask(&ask("empty")).await;
    assert_eq!((&sent["content"], &sent["length"]), (&json!(""), &json!(0)));
    assert_eq!(sent["mime"], "application/octet-stream");
    assert!(sent.get("encoding").is_none());
    let sent = peer.ask(&ask("odd.json")).await;
    assert_eq!(
        (&sent["content"], &sent["length"]),
        (&json!(odd), &json!(odd.len()))
    );
    // Paths of messages have no percent escapes.
    assert_eq!(
        peer.ask(&ask("mit leerzeichen ü.txt")).await["content"],
        "ü"
    );
    not_found(&mut peer, "mit%20leerzeichen%20%C3%BC.txt").await;
}

#[tokio::test]
async fn a_type_is_bare_by_message_and_has_its_charset_over_http() {
    let folder = Folder::new();
    let embedded = ["built.html", "built.js", "built.bin"].map(|path| Embedded {
        path,
        bytes: "Grüße".as_bytes(),
    });
    let builder = Stellar::builder()
        .public(folder.path())
        .embedded(embedded)
        .action("file", async || ActionResult::Ok(SendFile("a.txt".into())));
    let host = host(builder).await;
    let mut peer = host.peer().await;
    for (name, mime, charset) in [
        ("a.txt", "text/plain", true),
        ("a.html", "text/html", true),
        ("a.css", "text/css", true),
        ("a.js", "text/javascript", true),
        ("a.mjs", "text/javascript", true),
        ("a.json", "application/json", true),
        ("a.csv", "text/csv", true),
        ("a.md", "text/markdown", true),
        // What XML is encoded in it says itself.
        ("a.xml", "text/xml", false),
        ("a.svg", "image/svg+xml", false),
        ("a.png", "image/png", false),
        ("a.pdf", "application/pdf", false),
        ("a.wasm", "application/wasm", false),
        ("a", "application/octet-stream", false),
        ("built.html", "text/html", true),
        ("built.js", "text/javascript", true),
        ("built.bin", "application/octet-stream", false),
    ] {
        if name.starts_with('a') {
            folder.write(name, "Grüße");
        }
        assert_eq!(peer.ask(&ask(name)).await["mime"], mime, "{name}");
        let reply = host.get(&format!("/{name}")).await;
        let charset = if charset { "; charset=utf-8" } else { "" };
        let expected = format!("{mime}{charset}");
        assert_eq!(
            reply.header("content-type"),
            Some(expected.as_str()),
            "{name}"
        );
        assert_eq!(reply.text(), "Grüße");
    }
    let answer = peer.call(json!({ "action": "file" })).await;
    assert_eq!(answer["mime"], "text/plain");
    let reply = host.get("/api/file").await;
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn a_folder_is_its_index() {
    let folder = Folder::new();
    folder.write("index.html", "root");
    folder.write("sub/index.html", "sub");
    folder.write("bare/a.txt", "a");
    let host = serving(&[&folder]).await;
    let mut peer = host.peer().await;
    assert_eq!(peer.ask(&ask("/")).await["content"], "root");
    assert_eq!(peer.ask(&ask("sub")).await["content"], "sub");
    assert_eq!(peer.ask(&ask("sub/")).await["mime"], "text/html");
    not_found(&mut peer, "bare").await;
}

#[tokio::test]
async fn nothing_leads_out_of_the_folder() {
    let outer = Folder::new();
    outer.write("secret.txt", "secret");
    outer.write("public2/secret.txt", "secret");
    outer.write("public/in/a.txt", "a");
    outer.write("public/.hidden", "hidden");
    outer.write("public/.git/config", "hidden");
    let public = outer.path().join("public");
    symlink(outer.path().join("secret.txt"), public.join("out.txt")).unwrap();
    symlink("../secret.txt", public.join("relative.txt")).unwrap();
    symlink(outer.path(), public.join("up")).unwrap();
    symlink(public.join("in/a.txt"), public.join("within.txt")).unwrap();
    symlink("nowhere", public.join("dangling")).unwrap();
    symlink("circle", public.join("circle")).unwrap();
    let secret = outer.path().join("secret.txt").display().to_string();
    let paths = [
        "..",
        "../secret.txt",
        "in/../../secret.txt",
        "in/../in/a.txt",
        "./../secret.txt",
        "/../secret.txt",
        "....//secret.txt",
        "../public2/secret.txt",
        "..\\secret.txt",
        "in\\..\\..\\secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "%2e%2e%2fsecret.txt",
        "..%c0%afsecret.txt",
        "\u{ff0e}\u{ff0e}/secret.txt",
        "..\u{0}/secret.txt",
        "in/a.txt\u{0}",
        "in/a.txt\u{0}.png",
        "C:/secret.txt",
        "C:secret.txt",
        "file:///etc/passwd",
        "/etc/passwd",
        secret.as_str(),
        ".hidden",
        "in/../.hidden",
        ".git/config",
        "...",
        "in/a.txt/..",
        "in/a.txt/x",
        "out.txt",
        "relative.txt",
        "up/secret.txt",
        "up/public/in/a.txt/../../../secret.txt",
        "dangling",
        "circle",
        "in",
        "none",
        " ",
        "\n",
        "~",
        "$HOME",
    ];
    let host = host(Stellar::builder().public(&public)).await;
    let mut peer = host.peer().await;
    for path in paths {
        not_found(&mut peer, path).await;
    }
    not_found(&mut peer, &"x/".repeat(100_000)).await;
    not_found(&mut peer, &"x".repeat(100_000)).await;
    assert_eq!(peer.ask(&ask("within.txt")).await["content"], "a");
    // It leads out and comes back: where it ends is what counts.
    assert_eq!(peer.ask(&ask("up/public/in/a.txt")).await["content"], "a");
}

#[tokio::test]
async fn symlinks_may_lead_out_when_that_is_allowed() {
    let (folder, other) = (Folder::new(), Folder::new());
    let target = other.write("a.txt", "elsewhere");
    symlink(target, folder.path().join("out.txt")).unwrap();
    let builder = Stellar::builder().configure(|config| config.follow_symlinks = true);
    let host = host(builder.public(folder.path())).await;
    let mut peer = host.peer().await;
    assert_eq!(peer.ask(&ask("out.txt")).await["content"], "elsewhere");
    not_found(&mut peer, "../a.txt").await;
}

#[tokio::test]
async fn folders_are_searched_in_order_and_then_what_is_built_in() {
    let (first, second) = (Folder::new(), Folder::new());
    first.write("both.txt", "first");
    second.write("both.txt", "second");
    second.write("only.txt", "second");
    second.write("over.txt", "second");
    let embedded = [
        Embedded {
            path: "over.txt",
            bytes: b"built in",
        },
        Embedded {
            path: "css/app.css",
            bytes: b"a {}",
        },
        Embedded {
            path: "logo.png",
            bytes: b"\x89PNG\xff",
        },
    ];
    let missing = first.path().join("no such folder");
    let builder = Stellar::builder()
        .public(missing)
        .public(first.path())
        .public(second.path());
    let host = host(builder.embedded(embedded)).await;
    let mut peer = host.peer().await;
    for (file, content) in [
        ("both.txt", "first"),
        ("only.txt", "second"),
        ("over.txt", "second"),
        ("css/app.css", "a {}"),
        ("/css//app.css", "a {}"),
    ] {
        assert_eq!(peer.ask(&ask(file)).await["content"], content, "{file}");
    }
    let logo = peer.ask(&ask("logo.png")).await;
    assert_eq!(logo["content"], STANDARD.encode(b"\x89PNG\xff"));
    assert_eq!(logo["mime"], "image/png");
    assert!(logo["lastModified"].as_str().unwrap().ends_with('Z'));
    for file in ["app.css", "css", "css/../css/app.css", "../over.txt"] {
        not_found(&mut peer, file).await;
    }
}

#[tokio::test]
async fn without_folders_there_is_nothing() {
    let host = host(Stellar::builder()).await;
    let mut peer = host.peer().await;
    for file in ["a.txt", "/", "Cargo.toml", "../Cargo.toml"] {
        not_found(&mut peer, file).await;
    }
}

#[tokio::test]
async fn a_file_that_is_too_big() {
    let folder = Folder::new();
    folder.write("big", vec![b'x'; 1_001]);
    folder.write("fits", vec![b'x'; 1_000]);
    let builder = Stellar::builder().configure(|config| config.max_file = 1_000);
    let host = host(builder.public(folder.path())).await;
    let mut peer = host.peer().await;
    let message = "Data length is too big (1001 received/1000 max)";
    peer.expect(ask("big"), refusal("008", message)).await;
    assert_eq!(peer.ask(&ask("fits")).await["length"], 1_000);
}

/// A file that is there and cannot be read: the memory of the process itself begins unmapped.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_cannot_be_read() {
    let host = host(Stellar::builder().public("/proc/self")).await;
    let mut peer = host.peer().await;
    let sent = peer.ask(&ask("mem")).await;
    let message = sent["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Error reading file: "), "{message}");
    assert!(!message.contains("/proc"), "{message}");
    let body = peer.body(sent);
    assert_eq!(body, refusal("011", &message));
}

#[tokio::test]
async fn many_at_once() {
    let folder = Folder::new();
    for n in 0..5 {
        folder.write(&format!("{n}"), n.to_string());
    }
    let host = serving(&[&folder]).await;
    let mut peer = host.peer().await;
    for _ in 0..20 {
        let first = peer.count;
        peer.send_all((0..12).map(|n| ask(&(n % 5).to_string())))
            .await;
        let (mut read, mut refused) = (0, 0);
        for _ in 0..12 {
            let sent = peer.recv().await;
            let at = sent["messageCount"].as_u64().unwrap() - first - 1;
            if sent["error"].is_null() {
                assert_eq!(sent["content"], (at % 5).to_string());
                read += 1;
            } else {
                let body = crate::support::body_of(sent, first + 1 + at);
                assert_eq!(body, refusal("007", "You have too many pending requests"));
                refused += 1;
            }
        }
        assert!(read >= 5, "{read} read, {refused} refused");
    }
}

#[tokio::test]
async fn a_file_that_changes_is_read_anew() {
    let folder = Folder::new();
    let host = serving(&[&folder]).await;
    let mut peer = host.peer().await;
    not_found(&mut peer, "a").await;
    for content in ["one", "two"] {
        folder.write("a", content);
        assert_eq!(peer.ask(&ask("a")).await["content"], content);
    }
    let old = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    let file = std::fs::File::options()
        .write(true)
        .open(folder.path().join("a"))
        .unwrap();
    file.set_modified(old).unwrap();
    assert_eq!(
        peer.ask(&ask("a")).await["lastModified"],
        "1970-01-01T00:00:00.000Z"
    );
    std::fs::remove_file(folder.path().join("a")).unwrap();
    not_found(&mut peer, "a").await;
}
