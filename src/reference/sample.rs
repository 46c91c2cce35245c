//! Values to show: what a call could look like.

use serde_json::{Map, Value, json};

use super::{
    catalog::{Entry, Field},
    schema,
};

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
    let get = |key: &str| field.schema.get(key);
    if let Some(value) = field.default.as_ref() {
        return value.clone();
    }
    if let Some(value) = get("enum").and_then(|list| list.get(0)) {
        return value.clone();
    }
    let kind = match get("type") {
        Some(Value::Array(types)) => types.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => None,
    };
    match kind {
        Some("integer" | "number") => {
            let one = json!(1);
            let low = get("minimum").and_then(Value::as_f64);
            let high = get("maximum").and_then(Value::as_f64);
            match (low, high) {
                (Some(low), _) if low > 1.0 => get("minimum").cloned().unwrap_or(one),
                (_, Some(high)) if high < 1.0 => get("maximum").cloned().unwrap_or(one),
                _ => one,
            }
        }
        Some("boolean") => true.into(),
        Some("array") => {
            let least = get("minItems").and_then(Value::as_u64).unwrap_or(0);
            (1..=least.min(MOST)).map(Value::from).collect()
        }
        _ => text(field).into(),
    }
}

/// Whether that value is right for sure: no expression has to match, and no value is forbidden.
pub(super) fn is_certain(field: &Field) -> bool {
    let uncertain = ["regex", "not_in", "after", "before", "different", "same"];
    let is_own = field.format.is_some() && field.schema.get("type").is_none();
    let within = |key: &str, most: u64| {
        let size = field.schema.get(key).and_then(Value::as_u64);
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
    let size = |key: &str| {
        let size = field.schema.get(key).and_then(Value::as_u64);
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
