//! AsyncAPI 3.0 of the messages.

use serde_json::{Map, Value, json};

use super::{
    catalog::{Catalog, Entry},
    sample,
    source::Channel,
    types::{beside, draft7},
    words::{self, Push, Verb},
};

/// The document.
pub(super) fn render(catalog: &Catalog<'_>) -> Value {
    let settings = catalog.settings;
    let mime = match settings.parser.as_str() {
        "msgpack" => "application/vnd.msgpack",
        _ => "application/json",
    };
    let room = catalog.example_room();
    let (verbs, mut pushes) = (words::verbs(room), words::pushes(room));
    pushes.retain(|push| push.name != "welcome" || settings.has_welcome);
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": settings.name,
            "version": settings.api_version,
            "description": "What clients and the server say to each other over a connection. \
                A response tells by messageCount which message of its connection it answers, \
                counted from 1; a messageId comes back as it was sent.",
        },
        "defaultContentType": mime,
        "servers": servers(catalog),
        "channels": {},
        "operations": {},
        "components": {
            "schemas": schemas(catalog),
            "messages": messages(catalog, &verbs, &pushes),
        },
    });
    for channel in catalog.channels {
        let key = key(channel);
        document["channels"][&key] = describe(channel, catalog, &verbs, &pushes);
        for (name, operation) in operations(&key, channel, catalog, &verbs, &pushes) {
            document["operations"][format!("{key}.{name}")] = operation;
        }
    }
    document
}

fn key(channel: &Channel) -> String {
    if channel.is_primary {
        "primus".into()
    } else {
        channel
            .transport
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_")
    }
}

fn servers(catalog: &Catalog<'_>) -> Value {
    let server = |protocol: &str| {
        json!({
            "host": "{host}",
            "protocol": protocol,
            "description": "Where this document comes from",
            "variables": { "host": { "default": "localhost:8080" } },
        })
    };
    if catalog.channels.is_empty() {
        return json!({});
    }
    json!({ "plain": server("ws"), "encrypted": server("wss") })
}

fn is_offered(entry: &Entry, channel: &Channel) -> bool {
    !entry.action.is_blocked(channel.transport)
}

fn describe(channel: &Channel, catalog: &Catalog<'_>, verbs: &[Verb], pushes: &[Push]) -> Value {
    let mut messages = Map::new();
    let mut add = |name: &str| {
        let message = json!({ "$ref": format!("#/components/messages/{name}") });
        messages.insert(name.to_owned(), message);
    };
    for verb in verbs {
        add(verb.name);
        if answers(verb) {
            add(&format!("response.{}", verb.name));
        }
    }
    for entry in catalog
        .entries
        .iter()
        .filter(|entry| is_offered(entry, channel))
    {
        add(&entry.id);
        add(&format!("response.{}", entry.id));
    }
    for push in pushes {
        add(&format!("push.{}", push.name));
    }
    let mut described = json!({
        "address": channel.path,
        "title": format!("Connections over {}", channel.transport),
        "description": format!(
            "One message is one payload of the engine {}, in the codec {}.",
            channel.transport, catalog.settings.parser,
        ),
        "messages": messages,
    });
    if let Some(cookie) = &catalog.settings.session_cookie {
        described["bindings"] = json!({ "ws": {
            "method": "GET",
            "query": {
                "type": "object",
                "properties": { cookie: {
                    "type": "string",
                    "description": "The session; without it that of the cookie of this name",
                } },
            },
        } });
    }
    described
}

/// Whether a verb has a response.
fn answers(verb: &Verb) -> bool {
    verb.name != "quit"
}

fn operations(
    key: &str,
    channel: &Channel,
    catalog: &Catalog<'_>,
    verbs: &[Verb],
    pushes: &[Push],
) -> Vec<(String, Value)> {
    let of_channel = |name: &str| json!({ "$ref": format!("#/channels/{key}/messages/{name}") });
    let this = || json!({ "$ref": format!("#/channels/{key}") });
    let receive = |name: &str, about: &str, answered: bool| {
        let mut operation = json!({
            "action": "receive",
            "channel": this(),
            "summary": about,
            "messages": [of_channel(name)],
        });
        if answered {
            operation["reply"] = json!({
                "channel": this(),
                "messages": [of_channel(&format!("response.{name}"))],
            });
        }
        (name.to_owned(), operation)
    };
    let mut operations = Vec::new();
    for verb in verbs {
        operations.push(receive(verb.name, verb.about, answers(verb)));
    }
    for entry in catalog
        .entries
        .iter()
        .filter(|entry| is_offered(entry, channel))
    {
        operations.push(receive(&entry.id, entry.action.description(), true));
    }
    for push in pushes {
        let name = format!("push.{}", push.name);
        let operation = json!({
            "action": "send",
            "channel": this(),
            "summary": push.about,
            "messages": [of_channel(&name)],
        });
        operations.push((name, operation));
    }
    operations
}

