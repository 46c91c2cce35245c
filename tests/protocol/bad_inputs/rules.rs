//! Every named validator: what it says, what it takes and what not.

use serde_json::{Value, json};

/// A rule: the validator, its sentence, what it takes and what not. Where it is about several
/// inputs, whole parameters; otherwise values of the one input, `value`.
pub(super) struct Rule {
    pub(super) validator: &'static str,
    pub(super) sentence: &'static str,
    pub(super) fine: Vec<Value>,
    pub(super) wrong: Vec<Value>,
}

fn rule(validator: &'static str, sentence: &'static str, fine: &Value, wrong: &Value) -> Rule {
    let params = |values: &Value| {
        let values = values.as_array().unwrap().iter();
        values.map(|value| json!({ "value": value })).collect()
    };
    Rule {
        validator,
        sentence,
        fine: params(fine),
        wrong: params(wrong),
    }
}

fn rule_of_several(
    validator: &'static str,
    sentence: &'static str,
    fine: &Value,
    wrong: &Value,
) -> Rule {
    Rule {
        validator,
        sentence,
        fine: fine.as_array().unwrap().clone(),
        wrong: wrong.as_array().unwrap().clone(),
    }
}

/// The validators that judge a value by itself.
pub(super) fn rules_of_one() -> Vec<Rule> {
    let long = "a".repeat(100_000);
    let digits = "9".repeat(30);
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    vec![
        rule(
            "after:2026-01-01",
            "The value must be a date after 2026-01-01.",
            &json!([
                null,
                "2026-01-02",
                "2026-01-01T00:00:01Z",
                1_767_225_601_000_u64
            ]),
            &json!([
                "2026-01-01",
                "2025-12-31",
                "soon",
                "",
                long,
                0,
                1e300,
                true,
                [],
                ["2026-01-02", "x"],
                {}
            ]),
        ),
        rule(
            "alpha",
            "The value must only contain letters.",
            &json!([null, "a", "aZ", "", long]),
            &json!([
                "a1",
                " ",
                "é",
                "a\u{0}",
                "\u{fffd}",
                1,
                1.5,
                true,
                [],
                ["a", "b"],
                {}
            ]),
        ),
        rule(
            "alpha_dash",
            "The value may only contain letters, numbers, and dashes.",
            &json!([null, "a-1_b", "", 7, 0]),
            &json!(["a b", "é", "a\u{0}", -1, 1.5, true, [], ["a", "b"], {}]),
        ),
        rule(
            "alpha_num",
            "The value may only contain letters and numbers.",
            &json!([null, "a1", "", 7]),
            &json!(["a-b", "a b", "é", -1, 1.5, false, [], ["a", "b"], {}]),
        ),
        rule(
            "array",
            "The value must be an array.",
            &json!([null, [], [1], [[]], ["a", "b"]]),
            &json!(["[]", "", 1, true, {}, { "0": 1 }]),
        ),
        rule(
            "before:2026-01-01",
            "The value must be a date before 2026-01-01.",
            &json!([null, "2025-12-31", 0, -1]),
            &json!([
                "2026-01-01",
                "2026-01-02",
                "soon",
                "",
                -1e300,
                true,
                [],
                ["2025-12-31", "x"],
                {}
            ]),
        ),
        rule(
            "between:3,5",
            "The value must be between 3 and 5 characters.",
            &json!([null, "abc", "abcde", "äöü", 3, 4.5, 5, [1, 2, 3]]),
            &json!([
                "",
                "ab",
                "abcdef",
                long,
                "😀😀😀",
                2.999,
                5.001,
                1e308,
                -4,
                [1, 2],
                ["a", "b"],
                true,
                {}
            ]),
        ),
        rule(
            "boolean",
            "The value field must be true or false.",
            &json!([null, true, false]),
            &json!(["true", "false", "", 0, 1, [], [true, false], {}]),
        ),
        rule(
            "date",
            "The value is not a valid date.",
            &json!([
                null,
                "2026-01-31",
                "2026-01-31T10:00:00Z",
                "Sat, 31 Jan 2026 10:00:00 +0000",
                0,
                -1.5,
                8.64e15
            ]),
            &json!([
                "2026-02-30",
                "",
                "soon",
                "2026",
                long,
                8.640000000000001e15,
                1e300,
                true,
                [],
                ["2026-01-31", "x"],
                {}
            ]),
        ),
        rule(
            "email",
            "The value must be a valid email address.",
            &json!([null, "a@example.com", "a.b+c@x.example.com"]),
            &json!([
                "",
                "a",
                "a@b",
                "a@b..com",
                "a b@example.com",
                "a@example.com\u{0}",
                "ä@example.com",
                format!("{long}@example.com"),
                1,
                true,
                [],
                ["a@example.com", "b@example.com"],
                {}
            ]),
        ),
        rule(
            "filled",
            "The value field is required.",
            &json!(["x", " ", 0, false, [], ["a", "b"], {}]),
            &json!([null, ""]),
        ),
        rule(
            "in:one,two",
            "The selected value is invalid.",
            &json!([null, "one", "two"]),
            &json!([
                "One",
                " one",
                "",
                "one,two",
                "one\u{0}",
                long,
                1,
                true,
                [],
                ["one", "two"],
                {}
            ]),
        ),
        rule(
            "integer",
            "The value must be an integer.",
            &json!([null, 1, -1, 2.0, 1e300, "12", "-12", " 12 "]),
            &json!([
                1.5,
                "1.5",
                "1e3",
                "0x10",
                "a",
                "",
                digits,
                true,
                [],
                ["1", "2"],
                {}
            ]),
        ),
        rule(
            "ip",
            "The value must be a valid IP address.",
            &json!([null, "127.0.0.1", "::1", "2001:db8::1"]),
            &json!([
                "256.0.0.1",
                "1.2.3",
                "localhost",
                "127.0.0.1\u{0}",
                "",
                1,
                true,
                [],
                ["127.0.0.1", "::1"],
                {}
            ]),
        ),
        rule(
            "json",
            "The value must be a valid JSON string.",
            &json!([null, "{}", "[1]", " {\"a\": 1} "]),
            &json!([
                "1",
                "\"x\"",
                "{",
                "{}x",
                "",
                deep,
                "[\"\\ud800\"]",
                1,
                true,
                {},
                [],
                ["{}", "[]"]
            ]),
        ),
        rule(
            "max:5",
            "The value may not be greater than 5 characters.",
            &json!([null, "abcde", "", 5, -1e300, [1, 2, 3, 4, 5], ["a", "b"]]),
            &json!([
                "abcdef",
                long,
                "😀😀😀",
                5.5,
                1e308,
                [1, 2, 3, 4, 5, 6],
                true,
                {}
            ]),
        ),
        rule(
            "min:3",
            "The value must be at least 3 characters.",
            &json!([null, "abc", long, "😀😀", 3, 1e308, [1, 2, 3]]),
            &json!(["ab", "", "😀", 2.9, -5, [], ["a", "b"], true, {}]),
        ),
        rule(
            "not_in:one,two",
            "The selected value is invalid.",
            &json!([null, "three", "One", "", 1, true, [], ["one", "two"], {}]),
            &json!(["one", "two"]),
        ),
        rule(
            "numeric",
            "The value must be a number.",
            &json!([null, 1, -1.5, 0, 1e308]),
            &json!(["1", "", "NaN", long, true, [], ["1", "2"], {}]),
        ),
        rule(
            "regex:^[a-c]+$",
            "The value format is invalid.",
            &json!([null, "abc", "a"]),
            &json!([
                "abd",
                "",
                "ABC",
                "a\n",
                "a\u{0}",
                long.replace('a', "ab") + "d",
                1,
                true,
                [],
                ["a", "b"],
                {}
            ]),
        ),
        rule(
            "required",
            "The value field is required.",
            &json!(["", "x", 0, false, [], ["a", "b"], {}]),
            &json!([null]),
        ),
        rule(
            "size:3",
            "The value must be 3 characters.",
            &json!([null, "abc", "äöü", 3, [1, 2, 3], ["a", "b", "c"]]),
            &json!([
                "ab",
                "abcd",
                "",
                long,
                "😀",
                4,
                3.5,
                1e308,
                [1],
                ["a", "b"],
                true,
                {}
            ]),
        ),
        rule(
            "url",
            "The value format is invalid.",
            &json!([null, "https://example.com/x?y=1#z", "http://localhost:8080"]),
            &json!([
                "example.com",
                "javascript://x",
                "http://",
                "http:///x",
                "http://a b",
                "http://a\u{0}b",
                "",
                1,
                true,
                [],
                ["http://a", "http://b"],
                {}
            ]),
        ),
    ]
}

