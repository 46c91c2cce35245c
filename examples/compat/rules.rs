//! Actions with one declared input each, named as in StellarFW's tests.
//!
//! `input-validator-predef-<validator>` validates `value`, `input-format-<format>` converts it.

use serde_json::{Value, json};
use stellarfw::{
    Builder,
    actions::{Action, ActionResult, Call, Format, Input},
};

/// The named validators, with their arguments.
const VALIDATORS: [&str; 32] = [
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
];

pub(crate) fn add(mut builder: Builder) -> Builder {
    for validator in VALIDATORS {
        let (name, _) = validator.split_once(':').unwrap_or((validator, ""));
        let name = format!("input-validator-predef-{}", name.replace('_', "-"));
        let about = format!("Judges its value with {validator}");
        builder = builder.add_action(value_action(
            &name,
            &about,
            Input::optional("value").validate(validator),
        ));
    }
    // The meaning of a size depends on the type of the value.
    for (kind, size) in [("numeric", "between:3,5"), ("array", "size:2")] {
        let about = format!("Judges the size of its {kind} value with {size}");
        let input = Input::optional("value").validate(format!("{kind}|{size}"));
        builder = builder.add_action(value_action(&format!("input-{kind}-size"), &about, input));
    }
    let formats = [
        Format::Integer,
        Format::Float,
        Format::String,
        Format::Bool,
        Format::function("upper case", |value| {
            Some(value.as_str()?.to_uppercase().into())
        }),
    ];
    for format in formats {
        let name = match format {
            Format::Function(..) => "function",
            _ => format.name(),
        };
        let about = format!("Converts its value: {}", format.name());
        let name = format!("input-format-{name}");
        let input = Input::required("value").format(format);
        builder = builder.add_action(value_action(&name, &about, input));
    }
    builder
        .add_action(value_action(
            "input-require",
            "Must have its value",
            Input::required("value"),
        ))
        .add_action(value_action(
            "input-default",
            "Has a value of its own when there is none",
            Input::optional("value").default("DefaultVal"),
        ))
        .add_action(
            Action::new("input-default-function", value)
                .describe("Makes a value of its own when there is none")
                .input(Input::optional("value").default_with(|| 156.into())),
        )
        .add_action(value_action(
            "input-validator-regex",
            "Takes three digits",
            Input::optional("value").matches(r"^\d{3}$"),
        ))
        .add_action(value_action(
            "input-validator-function",
            "Takes one text",
            Input::optional("value").check(|value| match value.as_str() {
                Some("asd") => Ok(()),
                _ => Err("Input validation failed!".into()),
            }),
        ))
        .add_action(value_action(
            "input-validator-predef-test",
            "Takes an address",
            Input::optional("value").validate("url"),
        ))
        .add_action(
            Action::new("input-validator-multiple", async || {
                ActionResult::Ok(json!({ "success": true }))
            })
            .describe("Judges three inputs")
            .input(Input::optional("name").validate("alpha"))
            .input(Input::optional("phone").validate("numeric"))
            .input(Input::optional("someField").validate("required_if:phone,123")),
        )
        .add_action(
            Action::new("input-function-with-default", params)
                .describe("Has inputs of three kinds")
                .requires("requiredParam")
                .accepts("optionalParam")
                .input(
                    Input::optional("fancyParam")
                        .default("test123")
                        .check(|value| match value.as_str() {
                            Some("test123") => Ok(()),
                            _ => Err("fancyParam should be 'test123'".into()),
                        }),
                ),
        )
}

/// Creates an action with one input. It returns the converted value, and its text.
fn value_action(name: &str, about: &str, input: Input) -> Action {
    Action::new(name, value).describe(about).input(input)
}

async fn value(call: Call) -> ActionResult {
    let params = call.value();
    let value = params.get("value");
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "undefined".into(),
    };
    Ok(json!({ "string": format!("Input > {text}"), "value": value }))
}

async fn params(call: Call) -> ActionResult {
    Ok(json!({ "params": call.value() }))
}
