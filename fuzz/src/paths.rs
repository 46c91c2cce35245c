//! Arbitrary paths of requests.

use std::{fs, path::PathBuf};

use axum::{
    Router,
    body::{Body, to_bytes},
};
use http::{Method, Request, StatusCode, Uri};
use serde_json::{Value, json};
use stellarfw::{
    Stellar,
    actions::{ActionResult, Call},
    transport::{Message, Parser},
};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::{Wire, built, runtime};

/// The contents of every file outside the public folder.
const SECRET: &str = "a secret beside the folder";

/// The public files and their contents.
const FILES: [(&str, &str); 6] = [
    ("index.html", "<p>the page"),
    ("a.txt", "the text"),
    ("a b.txt", "a blank"),
    ("ü.txt", "an umlaut"),
    ("%41.txt", "a percent sign"),
    ("deep/er/b.txt", "far down"),
];

thread_local! {
    static SITE: Site = Site::new();
}

/// Uses the input as the path of a request, the `file` of a message, and the name of an action.
///
/// No file outside the public folder is read. A file is found by its exact path only. HEAD responds
/// like GET. No path causes an internal error.
pub fn paths(bytes: &[u8]) {
    // A request that holds the secret's text finds it in its answer, which repeats the parameters.
    if bytes.windows(6).any(|word| word == b"beside") {
        return;
    }
    SITE.with(|site| site.check(bytes));
}

struct Site {
    runtime: Runtime,
    stellar: Stellar,
    router: Router,
    folder: PathBuf,
}

impl Site {
    fn new() -> Self {
        let runtime = runtime();
        let folder = std::env::temp_dir().join(format!(
            "stellarfw-fuzz-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let public = folder.join("public");
        for (name, text) in FILES {
            let path = public.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for name in ["secret.txt", "public-not/secret.txt", "index.html"] {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, SECRET).unwrap();
        }
        #[cfg(unix)]
        for (link, target) in [("link.txt", "../secret.txt"), ("deep/up", "../..")] {
            let link = public.join(link);
            fs::remove_file(&link).ok();
            std::os::unix::fs::symlink(target, link).unwrap();
        }
        let builder = Stellar::builder()
            .public(&public)
            .configure(|config| {
                let all = ["ws", "engine.io", "socket.io", "sockjs"];
                config.transports = all.map(Into::into).into();
            })
            .route("get", "/users/:id/:name", "echo")
            .action("echo", async |call: Call| {
                ActionResult::Ok(json!({ "got": call.value() }))
            });
        let stellar = built(&runtime, builder, Parser::Json);
        Self {
            router: stellar.router(),
            stellar,
            folder,
            runtime,
        }
    }

    fn check(&self, bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        self.runtime.block_on(async {
            for target in [
                text.to_owned(),
                format!("/{text}"),
                format!("/{}", escape(bytes)),
            ] {
                self.get(&target).await;
            }
            self.file(text).await;
            self.route(text).await;
        });
    }

    /// Requests a path with GET and HEAD.
    async fn get(&self, target: &str) {
        let Ok(uri) = target.parse::<Uri>() else {
            return;
        };
        let Some((status, body)) = self.ask(Method::GET, &uri).await else {
            return;
        };
        let (head, nothing) = self.ask(Method::HEAD, &uri).await.unwrap();
        assert_eq!(nothing, "", "{uri}");
        // Routes with GET only respond with 405.
        assert!(
            head == status || head == 405 || status == 405,
            "{uri}: {status} and {head}"
        );
        let found = FILES.iter().find(|(_, text)| body.starts_with(text));
        if let Some((name, text)) = found.filter(|_| status == 200) {
            assert_eq!(body, *text, "{uri}");
            assert!(leads_to(uri.path(), name), "{uri} leads to {name}");
        }
        let named = FILES
            .iter()
            .find(|(name, _)| uri.path() == format!("/{}", escape(name.as_bytes())));
        if let Some((_, text)) = named {
            assert_eq!((status, &*body), (StatusCode::OK, *text), "{uri}");
        }
    }

    /// Returns the response; `None` if it does not end by itself.
    async fn ask(&self, method: Method, uri: &Uri) -> Option<(StatusCode, String)> {
        // A poll waits for a message.
        let path = uri.path();
        if ["/primus", "/engine.io", "/socket.io", "/sockjs"]
            .iter()
            .any(|prefix| path.starts_with(prefix))
        {
            let is_endless = uri.query().is_some() || path.split('/').count() > 4;
            if is_endless {
                return None;
            }
        }
        let request = Request::builder().method(method).uri(uri.clone());
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await;
        let response = response.unwrap_or_else(|never| match never {});
        let status = response.status();
        assert!(!status.is_server_error(), "{uri}: {status}");
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(!body.contains(SECRET), "{uri} leads out of the folder");
        assert!(
            !body.contains(&*self.folder.to_string_lossy()),
            "{uri}: {body}"
        );
        Some((status, body))
    }

    /// Requests a file with a message.
    async fn file(&self, name: &str) {
        let mut wire = Wire::open(&self.stellar, "/primus").await;
        wire.take();
        let ask = json!({ "event": "file", "file": name, "messageId": "file" }).to_string();
        wire.receive(Message::Text(&ask));
        let mut turns = 0;
        let answer = loop {
            let mut frames = wire.take().into_iter();
            let answer = frames.find_map(|frame| {
                let text = frame.as_message().as_str()?.to_owned();
                text.contains("\"messageId\":\"file\"").then_some(text)
            });
            if let Some(answer) = answer {
                break answer;
            }
            // Files are read on another thread.
            tokio::time::sleep(std::time::Duration::from_micros(20)).await;
            turns += 1;
            assert!(turns < 100_000, "no answer for {name:?}");
        };
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(
            !answer.to_string().contains(SECRET),
            "{name:?} leads out of the folder"
        );
        let found = FILES.iter().find(|(_, text)| answer["content"] == *text);
        if let Some((file, _)) = found {
            assert!(leads_to_decoded(name, file), "{name:?} leads to {file}");
        }
        if let Some((_, text)) = FILES.iter().find(|(file, _)| name == *file) {
            assert_eq!(answer["content"], *text);
        }
    }

    /// Checks that the parameters of a route are the decoded segments of its path.
    async fn route(&self, text: &str) {
        let target = format!("/api/users/{}/x", escape(text.as_bytes()));
        let Ok(uri) = target.parse::<Uri>() else {
            return;
        };
        let Some((status, body)) = self.ask(Method::GET, &uri).await else {
            return;
        };
        if !text.is_empty() {
            let answer: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(
                (status, answer["got"]["id"].as_str()),
                (StatusCode::OK, Some(text))
            );
        }
    }
}

/// Returns `true` if the path of a request names a file of the folder.
fn leads_to(path: &str, name: &str) -> bool {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = hex
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|_| *first == b'%');
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).is_ok_and(|path| leads_to_decoded(&path, name))
}

fn leads_to_decoded(path: &str, name: &str) -> bool {
    let is_segment = |segment: &&str| !matches!(*segment, "" | ".");
    let asked: Vec<_> = path.split('/').filter(is_segment).collect();
    let file: Vec<_> = name.split('/').collect();
    asked == file || (asked.is_empty() && name == "index.html")
}

fn escape(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
}
