//! Values to show: what a call could look like.

use serde_json::{Map, Value, json};

use super::{
    catalog::{Entry, Field},
    schema,
};
use crate::actions::{TypeSchema, list, requires};

/// A value to show.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) value: Value,
    /// Whether the schema lets it through for sure.
    pub(super) certain: bool,
}

/// Parameters of a call: those that it must have, and the version when it must ask for one.
pub(super) fn params(entry: &Entry) -> Map<String, Value> {
    let mut params = Map::new();
    params.insert("action".into(), entry.action.name().into());
    if entry.needs_version() {
        params.insert("apiVersion".into(), entry.action.version().into());
    }
    params.extend(inputs(entry));
    params
}

/// The inputs that a call must have.
pub(super) fn inputs(entry: &Entry) -> Map<String, Value> {
    let required = entry.fields.iter().filter(|field| field.required);
    required
        .map(|field| (field.name.clone(), value(field)))
        .collect()
}

/// A value that the field's schema lets through, where that can be found without a search.
pub(super) fn value(field: &Field) -> Value {
    let get = |key: &str| field.shown.get(key);
    if let Some(value) = field.default.as_ref() {
        return value.clone();
    }
    if let Some(sample) = &field.sample {
        return sample.value.clone();
    }
    if let Some(value) = get("enum").and_then(|list| list.get(0)) {
        return value.clone();
    }
    match kind(&field.shown) {
        Some("integer" | "number") => number(&field.shown),
        Some("boolean") => true.into(),
        Some("array") => {
            let least = get("minItems").and_then(Value::as_u64).unwrap_or(0);
            (1..=least.min(MOST)).map(Value::from).collect()
        }
        _ => text(field).into(),
    }
}

fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::Array(types) => types.first().and_then(Value::as_str),
        kind => kind.as_str(),
    }
}

/// One, or the bound that is nearest to it.
fn number(schema: &Value) -> Value {
    let get = |key: &str| schema.get(key);
    let one = json!(1);
    let low = get("minimum").and_then(Value::as_f64);
    let high = get("maximum").and_then(Value::as_f64);
    match (low, high) {
        (Some(low), _) if low > 1.0 => get("minimum").cloned().unwrap_or(one),
        (_, Some(high)) if high < 1.0 => get("maximum").cloned().unwrap_or(one),
        _ => one,
    }
}

/// A value of a type: of an object what it must have, of a union the first case.
pub(super) fn of_schema(types: &TypeSchema, schema: &Value) -> Sample {
    let mut certain = true;
    let value = of_type(types, schema, 0, &mut certain);
    Sample { value, certain }
}

fn of_type(types: &TypeSchema, schema: &Value, depth: usize, certain: &mut bool) -> Value {
    if depth > 12 {
        // A type that has no end but in values that are optional.
        *certain = false;
        return Value::Null;
    }
    let shown = types.shown(schema);
    let get = |key: &str| shown.get(key);
    let examples = list(&shown, "examples").first();
    if let Some(value) = examples.or_else(|| get("default")).or_else(|| get("const")) {
        return value.clone();
    }
    if let Some(value) = list(&shown, "enum").first() {
        return value.clone();
    }
    let mut value = match kind(&shown) {
        Some("integer" | "number") => {
            *certain &= ["multipleOf", "exclusiveMinimum", "exclusiveMaximum"]
                .iter()
                .all(|key| get(key).is_none());
            number(&shown)
        }
        Some("boolean") => true.into(),
        Some("null") => Value::Null,
        Some("string") => of_text(&shown, certain),
        Some("array") => {
            let first = list(&shown, "prefixItems");
            let least = get("minItems").and_then(Value::as_u64).unwrap_or(0);
            *certain &= least <= MOST;
            let count = first
                .len()
                .max(usize::try_from(least.min(MOST)).unwrap_or(0));
            let any = Value::Bool(true);
            (0..count)
                .map(|n| first.get(n).or(get("items")).unwrap_or(&any))
                .map(|item| of_type(types, item, depth + 1, certain))
                .collect()
        }
        Some("object") => Value::Object(Map::new()),
        _ if get("properties").is_some() => Value::Object(Map::new()),
        _ => {
            let cases = ["oneOf", "anyOf", "allOf", "$ref"];
            if cases.iter().all(|key| get(key).is_none()) {
                *certain &= shown == true || shown.as_object().is_some_and(Map::is_empty);
            }
            Value::Null
        }
    };
    let fields = get("properties").and_then(Value::as_object);
    if let Some(map) = value.as_object_mut() {
        for (name, schema) in fields.into_iter().flatten() {
            if requires(&shown, name) {
                map.insert(name.clone(), of_type(types, schema, depth + 1, certain));
            }
        }
    }
    let mut join = |part: &Value| {
        let part = of_type(types, part, depth + 1, certain);
        match (&mut value, part) {
            (Value::Object(map), Value::Object(more)) => map.extend(more),
            (value @ Value::Null, part) => *value = part,
            _ => {}
        }
    };
    for key in ["oneOf", "anyOf"] {
        list(&shown, key).iter().take(1).for_each(&mut join);
    }
    list(&shown, "allOf").iter().for_each(&mut join);
    value
}

