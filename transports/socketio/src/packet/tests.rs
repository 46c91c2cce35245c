//! socketioxide's parsers read what is written here, and what they write is read here.

use bytes::Bytes;
use socketioxide_core::{
    Str, Value,
    packet::{Packet as Theirs, PacketData},
    parser::{Parse, ParseConfig, ParserState},
};
use socketioxide_parser_common::CommonParser;
use socketioxide_parser_msgpack::MsgPackParser;

use super::*;

const NAMESPACES: [&str; 3] = ["/", "/a", "/a/\u{e9}"];
const LIST: &str = "[\"na\\\"me\",{\"a\":[1,null]},\"\u{e9}\"]";

/// The list in an encoding, and its arguments.
fn list(encoding: Encoding) -> (Vec<u8>, Vec<Vec<u8>>) {
    let values: Vec<serde_json::Value> = serde_json::from_str(LIST).unwrap();
    let encode = |value: &serde_json::Value| match encoding {
        Encoding::Json => serde_json::to_vec(value).unwrap(),
        Encoding::MessagePack => rmp_serde::to_vec_named(value).unwrap(),
    };
    let args = values[1..].iter().map(encode).collect();
    (encode(&values.into()), args)
}

fn value(encoding: Encoding, bytes: &[u8]) -> Value {
    match encoding {
        Encoding::Json => Value::Str(Str::copy_from_slice(str::from_utf8(bytes).unwrap()), None),
        Encoding::MessagePack => Value::Bytes(Bytes::copy_from_slice(bytes)),
    }
}

/// Has their parser read messages.
fn read_by_them(encoding: Encoding, messages: &[Frame]) -> Theirs {
    let (config, state) = (ParseConfig::default(), ParserState::default());
    let mut last = None;
    for message in messages {
        last = Some(match (encoding, message.as_message()) {
            (Encoding::Json, Message::Text(text)) => {
                CommonParser.decode_str(&config, &state, Str::copy_from_slice(text))
            }
            (Encoding::Json, Message::Binary(bytes)) => {
                CommonParser.decode_bin(&config, &state, Bytes::copy_from_slice(bytes))
            }
            (Encoding::MessagePack, Message::Binary(bytes)) => {
                MsgPackParser.decode_bin(&config, &state, Bytes::copy_from_slice(bytes))
            }
            other => panic!("{other:?}"),
        });
    }
    last.unwrap().unwrap()
}

#[test]
fn other_parsers_read_events_and_acknowledgements() {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let (list, args) = list(encoding);
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        for namespace in NAMESPACES {
            let writer = Writer {
                encoding,
                namespace,
            };
            let event = writer.event("na\"me", Args::Items(&args), 0);
            let expected = Theirs::event(namespace, value(encoding, &list));
            assert_eq!(read_by_them(encoding, &[event]), expected);

            let ack = writer.ack(300, Args::Items(&args), 0);
            let answer = value(encoding, &encoding.list(&args));
            let expected = Theirs::ack(namespace, answer, 300);
            assert_eq!(read_by_them(encoding, &[ack]), expected);
        }
    }
}

#[test]
fn other_parsers_read_attachments() {
    let attachments = [Bytes::from_static(&[1, 2]), Bytes::new()];
    let frames = attachments.iter().cloned().map(Frame::binary);
    for namespace in NAMESPACES {
        let writer = Writer {
            encoding: Encoding::Json,
            namespace,
        };
        let packet = writer.event("a", Args::Items(&[b"1"]), attachments.len());
        let messages: Vec<_> = std::iter::once(packet).chain(frames.clone()).collect();
        let read = read_by_them(Encoding::Json, &messages);
        let list = Value::Str(
            "[\"a\",1]".into(),
            Some(attachments.iter().cloned().collect()),
        );
        assert_eq!(read, Theirs::event(namespace, list));
    }
}

#[test]
fn packets_of_other_writers_are_read() {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let (list, _) = list(encoding);
        for namespace in NAMESPACES {
            let event = |ack: Option<i64>| {
                let mut packet = Theirs::event(namespace, value(encoding, &list));
                if let Some(ack) = ack {
                    packet.inner.set_ack_id(ack);
                }
                packet
            };
            let packets = [
                (
                    event(None),
                    Body::Event {
                        ack: None,
                        list: &list,
                    },
                ),
                (
                    event(Some(0)),
                    Body::Event {
                        ack: Some(0),
                        list: &list,
                    },
                ),
                (
                    event(Some(300)),
                    Body::Event {
                        ack: Some(300),
                        list: &list,
                    },
                ),
                (Theirs::disconnect(namespace), Body::Disconnect),
                (Theirs::connect(namespace, None), Body::Connect(None)),
            ];
            for (packet, body) in packets {
                let expected = Packet {
                    namespace: namespace.into(),
                    body,
                    attachments: 0,
                };
                let read = match (encoding, written_by_them(encoding, packet)) {
                    (_, Value::Str(text, _)) => {
                        let read = encoding.parse(Message::Text(&text));
                        assert_eq!(read, Ok(expected), "{text}");
                        continue;
                    }
                    (_, Value::Bytes(bytes)) => bytes,
                };
                assert_eq!(encoding.parse(Message::Binary(&read)), Ok(expected));
            }
        }
    }
}

fn written_by_them(encoding: Encoding, packet: Theirs) -> Value {
    match encoding {
        Encoding::Json => CommonParser.encode(packet),
        Encoding::MessagePack => MsgPackParser.encode(packet),
    }
}

#[test]
fn replies_are_what_other_writers_write() {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        for namespace in NAMESPACES {
            let packets = [
                (Reply::Disconnect, Theirs::disconnect(namespace)),
                (Reply::Connected(None), Theirs::connect(namespace, None)),
            ];
            for (reply, packet) in packets {
                let frame = encoding.reply(namespace, reply);
                let bytes = match written_by_them(encoding, packet) {
                    Value::Str(text, _) => text.as_bytes().to_vec(),
                    Value::Bytes(bytes) => bytes.to_vec(),
                };
                let read = |bytes: &[u8]| rmp_serde::from_slice::<serde_json::Value>(bytes);
                match encoding {
                    Encoding::Json => assert_eq!(frame.payload(), &bytes),
                    Encoding::MessagePack => {
                        assert_eq!(read(frame.payload()).unwrap(), read(&bytes).unwrap());
                    }
                }
            }
        }
        let refused = encoding.reply("/a", Reply::Refused("no \"x\""));
        let message = "no \"x\"".to_owned();
        if encoding == Encoding::Json {
            let Value::Str(text, _) = CommonParser.encode(Theirs::connect_error("/a", message))
            else {
                panic!("it is text");
            };
            assert_eq!(refused.payload(), text.as_bytes());
            continue;
        }
        let read = read_by_them(encoding, &[refused]);
        assert_eq!(read.inner, PacketData::ConnectError(message));
    }
}
