//! Range requests (RFC 9110 section 14).

use super::{DATED, EARLY, LATE, RANGED, Site, TAGGED, TEXT, site};

#[tokio::test]
async fn ranges_of_one_version() {
    let Site { host, folder } = site().await;
    for path in RANGED {
        let line = format!("GET {path}");
        let whole = host.get(path).await;
        assert_eq!(whole.header("accept-ranges"), Some("bytes"), "{path}");
        let tag = whole.header("etag").unwrap();
        let weak = format!("W/{tag}");
        for (range, status, text, content_range) in [
            ("bytes=2-4", 206, "234", Some("bytes 2-4/70")),
            ("bytes=0-0", 206, "0", Some("bytes 0-0/70")),
            ("bytes=67-", 206, "789", Some("bytes 67-69/70")),
            ("bytes=67-500", 206, "789", Some("bytes 67-69/70")),
            ("bytes=-3", 206, "789", Some("bytes 67-69/70")),
            ("bytes=-500", 206, TEXT, Some("bytes 0-69/70")),
            ("Bytes=0-1", 206, "01", Some("bytes 0-1/70")),
            ("bytes=70-", 416, "", Some("bytes */70")),
            ("bytes=-0", 416, "", Some("bytes */70")),
            ("bytes=999999999999999999999-", 416, "", Some("bytes */70")),
            // 14.2: what is not understood, or not to be had, is ignored.
            ("bytes=4-2", 200, TEXT, None),
            ("bytes=x", 200, TEXT, None),
            ("bytes=", 200, TEXT, None),
            ("lines=1-2", 200, TEXT, None),
            ("bytes=0-1,4-5", 200, TEXT, None),
        ] {
            let reply = host.http(&line, &[("Range", range)], b"").await;
            let found = (reply.status, reply.text(), reply.header("content-range"));
            assert_eq!(found, (status, text, content_range), "{path} {range}");
            let length = text.len().to_string();
            assert_eq!(reply.header("content-length"), Some(length.as_str()));
            if status == 206 {
                // 15.3.7: what a 200 would have had.
                for name in [
                    "etag",
                    "cache-control",
                    "vary",
                    "content-type",
                    "last-modified",
                ] {
                    assert_eq!(reply.header(name), whole.header(name), "{name} of {path}");
                }
            }
            // 14.2: GET alone.
            let head = host
                .http(&format!("HEAD {path}"), &[("Range", range)], b"")
                .await;
            let found = (head.status, head.text(), head.header("content-range"));
            assert_eq!(found, (200, "", None), "HEAD {path} {range}");
            assert_eq!(head.header("content-length"), Some("70"));
        }
        // 13.1.5
        let modified = whole.header("last-modified").unwrap_or(EARLY);
        let dated = if DATED.contains(path) { 206 } else { 200 };
        for (if_range, status) in [
            (tag, 206),
            (weak.as_str(), 200),
            ("\"other\"", 200),
            (modified, dated),
            (EARLY, 200),
            (LATE, 200),
            ("nonsense", 200),
            ("*", 200),
        ] {
            let headers = [("Range", "bytes=2-4"), ("If-Range", if_range)];
            let reply = host.http(&line, &headers, b"").await;
            assert_eq!(reply.status, status, "{path} {if_range}");
            let text = if status == 206 { "234" } else { TEXT };
            assert_eq!(reply.text(), text, "{path} {if_range}");
        }
        // Without a range it means nothing, and 416 comes after the other conditions.
        let reply = host.http(&line, &[("If-Range", "\"other\"")], b"").await;
        assert_eq!(reply.status, 200);
        for (name, value, status) in [
            ("If-None-Match", tag, 304),
            ("If-Match", "\"other\"", 412),
            ("If-Match", tag, 416),
            ("If-Range", "\"other\"", 200),
        ] {
            let headers = [("Range", "bytes=70-"), (name, value)];
            let reply = host.http(&line, &headers, b"").await;
            assert_eq!(reply.status, status, "{path} {name}");
        }
    }
    // Another version is sent as a whole to who has the half of one.
    let whole = host.get("/a.txt").await;
    let tag = whole.header("etag").unwrap().to_owned();
    let date = whole.header("last-modified").unwrap().to_owned();
    folder.write("a.txt", TEXT.replace('0', "x"));
    for if_range in [&tag, &date] {
        let headers = [("Range", "bytes=35-"), ("If-Range", if_range)];
        let reply = host.http("GET /a.txt", &headers, b"").await;
        assert_eq!((reply.status, reply.body.len()), (200, 70), "{if_range}");
    }
    let reply = host
        .http("GET /empty.txt", &[("Range", "bytes=0-")], b"")
        .await;
    assert_eq!(
        (reply.status, reply.header("content-range")),
        (416, Some("bytes */0"))
    );
    let reply = host
        .http("GET /stellar-client", &[("Range", "bytes=0-1")], b"")
        .await;
    assert_eq!((reply.status, reply.header("content-range")), (200, None));
}

#[tokio::test]
async fn ranges_are_of_get_and_of_what_has_them() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    // 13.1.5, 14.2: where there are no ranges, both headers mean nothing.
    for path in TAGGED.iter().filter(|path| !RANGED.contains(path)) {
        let whole = host.get(path).await;
        for if_range in [whole.header("etag").unwrap(), "\"other\""] {
            let headers = [("Range", "bytes=0-1"), ("If-Range", if_range)];
            let reply = host.http(&format!("GET {path}"), &headers, b"").await;
            assert_eq!(reply.status, 200, "{path} {if_range}");
            assert_eq!(reply.header("content-range"), None, "{path}");
            assert_eq!(reply.body, whole.body, "{path}");
        }
    }
    // 14.2: with methods that have no ranges.
    for method in ["POST", "PUT", "PATCH", "DELETE", "HEAD"] {
        for range in ["bytes=0-1", "bytes=70-"] {
            let line = format!("{method} /api/file");
            let reply = host.http(&line, &[("Range", range)], b"").await;
            assert_eq!(reply.status, 200, "{line} {range}");
            assert_eq!(reply.header("content-range"), None, "{line} {range}");
        }
    }
    // 14.4: in a request it means nothing.
    let part = [
        ("Content-Range", "bytes 0-6/100"),
        ("Content-Type", "application/json"),
    ];
    let reply = host.http("POST /api/echo", &part, b"{\"a\":1}").await;
    assert_eq!((reply.status, &reply.json()["got"]["a"]), (200, &1.into()));
}