fn schemas(catalog: &Catalog<'_>) -> Value {
    let mut schemas = words::shared_schemas();
    schemas["response"] = json!({
        "type": "object",
        "required": ["context", "messageCount"],
        "properties": {
            "context": { "const": "response" },
            "messageCount": { "type": "integer", "minimum": 1 },
            "messageId": { "description": "That of the request, if it had one" },
        },
    });
    schemas["refusal"] = json!({
        "type": "object",
        "required": ["status", "error"],
        "properties": {
            "status": { "$ref": "#/components/schemas/error" },
            "error": { "$ref": "#/components/schemas/error" },
            "data": { "const": false },
        },
    });
    schemas["failure"] = json!({
        "type": "object",
        "required": ["error"],
        "properties": { "error": { "$ref": "#/components/schemas/anyError" } },
    });
    schemas["content"] = json!({
        "type": "object",
        "required": ["error", "content", "mime", "length"],
        "properties": {
            "error": { "oneOf": [
                { "type": "null" },
                { "$ref": "#/components/schemas/error" },
            ] },
            "content": { "type": ["string", "null"] },
            "encoding": { "const": "base64", "description": "Of a content that is no text" },
            "mime": { "type": "string" },
            "length": { "type": "integer", "description": "Bytes" },
            "lastModified": { "type": "string", "format": "date-time" },
        },
    });
    for entry in &catalog.entries {
        schemas[entry.id.as_str()] = draft7(&entry.schema());
    }
    for (name, schema) in &catalog.types.components {
        schemas[name.as_str()] = draft7(schema);
    }
    schemas
}

fn messages(catalog: &Catalog<'_>, verbs: &[Verb], pushes: &[Push]) -> Value {
    let mut messages = Map::new();
    for verb in verbs {
        let mut properties = json!({ "event": { "const": verb.name }, "messageId": {} });
        let mut required = vec![json!("event")];
        for (name, schema) in verb.fields.as_object().into_iter().flatten() {
            properties[name.as_str()] = schema.clone();
            required.push(name.as_str().into());
        }
        messages.insert(
            verb.name.into(),
            json!({
                "name": verb.name,
                "summary": verb.about,
                "payload": {
                    "type": "object", "required": required, "properties": properties,
                },
                "examples": [{ "payload": verb.example }],
            }),
        );
        if answers(verb) {
            messages.insert(format!("response.{}", verb.name), answer_of(verb));
        }
    }
    for entry in &catalog.entries {
        messages.insert(entry.id.clone(), call_of(entry));
        messages.insert(format!("response.{}", entry.id), response_of(entry));
    }
    for push in pushes {
        messages.insert(
            format!("push.{}", push.name),
            json!({
                "name": push.name,
                "summary": push.about,
                "payload": push.schema,
                "examples": [{ "payload": push.example }],
            }),
        );
    }
    Value::Object(messages)
}

/// The call of an action.
fn call_of(entry: &Entry) -> Value {
    let action = &entry.action;
    let mut named = json!({
        "type": "object",
        "required": ["action"],
        "properties": {
            "action": { "const": action.name() },
            "apiVersion": { "const": action.version() },
        },
    });
    if entry.needs_version() {
        named["required"] = json!(["action", "apiVersion"]);
    }
    let params = json!({ "allOf": [
        { "$ref": format!("#/components/schemas/{}", entry.id) },
        named,
    ] });
    json!({
        "name": entry.id,
        "title": action.name(),
        "summary": action.description(),
        "payload": {
            "type": "object",
            "required": ["event", "params"],
            "properties": {
                "event": { "const": "action" },
                "params": params,
                "messageId": {},
            },
        },
        "examples": [{ "payload": { "event": "action", "params": sample::params(entry) } }],
    })
}

/// What comes of an action: its fields, or an error.
fn response_of(entry: &Entry) -> Value {
    let action = &entry.action;
    let good = match &entry.answer {
        _ if entry.gives_file => json!({ "$ref": "#/components/schemas/content" }),
        Some(schema) => draft7(&beside(schema, &["context", "messageCount", "messageId"])),
        None => json!({ "type": "object" }),
    };
    let mut cases = vec![json!({ "$ref": "#/components/schemas/failure" })];
    let mut summary = format!("The answer of {}", action.name());
    if action.renders() {
        cases.insert(0, good);
    } else {
        summary.push_str(": none, unless it fails");
    }
    let mut message = json!({
        "name": format!("response.{}", entry.id),
        "summary": summary,
        "payload": { "allOf": [
            { "$ref": "#/components/schemas/response" },
            { "anyOf": cases },
        ] },
    });
    if let Some(example) = entry.example.as_ref().filter(|_| action.renders()) {
        message["examples"] = json!([{ "payload": answered(example.clone()) }]);
    }
    message
}

/// The response to a verb.
fn answer_of(verb: &Verb) -> Value {
    let payload = if verb.name == "file" {
        json!({ "$ref": "#/components/schemas/content" })
    } else {
        let mut good = json!({
            "type": "object",
            "required": ["status"],
            "properties": { "status": { "const": "OK" } },
        });
        if let Some(data) = &verb.data {
            good["required"] = json!(["status", "data"]);
            good["properties"]["data"] = data.clone();
        }
        json!({ "oneOf": [good, { "$ref": "#/components/schemas/refusal" }] })
    };
    json!({
        "name": format!("response.{}", verb.name),
        "summary": format!("The answer to {}", verb.name),
        "payload": { "allOf": [{ "$ref": "#/components/schemas/response" }, payload] },
    })
}

/// A response's fields with those that every response has.
fn answered(mut fields: Value) -> Value {
    if let Some(map) = fields.as_object_mut() {
        map.insert("messageCount".into(), 1.into());
        map.insert("context".into(), "response".into());
    }
    fields
}
