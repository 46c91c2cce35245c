//! What an origin server must do by RFC 9110, 9111 and 9112: files, pages, the client's script and
//! the API. The numbers in the tests are the sections.

mod caching;
mod conditions;
mod framing;
mod methods;
mod ranges;
mod targets;

use std::time::{Duration, SystemTime};

use stellarfw::{
    Embedded,
    actions::{ActionResult, SendFile},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    http::echo,
    support::{Folder, Host, host, soon},
};

const TEXT: &str = "0123456789012345678901234567890123456789012345678901234567890123456789";
const EARLY: &str = "Thu, 01 Jan 1998 00:00:00 GMT";
const LATE: &str = "Thu, 01 Jan 2037 00:00:00 GMT";

struct Site {
    folder: Folder,
    host: Host,
}

/// When a file was changed.
#[derive(Clone, Copy)]
enum Age {
    Seconds(u64),
    /// An hour from now.
    ToCome,
}

impl Age {
    fn give(self, folder: &Folder, name: &str) {
        let file = std::fs::File::options();
        let file = file.clone().write(true).open(folder.path().join(name));
        let time = match self {
            Self::Seconds(seconds) => SystemTime::now() - Duration::from_secs(seconds),
            Self::ToCome => SystemTime::now() + Duration::from_secs(3_600),
        };
        file.unwrap().set_modified(time).unwrap();
    }
}

async fn site() -> Site {
    let folder = Folder::new();
    for name in ["a.txt", "b.bin", "c.js", "page.html"] {
        folder.write(name, TEXT);
        Age::Seconds(1_000).give(&folder, name);
    }
    folder.write("c.js.gz", b"\x1f\x8bgzip");
    folder.write("empty.txt", "");
    let embedded = [Embedded {
        path: "built.txt",
        bytes: TEXT.as_bytes(),
    }];
    let builder = echo()
        .public(folder.path())
        .embedded(embedded)
        .action("file", async || ActionResult::Ok(SendFile("a.txt".into())))
        .action("page", async || {
            ActionResult::Ok(SendFile("page.html".into()))
        })
        .configure(|config| config.file_max_age = 60);
    Site {
        host: host(builder).await,
        folder,
    }
}

/// Everything that has a representation with a tag.
const TAGGED: &[&str] = &[
    "/a.txt",
    "/b.bin",
    "/c.js",
    "/page.html",
    "/built.txt",
    "/stellar-client",
    "/stellar-client.js",
    "/stellar-client.min.js.map",
    "/docs",
    "/docs/openapi.json",
    "/docs/asyncapi.json",
    "/stellar-client.d.ts",
    "/api/file",
];
/// Those of them that have ranges.
const RANGED: &[&str] = &[
    "/a.txt",
    "/b.bin",
    "/c.js",
    "/page.html",
    "/built.txt",
    "/api/file",
];
/// Those of them that have a date.
const DATED: &[&str] = &["/a.txt", "/b.bin", "/c.js", "/page.html", "/api/file"];

/// Sends a request as it is, and reads to the end.
async fn raw(host: &Host, request: &str) -> String {
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    soon("the end", stream.read_to_end(&mut bytes))
        .await
        .unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
