use super::*;
use serde_json::json;

fn judge(schema: &Value, params: Value) -> Vec<(String, String)> {
    let types = TypeSchema::new(schema.clone());
    let Value::Object(params) = params else {
        unreachable!()
    };
    let found = Constraints::of(&types).unwrap();
    found.map_or_else(Vec::new, |constraints| constraints.judge(params))
}

#[test]
fn what_a_type_has_anyway_is_not_judged() {
    let schema = json!({
        "type": "object",
        "properties": {
            "small": { "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255 },
            "large": { "type": "integer", "format": "uint64", "minimum": 0 },
            "signed": { "type": "integer", "format": "int8", "minimum": -128, "maximum": 127 },
            "letter": { "type": "string", "minLength": 1, "maxLength": 1 },
            "pair": { "type": "array", "prefixItems": [{}, {}], "minItems": 2, "maxItems": 2 },
            "when": { "type": "string", "format": "date-time" },
        },
    });
    assert!(Constraints::of(&TypeSchema::new(schema)).unwrap().is_none());
}

#[test]
fn bounds_hold_at_any_depth() {
    let schema = json!({
        "$defs": {
            "Point": { "properties": { "x": { "type": "number", "minimum": 0, "maximum": 9 } } },
            "Tree": { "properties": {
                "name": { "type": "string", "minLength": 2 },
                "inner": { "type": "array", "items": { "$ref": "#/$defs/Tree" }, "maxItems": 1 },
            } },
        },
        "type": "object",
        "properties": {
            "point": { "anyOf": [{ "$ref": "#/$defs/Point" }, { "type": "null" }] },
            "tree": { "$ref": "#/$defs/Tree" },
            "pair": { "prefixItems": [{ "exclusiveMinimum": 0 }, { "multipleOf": 0.1 }] },
            "ports": { "additionalProperties": { "type": "integer", "minimum": 1 } },
            "mail": { "type": "string", "format": "email" },
            "code": { "type": "string", "pattern": "^[a-z]+$" },
        },
    });
    let good = json!({
        "point": { "x": 9 }, "tree": { "name": "ab", "inner": [{ "name": "cd" }] },
        "pair": [0.5, 0.3], "ports": { "a": 1, "b": "2" }, "mail": "a@b.cd", "code": "x",
        "more": [1],
    });
    assert_eq!(judge(&schema, good), []);
    // Of the wrong type: the action itself finds it out.
    let wrong = json!({ "point": 3, "tree": [], "pair": 2, "ports": true, "mail": 1, "code": {} });
    assert_eq!(judge(&schema, wrong), []);
    let bad = json!({
        "point": { "x": -1 }, "tree": { "name": "a", "inner": [{ "name": "c" }, {}] },
        "pair": [0, 0.25], "ports": { "a": 0, "b": "0" }, "mail": "a", "code": "X",
    });
    let expected = [
        ("point.x", "The point.x must be between 0 and 9."),
        ("tree.name", "The tree.name must be at least 2 characters."),
        (
            "tree.inner",
            "The tree.inner may not have more than 1 items.",
        ),
        (
            "tree.inner.0.name",
            "The tree.inner.0.name must be at least 2 characters.",
        ),
        ("pair.0", "The pair.0 must be greater than 0."),
        ("pair.1", "The pair.1 must be a multiple of 0.1."),
        ("ports.a", "The ports.a must be at least 1."),
        ("ports.b", "The ports.b must be at least 1."),
        ("mail", "The mail must be a valid email address."),
        ("code", "The code format is invalid."),
    ];
    let expected = expected.map(|(at, sentence)| (at.to_owned(), sentence.to_owned()));
    assert_eq!(judge(&schema, bad), expected);
}

#[test]
fn the_case_that_a_tag_names_is_the_one_that_counts() {
    let case = |tag: &str, least: u8| {
        json!({
            "type": "object",
            "properties": { "kind": { "const": tag }, "n": { "type": "integer", "minimum": least } },
            "required": ["kind", "n"],
        })
    };
    let schema = json!({ "oneOf": [case("low", 1), case("high", 100)] });
    assert_eq!(judge(&schema, json!({ "kind": "low", "n": 1 })), []);
    let faults = judge(&schema, json!({ "kind": "high", "n": 1 }));
    assert_eq!(faults[0].1, "The n must be at least 100.");
    assert_eq!(judge(&schema, json!({ "kind": "other", "n": 0 })), []);
}

#[test]
fn a_pattern_that_is_none_is_a_fault() {
    let schema = json!({ "properties": { "a": { "pattern": "(" } } });
    assert!(Constraints::of(&TypeSchema::new(schema)).is_err());
    let endless = json!({ "$defs": { "A": { "$ref": "#/$defs/A" } }, "$ref": "#/$defs/A" });
    assert_eq!(judge(&endless, json!({ "a": 1 })), []);
}
