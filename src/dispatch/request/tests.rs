use super::*;

fn json(text: &str) -> Request<'_> {
    Parser::Json.decode(Message::Text(text)).unwrap()
}

#[test]
fn known_fields_are_found_and_the_last_of_two_counts() {
    let request = json(r#"{"room":"a","message":{"x":[1]},"event":"say","room":"b\u0021"}"#);
    assert_eq!(request.event.unwrap().as_str().as_deref(), Some("say"));
    assert_eq!(request.room.unwrap().as_str().as_deref(), Some("b!"));
    assert_eq!(request.message.unwrap().to_text(), r#"{"x":[1]}"#);
    assert!(request.params.is_none());
}

#[test]
fn what_is_no_object_has_no_fields() {
    for text in ["1", "-1", "1.5", "null", "true", "\"say\"", "[1,{}]", "{}"] {
        assert!(json(text).event.is_none(), "{text}");
    }
    for text in ["", "{", "{\"event\":}", "nul", "{\"a\":1}x"] {
        let message = Message::Text(text);
        assert!(
            Parser::Json.decode::<Request<'_>>(message).is_err(),
            "{text}"
        );
    }
}

#[test]
fn other_codecs_give_the_same_fields() {
    let value = serde_json::json!({ "event": "say", "room": "r", "message": [1, null], "x": 1 });
    let frame = Parser::MessagePack.encode(&value).unwrap();
    let request = Request::of_packed(Packed::of_message(frame.as_message()).unwrap());
    assert_eq!(request.event.unwrap().as_str().as_deref(), Some("say"));
    assert_eq!(request.message.unwrap().to_text(), "[1,null]");
    assert_eq!(request.others.len(), 1);
}

#[test]
fn entries_are_the_last_of_their_name_and_not_null() {
    let text = r#"{"a":[1],"b":null,"a":7,"c":"x","\u0064":true}"#;
    let frame = Parser::MessagePack
        .encode(&serde_json::from_str::<serde_json::Value>(text).unwrap())
        .unwrap();
    let raw: &RawValue = serde_json::from_str(text).unwrap();
    let packed = Packed::of_message(frame.as_message()).unwrap();
    for field in [Field::Raw(raw), Field::Packed(packed)] {
        assert_eq!(field.entry("a").unwrap().read::<u64>(), Some(7));
        assert!(field.entry("b").is_none() && field.entry("none").is_none());
        assert_eq!(field.entry("c").unwrap().read::<u64>(), None);
        assert_eq!(field.entry("d").unwrap().read::<bool>(), Some(true));
        assert!(field.entry("c").unwrap().entry("a").is_none());
    }
}

#[test]
fn a_codec_of_the_applications_own_becomes_json_without_a_tree() {
    let json = |bytes: &[u8]| {
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
        Json::deserialize(&mut deserializer).map(|json| json.0)
    };
    let value = serde_json::json!({ "a": [1, -2, 1.5, null, true, "x\"\u{1}"], "b": {}, "c": [] });
    let bytes = rmp_serde::to_vec_named(&value).unwrap();
    assert_eq!(json(&bytes).unwrap(), value.to_string());
    // {1: bin(2 bytes)} has no JSON form of its own, and is decodable all the same.
    assert_eq!(
        json(&[0x81, 0x01, 0xc4, 0x02, 0x07, 0x08]).unwrap(),
        r#"{"1":[7,8]}"#
    );
    // Extensions of type 0 and of type 5, of two bytes each.
    let extensions = [0x92, 0xc7, 0x02, 0x00, 0x07, 0x08, 0xd5, 0x05, 0x07, 0x08];
    assert_eq!(json(&extensions).unwrap(), "[[7,8],[5,[7,8]]]");
    for nested in [
        [0x81].repeat(100),
        [[0x81; 50].as_slice(), &[0xa0; 51]].concat(),
        [0x91].repeat(128),
    ] {
        assert!(json(&nested).is_err());
    }
    let most = [[0x91].repeat(127).as_slice(), &[0x01]].concat();
    assert!(json(&most).is_ok());
}
