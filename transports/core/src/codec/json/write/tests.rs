//! What is written is what serde_json writes.

use std::collections::BTreeMap;

use serde_json::{Value, json, value::RawValue};

use super::*;

fn same<T: Serialize + ?Sized>(value: &T) {
    let expected = serde_json::to_string(value).unwrap();
    let mut out = b"before ".to_vec();
    write(&mut out, value).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!("before {expected}")
    );
}

#[derive(Serialize)]
struct Unit;
#[derive(Serialize)]
struct New(&'static str);
#[derive(Serialize)]
struct Pair(u8, Option<f32>);
#[derive(Serialize)]
struct Empty {}
#[derive(Serialize)]
struct Fields<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    none: Option<u8>,
    #[serde(flatten)]
    more: BTreeMap<&'a str, Value>,
    raw: &'a RawValue,
}
#[derive(Serialize)]
enum Kind {
    Unit,
    New(char),
    Tuple(i64, i64),
    Struct { a: (), b: [u8; 2] },
}

#[test]
fn every_character_is_written_as_serde_json_does() {
    for c in (0..=0x3000).chain(0xff00..=0xffff).chain([0x1f600]) {
        if let Some(c) = char::from_u32(c) {
            same(&c);
            same(&c.to_string());
            same(&format!("0123456789{c}{c}abcdef{c}"));
        }
    }
    same("");
    same("\"\\\u{8}\u{c}\n\r\t/\u{7f}\u{1f}\0 ä€🐢");
}

#[test]
fn every_form_is_written_as_serde_json_does() {
    same(&json!({
        "a": [null, true, false, 0, -1, u64::MAX, i64::MIN, 1.5, 1e300, "x\n"],
        "b\"": {}, "c": [], "d": [[{ "e": [{}] }]],
    }));
    same(&(Unit, New("n"), Pair(1, None), Pair(2, Some(0.1)), Empty {}));
    same(&[
        Kind::Unit,
        Kind::New('"'),
        Kind::Tuple(1, -1),
        Kind::Struct { a: (), b: [1, 2] },
    ]);
    same(&(i128::MIN, u128::MAX, f64::NAN, f32::INFINITY, 1_u8, -1_i16));
    let raw = RawValue::from_string("{ \"as\" : [\"it\", \"is\"] }".into()).unwrap();
    same(&raw);
    let more = BTreeMap::from([("x", json!(1)), ("y", json!("\u{1}"))]);
    same(&Fields {
        name: "n",
        none: None,
        more,
        raw: &raw,
    });
    same(&BTreeMap::from([("r", &raw)]));
    struct Bytes;
    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[0, 255])
        }
    }
    same(&Bytes);
    same(&format_args!("{} \"{}\"", 1, 2));
}

#[test]
fn keys_are_texts_or_what_has_one() {
    same(&BTreeMap::from([(1, "a"), (-2, "b")]));
    same(&BTreeMap::from([(true, 1), (false, 0)]));
    same(&BTreeMap::from([('"', 1)]));
    same(&BTreeMap::from([(Some("a"), 1)]));
    struct Entry<T>(T);
    impl<T: Serialize> Serialize for Entry<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(&self.0, 1)])
        }
    }
    same(&Entry(New("key")));
    same(&Entry(Kind::Unit));
    same(&Entry(1.5));
    fn refused<T: Serialize>(key: T) {
        let entry = Entry(key);
        assert!(serde_json::to_string(&entry).is_err());
        assert!(write(&mut Vec::new(), &entry).is_err());
    }
    refused(());
    refused(None::<u8>);
    refused(f64::NAN);
    refused([1]);
    refused(Kind::New('x'));
    refused(Empty {});
}
