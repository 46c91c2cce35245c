//! What clients should not send: every rule of an input with every kind of wrong value, by every
//! way that a value can come.

mod rules;
mod ways;

use serde_json::{Value, json};
use stellarfw::{
    Builder, Stellar,
    actions::{Action, ActionResult, Call, Format, Input},
    transport::Parser,
};

use self::{
    rules::{Rule, rules, rules_of_one},
    ways::every_way,
};
use crate::support::error;

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
    Box::pin(every_way(build, cases)).await;
}
