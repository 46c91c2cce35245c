//! JSON Schema of what an input takes, made of its format and its validators.
//!
//! A schema tells what to send. It never refuses what a client of that type may send, and what no
//! keyword can say, such as a comparison with another parameter, it leaves to the server.

use serde_json::{Map, Value, json};

use super::{catalog::Field, pattern};
use crate::actions::{Format, Input, is_of_its_type, list, plain as plain_number};

/// A validator's name and what stands after its colon.
pub(super) type Rule<'a> = (&'a str, &'a str);

/// The validators of an input, one by one.
pub(super) fn rules(input: &Input) -> Vec<Rule<'_>> {
    let texts = input.validators().iter();
    texts.flat_map(|text| split(text)).collect()
}

/// The validators of a declared text, one by one.
pub(super) fn split(text: &str) -> Vec<Rule<'_>> {
    let mut rules = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        // An expression may hold any sign, and takes the rest.
        if let Some(expression) = rest.strip_prefix("regex:") {
            rules.push(("regex", expression));
            break;
        }
        let (one, more) = rest.split_once('|').unwrap_or((rest, ""));
        let (name, args) = one.split_once(':').unwrap_or((one, ""));
        rules.push((name.trim(), args));
        rest = more;
    }
    rules
}

/// The schema of an input's values.
pub(super) fn of(input: &Input) -> Value {
    let rules = rules(input);
    let types = match input.formatted() {
        Some(Format::Integer) => vec!["integer"],
        Some(Format::Float) => vec!["number"],
        Some(Format::String) => vec!["string"],
        Some(Format::Bool) => vec!["boolean"],
        // Its validators judge what it makes of the value, and say nothing of the value itself.
        Some(Format::Function(..)) => return tagged(Map::new(), input),
        None => types(&rules),
    };
    let mut schema = Map::new();
    match types.as_slice() {
        [] => {}
        [one] => {
            schema.insert("type".into(), (*one).into());
        }
        several => {
            schema.insert("type".into(), json!(several));
        }
    }
    for (name, args) in &rules {
        apply(&mut schema, &types, name, args);
    }
    tagged(schema, input)
}

/// What the schema of a type asks of a value beyond the type, in the words of validators.
pub(super) fn asked(schema: &Value) -> Vec<String> {
    let Some(map) = schema.as_object() else {
        return Vec::new();
    };
    let get = |key: &str| {
        let bound = map
            .get(key)
            .filter(|bound| !is_of_its_type(map, key, bound));
        bound.and_then(Value::as_number).map(plain_number)
    };
    let mut asked = Vec::new();
    for (low, high) in [
        ("minimum", "maximum"),
        ("minLength", "maxLength"),
        ("minItems", "maxItems"),
    ] {
        match (get(low), get(high)) {
            (Some(low), Some(high)) => asked.push(format!("between:{low},{high}")),
            (Some(low), None) => asked.push(format!("min:{low}")),
            (None, Some(high)) => asked.push(format!("max:{high}")),
            (None, None) => {}
        }
    }
    for (key, name) in [
        ("exclusiveMinimum", "above"),
        ("exclusiveMaximum", "below"),
        ("multipleOf", "multiple of"),
    ] {
        asked.extend(get(key).map(|bound| format!("{name}:{bound}")));
    }
    match map.get("format").and_then(Value::as_str) {
        Some("email") => asked.push("email".into()),
        Some("uri") => asked.push("url".into()),
        Some("ip" | "ipv4" | "ipv6") => asked.push("ip".into()),
        Some(format @ ("date" | "time" | "date-time" | "uuid" | "duration")) => {
            asked.push(format.into());
        }
        _ => {}
    }
    let pattern = map.get("pattern").and_then(Value::as_str);
    asked.extend(pattern.map(|pattern| format!("regex:{pattern}")));
    asked
}

