//! The operations of actions that are called by their names.

use serde_json::{Map, Value, json};

use super::{anything, body, fits_query, in_query, of_query, operation};
use crate::reference::catalog::{Catalog, Entry, Params};

/// The operations of an action called by its name. PUT, PATCH and DELETE work as POST does, and are
/// listed where they are declared.
pub(super) fn by_name(catalog: &Catalog<'_>, entry: &Entry, versions: &[&Entry]) -> Value {
    let has = |method: &str| {
        versions
            .iter()
            .any(|entry| answers_to(catalog, entry, method, false))
    };
    let is_declared = versions
        .iter()
        .any(|entry| entry.action.declared_methods().is_some());
    let is_restricted = is_declared || !catalog.settings.action_methods.is_empty();
    let mut item = Map::new();
    if has("GET") && (fits_query(&entry.fields) || (is_restricted && !has("POST"))) {
        item.insert("get".into(), get(entry, versions));
    }
    let with_body = match is_restricted {
        true => &["POST", "PUT", "PATCH", "DELETE"][..],
        false => &["POST"],
    };
    for method in with_body.iter().filter(|method| has(method)) {
        let name = method.to_ascii_lowercase();
        let mut operation = post(entry, versions);
        if *method != "POST" {
            operation["operationId"] = format!("{name}.{}", entry.id).into();
        }
        item.insert(name, operation);
    }
    Value::Object(item)
}

/// Returns `true` if calls of an action by a method are answered; `by_route` says that a route declares
/// the method.
pub(super) fn answers_to(
    catalog: &Catalog<'_>,
    entry: &Entry,
    method: &str,
    by_route: bool,
) -> bool {
    let allowed = match entry.action.declared_methods() {
        Some(methods) => methods,
        None if by_route || catalog.settings.action_methods.is_empty() => return true,
        None => &catalog.settings.action_methods,
    };
    allowed.iter().any(|own| own.eq_ignore_ascii_case(method))
}

/// An action called by its name, with its parameters in the query.
fn get(entry: &Entry, versions: &[&Entry]) -> Value {
    let mut parameters: Vec<Value> = of_query(&entry.fields).map(in_query).collect();
    parameters.extend(anything(entry));
    parameters.extend(version_parameter(versions));
    let mut operation = operation(entry, &format!("get.{}", entry.id));
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    operation
}

/// An action called by its name, with its parameters in the body.
fn post(entry: &Entry, versions: &[&Entry]) -> Value {
    let mut operation = operation(entry, &entry.id);
    let schemas: Vec<Value> = versions.iter().map(|entry| of_version(entry)).collect();
    let schema = match schemas.as_slice() {
        [one] => one.clone(),
        _ => json!({ "anyOf": schemas }),
    };
    let takes_none = matches!(entry.params, Params::Fields) && entry.fields.is_empty();
    if !takes_none || versions.len() > 1 {
        operation["requestBody"] = body(&schema, entry, &entry.fields);
    }
    operation
}

/// The schema of a version's parameters, the version itself among them where it tells one apart.
fn of_version(entry: &Entry) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{}", entry.id) });
    if !entry.has_versions && entry.is_default {
        return schema;
    }
    let mut version = json!({
        "type": "object",
        "properties": { "apiVersion": { "const": entry.action.version() } },
    });
    if entry.needs_version() {
        version["required"] = json!(["apiVersion"]);
    }
    json!({ "allOf": [schema, version] })
}

fn version_parameter(versions: &[&Entry]) -> Option<Value> {
    if versions.len() < 2 && versions.iter().all(|entry| entry.is_default) {
        return None;
    }
    let numbers: Vec<u32> = versions
        .iter()
        .map(|entry| entry.action.version())
        .collect();
    let required = versions.iter().all(|entry| entry.needs_version());
    Some(json!({
        "name": "apiVersion",
        "in": "query",
        "required": required,
        "description": "The version of the action; the newest when there is none",
        "schema": { "type": "integer", "enum": numbers },
    }))
}
