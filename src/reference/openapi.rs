//! OpenAPI 3.1 of the API over HTTP.

use std::collections::HashSet;

use http::Method;
use serde_json::{Map, Value, json};

mod calls;

use self::calls::{answers_to, by_name};
use super::{
    catalog::{Catalog, Entry, Field, Params},
    sample, schema,
    types::beside,
    words,
};
use crate::actions::Route;

/// The document.
pub(super) fn render(catalog: &Catalog<'_>) -> Value {
    let settings = catalog.settings;
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": settings.name,
            "version": settings.api_version,
            "description": "The actions of this server over HTTP. Parameters come from the query, \
                then from the body, which counts more; PUT, PATCH and DELETE work as POST does. \
                Numbers and booleans of a query or a form are texts, and read as what they are \
                meant to be.",
        },
        // Beside this document's folder, wherever the server is mounted.
        "servers": [{ "url": "..", "description": "This server" }],
        "tags": tags(catalog),
        "paths": paths(catalog),
        "components": {
            "schemas": schemas(catalog),
            "responses": responses(),
        },
    });
    drop_unused(&mut document);
    if let Some(cookie) = &settings.session_cookie {
        document["components"]["securitySchemes"] = json!({
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": cookie,
                "description": "The session. A call without one gets one; x-sessionid shows its fingerprint",
            },
        });
        document["security"] = json!([{}, { "session": [] }]);
    } else {
        document["security"] = json!([]);
    }
    document
}

/// Takes out the components that no path leads to, such as those of actions without inputs.
fn drop_unused(document: &mut Value) {
    let mut used = HashSet::new();
    let mut left = vec![&document["paths"]];
    while let Some(next) = left.pop() {
        match next {
            Value::Object(map) => {
                let target = map.get("$ref").and_then(Value::as_str);
                // Names of components need no escapes.
                if let Some(pointer) = target.and_then(|target| target.strip_prefix('#'))
                    && used.insert(pointer.to_owned())
                {
                    left.extend(document.pointer(pointer));
                }
                left.extend(map.values());
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    for kind in ["schemas", "responses"] {
        if let Some(components) = document["components"][kind].as_object_mut() {
            components.retain(|name, _| used.contains(&format!("/components/{kind}/{name}")));
        }
    }
}

/// The tag of actions that are in no group.
const UNGROUPED: &str = "actions";

fn tag(entry: &Entry) -> &str {
    entry.action.group_name().unwrap_or(UNGROUPED)
}

fn tags(catalog: &Catalog<'_>) -> Vec<Value> {
    let mut names: Vec<&str> = catalog
        .entries
        .iter()
        .filter(|e| over_http(e))
        .map(tag)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| json!({ "name": name, "description": about_tag(name) }))
        .collect()
}

fn about_tag(name: &str) -> String {
    if name == UNGROUPED {
        "Actions".into()
    } else {
        format!("Actions of the group {}", schema::prose(name))
    }
}

fn over_http(entry: &Entry) -> bool {
    !entry.action.is_blocked("http")
}

fn paths(catalog: &Catalog<'_>) -> Value {
    let api = catalog.settings.api_path.trim_end_matches('/');
    let mut paths = Map::new();
    for entry in catalog.entries.iter().filter(|entry| over_http(entry)) {
        let name = entry.action.name();
        let path = format!("/{}", encode(name));
        // Every version has the same path, and is described there once.
        let first = catalog
            .versions_of(name)
            .into_iter()
            .find(|entry| over_http(entry));
        let is_first = first.is_some_and(|first| std::ptr::eq(first, entry));
        let hidden = catalog.routes.iter().any(|route| route.covers(&path));
        if name.is_empty() || hidden || !is_first {
            continue;
        }
        let mut versions = catalog.versions_of(name);
        versions.retain(|entry| over_http(entry));
        let item = by_name(catalog, entry, &versions);
        paths.insert(format!("{api}{path}"), item);
    }
    for route in catalog.routes {
        declared(catalog, api, route, &mut paths);
    }
    Value::Object(paths)
}

/// Whether a query can hold all that a call needs: it has no word for an object.
fn fits_query(fields: &[Field]) -> bool {
    fields.iter().all(|field| !field.required || is_flat(field))
}

/// The fields that a query can hold.
fn of_query<'a>(fields: impl IntoIterator<Item = &'a Field>) -> impl Iterator<Item = &'a Field> {
    fields.into_iter().filter(|field| is_flat(field))
}