fn of_text(schema: &Value, certain: &mut bool) -> Value {
    let format = schema.get("format").and_then(Value::as_str);
    *certain &= schema.get("pattern").is_none();
    let bounded = ["minLength", "maxLength"]
        .iter()
        .any(|key| schema.get(key).is_some());
    let text = match format {
        Some("email") => "ann@example.com",
        Some("uri") => "https://example.com/",
        Some("ip" | "ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("uuid") => "67e55044-10b1-426f-9247-bb680e5fe0c8",
        Some("date") => "2030-01-31",
        Some("time") => "22:00:00",
        Some("date-time") => "2030-01-31T22:00:00Z",
        Some(_) => {
            *certain = false;
            "text"
        }
        None => {
            let least = schema.get("minLength").and_then(Value::as_u64);
            *certain &= least.is_none_or(|least| least <= LONGEST as u64);
            return of_length(schema).into();
        }
    };
    *certain &= !bounded;
    text.into()
}

/// Whether that value is right for sure: no expression has to match, and no value is forbidden.
pub(super) fn is_certain(field: &Field) -> bool {
    if let Some(sample) = &field.sample {
        return sample.certain;
    }
    let uncertain = ["regex", "not_in", "after", "before", "different", "same"];
    let is_own = field.format.is_some() && field.shown.get("type").is_none();
    let within = |key: &str, most: u64| {
        let size = field.shown.get(key).and_then(Value::as_u64);
        size.is_none_or(|size| size <= most)
    };
    !is_own
        && !has(field, &uncertain)
        && within("minLength", LONGEST as u64)
        && within("minItems", MOST)
}

fn has(field: &Field, names: &[&str]) -> bool {
    let mut rules = field.rules.iter().flat_map(|rules| schema::split(rules));
    rules.any(|(name, _)| names.contains(&name))
}

/// Longer texts, and more items, than anyone reads are not shown.
const LONGEST: usize = 80;
const MOST: u64 = 20;

fn text(field: &Field) -> String {
    let rule = |names: &[&str]| has(field, names);
    if rule(&["email"]) {
        return "ann@example.com".into();
    }
    if rule(&["url"]) {
        return "https://example.com/".into();
    }
    if rule(&["ip"]) {
        return "192.0.2.1".into();
    }
    if rule(&["json"]) {
        return "{}".into();
    }
    if rule(&["date", "after", "before"]) {
        return "2030-01-31".into();
    }
    of_length(&field.shown)
}

/// A text that is neither too short nor too long.
fn of_length(schema: &Value) -> String {
    let size = |key: &str| {
        let size = schema.get(key).and_then(Value::as_u64);
        size.and_then(|size| usize::try_from(size).ok())
    };
    let least = size("minLength").unwrap_or(0).min(LONGEST);
    let most = size("maxLength").unwrap_or(usize::MAX);
    "text"
        .chars()
        .cycle()
        .take(least.max(most.min(4)))
        .collect()
}
