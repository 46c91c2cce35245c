//! What clients should not send: every rule of an input with every kind of wrong value, by every
//! way that a value can come.

use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::{Action, ActionResult, Call, Format, Input},
    transport::Parser,
};

use crate::support::{Host, Peer, error, host};

/// A rule: the validator, its sentence, what it takes and what not. Where it is about several
/// inputs, whole parameters; otherwise values of the one input, `value`.
struct Rule {
    validator: &'static str,
    sentence: &'static str,
    fine: Vec<Value>,
    wrong: Vec<Value>,
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
fn rules_of_one() -> Vec<Rule> {
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

fn rules() -> Vec<Rule> {
    let mut rules = rules_of_one();
    rules.extend(rules_of_several());
    assert_eq!(rules.len(), 32, "every validator there is");
    rules
}

/// An action for each rule, `rule0` and so on, that tells its value.
fn builder(rules: &[Rule], parser: Parser) -> Builder {
    let builder = Stellar::builder().parser(parser);
    rules
        .iter()
        .enumerate()
        .fold(builder, |builder, (at, rule)| {
            let input = Input::optional("value").validate(rule.validator);
            builder.add_action(Action::new(format!("rule{at}"), value).input(input))
        })
}

async fn value(call: Call) -> ActionResult {
    Ok(json!({ "value": call.value().get("value") }))
}

/// A way for parameters to reach an action.
enum Way<'h> {
    Message(Box<Peer>),
    /// An HTTP request with its parameters written in this form.
    Http(&'h Host, Form),
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Query,
    UrlEncoded,
    Multipart,
}

impl Way<'_> {
    /// Calls an action; its answer without what every answer has.
    async fn call(&mut self, action: &str, params: &Value) -> Value {
        match self {
            Self::Message(peer) => {
                let mut params = params.clone();
                params["action"] = action.into();
                peer.call(params).await
            }
            Self::Http(host, form) => call_by_http(host, *form, action, params).await,
        }
    }

    /// Whether all of the parameters can be written in its form.
    fn can_carry(&self, params: &Value) -> bool {
        let is_text = |value: &Value| match value {
            Value::String(_) => true,
            // One that comes twice makes a list.
            Value::Array(list) => list.len() > 1 && list.iter().all(Value::is_string),
            _ => false,
        };
        match self {
            Self::Message(_) | Self::Http(_, Form::Json) => true,
            Self::Http(_, Form::Query) => {
                // URLs have a length.
                params.to_string().len() < 4_000
                    && params.as_object().unwrap().values().all(is_text)
            }
            Self::Http(..) => params.as_object().unwrap().values().all(is_text),
        }
    }
}

/// The parameters one after the other, lists item by item.
fn pairs(params: &Value) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    for (key, value) in params.as_object().unwrap() {
        let one = std::slice::from_ref(value);
        for value in value.as_array().map_or(one, Vec::as_slice) {
            pairs.push((key.as_str(), value.as_str().unwrap()));
        }
    }
    pairs
}

fn urlencoded(params: &Value) -> String {
    let encode = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pair = |(key, value)| format!("{}={}", encode(key), encode(value));
    pairs(params)
        .into_iter()
        .map(pair)
        .collect::<Vec<_>>()
        .join("&")
}

fn multipart(params: &Value) -> String {
    let mut body = String::new();
    for (key, value) in pairs(params) {
        body.push_str(&format!(
            "--XX\r\nContent-Disposition: form-data; name=\"{key}\"\r\n\r\n{value}\r\n"
        ));
    }
    body + "--XX--\r\n"
}

async fn call_by_http(host: &Host, form: Form, action: &str, params: &Value) -> Value {
    let line = format!("POST /api/{action}");
    let (line, mime, body) = match form {
        Form::Query => (
            format!("GET /api/{action}?{}", urlencoded(params)),
            "",
            String::new(),
        ),
        Form::Json => (line, "application/json", params.to_string()),
        Form::UrlEncoded => (
            line,
            "application/x-www-form-urlencoded",
            urlencoded(params),
        ),
        Form::Multipart => (line, "multipart/form-data; boundary=XX", multipart(params)),
    };
    let headers = [("Content-Type", mime)];
    let headers = if mime.is_empty() {
        &[][..]
    } else {
        &headers[..]
    };
    let reply = host.http(&line, headers, body.as_bytes()).await;
    let mut fields = reply.json();
    let expected = if fields.get("error").is_some() {
        400
    } else {
        200
    };
    assert_eq!(reply.status, expected, "{fields}");
    let map = fields.as_object_mut().unwrap();
    assert!(map.remove("serverInformation").is_some());
    assert!(map.remove("requesterInformation").is_some());
    fields
}