fn is_flat(field: &Field) -> bool {
    // What is declared by hand may be converted from any text.
    field.sample.is_none() || schema::is_flat(&field.shown)
}

/// Where nothing is declared, a call may have any parameter.
fn anything(entry: &Entry) -> Option<Value> {
    matches!(entry.params, Params::Open).then(|| {
        json!({
            "name": "parameters",
            "in": "query",
            "required": false,
            "description": "Any parameters: the action declares none",
            "style": "form",
            "explode": true,
            "schema": { "type": "object", "additionalProperties": true },
        })
    })
}

fn in_query(field: &Field) -> Value {
    json!({
        "name": field.name,
        "in": "query",
        "required": field.required,
        "description": schema::prose(&field.description),
        "schema": schema::described(field.schema.clone(), "", None),
    })
}

fn body(schema: &Value, entry: &Entry, fields: &[Field]) -> Value {
    let required = || fields.iter().filter(|field| field.required);
    let mut json_body = json!({ "schema": schema });
    if required().all(sample::is_certain) {
        let mut example: Map<String, Value> = required()
            .map(|field| (field.name.clone(), sample::value(field)))
            .collect();
        if entry.needs_version() {
            example.insert("apiVersion".into(), entry.action.version().into());
        }
        json_body["example"] = example.into();
    }
    json!({
        "required": required().next().is_some() || entry.needs_version(),
        "content": {
            "application/json": json_body,
            "application/x-www-form-urlencoded": { "schema": schema },
            "multipart/form-data": { "schema": schema },
        },
    })
}

fn operation(entry: &Entry, id: &str) -> Value {
    let action = &entry.action;
    let answers = if action.renders() {
        let answer = json!({ "$ref": "#/components/schemas/answer" });
        let mut content = match &entry.answer {
            Some(fields) => {
                let fields = beside(fields, &["serverInformation", "requesterInformation"]);
                json!({ "schema": { "allOf": [fields, answer] } })
            }
            None => json!({ "schema": answer }),
        };
        if let Some(example) = &entry.example {
            content["example"] = answered(example.clone());
        }
        if entry.gives_file {
            json!({ "200": { "description": "The file", "content": { "*/*": {} } } })
        } else {
            json!({ "200": {
                "description": "What the action gave, and what every answer tells besides",
                "content": { "application/json": content },
            } })
        }
    } else {
        json!({ "204": { "description": "It was called; the action answers nothing" } })
    };
    let mut operation = json!({
        "operationId": id,
        "summary": summary(entry),
        "description": schema::prose(action.description()),
        "tags": [tag(entry)],
        "responses": answers,
    });
    for (status, name) in [
        ("400", "refused"),
        ("404", "unknown"),
        ("413", "tooLong"),
        ("415", "unreadable"),
        ("500", "fault"),
        ("503", "stopping"),
    ] {
        operation["responses"][status] =
            json!({ "$ref": format!("#/components/responses/{name}") });
    }
    operation
}

fn summary(entry: &Entry) -> String {
    match entry.action.name() {
        "" => "(an action without a name)".into(),
        name => name.to_owned(),
    }
}

