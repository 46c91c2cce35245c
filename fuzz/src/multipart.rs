//! Multipart forms with files, sent to actions over HTTP.

use std::path::Path;

use axum::{
    Router,
    body::{Body, to_bytes},
};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{ActionResult, Call},
    transport::Parser,
};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::{
    built, runtime,
    support::{Numbers, Pieces, cut},
};

const LONGEST: usize = 1 << 14;
const MOST_PARTS: usize = 16;

thread_local! {
    static SITE: Site = Site::new();
}

/// Sends the input as a body with the boundary `X`, and as a form of its lines.
///
/// A line is a field: the name precedes the first `=`, and a value that starts with `@` is a file. The
/// response to a body does not depend on its split into reads. The action receives the fields of a
/// form unchanged. No file outlives its request, and no response contains a path.
pub fn multipart(bytes: &[u8]) {
    SITE.with(|site| site.check(bytes));
}

struct Site {
    runtime: Runtime,
    router: Router,
    _stellar: Stellar,
}

impl Site {
    fn new() -> Self {
        let runtime = runtime();
        let builder = Stellar::builder()
            .configure(|config| {
                config.max_body = LONGEST;
                config.max_upload = LONGEST;
                config.max_upload_parts = MOST_PARTS;
            })
            .action("echo", async |call: Call| {
                let mut value = call.value();
                let mut paths = Vec::new();
                if let Some(map) = value.as_object_mut() {
                    for value in map.values_mut() {
                        read_files(value, &mut paths);
                    }
                }
                ActionResult::Ok(json!({ "got": value, "paths": paths }))
            });
        let stellar = built(&runtime, builder, Parser::Json);
        Self {
            runtime,
            router: stellar.router(),
            _stellar: stellar,
        }
    }

    fn check(&self, bytes: &[u8]) {
        let mut numbers = Numbers::of(bytes);
        let whole = self.runtime.block_on(self.post(&[bytes]));
        let pieces = cut(bytes, &mut numbers);
        let in_pieces = self.runtime.block_on(self.post(&pieces));
        // Bytes after the end of a form may be too long, and need not be read.
        if bytes.len() <= LONGEST {
            assert_eq!(in_pieces.0, whole.0, "{} {}", in_pieces.1, whole.1);
            assert_eq!(in_pieces.1["got"], whole.1["got"]);
        }

        let fields = fields(bytes);
        let body = form(&fields);
        if body.len() > LONGEST || fields.len() > MOST_PARTS {
            return;
        }
        let pieces = cut(&body, &mut numbers);
        for pieces in [&[&body[..]][..], &pieces] {
            let (status, answer) = self.runtime.block_on(self.post(pieces));
            assert_eq!(status, StatusCode::OK, "{answer}");
            assert_eq!(answer["got"], expected(&fields));
        }
    }

    async fn post(&self, pieces: &[&[u8]]) -> (StatusCode, Value) {
        let request = Request::post("/api/echo")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=X")
            .body(Body::new(Pieces::of(pieces)))
            .unwrap();
        let response = self.router.clone().oneshot(request).await;
        let response = response.unwrap_or_else(|never| match never {});
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let answer: Value = serde_json::from_slice(&body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&body)));
        assert!(
            matches!(status.as_u16(), 200 | 400 | 404 | 413),
            "{status}: {answer}"
        );
        for path in answer["paths"].as_array().into_iter().flatten() {
            let path = path.as_str().unwrap();
            assert!(!Path::new(path).exists(), "{path} is still there");
            let reported = answer["requesterInformation"]["receivedParams"].to_string();
            assert!(!reported.contains(path), "{reported}");
        }
        (status, answer)
    }
}

/// Replaces uploaded files by their contents.
fn read_files(value: &mut Value, paths: &mut Vec<String>) {
    if let Value::Array(list) = value {
        for value in list {
            read_files(value, paths);
        }
        return;
    }
    let Some(path) = value["path"].as_str().map(str::to_owned) else {
        return;
    };
    let content = std::fs::read(&path).unwrap();
    assert_eq!(value["size"], content.len());
    let name = value["name"].take();
    *value = json!({ "name": name, "content": content.escape_ascii().to_string() });
    paths.push(path);
}

/// A field of a form: its name, its value, and the name of its file.
type Field<'b> = (&'b str, &'b [u8], Option<&'b str>);

/// Returns the fields of an input.
fn fields(bytes: &[u8]) -> Vec<Field<'_>> {
    // Excludes names that need escaping, and reserved parameters.
    let is_name = |name: &&str| {
        !name.is_empty()
            && !name.contains(['"', '\\', '%'])
            && !name.contains(|c: char| c.is_control())
            && !matches!(*name, "action" | "apiVersion" | "callback")
    };
    let mut out = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let at = line.iter().position(|byte| *byte == b'=');
        let Some((name, value)) = at.map(|at| (&line[..at], &line[at + 1..])) else {
            continue;
        };
        let Some(name) = std::str::from_utf8(name).ok().filter(is_name) else {
            continue;
        };
        // This would end the part.
        if value.windows(5).any(|five| five == b"\r\n--X") || value.starts_with(b"--X") {
            continue;
        }
        match value.strip_prefix(b"@") {
            Some(content) => out.push((name, content, Some(name))),
            None => out.push((name, value, None)),
        }
    }
    out
}

/// Encodes fields as a form (RFC 7578).
fn form(fields: &[Field<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value, file) in fields {
        let file = file.map(|name| format!("; filename=\"{name}\""));
        let file = file.unwrap_or_default();
        let head = format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend(head.bytes());
        body.extend_from_slice(value);
        body.extend(b"\r\n");
    }
    body.extend(b"--X--\r\n");
    body
}

/// Returns the parameters that the action receives.
fn expected(fields: &[Field<'_>]) -> Value {
    let mut map = serde_json::Map::new();
    for (name, value, file) in fields {
        let value = match file {
            Some(file) => json!({ "name": file, "content": value.escape_ascii().to_string() }),
            None => String::from_utf8_lossy(value).into_owned().into(),
        };
        match map.get_mut(*name) {
            None => drop(map.insert((*name).to_owned(), value)),
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    map.insert("action".into(), "echo".into());
    Value::Object(map)
}
