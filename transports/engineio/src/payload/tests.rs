//! Payloads read and written in every form, and the same by another implementation.

use engineioxide_core::{Packet as Theirs, ProtocolVersion, payload};
use futures_util::{StreamExt as _, stream};
use http_body_util::Full;

use super::*;

fn all(form: Form, payload: &[u8]) -> Result<Vec<Packet<'_>>, PacketError> {
    Packets::new(form, payload).collect()
}

fn bytes(bytes: &[u8]) -> Packet<'_> {
    Packet::Binary(bytes.into())
}

#[test]
fn a_payload_is_read_in_every_form() {
    let expected = vec![Packet::Text("a:€😀"), bytes(&[0, 255, 1]), Packet::Ping];
    let payload = "4a:€😀\x1ebAP8B\x1e2";
    assert_eq!(all(Form::V4, payload.as_bytes()), Ok(expected.clone()));
    let payload = "6:4a:€😀6:b4AP8B1:2";
    assert_eq!(all(Form::Text, payload.as_bytes()), Ok(expected.clone()));
    let payload = [
        b"\0\x01\0\xff4a:\xe2\x82\xac\xf0\x9f\x98\x80" as &[u8],
        b"\x01\x04\xff\x04\0\xff\x01",
        b"\0\x01\xff2",
    ]
    .concat();
    assert_eq!(all(Form::Bytes, &payload), Ok(expected));
    for form in [Form::V4, Form::Text, Form::Bytes] {
        assert_eq!(all(form, b""), Ok(Vec::new()));
    }
    assert_eq!(all(Form::V4, b"4a\x1e"), Ok(vec![Packet::Text("a")]));
}

#[test]
fn each_packet_of_a_payload_is_read_once() {
    // What is behind a packet is not looked at: a thousand packets would be read a thousand times.
    let payload = [&b"3:4\xf0\x9f\x98\x801:2"[..], &[0xff; 64]].concat();
    let mut rest = &payload[..];
    assert_eq!(split_text(&mut rest), Some("4😀"));
    assert_eq!(split_text(&mut rest), Some("2"));
    assert_eq!(rest, [0xff; 64]);
    assert_eq!(split_text(&mut rest), None);
}

#[test]
fn what_is_no_payload_is_an_error_and_the_last_item() {
    for (form, payload) in [
        (Form::V4, &b"4\xff"[..]),
        (Form::V4, b"b!"),
        (Form::V4, b"\x1e4a"),
        (Form::Text, b"3:4a"),
        (Form::Text, b"x:4a"),
        (Form::Text, b"-1:4a"),
        (Form::Text, b"4a"),
        // A length that ends within a character of two units.
        (Form::Text, "2:4😀".as_bytes()),
        (Form::Text, b"2:4\xff"),
        (Form::Text, b"0000000000000000000001:4"),
        (Form::Bytes, b"\0\x02"),
        (Form::Bytes, b"\0\x02\xff4"),
        (Form::Bytes, b"\0\xfe\xff4"),
        (Form::Bytes, b"\x01\x01\xff\x01"),
        (Form::Bytes, &[1; 64]),
    ] {
        assert!(all(form, payload).is_err(), "{form:?} {payload:?}");
        let behind = [payload, b"\x1e2"].concat();
        let mut packets = Packets::new(form, &behind);
        assert!(packets.any(|packet| packet.is_err()));
        assert_eq!(packets.next(), None);
    }
}

/// Messages of every kind.
fn frames() -> Vec<Frame> {
    vec![
        Frame::text("first: 4a:€😀"),
        Frame::binary(vec![4, 0, 255]),
        Frame::text(""),
        Frame::binary(Vec::new()),
        Frame::binary(vec![7; 4_000]),
        Frame::text("x".repeat(4_000)),
    ]
}

/// What is written of them.
fn written(version: Version, takes_binary: bool, frames: &[Frame]) -> (Vec<u8>, &'static str) {
    let has_binary = frames
        .iter()
        .any(|frame| matches!(frame.as_message(), Message::Binary(_)));
    let mut writer = PayloadWriter::new(version, has_binary, takes_binary);
    for frame in frames {
        assert!(writer.message(frame));
    }
    writer.text("2", "");
    writer.finish()
}

