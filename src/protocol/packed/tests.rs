use std::collections::{BTreeMap, HashMap};

use allocation_counter::measure;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use stellarfw_transport::Parser;

use super::*;

fn packed(bytes: &[u8]) -> Packed<'_> {
    Packed::of_message(Message::Binary(bytes)).unwrap()
}

fn encoded(value: &Value) -> Vec<u8> {
    let frame = Parser::MessagePack.encode(value).unwrap();
    frame.payload().to_vec()
}

#[test]
fn it_means_what_the_same_json_means() {
    let long = "long \u{1}\"\\ € ".repeat(9_000);
    for value in [
        json!(null),
        json!([true, false, 0, 127, 128, 255, 256, 65_535, 65_536, u64::MAX]),
        json!([
            -1,
            -32,
            -33,
            -128,
            -129,
            -32_768,
            -32_769,
            i64::MIN,
            1.5,
            -1e300
        ]),
        json!(["", "x".repeat(31), "x".repeat(32), "x".repeat(256), long]),
        json!({ "a": { "b": [{}, [], [[1]]] }, "": null, "a b": "c" }),
        json!((0..70_000).collect::<Vec<_>>()),
        json!(
            (0..70_000)
                .map(|n| (n.to_string(), n))
                .collect::<BTreeMap<_, _>>()
        ),
    ] {
        let bytes = encoded(&value);
        let packed = packed(&bytes);
        assert_eq!(packed.to_json(), value.to_string());
        assert_eq!(packed.json_len(), value.to_string().len());
        assert_eq!(packed.read::<Value>().unwrap(), value);
    }
}

