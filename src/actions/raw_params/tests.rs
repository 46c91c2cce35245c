use super::*;
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;

#[derive(Debug, Deserialize, PartialEq)]
struct Inner {
    n: u8,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Typed {
    a: i32,
    b: Option<String>,
    #[serde(default)]
    c: bool,
    #[serde(default)]
    list: Vec<f64>,
    inner: Option<Inner>,
}

fn raw(value: &Value) -> RawParams {
    (&*serde_json::value::to_raw_value(value).unwrap()).into()
}

fn error(input: &RawParams) -> Value {
    input.read::<Typed>().unwrap_err().error().clone()
}

#[test]
fn errors_name_the_field() {
    for make in [raw, |value: &Value| value.clone().into()] {
        assert_eq!(
            error(&make(&json!({}))),
            json!({ "a": "The a field is required." })
        );
        assert_eq!(
            error(&make(&json!({ "a": "x" }))),
            json!({ "a": { "code": "003", "message": "Param 'a' has an invalid type, expected integer" } })
        );
        let deep = error(&make(&json!({ "a": 1, "inner": { "n": 300 } })));
        assert!(
            deep.get("inner").is_some() || deep.get("inner.n").is_some(),
            "{deep}"
        );
        for none in [json!(null), json!(5), json!([1])] {
            assert_eq!(
                error(&make(&none)),
                json!({ "a": "The a field is required." })
            );
        }
    }
}

#[test]
fn types_of_no_other_fields_are_read_beside_the_name_of_the_action() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        a: i32,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Named {
        action: String,
    }
    let called = json!({ "action": "x", "apiVersion": 2, "a": 1 });
    assert_eq!(raw(&called).read::<Strict>().unwrap(), Strict { a: 1 });
    let map: HashMap<String, u8> = raw(&called).read().unwrap();
    assert_eq!(map.into_iter().collect::<Vec<_>>(), [("a".to_owned(), 1)]);
    assert_eq!(raw(&called).read::<Named>().unwrap().action, "x");
    let more = json!({ "action": "x", "a": 1, "b": 2 });
    assert!(raw(&more).read::<Strict>().is_err());
    let missing = raw(&json!({ "action": "x" })).read::<Strict>().unwrap_err();
    assert_eq!(missing.error(), &json!({ "a": "The a field is required." }));
    let named = raw(&json!({ "action": 5 })).read::<Named>().unwrap_err();
    assert!(named.error()["action"]["message"].is_string(), "{named:?}");
}

#[test]
fn keys_are_read_as_json_has_them() {
    #[derive(Debug, Deserialize, PartialEq, Eq, Hash)]
    enum Colour {
        Red,
    }
    #[derive(Debug, Deserialize, PartialEq, Eq, Hash)]
    struct Id(u64);
    #[derive(Debug, Deserialize, PartialEq)]
    struct Maps {
        numbers: HashMap<i8, u8>,
        flags: HashMap<bool, u8>,
        colours: HashMap<Colour, u8>,
        ids: HashMap<Id, u8>,
    }
    let good = json!({
        "numbers": { "-7": 1 }, "flags": { "true": 2 }, "colours": { "Red": 3 }, "ids": { "4": 4 },
    });
    for make in [raw, |value: &Value| value.clone().into()] {
        let maps: Maps = make(&good).read().unwrap();
        assert_eq!((maps.numbers[&-7], maps.flags[&true]), (1, 2));
        assert_eq!((maps.colours[&Colour::Red], maps.ids[&Id(4)]), (3, 4));
        for (name, key) in [
            ("numbers", "300"),
            ("flags", "yes"),
            ("colours", "Blue"),
            ("ids", "x"),
        ] {
            let mut bad = good.clone();
            bad[name] = json!({ key: 1 });
            let error = make(&bad).read::<Maps>().unwrap_err();
            assert!(error.error()[name].is_object(), "{error:?}");
        }
    }
}

#[test]
fn tuples_have_as_many_items_as_places() {
    type Pair = std::collections::BTreeMap<String, (u8, u8)>;
    for make in [raw, |value: &Value| value.clone().into()] {
        assert!(make(&json!({ "a": [1, 2] })).read::<Pair>().is_ok());
        for bad in [json!([1]), json!([1, 2, 3]), json!([])] {
            let error = make(&json!({ "a": bad })).read::<Pair>().unwrap_err();
            assert_eq!(error.error()["a"]["code"], "003", "{bad}");
        }
    }
}

#[test]
fn texts_may_be_numbers() {
    let Value::Object(map) = json!({ "a": "5", "b": "7", "c": "true", "list": ["1.5"] }) else {
        unreachable!()
    };
    let typed: Typed = RawParams::texts(map.clone()).read().unwrap();
    assert_eq!((typed.a, typed.b.as_deref(), typed.c), (5, Some("7"), true));
    assert_eq!(typed.list, [1.5]);
    let mut once = map.clone();
    once.insert("list".into(), "2".into());
    assert_eq!(RawParams::texts(once).read::<Typed>().unwrap().list, [2.0]);
    assert!(RawParams::from(map).read::<Typed>().is_err());
}
