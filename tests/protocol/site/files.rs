//! The client's script and the public folder.

use std::{
    os::unix::fs::symlink,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;
use stellarfw::{Embedded, Stellar};

use crate::{
    http::echo,
    support::{Folder, host},
};

#[tokio::test]
async fn the_client_script() {
    let host = host(Stellar::builder().configure(|config| {
        config.server.pathname = "/live".into();
        config.starting_chat_rooms = vec!["</script>".into()];
    }))
    .await;
    let whole = host.get("/stellar-client.js").await;
    let small = host.get("/stellar-client.min.js").await;
    let usual = host.get("/stellar-client").await;
    assert_eq!(usual.body, small.body);
    assert!(small.body.len() < whole.body.len());
    for reply in [&whole, &small, &usual] {
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
        let text = reply.text();
        assert!(!text.contains("__STELLAR_SETTINGS__"));
        assert!(text.contains(r#""path":"/live""#));
        assert!(!text.contains("</script>"));
    }
    let tag = small.header("etag").unwrap();
    assert_ne!(whole.header("etag"), Some(tag));
    for known in [
        tag.to_owned(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        "*".into(),
    ] {
        let reply = host
            .http(
                "GET /stellar-client.min.js",
                &[("If-None-Match", &known)],
                b"",
            )
            .await;
        assert_eq!((reply.status, reply.text()), (304, ""), "{known}");
        assert_eq!(reply.header("etag"), Some(tag));
    }
    let reply = host
        .http(
            "GET /stellar-client.min.js",
            &[("If-None-Match", "\"other\"")],
            b"",
        )
        .await;
    assert_eq!(reply.status, 200);
    let reply = host.http("HEAD /stellar-client", &[], b"").await;
    assert_eq!((reply.status, reply.text()), (200, ""));
    assert_eq!(
        host.http("POST /stellar-client", &[], b"").await.status,
        405
    );
}

#[tokio::test]
async fn compressed_for_those_who_take_it_and_never_the_api() {
    let folder = Folder::new();
    folder.write("a.txt", "compress me ".repeat(1_000));
    let host = host(echo().public(folder.path())).await;
    let takes = [("Accept-Encoding", "gzip")];
    for path in ["/stellar-client", "/a.txt"] {
        let plain = host.get(path).await;
        assert_eq!(plain.header("content-encoding"), None);
        let small = host.http(&format!("GET {path}"), &takes, b"").await;
        assert_eq!(small.header("content-encoding"), Some("gzip"), "{path}");
        assert!(small.body.len() < plain.body.len());
    }
    let long = format!("GET /api/echo?x={}", "x".repeat(2_000));
    assert_eq!(
        host.http(&long, &takes, b"")
            .await
            .header("content-encoding"),
        None
    );
}

#[tokio::test]
async fn public_files() {
    let (folder, other) = (Folder::new(), Folder::new());
    folder.write("index.html", "<p>root");
    folder.write("a b ü.txt", "0123456789");
    folder.write("data.json", "{}");
    other.write("index.html", "<p>other");
    other.write("only.txt", "only");
    let embedded = [Embedded {
        path: "in/built.css",
        bytes: b"a {}",
    }];
    let host = host(
        Stellar::builder()
            .public(folder.path())
            .public(other.path())
            .embedded(embedded),
    )
    .await;
    let reply = host.get("/").await;
    assert_eq!((reply.status, reply.text()), (200, "<p>root"));
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    // A page brings its session along; other files do not.
    assert_eq!(reply.header("x-sessionid").unwrap().len(), 40);
    assert!(reply.header("set-cookie").is_some());
    let path = "/a%20b%20%c3%bc.txt";
    let reply = host.get(path).await;
    assert_eq!((reply.status, reply.text()), (200, "0123456789"));
    assert_eq!(reply.header("set-cookie"), None);
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("content-length"), Some("10"));
    assert_eq!(host.get("/only.txt").await.text(), "only");
    assert_eq!(host.get("/in/built.css").await.text(), "a {}");
    let tag = host
        .get("/in/built.css")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let known = host
        .http("GET /in/built.css", &[("If-None-Match", &tag)], b"")
        .await;
    assert_eq!(known.status, 304);

    let get = format!("GET {path}");
    let part = host.http(&get, &[("Range", "bytes=2-4")], b"").await;
    assert_eq!((part.status, part.text()), (206, "234"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    let part = host.http(&get, &[("Range", "bytes=-3")], b"").await;
    assert_eq!((part.status, part.text()), (206, "789"));
    assert_eq!(
        host.http(&get, &[("Range", "bytes=20-")], b"").await.status,
        416
    );
    let modified = reply.header("last-modified").unwrap();
    let known = host
        .http(&get, &[("If-Modified-Since", modified)], b"")
        .await;
    assert_eq!((known.status, known.text()), (304, ""));
    let old = [("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")];
    assert_eq!(host.http(&get, &old, b"").await.status, 200);
    let old = [("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")];
    assert_eq!(host.http(&get, &old, b"").await.status, 412);
    let head = host.http(&format!("HEAD {path}"), &[], b"").await;
    assert_eq!(
        (head.status, head.text(), head.header("content-length")),
        (200, "", Some("10"))
    );
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(
            host.http(&format!("{method} {path}"), &[], b"")
                .await
                .status,
            405
        );
    }
    for missing in [
        "/none",
        "/none/",
        "/a b",
        "/apifoo",
        "/primusfoo",
        "/stellar-client.css",
    ] {
        let line = format!("GET {}", missing.replace(' ', "%20"));
        assert_eq!(host.http(&line, &[], b"").await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn nothing_leads_out_of_the_public_folder() {
    let outer = Folder::new();
    outer.write("secret.txt", "secret");
    outer.write("public2/secret.txt", "secret");
    outer.write("public/a.txt", "public");
    outer.write("public/b.txt", "public");
    outer.write("public/.env", "secret");
    outer.write("public/.git/config", "secret");
    let public = outer.path().join("public");
    symlink(outer.path().join("secret.txt"), public.join("out.txt")).unwrap();
    symlink(outer.path(), public.join("up")).unwrap();
    // A file's compressed form is a file like any other.
    symlink(outer.path().join("secret.txt"), public.join("b.txt.gz")).unwrap();
    symlink(outer.path().join("secret.txt"), public.join("b.txt.br")).unwrap();
    let host = host(Stellar::builder().public(&public)).await;
    assert_eq!(host.get("/a.txt").await.text(), "public");
    for path in [
        "/../secret.txt",
        "/../../../../../../../../etc/passwd",
        "/a/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2E%2E%2Fsecret.txt",
        "/%252e%252e/secret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/.%2e/secret.txt",
        "/%2e./secret.txt",
        "//etc/passwd",
        "///etc/passwd",
        "/%2fetc/passwd",
        "/..%00/secret.txt",
        "/a.txt%00",
        "/a.txt%00.html",
        "/..%c0%af../secret.txt",
        "/%ff",
        "/%",
        "/%zz",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/./.env",
        "/out.txt",
        "/up/secret.txt",
        "/../public2/secret.txt",
        "/..;/secret.txt",
        "/a.txt/../../secret.txt",
        "/c:/secret.txt",
        "/public/../../secret.txt",
    ] {
        let reply = host.http(&format!("GET {path}"), &[], b"").await;
        assert!(
            matches!(reply.status, 400 | 404),
            "{path} gave {}",
            reply.status
        );
        assert!(!reply.text().contains("secret"), "{path}");
        assert!(!reply.text().contains("root:"), "{path}");
    }
    for coding in ["gzip", "br", "gzip, br"] {
        let reply = host
            .http("GET /b.txt", &[("Accept-Encoding", coding)], b"")
            .await;
        assert_ne!(reply.body, b"secret", "{coding}");
    }
}

#[tokio::test]
async fn a_long_file_is_sent_as_it_is_and_a_compressed_one_changes_with_its_file() {
    let folder = Folder::new();
    folder.write("long.txt", "long ".repeat(1_000));
    folder.write("a.txt", "first ".repeat(100));
    let builder = echo().configure(|config| config.max_compress = 4_999);
    let host = host(builder.public(folder.path())).await;
    for coding in ["gzip", "br"] {
        let takes = [("Accept-Encoding", coding)];
        let long = host.http("GET /long.txt", &takes, b"").await;
        assert_eq!(long.text(), "long ".repeat(1_000));
        assert_eq!(long.header("content-encoding"), None);
        assert_eq!(long.header("content-length"), Some("5000"));
        let head = host.http("HEAD /long.txt", &takes, b"").await;
        assert_eq!(head.header("content-encoding"), None);
        assert_eq!(long.header("accept-ranges"), Some("bytes"));

        folder.write("a.txt", "first ".repeat(100));
        let mut replies = Vec::new();
        for _ in 0..2 {
            let reply = host.http("GET /a.txt", &takes, b"").await;
            assert_eq!(reply.header("content-encoding"), Some(coding));
            let length = reply.body.len().to_string();
            assert_eq!(reply.header("content-length"), Some(length.as_str()));
            replies.push(reply.body);
        }
        assert_eq!(replies[0], replies[1]);
        folder.write("a.txt", "the second ".repeat(100));
        let reply = host.http("GET /a.txt", &takes, b"").await;
        assert_ne!(reply.body, replies[0], "{coding}");
        assert_eq!(reply.header("content-encoding"), Some(coding));
    }
}

/// A file or a folder that becomes a symlink between a look and the opening leads nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_a_symlink_meanwhile_does_not_lead_out() {
    let outer = Folder::new();
    let text = "inside ".repeat(20);
    for (name, text) in [("public/folder", &*text), ("secrets", "secret")] {
        outer.write(&format!("{name}/a.txt"), text);
        outer.write(&format!("{name}/a.txt.gz"), text);
    }
    let public = outer.path().join("public");
    let host = host(Stellar::builder().public(&public)).await;
    let mut peer = host.peer().await;

    let done = Arc::new(AtomicBool::new(false));
    let swapping = std::thread::spawn({
        let (done, outer, text) = (done.clone(), outer.path().to_owned(), text.clone());
        move || {
            let next = outer.join("next");
            let put = |name| std::fs::rename(&next, public.join(name)).unwrap();
            while !done.load(Ordering::Relaxed) {
                for name in ["file.txt", "file.txt.gz"] {
                    std::fs::write(&next, &text).unwrap();
                    put(name);
                }
                for name in ["file.txt", "file.txt.gz"] {
                    symlink("../secrets/a.txt", &next).unwrap();
                    put(name);
                }
                let (folder, parked) = (public.join("folder"), outer.join("parked"));
                std::fs::rename(&folder, &parked).unwrap();
                symlink("../secrets", &folder).unwrap();
                std::fs::remove_file(&folder).unwrap();
                std::fs::rename(&parked, &folder).unwrap();
            }
        }
    });
    let mut found = 0;
    for turn in 0..600 {
        let coding = [("Accept-Encoding", "gzip")];
        let headers = if turn % 2 == 0 { &coding[..] } else { &[] };
        for path in ["file.txt", "folder/a.txt"] {
            let reply = host.http(&format!("GET /{path}"), headers, b"").await;
            let asked = json!({ "event": "file", "file": path });
            let sent = peer.ask(&asked).await.to_string();
            for got in [String::from_utf8_lossy(&reply.body).into_owned(), sent] {
                assert!(!got.contains("secret"), "{path}: {got}");
                found += usize::from(got.contains("inside"));
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
    assert!(found > 0, "none of them was found");
}
