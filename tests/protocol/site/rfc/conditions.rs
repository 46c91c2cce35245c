//! Validators and conditional requests (RFC 9110 sections 8.8 and 13).

use std::time::{Duration, SystemTime};

use super::{Age, DATED, EARLY, LATE, Site, TAGGED, site};

#[tokio::test]
async fn tags_are_compared_as_the_header_wants_and_in_its_order() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in TAGGED {
        for method in ["GET", "HEAD"] {
            let line = format!("{method} {path}");
            let status =
                async |headers: &[(&str, &str)]| host.http(&line, headers, b"").await.status;
            let tag = host.get(path).await.header("etag").unwrap().to_owned();
            assert!(tag.starts_with('"') && tag.ends_with('"'), "{path}: {tag}");
            let weak = format!("W/{tag}");
            let many = format!("\"x,y\", W/\"z\" , {tag}");
            for (headers, expected) in [
                // 13.1.1: strong comparison.
                (&[("If-Match", tag.as_str())] as &[_], 200),
                (&[("If-Match", many.as_str())], 200),
                (&[("If-Match", "*")], 200),
                (&[("If-Match", weak.as_str())], 412),
                (&[("If-Match", "\"other\"")], 412),
                (
                    &[("If-Match", "\"other\""), ("If-Match", tag.as_str())],
                    200,
                ),
                // 13.1.2: weak comparison.
                (&[("If-None-Match", tag.as_str())], 304),
                (&[("If-None-Match", weak.as_str())], 304),
                (&[("If-None-Match", many.as_str())], 304),
                (&[("If-None-Match", "*")], 304),
                (&[("If-None-Match", "\"other\"")], 200),
                (&[("If-None-Match", tag.trim_matches('"'))], 200),
                // 13.2.2: the order, and what takes another's place.
                (
                    &[("If-Match", "\"other\""), ("If-None-Match", tag.as_str())],
                    412,
                ),
                (
                    &[("If-Match", tag.as_str()), ("If-None-Match", tag.as_str())],
                    304,
                ),
                (
                    &[("If-Match", tag.as_str()), ("If-Unmodified-Since", EARLY)],
                    200,
                ),
                (
                    &[("If-None-Match", "\"other\""), ("If-Modified-Since", LATE)],
                    200,
                ),
                (
                    &[
                        ("If-None-Match", tag.as_str()),
                        ("If-Modified-Since", EARLY),
                    ],
                    304,
                ),
                // 13.1.3, 13.1.4: no date is no condition.
                (&[("If-Modified-Since", "yesterday")], 200),
                (&[("If-Unmodified-Since", "yesterday")], 200),
            ] {
                assert_eq!(status(headers).await, expected, "{line} {headers:?}");
            }
        }
    }
}

#[tokio::test]
async fn dates_are_compared_in_each_of_their_forms() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in DATED {
        for method in ["GET", "HEAD"] {
            let line = format!("{method} {path}");
            let modified = host
                .get(path)
                .await
                .header("last-modified")
                .unwrap()
                .to_owned();
            for (name, value, expected) in [
                ("If-Modified-Since", modified.as_str(), 304),
                ("If-Modified-Since", LATE, 304),
                ("If-Modified-Since", EARLY, 200),
                ("If-Modified-Since", "Thursday, 01-Jan-98 00:00:00 GMT", 200),
                ("If-Modified-Since", "Thu Jan  1 00:00:00 2037", 304),
                ("If-Unmodified-Since", modified.as_str(), 200),
                ("If-Unmodified-Since", LATE, 200),
                ("If-Unmodified-Since", EARLY, 412),
                ("If-Unmodified-Since", "Thu Jan  1 00:00:00 1998", 412),
            ] {
                let reply = host.http(&line, &[(name, value)], b"").await;
                assert_eq!(reply.status, expected, "{line} {name}: {value}");
            }
        }
    }
}

#[tokio::test]
async fn a_date_is_never_later_than_now() {
    let Site { host, folder } = site().await;
    let file = std::fs::File::options()
        .write(true)
        .open(folder.path().join("a.txt"));
    let later = SystemTime::now() + Duration::from_secs(1_000_000);
    file.unwrap().set_modified(later).unwrap();
    let reply = host.get("/a.txt").await;
    let told = httpdate(reply.header("last-modified").unwrap());
    assert!(told <= httpdate(reply.header("date").unwrap()));
}

fn httpdate(text: &str) -> SystemTime {
    httpdate::parse_http_date(text).unwrap()
}

#[tokio::test]
async fn what_304_and_412_carry() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in TAGGED {
        let whole = host.get(path).await;
        let tag = whole.header("etag").unwrap();
        for method in ["GET", "HEAD"] {
            let line = format!("{method} {path}");
            let reply = host.http(&line, &[("If-None-Match", tag)], b"").await;
            assert_eq!((reply.status, reply.text()), (304, ""), "{path}");
            for name in [
                "etag",
                "cache-control",
                "vary",
                "content-location",
                "expires",
            ] {
                assert_eq!(reply.header(name), whole.header(name), "{name} of {path}");
            }
            assert!(reply.header("date").is_some());
            // 8.6: none but that of the 200.
            assert_eq!(reply.header("content-length"), None, "{line}");
            assert_eq!(reply.header("transfer-encoding"), None, "{line}");
            let reply = host.http(&line, &[("If-Match", "\"x\"")], b"").await;
            assert_eq!((reply.status, reply.text()), (412, ""), "{path}");
        }
    }
}

