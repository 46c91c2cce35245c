use serde_json::json;

use super::{apply::has_all, *};
use crate::actions::raw_params::RawParams;

fn run(inputs: &[Input], params: Value) -> Result<Value, Value> {
    let raw_params = RawParams::from(params);
    apply(inputs, None, &raw_params, None)
        .map(|applied| applied.unwrap_or(raw_params).to_value())
        .map_err(|error| error.error().clone())
}

#[test]
fn defaults_formats_and_validators_in_this_order() {
    let inputs = [
        Input::required("age")
            .format(Format::Integer)
            .validate("min:18"),
        Input::optional("name").default("nobody").validate("max:6"),
        Input::optional("tags").default_with(|| json!([])),
    ];
    assert_eq!(
        run(&inputs, json!({ "age": "21" })),
        Ok(json!({ "age": 21, "name": "nobody", "tags": [] }))
    );
    assert_eq!(
        run(&inputs, json!({ "name": "somebody" })),
        Err(json!({
            "age": "The age field is required.",
            "name": "The name may not be greater than 6 characters.",
        }))
    );
    assert_eq!(
        run(&inputs, json!({ "age": "17" })),
        Err(json!({ "age": "The age must be at least 18." }))
    );
    assert_eq!(
        run(&inputs, json!({ "age": "x", "name": null })),
        Err(json!({ "age": {
            "code": "003",
            "message": "Param 'age' has an invalid type, expected integer",
        } }))
    );
    assert_eq!(
        run(&inputs, json!([1])),
        Err(json!({ "age": "The age field is required." }))
    );
}

#[test]
fn what_is_required_is_found_in_json_that_is_not_parsed() {
    let inputs = ["a", "b\\c"].map(Input::required);
    let has = |text: &str| has_all(&inputs, &RawParams::Raw(text.into()), None);
    assert!(has(r#"{"a":1,"b\\c":[null]}"#));
    assert!(has(r#"{"\u0061":"null","b\\c":{}}"#));
    assert!(has(r#"{"a":null,"b\\c":0,"a":0}"#));
    for text in [
        "{}",
        "null",
        r#"{"a":1}"#,
        r#"{"a":1,"b\\c":null}"#,
        r#"{"a":1,"b\\c":1,"a":null}"#,
        r#"{"x":{"a":1,"b\\c":1}}"#,
        r#"[{"a":1,"b\\c":1}]"#,
    ] {
        assert!(!has(text), "{text}");
    }
    let many: Vec<_> = (0..70).map(|n| Input::required(format!("n{n}"))).collect();
    let all: Map<_, _> = (0..70).map(|n| (format!("n{n}"), json!(n))).collect();
    let text = |map: &Map<_, _>| RawParams::Raw(serde_json::to_string(map).unwrap().into());
    assert!(has_all(&many, &text(&all), None));
    let mut others = all;
    others.remove("n69");
    assert!(!has_all(&many, &text(&others), None));
}

#[test]
fn own_checks_and_expressions() {
    let inputs = [
        Input::optional("code").matches("^[a-z]+$"),
        Input::optional("n").check(|value| match value.as_u64() {
            Some(n) if n % 2 == 0 => Ok(()),
            _ => Err("The n must be even.".into()),
        }),
    ];
    assert!(run(&inputs, json!({ "code": "abc", "n": 2 })).is_ok());
    assert_eq!(
        run(&inputs, json!({ "code": "ABC", "n": 3 })),
        Err(json!({ "code": "The code format is invalid.", "n": "The n must be even." }))
    );
}

#[test]
fn faults_in_a_declaration_are_found() {
    for bad in [
        "nonsense",
        "min",
        "min:x",
        "between:1",
        "regex:(",
        "after:soon",
        "required_if:a",
    ] {
        let fault = Input::optional("x").validate(bad);
        assert!(fault.fault().is_some(), "{bad}");
    }
    assert!(Input::optional("x").matches("(").fault().is_some());
}
