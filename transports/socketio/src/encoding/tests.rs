use serde_json::{Value, json};

use super::*;

const BOTH: [Encoding; 2] = [Encoding::Json, Encoding::MessagePack];

fn encode(encoding: Encoding, value: &Value) -> Vec<u8> {
    match encoding {
        Encoding::Json => serde_json::to_vec(value).unwrap(),
        Encoding::MessagePack => rmp_serde::to_vec_named(value).unwrap(),
    }
}

fn decode(encoding: Encoding, raw: &[u8]) -> Value {
    match encoding {
        Encoding::Json => serde_json::from_slice(raw).unwrap(),
        Encoding::MessagePack => rmp_serde::from_slice(raw).unwrap(),
    }
}

#[test]
fn an_event_has_a_name_and_a_bounded_number_of_arguments() {
    for encoding in BOTH {
        for count in [0, 1, 4, 5, MAX_ITEMS - 1, MAX_ITEMS] {
            let mut list = vec![json!("name")];
            list.extend(vec![json!(7); count]);
            let list = encode(encoding, &list.into());
            let Some((name, args)) = encoding.event(&list) else {
                assert_eq!(count, MAX_ITEMS);
                continue;
            };
            assert_eq!((&*name, args.len()), ("name", count));
            assert_eq!(args.single().is_some(), count == 1);
            assert_eq!(decode(encoding, &args.to_list()), json!(vec![7; count]));
            for index in 0..6 {
                let expected = (index < count.min(4)).then(|| encode(encoding, &json!(7)));
                assert_eq!(args.get(index), expected.as_deref());
            }
        }
        for other in [
            json!([]),
            json!([1]),
            json!([null, 1]),
            json!({}),
            json!("a"),
        ] {
            assert_eq!(encoding.event(&encode(encoding, &other)), None, "{other}");
        }
        let mut trailing = encode(encoding, &json!(["a"]));
        trailing.push(b'1');
        assert_eq!(encoding.event(&trailing), None);
    }
    // A lone surrogate is no text.
    assert_eq!(Encoding::Json.event(br#"["\ud800"]"#), None);
    let (_, args) = Encoding::Json.event(br#" [ "a" , 1 , [2] ] "#).unwrap();
    assert_eq!(args.to_list(), b"[1 , [2]]");
}

#[test]
fn objects_are_put_together_and_taken_apart() {
    for encoding in BOTH {
        for count in [0, 1, 15, 16, 20] {
            let map = (0..count).map(|n| (format!("k{n}"), json!([n, { "x": "\"," }])));
            let object = encode(encoding, &Value::Object(map.collect()));
            let added = [
                ("a", encoding.string("ż\"").into()),
                ("k0", encoding.string("last").into()),
            ];
            let longer = encoding.extend(&object, &added).unwrap();
            let [a, none, k0] = encoding.fields(&longer, ["a", "none", "k0"]).unwrap();
            assert_eq!(encoding.text(a.unwrap()).unwrap(), "ż\"");
            assert_eq!(encoding.text(k0.unwrap()).unwrap(), "last");
            assert!(none.is_none());
            let shorter = encoding.without(&longer, "a", a.unwrap()).unwrap();
            let [a, k0] = encoding.fields(&shorter, ["a", "k0"]).unwrap();
            assert!(a.is_none() && k0.is_some());
        }
        assert!(
            encoding
                .extend(&encode(encoding, &json!([1])), &[])
                .is_none()
        );
        let text = encode(encoding, &json!("x"));
        assert!(encoding.fields(&text, ["a"]).is_none());
    }
}

#[test]
fn lists_are_put_together_and_taken_apart() {
    for encoding in BOTH {
        let items = [json!(1), json!({ "a": [null] }), json!("x]")];
        let raw: Vec<_> = items.iter().map(|item| encode(encoding, item)).collect();
        let raw: Vec<_> = raw.iter().map(Vec::as_slice).collect();
        let list = encoding.list(&raw);
        assert_eq!(decode(encoding, &list), json!(items));
        assert_eq!(encoding.items(&list).unwrap(), raw);
        assert!(encoding.items(&encode(encoding, &json!({}))).is_none());
    }
}

#[test]
fn malformed_values_have_no_parts() {
    for encoding in BOTH {
        for raw in [
            &b""[..],
            b"{\"a\":",
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
            &[0xdd, 0xff, 0xff, 0xff, 0xff],
            &[0x81, 0xa1],
        ] {
            assert!(encoding.fields(raw, ["a"]).is_none());
            assert!(encoding.items(raw).is_none());
            assert!(encoding.event(raw).is_none());
            assert!(encoding.text(raw).is_none());
        }
    }
    let deep = vec![0x91; 100_000];
    assert!(Encoding::MessagePack.event(&deep).is_none());
    assert!(Encoding::MessagePack.items(&deep).is_none());
}