async fn message_pack(host: &Host) -> Peer {
    let peer = host.connect("/primus", &[]).await.unwrap();
    let mut peer = peer.speaking(Parser::MessagePack);
    peer.welcomed().await;
    peer
}

/// Calls by every way that can carry it, and expects the same answer.
async fn every_way(
    build: impl Fn(Parser) -> Builder,
    cases: impl IntoIterator<Item = (String, Value, Value)>,
) {
    let json = host(build(Parser::Json)).await;
    let packed = host(build(Parser::MessagePack)).await;
    let mut ways = [
        Way::Message(Box::new(json.peer().await)),
        Way::Message(Box::new(message_pack(&packed).await)),
        Way::Http(&json, Form::Json),
        Way::Http(&json, Form::Query),
        Way::Http(&json, Form::UrlEncoded),
        Way::Http(&packed, Form::Multipart),
    ];
    let mut called = [0; 6];
    for (action, params, answer) in cases {
        for (way, called) in ways.iter_mut().zip(&mut called) {
            if way.can_carry(&params) {
                let got = way.call(&action, &params).await;
                let told: String = params.to_string().chars().take(200).collect();
                assert!(got == answer, "{action}: {told}\n{got:.300}\n{answer:.300}");
                *called += 1;
            }
        }
    }
    assert!(called.iter().all(|called| *called > 0), "{called:?}");
    for host in [&json, &packed] {
        for connection in host.stellar.connections() {
            assert_eq!(connection.pending_actions(), 0);
        }
    }
}

#[tokio::test]
async fn every_validator_with_every_kind_of_value() {
    let rules = rules();
    let cases = rules.iter().enumerate().flat_map(|(at, rule)| {
        let fine = rule.fine.iter().map(|params| {
            let value = params.get("value").unwrap_or(&Value::Null);
            (params, json!({ "value": value }))
        });
        let error = json!({ "error": { "value": rule.sentence } });
        let wrong = rule.wrong.iter().map(move |params| (params, error.clone()));
        let cases = fine.chain(wrong);
        cases.map(move |(params, answer)| (format!("rule{at}"), params.clone(), answer))
    });
    every_way(|parser| builder(&rules, parser), cases).await;
}

/// Without a value, only the validators about presence have something to say.
#[tokio::test]
async fn every_validator_without_a_value() {
    let rules = rules_of_one();
    let cases = rules.iter().enumerate().map(|(at, rule)| {
        let answer = match rule.validator {
            "required" | "filled" => json!({ "error": { "value": rule.sentence } }),
            _ => json!({ "value": null }),
        };
        (format!("rule{at}"), json!({}), answer)
    });
    every_way(|parser| builder(&rules, parser), cases).await;
}

fn upper_case() -> Format {
    Format::function("upper case", |value| {
        Some(value.as_str()?.to_uppercase().into())
    })
}

/// What each format makes of a value; none is 003.
#[tokio::test]
async fn every_format_with_every_kind_of_value() {
    let digits = "9".repeat(30);
    let formats = [
        (
            Format::Integer,
            vec![
                (json!(1), json!(1)),
                (json!("7"), json!(7)),
                (json!(" -7 "), json!(-7)),
                (json!(2.0), json!(2)),
                (json!(null), json!(null)),
                (json!(u64::MAX), json!(u64::MAX)),
            ],
            json!([
                1.5,
                "1.5",
                "",
                "x",
                "7\u{0}",
                digits,
                1e300,
                true,
                [],
                ["1", "2"],
                {}
            ]),
        ),
        (
            Format::Float,
            vec![
                (json!(1), json!(1)),
                (json!("1.5"), json!(1.5)),
                (json!("1e3"), json!(1000.0)),
                (json!(-0.5), json!(-0.5)),
                (json!(null), json!(null)),
            ],
            json!([
                "",
                "x",
                "1,5",
                "inf",
                "NaN",
                "1e999",
                true,
                [],
                ["1", "2"],
                {}
            ]),
        ),
        (
            Format::String,
            vec![
                (json!("x"), json!("x")),
                (json!(""), json!("")),
                (json!(1.5), json!("1.5")),
                (json!(true), json!("true")),
                (json!(null), json!(null)),
                (json!("a\u{0}b"), json!("a\u{0}b")),
            ],
            json!([[], ["a", "b"], {}]),
        ),
        (
            Format::Bool,
            vec![
                (json!(true), json!(true)),
                (json!(0), json!(false)),
                (json!("on"), json!(true)),
                (json!("false"), json!(false)),
                (json!("1"), json!(true)),
                (json!(null), json!(null)),
            ],
            json!([2, -1, 1.5, "yes", "TRUE", "", [], ["true", "true"], {}]),
        ),
        (
            upper_case(),
            vec![
                (json!("ab"), json!("AB")),
                (json!(""), json!("")),
                (json!(null), json!(null)),
            ],
            json!([1, true, [], ["a", "b"], {}]),
        ),
    ];
    let build = |parser| {
        let builder = Stellar::builder().parser(parser);
        formats
            .iter()
            .enumerate()
            .fold(builder, |builder, (at, (format, ..))| {
                let input = Input::optional("value").format(format.clone());
                builder.add_action(Action::new(format!("format{at}"), value).input(input))
            })
    };
    let cases = formats
        .iter()
        .enumerate()
        .flat_map(|(at, (format, fine, wrong))| {
            let message = format!(
                "Param 'value' has an invalid type, expected {}",
                format.name()
            );
            let refused = json!({ "error": { "value": error("003", message) } });
            let fine = fine.iter().map(|(from, to)| (from, json!({ "value": to })));
            let wrong = wrong.as_array().unwrap().iter();
            let wrong = wrong.map(move |value| (value, refused.clone()));
            let cases = fine.chain(wrong);
            cases.map(move |(value, answer)| {
                (format!("format{at}"), json!({ "value": value }), answer)
            })
        });
    every_way(build, cases).await;
}