/// The validators that look at other inputs.
fn rules_of_several() -> Vec<Rule> {
    vec![
        rule_of_several(
            "confirmed",
            "The value confirmation does not match.",
            &json!([{}, { "value": 1, "value_confirmation": 1 }, { "value": "a", "value_confirmation": "a" }, { "value_confirmation": "a" }]),
            &json!([{ "value": "a" }, { "value": "a", "value_confirmation": "b" }, { "value": 1, "value_confirmation": "1" }, { "value": "a", "value_confirmation": ["a", "a"] }]),
        ),
        rule_of_several(
            "different:other",
            "The value and other must be different.",
            &json!([{}, { "value": "a" }, { "value": 1, "other": "1" }, { "other": 1 }, { "value": null, "other": null }]),
            &json!([{ "value": 1, "other": 1 }, { "value": "a", "other": "a" }, { "value": ["a", "b"], "other": ["a", "b"] }]),
        ),
        rule_of_several(
            "same:other",
            "The value and other must match.",
            &json!([{}, { "value": "a", "other": "a" }, { "other": "a" }, { "value": {}, "other": {} }]),
            &json!([{ "value": "a" }, { "value": 1, "other": "1" }, { "value": "a", "other": null }, { "value": "a", "other": ["a", "a"] }]),
        ),
        rule_of_several(
            "required_if:other,one,two",
            "The value field is required when other is in one, two.",
            &json!([{}, { "other": "three" }, { "other": "one", "value": 0 }, { "other": "one", "value": "a" }, { "other": ["one", "two"] }, { "other": null }]),
            &json!([{ "other": "one" }, { "other": "two", "value": "" }, { "other": "one", "value": null }]),
        ),
        rule_of_several(
            "required_unless:other,one,two",
            "The value field is required unless other is in one, two.",
            &json!([{ "other": "one" }, { "value": "a" }, { "value": [], "other": 1 }]),
            &json!([{}, { "other": "three" }, { "other": "three", "value": "" }, { "other": ["one", "two"] }, { "other": null }]),
        ),
        rule_of_several(
            "required_with:other",
            "The value field is required when at least one of other is present.",
            &json!([{}, { "other": null }, { "other": "x", "value": "a" }, { "other": 1, "value": false }]),
            &json!([{ "other": "" }, { "other": false }, { "other": "x", "value": "" }]),
        ),
        rule_of_several(
            "required_with_all:other,another",
            "The value field is required when other, another are present.",
            &json!([{}, { "other": "x" }, { "other": 1, "another": null }, { "other": "x", "another": "y", "value": "a" }]),
            &json!([{ "other": "x", "another": "y" }, { "other": 0, "another": [], "value": null }]),
        ),
        rule_of_several(
            "required_without:other",
            "The value field is required when at least one of other is not present.",
            &json!([{ "other": "x" }, { "value": "a" }, { "other": 0 }]),
            &json!([{}, { "other": null }, { "value": "" }]),
        ),
        rule_of_several(
            "required_without_all:other,another",
            "The value field is required when none of other, another are present.",
            &json!([{ "other": "x" }, { "another": "" }, { "value": "a" }]),
            &json!([{}, { "value": "" }, { "other": null, "another": null }]),
        ),
    ]
}

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = rules_of_one();
    rules.extend(rules_of_several());
    assert_eq!(rules.len(), 32, "every validator there is");
    rules
}