/// Keeps the validators as they were declared, for tools that know them.
fn tagged(mut schema: Map<String, Value>, input: &Input) -> Value {
    if !input.validators().is_empty() {
        schema.insert("x-stellar-validators".into(), json!(input.validators()));
    }
    if input.is_secret() {
        schema.insert("format".into(), "password".into());
        schema.insert("writeOnly".into(), true.into());
    }
    Value::Object(schema)
}

/// A text for the descriptions of documents, which tools show as Markdown: without HTML.
pub(super) fn prose(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The text that [`prose`] was made of.
pub(super) fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&amp;", "&")
}

/// A schema with what it is for, and with the value that calls without it have.
pub(super) fn described(mut schema: Value, text: &str, default: Option<&Value>) -> Value {
    if let Some(map) = schema.as_object_mut() {
        if !text.is_empty() {
            map.insert("description".into(), prose(text).into());
        }
        if let Some(default) = default {
            map.insert("default".into(), default.clone());
        }
    }
    schema
}

/// The schema of the parameters of a call: its inputs and nothing of how the action is named.
pub(super) fn object(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| (field.name.clone(), field.schema.clone()))
        .collect();
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name.as_str())
        .collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// Returns `true` unless a value is an object, or has objects in it.
pub(super) fn is_flat(schema: &Value) -> bool {
    let is = |name: &str| {
        let kind = schema.get("type");
        kind.is_some_and(|kind| {
            kind == name
                || kind
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| one == name))
        })
    };
    if schema.get("enum").is_some() {
        return true;
    }
    if is("array") {
        let items = list(schema, "prefixItems")
            .iter()
            .chain(schema.get("items"));
        return items
            .into_iter()
            .all(|item| !item.is_object() || is_scalar(item));
    }
    is_scalar(schema)
}

fn is_scalar(schema: &Value) -> bool {
    const SCALARS: [&str; 5] = ["string", "integer", "number", "boolean", "null"];
    let is_one = |name: &Value| SCALARS.iter().any(|scalar| name == scalar);
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().all(is_one),
        Some(name) => is_one(name),
        None => schema.get("enum").is_some(),
    }
}

/// The schema of values like an example.
pub(super) fn like(example: &Value) -> Value {
    match example {
        Value::Null => json!({}),
        Value::Bool(_) => json!({ "type": "boolean" }),
        Value::Number(_) => json!({ "type": "number" }),
        Value::String(_) => json!({ "type": "string" }),
        Value::Array(list) => match list.as_slice() {
            // Items of several kinds say nothing of the next one.
            [first, rest @ ..] if rest.iter().all(|item| like(item) == like(first)) => {
                json!({ "type": "array", "items": like(first) })
            }
            _ => json!({ "type": "array", "items": {} }),
        },
        Value::Object(map) => {
            let properties: Map<String, Value> = map
                .iter()
                .map(|(key, value)| (key.clone(), like(value)))
                .collect();
            json!({ "type": "object", "properties": properties })
        }
    }
}

/// An example of what an action returns as its response has it: an object's own fields, and any
/// other value in `data`.
pub(super) fn fields_of(example: &Value) -> Value {
    if example.is_object() {
        example.clone()
    } else {
        json!({ "data": example })
    }
}