#[test]
fn what_json_lacks_has_one_form() {
    for (bytes, text) in [
        // Bytes, and a string that is not UTF-8.
        (&[0xc4, 0x02, 0x07, 0xff][..], "[7,255]"),
        (&[0xa2, 0xff, 0x08], "[255,8]"),
        // Extensions of type 0, 5 and -1.
        (&[0xc7, 0x02, 0x00, 0x07, 0x08], "[7,8]"),
        (&[0xd5, 0x05, 0x07, 0x08], "[5,[7,8]]"),
        (&[0xd4, 0xff, 0x07], "[-1,[7]]"),
        // Keys that are 1, -1, null, true and 1.5.
        (&[0x82, 0x01, 0xc0, 0xff, 0xc0], r#"{"1":null,"-1":null}"#),
        (&[0x82, 0xc0, 0x01, 0xc3, 0x02], r#"{"null":1,"true":2}"#),
        (&[0x81, 0xca, 0x3f, 0xc0, 0, 0, 0x01], r#"{"1.5":1}"#),
        // What is not finite.
        (&[0x91, 0xca, 0x7f, 0x80, 0, 0], "[null]"),
        (&[0xca, 0x7f, 0xc0, 0, 0], "null"),
        // A number that needs no sign, with one.
        (&[0xd3, 0, 0, 0, 0, 0, 0, 0, 5], "5"),
    ] {
        let packed = packed(bytes);
        assert_eq!(packed.to_json(), text, "{bytes:x?}");
        let value: Value = packed.read().unwrap();
        assert_eq!(
            value,
            serde_json::from_str::<Value>(text).unwrap(),
            "{bytes:x?}"
        );
        assert_eq!(packed.is_null(), text == "null");
        assert_eq!(packed.is_container(), text.starts_with(['[', '{']));
    }
}

#[test]
fn what_is_no_such_value_is_refused() {
    let deep = |levels: usize| [[0x91].repeat(levels).as_slice(), &[0x01]].concat();
    assert_eq!(packed(&deep(127)).to_json().len(), 2 * 127 + 1);
    let inside = |end: &[u8]| [[0x91].repeat(126).as_slice(), end].concat();
    packed(&inside(&[0xc4, 0x01, 0x01]));
    for bytes in [
        deep(128),
        deep(100_000),
        // Bytes are a level, and extensions are two.
        [&[0x91], &*inside(&[0xc4, 0x01, 0x01])].concat(),
        inside(&[0xd4, 0x01, 0x01]),
        // Lies about the length, and values that are broken off.
        vec![0xdd, 0xff, 0xff, 0xff, 0xff, 0x01],
        vec![0xdf, 0xff, 0xff, 0xff, 0xff, 0x01],
        vec![0xdb, 0xff, 0xff, 0xff, 0xff, 0x01],
        vec![0xa2, b'a'],
        vec![0xcb, 0x00],
        vec![],
        // What the format reserves, and what follows the value.
        vec![0xc1],
        vec![0x01, 0x02],
        // Lists, maps and bytes as keys.
        vec![0x81, 0x90, 0x01],
        vec![0x81, 0xc4, 0x00, 0x01],
        vec![0x81, 0xa1, 0xff, 0x01],
        [[0x81; 50].as_slice(), &[0xa0; 51]].concat(),
    ] {
        let message = Message::Binary(&bytes);
        assert!(Packed::of_message(message).is_err(), "{bytes:x?}");
    }
    assert!(Packed::of_message(Message::Text("1")).is_err());
}

#[test]
fn entries_are_found_and_the_last_counts() {
    // {"a": 1, "b": [2], "a": "é", 7: nil}
    let bytes = b"\x84\xa1a\x01\xa1b\x91\x02\xa1a\xa2\xc3\xa9\x07\xc0";
    let value = packed(bytes);
    assert_eq!(value.get("a").unwrap().as_str(), Some("é"));
    assert_eq!(value.get("b").unwrap().bytes(), [0x91, 0x02]);
    assert!(value.get("7").unwrap().is_null() && value.get("c").is_none());
    assert_eq!(value.to_json_start(9), r#"{"a":1,"b"#.get(..9).unwrap());
    // Not within a character.
    assert_eq!(value.get("a").unwrap().to_json_start(2), "\"");
    assert!(packed(&[0x93, 1, 2, 3]).entries().is_none());
}

#[derive(Debug, Deserialize, PartialEq)]
enum Choice {
    Unit,
    Newtype(u16),
    Tuple(u8, u8),
    Struct { a: bool },
}

#[derive(Debug, Deserialize, PartialEq)]
struct Typed {
    int: i32,
    long: Option<u64>,
    float: Option<f32>,
    letter: Option<char>,
    pair: Option<(bool, String)>,
    map: Option<BTreeMap<String, f64>>,
    choice: Option<Choice>,
    unit: Option<()>,
    bytes: Option<Vec<u8>>,
    any: Option<Value>,
    inner: Option<Box<Typed>>,
}

/// Types that are read from MessagePack are those that are read from its JSON.
fn agrees<T: DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> bool {
    let packed = packed(bytes);
    let text = packed.to_json();
    match (packed.read::<T>(), serde_json::from_str::<T>(&text)) {
        (Ok(read), Ok(expected)) => {
            assert_eq!(read, expected, "{text}");
            true
        }
        (Ok(read), Err(error)) => panic!("{read:?} of {text}, which is {error}"),
        // Then the text is read, which has the last word.
        (Err(_), _) => false,
    }
}

#[test]
fn types_are_read_as_from_json() {
    for good in [
        json!({ "int": -5, "other": [{}] }),
        json!({ "int": 1, "long": u64::MAX, "float": 1.5, "letter": "é", "pair": [true, "x"] }),
        json!({ "int": 1, "map": { "a": 1, "b": -2.5 }, "choice": "Unit", "unit": null }),
        json!({ "int": 1, "choice": { "Newtype": 7 }, "any": { "x": [1, null] } }),
        json!({ "int": 1, "choice": { "Tuple": [1, 2] }, "bytes": [1, 255] }),
        json!({ "int": 1, "choice": { "Struct": { "a": true } }, "inner": { "int": 2 } }),
        json!({ "int": 1, "choice": { "Unit": null } }),
        json!([1, 2, 1.0, "c", [false, ""], {}, "Unit", null, [], 5, null]),
    ] {
        assert!(agrees::<Typed>(&encoded(&good)), "{good}");
    }
    for bad in [
        json!({}),
        json!({ "int": 1.0 }),
        json!({ "int": "1" }),
        json!({ "int": 1, "long": -1 }),
        json!({ "int": 1, "letter": "ab" }),
        json!({ "int": 1, "pair": [true, "x", 1] }),
        json!({ "int": 1, "choice": 0 }),
        json!({ "int": 1, "choice": ["Unit"] }),
        json!({ "int": 1, "choice": { "Unit": null, "x": 1 } }),
        json!({ "int": 1, "choice": { "Unit": 5 } }),
        json!({ "int": 1, "choice": { "Tuple": [1, 2, 3] } }),
        json!({ "int": 1, "bytes": "text" }),
        json!({ "int": 1, "bytes": [256] }),
        json!([1]),
        json!(1),
    ] {
        assert!(!agrees::<Typed>(&encoded(&bad)), "{bad}");
    }
    // {"int": 1, "pair": bytes}, {"int": 1, "bytes": bytes}, {"a": bytes}
    assert!(!agrees::<Typed>(b"\x82\xa3int\x01\xa4pair\xc4\x02ab"));
    assert!(agrees::<Typed>(b"\x82\xa3int\x01\xa5bytes\xc4\x02ab"));
    assert!(!agrees::<BTreeMap<String, String>>(b"\x81\xa1a\xc4\x02ab"));
    assert!(agrees::<BTreeMap<String, (i8, Vec<u8>)>>(
        b"\x81\xa1a\xd5\x05ab"
    ));
    // Keys that are numbers are left to the reader of JSON.
    assert!(!agrees::<HashMap<u8, u8>>(&[0x81, 0x05, 0x06]));
    assert!(agrees::<HashMap<String, Option<u8>>>(&[0x81, 0x05, 0xc0]));
    assert!(agrees::<Option<Option<u8>>>(&[0xca, 0x7f, 0xc0, 0, 0]));
}

/// Bytes that are asked for as bytes.
#[derive(PartialEq)]
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl serde::de::Visitor<'_> for BytesVisitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_owned()))
            }
        }
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

const MIB: usize = 1 << 20;

fn map_with(name: &str, value: &[u8]) -> Vec<u8> {
    let head = [0x81, 0xa0 | name.len() as u8];
    [&head, name.as_bytes(), value].concat()
}

#[test]
fn decoding_takes_no_more_than_three_times_the_message() {
    let numbers = [&[0xdd, 0x00, 0x10, 0x00, 0x00], vec![7; MIB].as_slice()].concat();
    let binary = [&[0xc6, 0x00, 0x10, 0x00, 0x00], vec![7; MIB].as_slice()].concat();
    let taken = |work: &dyn Fn()| measure(work).bytes_max as usize;
    for value in [&numbers, &binary] {
        let bytes = map_with("a", value);
        let found = taken(&|| {
            let message = packed(&bytes);
            assert_eq!(message.get("a").unwrap().bytes(), value);
            assert!(message.json_len() > 2 * MIB && message.tree_size() > 72 * MIB);
        });
        assert!(found < 1_000, "{found}");
        let typed = taken(&|| {
            let read: BTreeMap<String, Vec<u8>> = packed(&bytes).read().unwrap();
            assert!(read["a"].iter().all(|byte| *byte == 7));
        });
        assert!(typed <= 3 * MIB, "{typed}");
        // As text it takes exactly its length.
        let text = taken(&|| drop(packed(&bytes).to_json()));
        assert_eq!(text, packed(&bytes).json_len());
    }
    let bytes = map_with("a", &binary);
    let whole = taken(&|| {
        let read: HashMap<String, Bytes> = packed(&bytes).read().unwrap();
        assert!(read["a"].0.iter().all(|byte| *byte == 7));
    });
    assert!(whole < MIB + 1_000, "{whole}");
}

#[test]
fn the_meter_and_the_size_of_a_tree_are_bounds() {
    let mut values: Vec<Vec<u8>> = [
        json!([]),
        json!((0..5_000).collect::<Vec<_>>()),
        json!(vec![json!({ "a": [[]] }); 4_097]),
        json!(vec!["some text"; 3_000]),
        json!(
            (0..4_100)
                .map(|n| (n.to_string(), json!([n])))
                .collect::<BTreeMap<_, _>>()
        ),
    ]
    .iter()
    .map(encoded)
    .collect();
    values.push([&[0xc5, 0x80, 0x01], vec![7; 0x8001].as_slice()].concat());
    values.push([&[0xc8, 0x40, 0x01, 0x05], vec![7; 0x4001].as_slice()].concat());
    for bytes in &values {
        let taken = measure(|| drop(packed(bytes).read::<Value>().unwrap()));
        let taken = taken.bytes_max as usize;
        let bound = packed(bytes).tree_size();
        assert!(bound >= taken, "{bound} of {taken}");
        let charged = Cell::new(0);
        let charge = |bytes| {
            charged.set(charged.get() + bytes);
            true
        };
        let meter = Meter::new(&charge);
        packed(bytes).read_within::<Value>(&meter).unwrap();
        assert!(charged.get() >= taken, "{} of {taken}", charged.get());
        let refuse = |_| false;
        let meter = Meter::new(&refuse);
        packed(bytes).read_within::<Value>(&meter).unwrap_err();
        assert!(meter.is_refused());
    }
    // Before it is taken: not a list of half a million values, and then the error.
    let refuse = |_| false;
    let numbers = [&[0xdd, 0x00, 0x10, 0x00, 0x00], vec![7; MIB].as_slice()].concat();
    let taken = measure(|| {
        let read = packed(&numbers).read_within::<Value>(&Meter::new(&refuse));
        assert!(read.is_err());
    });
    assert!(taken.bytes_max < 100_000, "{}", taken.bytes_max);
}