#[test]
fn what_is_written_is_read_again() {
    let frames = frames();
    for (version, takes_binary, form, kind) in [
        (Version::V4, true, Form::V4, "text/plain; charset=UTF-8"),
        (Version::V4, false, Form::V4, "text/plain; charset=UTF-8"),
        (Version::V3, false, Form::Text, "text/plain; charset=UTF-8"),
        (Version::V3, true, Form::Bytes, OCTETS),
    ] {
        let (payload, content_type) = written(version, takes_binary, &frames);
        assert_eq!(content_type, kind);
        let mut expected: Vec<_> = frames
            .iter()
            .map(|frame| match frame.as_message() {
                Message::Text(text) => Packet::Text(text),
                Message::Binary(binary) => bytes(binary),
            })
            .collect();
        expected.push(Packet::Ping);
        assert_eq!(all(form, &payload), Ok(expected), "{form:?}");
        let content_type = HeaderValue::from_static(content_type);
        assert_eq!(Form::of_post(version, Some(&content_type)), form);
    }
    // Without bytes it is text in either case.
    let (_, content_type) = written(Version::V3, true, &frames[..1]);
    assert_ne!(content_type, OCTETS);
}

#[test]
fn a_text_with_the_separator_cannot_be_in_a_payload_of_protocol_4() {
    let frame = Frame::text("a\u{1e}1");
    let mut writer = PayloadWriter::new(Version::V4, false, true);
    assert!(!writer.message(&frame));
    assert_eq!(writer.len(), 0);
    let mut writer = PayloadWriter::new(Version::V3, false, true);
    assert!(writer.message(&frame));
    let (payload, _) = writer.finish();
    assert_eq!(
        all(Form::Text, &payload),
        Ok(vec![Packet::Text("a\u{1e}1")])
    );
}

/// The packets that engineioxide-core reads in a payload.
async fn theirs(
    version: ProtocolVersion,
    payload: Vec<u8>,
    content_type: &'static str,
) -> Vec<Theirs> {
    let content_type = HeaderValue::from_static(content_type);
    let body = Full::new(bytes::Bytes::from(payload));
    let packets = payload::decoder(body, Some(&content_type), version, u64::MAX);
    packets.map(Result::unwrap).collect().await
}

fn same(ours: &Frame, theirs: &Theirs) -> bool {
    match (ours.as_message(), theirs) {
        (Message::Text(ours), Theirs::Message(theirs)) => *ours == **theirs,
        (Message::Binary(ours), Theirs::Binary(theirs) | Theirs::BinaryV3(theirs)) => {
            *ours == **theirs
        }
        _ => false,
    }
}

#[tokio::test]
async fn another_implementation_reads_what_is_written() {
    let frames = frames();
    for (ours, their, takes_binary) in [
        (Version::V4, ProtocolVersion::V4, true),
        (Version::V3, ProtocolVersion::V3, false),
        (Version::V3, ProtocolVersion::V3, true),
    ] {
        let (payload, content_type) = written(ours, takes_binary, &frames);
        let read = theirs(their, payload, content_type).await;
        assert_eq!(read.len(), frames.len() + 1);
        for (frame, packet) in frames.iter().zip(&read) {
            assert!(same(frame, packet), "{ours:?}: {packet:?}");
        }
        assert_eq!(read.last(), Some(&Theirs::Ping));
    }
}

#[tokio::test]
async fn what_another_implementation_writes_is_read() {
    let frames = frames();
    for (form, version, takes_binary) in [
        (Form::V4, ProtocolVersion::V4, false),
        (Form::Text, ProtocolVersion::V3, false),
        (Form::Bytes, ProtocolVersion::V3, true),
    ] {
        let packet = |frame: &Frame| match (frame.as_message(), version) {
            (Message::Text(text), _) => Theirs::Message(text.to_owned().into()),
            (Message::Binary(_), ProtocolVersion::V3) => Theirs::BinaryV3(frame.payload().clone()),
            (Message::Binary(_), ProtocolVersion::V4) => Theirs::Binary(frame.payload().clone()),
        };
        // One packet in each: of several the encoder leaves out the type of bytes in base64.
        for frame in &frames {
            let packets = stream::iter([[packet(frame)].into_iter().collect()]);
            let payload = payload::encoder(packets, version, takes_binary, u64::MAX).await;
            let form = match payload.has_binary || form == Form::V4 {
                true => form,
                false => Form::Text,
            };
            let read = all(form, &payload.data).unwrap();
            let expected = match frame.as_message() {
                Message::Text(text) => Packet::Text(text),
                Message::Binary(binary) => bytes(binary),
            };
            assert_eq!(read, [expected]);
        }
    }
}
