//! MessagePack, the standard format, in binary payloads.

use serde::{Deserialize, Serialize};

use super::{CONTROL_PREFIX, CodecError};
use crate::frame::{Frame, Message};

/// As deep as `serde_json` allows too; deeper input is refused instead of using up the stack.
const MAX_DEPTH: usize = 128;

pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Frame, CodecError> {
    Ok(Frame::binary(to_vec(value)?))
}

fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(128);
    // Types that know two forms, such as addresses, take the one that they take in JSON.
    let mut serializer = rmp_serde::Serializer::new(&mut bytes)
        .with_struct_map()
        .with_human_readable();
    value.serialize(&mut serializer).map_err(CodecError::new)?;
    Ok(bytes)
}

pub(super) fn encode_with<T, U>(object: &T, tail: &U) -> Result<Frame, CodecError>
where
    T: Serialize + ?Sized,
    U: Serialize + ?Sized,
{
    let (object, tail) = (to_vec(object)?, to_vec(tail)?);
    let (fields, body) = map_header(&object)?;
    let (more, rest) = map_header(&tail)?;
    let count = fields
        .checked_add(more)
        .ok_or_else(|| CodecError::new("too many fields"))?;
    let mut out = Vec::with_capacity(5 + body.len() + rest.len());
    match count {
        0..=15 => out.push(0x80 | count as u8),
        16..=0xffff => {
            out.push(0xde);
            out.extend_from_slice(&(count as u16).to_be_bytes());
        }
        _ => {
            out.push(0xdf);
            out.extend_from_slice(&count.to_be_bytes());
        }
    }
    out.extend_from_slice(body);
    out.extend_from_slice(rest);
    Ok(Frame::binary(out))
}

/// The number of entries of an encoded map, and what follows its header.
fn map_header(bytes: &[u8]) -> Result<(u32, &[u8]), CodecError> {
    match bytes {
        [head @ 0x80..=0x8f, rest @ ..] => Ok((u32::from(head & 0x0f), rest)),
        [0xde, a, b, rest @ ..] => Ok((u32::from(u16::from_be_bytes([*a, *b])), rest)),
        [0xdf, a, b, c, d, rest @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), rest)),
        _ => Err(CodecError::new("the value is not an object")),
    }
}

pub(super) fn decode<'de, T: Deserialize<'de>>(message: Message<'de>) -> Result<T, CodecError> {
    let Message::Binary(bytes) = message else {
        return Err(CodecError::new(
            "MessagePack is binary, this is a text payload",
        ));
    };
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes).with_human_readable();
    deserializer.set_max_depth(MAX_DEPTH);
    let value = T::deserialize(&mut deserializer).map_err(CodecError::new)?;
    // The deserializer does not tell where it stands. One more scalar must fail for want of a
    // marker, and that for the one reason that no byte is left.
    match u8::deserialize(&mut deserializer) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(error))
            if error.kind() == std::io::ErrorKind::UnexpectedEof =>
        {
            Ok(value)
        }
        _ => Err(CodecError::new("bytes follow the value")),
    }
}

pub(super) fn control(message: Message<'_>) -> Option<&str> {
    let Message::Binary(bytes) = message else {
        return None;
    };
    let (len, text) = match bytes {
        [head @ 0xa0..=0xbf, rest @ ..] => (usize::from(head & 0x1f), rest),
        [0xd9, len, rest @ ..] => (usize::from(*len), rest),
        _ => return None,
    };
    if len != text.len() || !text.starts_with(CONTROL_PREFIX.as_bytes()) {
        return None;
    }
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn maps_of_any_size_take_a_tail() {
        for count in [0_u32, 1, 14, 15, 16, 65_534, 65_535, 70_000] {
            let map: BTreeMap<String, u32> = (0..count).map(|n| (n.to_string(), n)).collect();
            let tail = BTreeMap::from([("tail", 7_u32)]);
            let frame = encode_with(&map, &tail).unwrap();
            let back: BTreeMap<String, u32> = decode(frame.as_message()).unwrap();
            assert_eq!(back.len(), count as usize + 1);
            assert_eq!(back["tail"], 7);
        }
        assert!(encode_with("text", &BTreeMap::<String, u8>::new()).is_err());
    }

    #[test]
    fn addresses_are_texts_as_in_json() {
        let address: std::net::IpAddr = "127.0.0.1".parse().unwrap();
        let frame = encode(&address).unwrap();
        let text: String = decode(frame.as_message()).unwrap();
        assert_eq!(text, "127.0.0.1");
        let back: std::net::IpAddr = decode(frame.as_message()).unwrap();
        assert_eq!(back, address);
    }

    #[test]
    fn control_messages() {
        for text in [
            "primus::pong::1",
            "primus::id::0123456789012345678901234567890123456789",
        ] {
            let frame = encode(text).unwrap();
            assert_eq!(control(frame.as_message()), Some(text));
        }
        assert_eq!(control(encode("primus").unwrap().as_message()), None);
        assert_eq!(control(Message::Text("primus::x")), None);
        assert_eq!(control(Message::Binary(&[0xa9, b'p'])), None);
    }

    #[test]
    fn depth_and_lies_about_length_are_refused() {
        let deep = vec![0x91_u8; 100_000];
        assert!(decode::<serde_json::Value>(Message::Binary(&deep)).is_err());
        let lie = [0xdd, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert!(decode::<serde_json::Value>(Message::Binary(&lie)).is_err());
        let trailing = [0x01, 0x02];
        assert!(decode::<u8>(Message::Binary(&trailing)).is_err());
        assert!(decode::<u8>(Message::Text("1")).is_err());
    }
}