/// A declared route, with every method it answers to.
fn declared(catalog: &Catalog<'_>, api: &str, route: &Route, paths: &mut Map<String, Value>) {
    let Some(entry) = catalog
        .default_of(route.action())
        .filter(|entry| over_http(entry))
    else {
        return;
    };
    // Of routes of one shape, the first gives the names of the path's parameters.
    let first = catalog
        .routes
        .iter()
        .find(|first| first.same_shape(route))
        .unwrap_or(route);
    let item = paths
        .entry(format!("{api}{}", first.path()))
        .or_insert_with(|| json!({}));
    let names: Vec<&str> = route.parameters().collect();
    let in_path: Vec<Value> = names
        .iter()
        .zip(first.parameters())
        .map(|(name, shown)| {
            let field = entry.fields.iter().find(|field| field.name == *name);
            let schema = field.map_or_else(|| json!({ "type": "string" }), |f| f.schema.clone());
            let about = field.map_or("", |field| field.description.as_str());
            json!({
                "name": shown, "in": "path", "required": true,
                "description": schema::prose(about), "schema": schema,
            })
        })
        .collect();
    let others = || {
        entry
            .fields
            .iter()
            .filter(|field| !names.contains(&field.name.as_str()))
    };
    let methods = match route.method() {
        Some(method) => vec![method.clone()],
        None => vec![
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ],
    };
    let by_route = route.method().is_some();
    for method in methods {
        if !answers_to(catalog, entry, method.as_str(), by_route) {
            continue;
        }
        let name = method.as_str().to_ascii_lowercase();
        let place = encode(first.path()).replace('%', ".");
        let mut operation = operation(entry, &format!("route.{name}.{place}"));
        let mut parameters = in_path.clone();
        let takes_body = !matches!(method, Method::GET | Method::DELETE);
        let fields: Vec<Field> = others().cloned().collect();
        if takes_body && matches!(entry.params, Params::Open) {
            operation["requestBody"] = body(&json!({ "type": "object" }), entry, &[]);
        } else if takes_body && !fields.is_empty() {
            operation["requestBody"] = body(&schema::object(&fields), entry, &fields);
        } else {
            parameters.extend(anything(entry));
            parameters.extend(of_query(others()).map(in_query));
        }
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        item[name] = operation;
    }
}

fn schemas(catalog: &Catalog<'_>) -> Value {
    let mut schemas = json!({
        "answer": {
            "type": "object",
            "required": ["serverInformation", "requesterInformation"],
            "properties": {
                "serverInformation": {
                    "type": "object",
                    "required": ["serverName", "apiVersion", "requestDuration", "currentTime"],
                    "properties": {
                        "serverName": { "type": "string" },
                        "apiVersion": { "type": "string" },
                        "requestDuration": { "type": "integer", "description": "Milliseconds" },
                        "currentTime": {
                            "type": "integer",
                            "description": "Milliseconds since 1970",
                        },
                    },
                },
                "requesterInformation": {
                    "type": "object",
                    "required": ["id", "fingerprint", "remoteIP", "receivedParams"],
                    "properties": {
                        "id": { "type": "string" },
                        "fingerprint": { "type": ["string", "null"] },
                        "remoteIP": { "type": ["string", "null"] },
                        "receivedParams": { "type": "object" },
                    },
                },
            },
        },
        "failure": {
            "allOf": [
                { "$ref": "#/components/schemas/answer" },
                {
                    "type": "object",
                    "required": ["error"],
                    "properties": { "error": { "$ref": "#/components/schemas/anyError" } },
                },
            ],
        },
        "anyError": words::shared_schemas()["anyError"],
    });
    for entry in catalog.entries.iter().filter(|entry| over_http(entry)) {
        schemas[entry.id.as_str()] = entry.schema();
    }
    for (name, schema) in &catalog.types.components {
        schemas[name.as_str()] = schema.clone();
    }
    schemas
}

fn responses() -> Value {
    let failure = |text: &str, error: Value| {
        json!({
            "description": text,
            "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/failure" },
                "example": answered(json!({ "error": error })),
            } },
        })
    };
    json!({
        "refused": failure(
            "An error of the action, wrong inputs, or a body that cannot be read",
            json!({ "name": "The name field is required." }),
        ),
        "unknown": failure(
            "No such action, or not in that version",
            json!(crate::StellarError::unknown_action("A")),
        ),
        "tooLong": failure("The body is too long", json!("The body is too long")),
        "unreadable": failure("A body of another type", json!("Bodies of this type are not read")),
        "fault": failure("A fault of the server", json!(crate::StellarError::internal())),
        "stopping": failure(
            "The server is shutting down",
            json!(crate::StellarError::shutting_down()),
        ),
    })
}

/// An example's fields with those that every answer has.
fn answered(mut fields: Value) -> Value {
    fields["serverInformation"] = json!({
        "serverName": "stellarfw",
        "apiVersion": "1",
        "requestDuration": 1,
        "currentTime": 1_767_225_600_000_u64,
    });
    fields["requesterInformation"] = json!({
        "id": "fAqJ064rtKLs5oBXTR8lNQ",
        "fingerprint": null,
        "remoteIP": "192.0.2.1",
        "receivedParams": {},
    });
    fields
}

/// A text as one segment of a path.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