#[tokio::test]
async fn a_resource_without_a_date_has_no_conditions_of_dates() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in TAGGED.iter().filter(|path| !DATED.contains(path)) {
        for method in ["GET", "HEAD"] {
            let line = format!("{method} {path}");
            // 13.1.3, 13.1.4.
            for (name, value) in [("If-Modified-Since", LATE), ("If-Unmodified-Since", EARLY)] {
                let reply = host.http(&line, &[(name, value)], b"").await;
                assert_eq!(reply.status, 200, "{line} {name}");
                assert_eq!(reply.header("last-modified"), None, "{line}");
            }
        }
    }
}

#[tokio::test]
async fn a_list_is_no_date_and_may_have_empty_elements() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in DATED {
        let line = format!("GET {path}");
        let both = format!("{EARLY}, {LATE}");
        for (name, first, second) in [
            ("If-Modified-Since", LATE, LATE),
            ("If-Unmodified-Since", EARLY, EARLY),
        ] {
            for headers in [
                &[(name, first), (name, second)] as &[_],
                &[(name, both.as_str())],
            ] {
                let reply = host.http(&line, headers, b"").await;
                assert_eq!(reply.status, 200, "{path} {headers:?}");
            }
        }
        // 5.6.1.2
        let tag = host.get(path).await.header("etag").unwrap().to_owned();
        let sparse = format!(",, ,\t\"x\" , ,{tag},");
        for (name, status) in [("If-Match", 200), ("If-None-Match", 304)] {
            let reply = host.http(&line, &[(name, &sparse)], b"").await;
            assert_eq!(reply.status, status, "{path} {name}: {sparse}");
        }
    }
}

#[tokio::test]
async fn conditions_are_for_what_would_succeed() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    // 13.2.1: neither to what is no success, nor with methods that select no representation.
    for (line, status) in [
        ("GET /none", 404),
        ("HEAD /none", 404),
        ("GET /api/none", 404),
        ("GET /docs/", 308),
        ("GET /ws", 426),
        ("POST /a.txt", 405),
        ("DELETE /docs", 405),
        ("PUT /stellar-client", 405),
        ("OPTIONS /api/file", 200),
        ("TRACE /api/file", 405),
    ] {
        for (name, value) in [
            ("If-Match", "\"other\""),
            ("If-None-Match", "*"),
            ("If-Modified-Since", LATE),
            ("If-Unmodified-Since", EARLY),
        ] {
            let reply = host.http(line, &[(name, value)], b"").await;
            assert_eq!(reply.status, status, "{line} {name}");
        }
    }
    // 13.1.3: with neither GET nor HEAD.
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let line = format!("{method} /api/file");
        let reply = host.http(&line, &[("If-Modified-Since", LATE)], b"").await;
        assert_eq!((reply.status, reply.body.len()), (200, 70), "{line}");
    }
}

#[tokio::test]
async fn a_file_that_may_change_again_within_its_time_has_a_weak_tag() {
    let Site { host, folder } = site().await;
    // 8.8.1, 8.8.3: the time of a file is a strong validator when it has passed. One that is yet to come
    // has not, however long this takes.
    for age in [Age::ToCome, Age::Seconds(1_000)] {
        for path in ["/a.txt", "/api/file"] {
            age.give(&folder, "a.txt");
            let line = format!("GET {path}");
            let whole = host.get(path).await;
            let tag = whole.header("etag").unwrap();
            let is_weak = matches!(age, Age::ToCome);
            assert_eq!(tag.starts_with("W/"), is_weak, "{path}: {tag}");
            let status = async |name, value: &str| {
                let headers = [("Range", "bytes=0-1"), (name, value)];
                host.http(&line, &headers, b"").await.status
            };
            assert_eq!(status("If-None-Match", tag).await, 304, "{path}");
            let expected = if is_weak { (412, 200) } else { (206, 206) };
            let found = (status("If-Match", tag).await, status("If-Range", tag).await);
            assert_eq!(found, expected, "{path}: {tag}");
        }
    }
}

#[tokio::test]
async fn dates_are_written_in_the_one_form() {
    let Site {
        host,
        folder: _folder,
    } = site().await;
    for path in TAGGED {
        let reply = host.get(path).await;
        // 5.6.7
        for name in ["date", "last-modified"] {
            let Some(date) = reply.header(name) else {
                assert!(name != "date" && !DATED.contains(path), "{path} {name}");
                continue;
            };
            assert_eq!(httpdate::fmt_http_date(httpdate(date)), date, "{path}");
        }
    }
}
