//! What goes out, by polls and over a WebSocket.

use std::io;

use super::*;

fn out(version: Version) -> Outgoing {
    Outgoing::new(version, Arc::new(OutboxLimits::default()), true)
}

/// An outgoing side whose client is on its WebSocket, which its task writes to.
fn on_socket(version: Version) -> Outgoing {
    let mut out = out(version);
    out.attach(FrameWriter::new(None));
    out.flow();
    out
}

/// Writes queued output. Returns it, and whether it ended with the close packet.
fn written(out: &mut Outgoing, close: Option<&CloseReason>) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let mut write = |slices: &[io::IoSlice<'_>]| {
        let before = bytes.len();
        for slice in slices {
            bytes.extend_from_slice(slice);
        }
        Ok(bytes.len() - before)
    };
    let closed = out.write(Some(&mut write), close);
    (bytes, closed)
}

#[test]
fn a_poll_takes_all_that_waits_up_to_its_bound_and_one_message_more() {
    for version in [Version::V3, Version::V4] {
        let mut out = out(version);
        for n in 0..5 {
            out.push(Some(Frame::text(n.to_string().repeat(40))), false)
                .unwrap();
        }
        out.ping();
        let (first, ..) = out.take_payload(100, true, false);
        assert!(first.len() > 100 && first.len() < 160, "{}", first.len());
        let (rest, ..) = out.take_payload(1_000, true, false);
        let all = [first, rest].concat();
        for n in 0..5 {
            assert!(
                all.windows(40)
                    .any(|w| *w == *n.to_string().repeat(40).as_bytes())
            );
        }
        assert!(!out.has_packets());
        assert_eq!(out.waiting(), Waiting::default());
    }
}

#[test]
fn the_close_packet_has_a_payload_of_its_own() {
    let mut out = out(Version::V4);
    for text in ["a", "b"] {
        out.push(Some(Frame::text(text)), false).unwrap();
    }
    out.close(&CloseReason::Ended { reconnect: true });
    assert_eq!(
        out.push(Some(Frame::text("c")), false),
        Err(PushError::Closed)
    );
    let (payload, _, closed) = out.take_payload(1, true, true);
    assert_eq!((&payload[..], closed), (&b"4a"[..], false));
    let (payload, _, closed) = out.take_payload(1, true, true);
    assert_eq!((&payload[..], closed), (&b"4b"[..], false));
    let (payload, _, closed) = out.take_payload(1, true, true);
    assert_eq!((&payload[..], closed), (&b"1"[..], true));
}

#[test]
fn bytes_in_a_payload_of_protocol_3_decide_its_form() {
    let mut out = out(Version::V3);
    let frames = [Frame::text("a"), Frame::binary(vec![1])];
    for takes_binary in [true, false] {
        out.push(frames.clone(), false).unwrap();
        let (payload, content_type, _) = out.take_payload(1_000, takes_binary, false);
        assert_eq!(content_type.contains("octet"), takes_binary, "{payload:?}");
    }
}

#[test]
fn messages_wait_until_the_client_is_on_its_websocket() {
    let mut out = out(Version::V4);
    out.attach(FrameWriter::new(None));
    out.push(Some(Frame::text("a")), false).unwrap();
    out.ping();
    out.put_text("3probe");
    let close = CloseReason::Panic;
    assert_eq!(
        written(&mut out, Some(&close)),
        (b"\x81\x063probe".to_vec(), false)
    );
    out.flow();
    assert_eq!(
        written(&mut out, None),
        (b"\x81\x012\x81\x024a".to_vec(), false)
    );
}

#[test]
fn everything_that_waits_is_one_write_with_the_close_last() {
    let mut out = on_socket(Version::V4);
    out.push([Frame::text("a"), Frame::binary(vec![7])], false)
        .unwrap();
    let reason = CloseReason::Shutdown { reconnect: true };
    out.close(&reason);
    let mut writes = 0;
    let mut all = Vec::new();
    let closed = out.write(
        Some(&mut |slices: &[io::IoSlice<'_>]| {
            writes += 1;
            let before = all.len();
            slices.iter().for_each(|slice| all.extend_from_slice(slice));
            Ok(all.len() - before)
        }),
        Some(&reason),
    );
    assert!(closed);
    assert_eq!(writes, 1);
    let text = reason.text().as_bytes();
    let expected = [
        &b"\x81\x024a\x82\x01\x07\x81\x011\x88"[..],
        &[u8::try_from(text.len()).unwrap() + 2],
        &1001_u16.to_be_bytes(),
        text,
    ];
    assert_eq!(all, expected.concat());
    // Nothing follows a close frame.
    out.pong();
    assert_eq!(written(&mut out, Some(&reason)), (Vec::new(), false));
}

#[test]
fn bytes_have_a_type_over_a_websocket_of_protocol_3() {
    let mut out = on_socket(Version::V3);
    out.push(
        [Frame::binary(vec![7]), Frame::binary(vec![9; 9_000])],
        false,
    )
    .unwrap();
    out.pong();
    let (bytes, _) = written(&mut out, None);
    let expected = [
        &b"\x81\x013\x82\x02\x04\x07\x82\x7e"[..],
        &9_001_u16.to_be_bytes(),
        &[4],
        &[9; 9_000],
    ];
    assert_eq!(bytes, expected.concat());
}

#[test]
fn answers_that_nobody_fetches_back_up_until_they_have_left() {
    let long = || Some(Frame::text("x".repeat(REPLIES_MAX)));
    let mut polled = out(Version::V4);
    polled.push(long(), false).unwrap();
    assert!(!polled.is_backed_up(), "a message is no answer");
    polled.push(long(), true).unwrap();
    polled.push(Some(Frame::text("behind")), false).unwrap();
    assert!(polled.is_backed_up());
    polled.take_payload(1, true, false);
    assert!(polled.is_backed_up());
    polled.take_payload(1, true, false);
    assert!(!polled.is_backed_up());

    let mut socket = on_socket(Version::V4);
    socket.push(long(), true).unwrap();
    let mut left = 100;
    socket.write(
        Some(&mut |slices: &[io::IoSlice<'_>]| {
            let len = slices
                .iter()
                .map(|slice| slice.len())
                .sum::<usize>()
                .min(left);
            left -= len;
            match len {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                _ => Ok(len),
            }
        }),
        None,
    );
    socket.note();
    assert!(socket.is_backed_up(), "it is framed, and not taken");
    socket.writer().unwrap().unblock();
    written(&mut socket, None);
    socket.note();
    assert!(!socket.is_backed_up());
}

#[test]
fn frames_that_belong_together_are_taken_or_refused_together() {
    let limits = OutboxLimits::new(2, 1_000);
    let mut out = Outgoing::new(Version::V4, Arc::new(limits), true);
    let three = ["a", "b", "c"].map(Frame::text);
    out.push(Some(Frame::text("first")), false).unwrap();
    out.push(three.clone(), false).unwrap();
    assert_eq!(out.push(three, false), Err(PushError::Full));
    assert_eq!(out.waiting().frames, 4);
}
