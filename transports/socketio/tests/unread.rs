//! What the library answers is read, or nothing more is taken: it may be as long as what is asked.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::time::Duration;

use support::{
    bed::{bed, default},
    line::{Side, Way},
    socket::{FIN, TEXT, masked},
};

/// So long a name the client asks for,
const LONG: usize = 1 << 20;
/// and so often: more than sockets keep.
const OFTEN: usize = 64;

fn ask() -> String {
    format!("40/{},", "x".repeat(LONG))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_what_it_asked_for_is_not_read() {
    let mut bed = bed(default).await;
    let (mut line, spark) = bed.connect(Way::WebSocket).await;
    let Side::Socket(socket) = &mut line.side else {
        panic!("no WebSocket");
    };
    let frame = masked(FIN | TEXT, ask().as_bytes());
    let mut sent = 0;
    let mut rest = &frame[..];
    // Until the server takes no more for a while.
    while sent < OFTEN {
        let write = tokio::io::AsyncWriteExt::write(&mut socket.0.stream, rest);
        match tokio::time::timeout(Duration::from_secs(1), write).await {
            Ok(written) => rest = &rest[written.unwrap()..],
            Err(_) => break,
        }
        if rest.is_empty() {
            (sent, rest) = (sent + 1, &frame);
        }
    }
    assert!(sent < OFTEN / 2, "{sent} are taken");
    // Once it reads all goes on.
    let (mut reading, mut writing) = tokio::io::split(&mut socket.0.stream);
    let discard = async {
        let mut buffer = vec![0; 1 << 16];
        let mut left = (sent + 1) * LONG;
        while left > 0 {
            let read = tokio::io::AsyncReadExt::read(&mut reading, &mut buffer);
            let read = read.await.unwrap();
            assert!(read > 0);
            left = left.saturating_sub(read);
        }
    };
    let (written, ()) = tokio::join!(
        tokio::io::AsyncWriteExt::write_all(&mut writing, rest),
        discard
    );
    written.unwrap();
    assert!(spark.is_open());
}