/// What the validators let through, where no format says it.
fn types(rules: &[Rule<'_>]) -> Vec<&'static str> {
    let has = |names: &[&str]| rules.iter().any(|(name, _)| names.contains(name));
    if has(&["array"]) {
        vec!["array"]
    } else if has(&["boolean"]) {
        vec!["boolean"]
    } else if has(&["integer"]) {
        vec!["integer"]
    } else if has(&["numeric"]) {
        vec!["number"]
    } else if has(&[
        "alpha",
        "alpha_dash",
        "alpha_num",
        "email",
        "ip",
        "json",
        "regex",
        "url",
    ]) {
        vec!["string"]
    } else if has(&["date", "after", "before"]) {
        // A text, or the milliseconds of JavaScript.
        vec!["string", "number"]
    } else if has(&["min", "max", "between", "size"]) {
        vec!["string", "number", "array"]
    } else {
        Vec::new()
    }
}

fn apply(schema: &mut Map<String, Value>, types: &[&str], name: &str, args: &str) {
    let takes = |name: &str| types.is_empty() || types.contains(&name);
    let mut texts = |key: &str, value: Value| {
        if takes("string") {
            // Of two of a kind, such as two expressions, the second goes beside the first.
            if schema.contains_key(key) {
                let all = schema.entry("allOf").or_insert_with(|| json!([]));
                if let Some(all) = all.as_array_mut() {
                    all.push(json!({ key: value }));
                }
            } else {
                schema.insert(key.to_owned(), value);
            }
        }
    };
    match name {
        "alpha" => texts("pattern", "^[A-Za-z]*$".into()),
        "alpha_dash" => texts("pattern", "^[A-Za-z0-9_-]*$".into()),
        "alpha_num" => texts("pattern", "^[A-Za-z0-9]*$".into()),
        "regex" => {
            if let Some(pattern) = pattern::portable(args) {
                texts("pattern", pattern.into());
            }
        }
        "email" => texts("format", "email".into()),
        "url" => texts("format", "uri".into()),
        "ip" => texts("anyOf", json!([{ "format": "ipv4" }, { "format": "ipv6" }])),
        "json" => texts("contentMediaType", "application/json".into()),
        "filled" => texts("minLength", 1.into()),
        "in" => {
            schema.insert("enum".into(), Value::Array(values(types, args)));
        }
        "not_in" => {
            schema.insert("not".into(), json!({ "enum": values(types, args) }));
        }
        "min" => bound(schema, types, numbers(args).next(), None),
        "max" => bound(schema, types, None, numbers(args).next()),
        "size" => {
            let size = numbers(args).next();
            bound(schema, types, size, size);
        }
        "between" => {
            let mut numbers = numbers(args);
            let least = numbers.next();
            bound(schema, types, least, numbers.next());
        }
        _ => {}
    }
}

fn numbers(args: &str) -> impl Iterator<Item = f64> {
    args.split(',').filter_map(|arg| arg.trim().parse().ok())
}

/// The bounds of a size: of a number itself, of a text's length, of a list's items. Each keyword
/// judges its own type only.
fn bound(schema: &mut Map<String, Value>, types: &[&str], least: Option<f64>, most: Option<f64>) {
    let is = |name: &str| types.contains(&name);
    let count = |value: f64| json!(value.clamp(0.0, 9_007_199_254_740_991.0) as u64);
    let keys = [
        (is("number") || is("integer"), "minimum", "maximum"),
        (is("string"), "minLength", "maxLength"),
        (is("array"), "minItems", "maxItems"),
    ];
    for (_, low, high) in keys.into_iter().filter(|(wanted, ..)| *wanted) {
        let whole = low != "minimum";
        if let Some(least) = least {
            let value = if whole {
                count(least.ceil())
            } else {
                number(least)
            };
            schema.insert(low.into(), value);
        }
        if let Some(most) = most {
            let value = if whole {
                count(most.floor())
            } else {
                number(most)
            };
            schema.insert(high.into(), value);
        }
    }
}

/// A number, without a fraction when it has none.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

/// The values that a list of texts stands for: the server compares what it got as a text.
fn values(types: &[&str], args: &str) -> Vec<Value> {
    let is = |name: &str| types.contains(&name);
    let mut values: Vec<Value> = Vec::new();
    for arg in args.split(',').map(str::trim) {
        let parsed = serde_json::from_str::<Value>(arg)
            .ok()
            .filter(|value| serde_json::to_string(value).is_ok_and(|text| text == arg));
        let fits = |value: &Value| match value {
            Value::Number(_) => types.is_empty() || is("number") || is("integer"),
            Value::Bool(_) => types.is_empty() || is("boolean"),
            _ => false,
        };
        let text = (types.is_empty() || is("string")).then(|| Value::from(arg));
        for value in text.into_iter().chain(parsed.filter(fits)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    values
}