/// What is required, what has a default, what the application judges itself.
#[tokio::test]
async fn required_defaults_and_functions_of_ones_own() {
    let build = |parser| {
        let action = |name: &str, input: Input| Action::new(name, value).input(input);
        Stellar::builder()
            .parser(parser)
            .add_action(action("required", Input::required("value")))
            .add_action(action("default", Input::optional("value").default("it")))
            .add_action(action(
                "made",
                Input::required("value").default_with(|| json!([1])),
            ))
            .add_action(action(
                "matches",
                Input::optional("value").matches(r"^\d{3}$"),
            ))
            .add_action(action(
                "checked",
                Input::optional("value").check(|value| match value.as_str() {
                    Some("asd") => Ok(()),
                    _ => Err("It must be asd.".into()),
                }),
            ))
            .add_action(action(
                "first",
                Input::required("value")
                    .validate("min:3|alpha")
                    .check(|_| Err("never reached".into())),
            ))
    };
    let required = "The value field is required.";
    let cases = [
        ("required", json!({}), Err(required)),
        ("required", json!({ "value": null }), Err(required)),
        ("required", json!({ "Value": "x" }), Err(required)),
        ("required", json!({ "value": "" }), Ok(json!(""))),
        ("required", json!({ "value": false }), Ok(json!(false))),
        ("default", json!({}), Ok(json!("it"))),
        ("default", json!({ "value": null }), Ok(json!("it"))),
        ("default", json!({ "value": "" }), Ok(json!(""))),
        ("made", json!({}), Ok(json!([1]))),
        ("made", json!({ "value": 0 }), Ok(json!(0))),
        ("matches", json!({}), Ok(json!(null))),
        ("matches", json!({ "value": "123" }), Ok(json!("123"))),
        ("matches", json!({ "value": 123 }), Ok(json!(123))),
        (
            "matches",
            json!({ "value": "1234" }),
            Err("The value format is invalid."),
        ),
        (
            "matches",
            json!({ "value": "12\n" }),
            Err("The value format is invalid."),
        ),
        (
            "matches",
            json!({ "value": ["123", "123"] }),
            Err("The value format is invalid."),
        ),
        ("checked", json!({}), Ok(json!(null))),
        ("checked", json!({ "value": "asd" }), Ok(json!("asd"))),
        (
            "checked",
            json!({ "value": "asd\u{0}" }),
            Err("It must be asd."),
        ),
        (
            "checked",
            json!({ "value": ["asd", "asd"] }),
            Err("It must be asd."),
        ),
        ("checked", json!({ "value": {} }), Err("It must be asd.")),
        (
            "first",
            json!({ "value": "1" }),
            Err("The value must be at least 3 characters."),
        ),
        (
            "first",
            json!({ "value": "123" }),
            Err("The value must only contain letters."),
        ),
        ("first", json!({ "value": "abc" }), Err("never reached")),
    ];
    let cases = cases.map(|(action, params, verdict)| {
        let answer = match verdict {
            Ok(value) => json!({ "value": value }),
            Err(sentence) => json!({ "error": { "value": sentence } }),
        };
        (action.to_owned(), params, answer)
    });
    every_way(build, cases).await;
}
