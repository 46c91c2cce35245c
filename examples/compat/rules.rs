//! One action for each rule that an input can have: `rule.<name>` judges its input `field`, and
//! `format.<name>` answers what became of it.

use serde_json::{Value, json};
use stellarfw::{
    Builder,
    actions::{Action, ActionResult, Call, Format, Input},
};

/// The validators that need nothing but the field, or fields besides it.
const VALIDATORS: [&str; 34] = [
    "after:2026-01-01",
    "alpha",
    "alpha_dash",
    "alpha_num",
    "array",
    "before:2026-01-01",
    "between:3,5",
    "boolean",
    "confirmed",
    "date",
    "different:other",
    "email",
    "filled",
    "in:one,two",
    "integer",
    "ip",
    "json",
    "max:5",
    "min:3",
    "not_in:one,two",
    "numeric",
    "regex:^[a-c]+$",
    "required",
    "required_if:other,one,two",
    "required_unless:other,one,two",
    "required_with:other",
    "required_with_all:other,another",
    "required_without:other",
    "required_without_all:other,another",
    "same:other",
    "size:3",
    "url",
    "numeric|between:3,5",
    "array|size:2",
];

pub(crate) fn add(mut builder: Builder) -> Builder {
    for validator in VALIDATORS {
        let name = match validator.split_once('|') {
            // A size is another's for numbers and lists.
            Some((kind, size)) => format!("{kind}.{}", rule_name(size)),
            None => rule_name(validator).to_owned(),
        };
        builder = builder.add_action(
            Action::new(format!("rule.{name}"), fields)
                .describe(format!("Judges its field with {validator}"))
                .input(Input::optional("field").validate(validator)),
        );
    }
    let own = [
        ("integer", Format::Integer),
        ("float", Format::Float),
        ("string", Format::String),
        ("bool", Format::Bool),
    ];
    for (name, format) in own {
        builder = builder.add_action(
            Action::new(format!("format.{name}"), fields)
                .describe(format!(
                    "Converts its field to a value of the format {name}"
                ))
                .input(Input::required("field").format(format)),
        );
    }
    builder
        .add_action(
            Action::new("rule.required_input", fields)
                .describe("Must have its field")
                .requires("field"),
        )
        .add_action(
            Action::new("rule.default", fields)
                .describe("Has a field of its own when there is none")
                .input(Input::optional("field").default("a default")),
        )
        .add_action(
            Action::new("rule.function", fields)
                .describe("Takes even numbers")
                .input(Input::required("field").check(even)),
        )
}

fn rule_name(validator: &str) -> &str {
    validator
        .split_once(':')
        .map_or(validator, |(name, _)| name)
}

fn even(value: &Value) -> Result<(), String> {
    match value.as_i64() {
        Some(number) if number % 2 == 0 => Ok(()),
        _ => Err("The field must be even.".into()),
    }
}

async fn fields(call: Call) -> ActionResult {
    Ok(json!({ "field": call.value().get("field") }))
}
