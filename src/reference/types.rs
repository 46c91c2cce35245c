//! The types that actions refer to: each once, under a name that no other has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use crate::actions::{TypeSchema, list, target_name};

/// The types of all actions.
#[derive(Default)]
pub(super) struct Types {
    /// By the key in the documents' components, with references to others of these.
    pub(super) components: BTreeMap<String, Value>,
    /// The keys by a type's own name, and by all that it consists of: two types of one name may
    /// differ.
    known: HashMap<(String, String), String>,
}

/// What stands before the names of types in the documents.
const PREFIX: &str = "type.";
const COMPONENTS: &str = "#/components/schemas/";

impl Types {
    /// Takes in the types of a schema. Gives the schema with references to components.
    pub(super) fn take_in(&mut self, schema: &TypeSchema) -> Value {
        let mut keys = HashMap::new();
        let mut fresh = Vec::new();
        for name in reachable(schema, &schema.root) {
            let Some(own) = schema.definitions.get(name) else {
                continue;
            };
            let all: BTreeMap<&str, Option<&Value>> = reachable(schema, own)
                .into_iter()
                .map(|inner| (inner, schema.definitions.get(inner)))
                .collect();
            let whole = (name.to_owned(), json!([own, all]).to_string());
            let key = match self.known.get(&whole) {
                Some(key) => key.clone(),
                None => {
                    let key = self.free_key(name);
                    // The place is taken before what it holds is known.
                    self.components.insert(key.clone(), Value::Null);
                    self.known.insert(whole, key.clone());
                    fresh.push((key.clone(), own));
                    key
                }
            };
            keys.insert(name.to_owned(), key);
        }
        for (key, own) in fresh {
            self.components.insert(key, described(refer(own, &keys)));
        }
        described(refer(&schema.root, &keys))
    }

    fn free_key(&self, name: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let name: String = name
            .chars()
            .map(|c| if plain(c) { c } else { '_' })
            .collect();
        let numbered = (2..).map(|number| format!("{PREFIX}{name}.{number}"));
        std::iter::once(format!("{PREFIX}{name}"))
            .chain(numbered)
            .find(|key| !self.components.contains_key(key))
            .unwrap_or_default()
    }
}

/// The component that a schema refers to.
pub(super) fn component(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(COMPONENTS)
}

/// The names of all types that a schema refers to, and that those refer to.
fn reachable<'a>(types: &'a TypeSchema, schema: &'a Value) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut left = vec![schema];
    while let Some(next) = left.pop() {
        match next {
            Value::Object(map) => {
                if let Some(name) = target_name(next)
                    && found.insert(name)
                {
                    left.extend(types.definitions.get(name));
                }
                left.extend(map.values());
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    found
}

/// The same with references to components. One that leads nowhere is left out.
fn refer(schema: &Value, keys: &HashMap<String, String>) -> Value {
    let Some(map) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = Map::new();
    for (key, value) in map {
        if key == "$ref" {
            let target = target_name(schema).and_then(|name| keys.get(name));
            if let Some(target) = target {
                out.insert(key.clone(), format!("{COMPONENTS}{target}").into());
            }
        } else {
            out.insert(key.clone(), within(key, value, |inner| refer(inner, keys)));
        }
    }
    Value::Object(out)
}

/// A keyword's value with each schema in it changed; values such as a default stay as they are.
fn within(key: &str, value: &Value, change: impl Fn(&Value) -> Value) -> Value {
    match (key, value) {
        ("properties" | "patternProperties" | "dependentSchemas", Value::Object(fields)) => fields
            .iter()
            .map(|(name, schema)| (name.clone(), change(schema)))
            .collect(),
        ("allOf" | "anyOf" | "oneOf" | "prefixItems" | "items", Value::Array(parts)) => {
            parts.iter().map(change).collect()
        }
        (
            "items"
            | "additionalProperties"
            | "unevaluatedProperties"
            | "unevaluatedItems"
            | "contains"
            | "propertyNames"
            | "not"
            | "if"
            | "then"
            | "else",
            schema,
        ) => change(schema),
        _ => value.clone(),
    }
}

/// The same with descriptions that hold no HTML, because tools show them as Markdown.
pub(super) fn described(schema: Value) -> Value {
    let Value::Object(map) = schema else {
        return schema;
    };
    let change = |(key, value): (String, Value)| {
        let value = match (key.as_str(), value) {
            ("description", Value::String(text)) => super::schema::prose(&text).into(),
            (key, value) => within(key, &value, |inner| described(inner.clone())),
        };
        (key, value)
    };
    map.into_iter().map(change).collect()
}

/// The same without the keywords by which an object takes no further fields, at the top and in
/// its cases: messages and answers have some of the protocol's own.
pub(super) fn opened(types: &TypeSchema, schema: &Value) -> Value {
    opened_within(types, schema, 0)
}

fn opened_within(types: &TypeSchema, schema: &Value, depth: usize) -> Value {
    if depth > 16 {
        return schema.clone();
    }
    let mut out = match types
        .target(schema)
        .filter(|target| is_closed(types, target, 0))
    {
        Some(target) => {
            // It stands in its own place, as others may refer to it as it is.
            let mut own = schema.clone();
            if let Some(map) = own.as_object_mut() {
                map.shift_remove("$ref");
            }
            match own.as_object().is_some_and(|map| map.is_empty()) {
                true => target.clone(),
                false => json!({ "allOf": [target, own] }),
            }
        }
        None => schema.clone(),
    };
    if let Some(map) = out.as_object_mut() {
        for key in FURTHER {
            if map.get(key) == Some(&Value::Bool(false)) && !map.contains_key("patternProperties") {
                map.shift_remove(key);
            }
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            if let Some(Value::Array(parts)) = map.get_mut(key) {
                for part in parts {
                    *part = opened_within(types, part, depth + 1);
                }
            }
        }
    }
    out
}

/// The same, where the protocol's fields of these names may stand beside those of a map.
pub(super) fn beside(schema: &Value, names: &[&str]) -> Value {
    let mut out = schema.clone();
    let Some(map) = out.as_object_mut() else {
        return out;
    };
    for key in ["allOf", "anyOf", "oneOf"] {
        if let Some(Value::Array(parts)) = map.get_mut(key) {
            for part in parts {
                *part = beside(part, names);
            }
        }
    }
    if FURTHER
        .iter()
        .any(|key| map.get(*key).is_some_and(|value| *value != true))
    {
        let fields = map.entry("properties").or_insert_with(|| json!({}));
        for name in names {
            if let Some(fields) = fields.as_object_mut() {
                fields.entry(*name).or_insert(Value::Bool(true));
            }
        }
    }
    out
}

/// The keywords that say of which kind further fields are.
const FURTHER: [&str; 2] = ["additionalProperties", "unevaluatedProperties"];

/// Returns `true` if an object of the schema takes no further fields, or none but of some kind.
fn is_closed(types: &TypeSchema, schema: &Value, depth: usize) -> bool {
    let deep = |inner: &Value| depth < 16 && is_closed(types, inner, depth + 1);
    FURTHER
        .iter()
        .any(|key| schema.get(*key).is_some_and(|value| *value != true))
        || types.target(schema).is_some_and(deep)
        || ["allOf", "anyOf", "oneOf"]
            .into_iter()
            .any(|key| list(schema, key).iter().any(deep))
}

/// What an action returns as the fields of its response: an object's own, and any other value in
/// one called `data`.
pub(super) fn fields_of_answer(types: &TypeSchema, schema: &Value) -> Value {
    cases(types, schema, 0)
}

fn in_data(schema: &Value) -> Value {
    json!({ "type": "object", "properties": { "data": schema }, "required": ["data"] })
}

fn cases(types: &TypeSchema, schema: &Value, depth: usize) -> Value {
    let Some(map) = schema.as_object().filter(|_| depth <= 16) else {
        return json!({ "type": "object" });
    };
    let resolved = types.target(schema);
    match map.get("type") {
        Some(Value::String(kind)) if kind == "object" => return opened(types, schema),
        Some(Value::String(_)) => return in_data(schema),
        Some(Value::Array(kinds)) => {
            if kinds.iter().all(|kind| kind != "object") {
                return in_data(schema);
            }
            let alone = |kind: &Value| {
                let mut map = map.clone();
                map.insert("type".into(), kind.clone());
                cases(types, &Value::Object(map), depth + 1)
            };
            return json!({ "anyOf": kinds.iter().map(alone).collect::<Vec<_>>() });
        }
        _ => {}
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(Value::Array(parts)) = map.get(key) {
            let mut map = map.clone();
            let parts: Vec<Value> = parts
                .iter()
                .map(|part| cases(types, part, depth + 1))
                .collect();
            map.insert(key.into(), parts.into());
            return Value::Object(map);
        }
    }
    if let Some(target) = resolved {
        return match is_object(types, target, 0) {
            Some(true) => opened(types, schema),
            Some(false) => in_data(schema),
            None => cases(types, target, depth + 1),
        };
    }
    if map.contains_key("const") || map.contains_key("enum") {
        return in_data(schema);
    }
    if map.contains_key("properties") || map.contains_key("allOf") {
        return opened(types, schema);
    }
    json!({ "type": "object" })
}

/// Whether all values of a schema are objects, or none is; none where that differs.
fn is_object(types: &TypeSchema, schema: &Value, depth: usize) -> Option<bool> {
    if let Some(kind) = schema.get("type").and_then(Value::as_str) {
        return Some(kind == "object");
    }
    if schema.get("const").or_else(|| schema.get("enum")).is_some() {
        return Some(false);
    }
    if depth > 16 {
        return None;
    }
    for key in ["oneOf", "anyOf"] {
        let parts = list(schema, key);
        if !parts.is_empty() {
            let mut kinds = parts.iter().map(|part| is_object(types, part, depth + 1));
            let first = kinds.next()??;
            return kinds.all(|kind| kind == Some(first)).then_some(first);
        }
    }
    is_object(types, types.target(schema)?, depth + 1)
}

/// A schema of 2020-12 as one of draft 7, which AsyncAPI's schemas extend: tuples have a keyword of
/// another name there, and nothing counts that stands beside a reference.
pub(super) fn draft7(schema: &Value) -> Value {
    let Some(map) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = Map::new();
    let is_tuple = map.contains_key("prefixItems");
    for (key, value) in map {
        let changed = within(key, value, draft7);
        match key.as_str() {
            "prefixItems" => out.insert("items".into(), changed),
            "items" if is_tuple => out.insert("additionalItems".into(), changed),
            // It has no word for these, and takes what it does not know.
            "unevaluatedProperties" | "unevaluatedItems" | "$ref" => None,
            _ => out.insert(key.clone(), changed),
        };
    }
    if let Some(target) = map.get("$ref") {
        let target = json!({ "$ref": target });
        if out.is_empty() {
            return target;
        }
        match out.get_mut("allOf").and_then(Value::as_array_mut) {
            Some(all) => all.insert(0, target),
            None => {
                out.insert("allOf".into(), json!([target]));
            }
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: &str) -> TypeSchema {
        TypeSchema::new(json!({
            "$defs": {
                "Line": { "properties": { "from": { "$ref": "#/$defs/Point" } } },
                "Point": { "properties": { "x": { "type": x } } },
                "Unused": {},
            },
            "properties": { "line": { "$ref": "#/$defs/Line" } },
        }))
    }

    #[test]
    fn types_of_one_name_are_one_only_if_all_of_them_is_the_same() {
        let mut types = Types::default();
        let line = |schema: &Value| schema["properties"]["line"]["$ref"].clone();
        let first = types.take_in(&point("number"));
        assert_eq!(line(&first), "#/components/schemas/type.Line");
        assert_eq!(line(&types.take_in(&point("number"))), line(&first));
        // The line is another one, because its point is.
        let other = types.take_in(&point("string"));
        assert_eq!(line(&other), "#/components/schemas/type.Line.2");
        let keys: Vec<_> = types.components.keys().collect();
        assert_eq!(
            keys,
            ["type.Line", "type.Line.2", "type.Point", "type.Point.2"]
        );
        assert_eq!(
            types.components["type.Line.2"]["properties"]["from"]["$ref"],
            "#/components/schemas/type.Point.2"
        );
    }

    #[test]
    fn answers_are_the_fields_of_objects_or_data() {
        let types = TypeSchema::new(json!({ "$defs": {
            "Point": { "type": "object", "properties": { "x": {} }, "additionalProperties": false },
            "Colour": { "type": "string" },
            "Either": { "anyOf": [{ "$ref": "#/$defs/Point" }, { "$ref": "#/$defs/Colour" }] },
        } }));
        let data = |schema: Value| json!({ "type": "object", "properties": { "data": schema }, "required": ["data"] });
        let open = json!({ "type": "object", "properties": { "x": {} } });
        let either = json!({ "anyOf": [open, data(json!({ "$ref": "#/$defs/Colour" }))] });
        let cases = [
            (
                json!({ "type": "string" }),
                data(json!({ "type": "string" })),
            ),
            (json!({ "$ref": "#/$defs/Point" }), open),
            (
                json!({ "$ref": "#/$defs/Colour" }),
                data(json!({ "$ref": "#/$defs/Colour" })),
            ),
            (json!({ "$ref": "#/$defs/Either" }), either),
            (json!(true), json!({ "type": "object" })),
            (
                json!({ "type": ["object", "null"], "additionalProperties": {} }),
                json!({ "anyOf": [
                    { "type": "object", "additionalProperties": {} },
                    data(json!({ "type": "null", "additionalProperties": {} })),
                ] }),
            ),
        ];
        for (schema, expected) in cases {
            assert_eq!(fields_of_answer(&types, &schema), expected, "{schema}");
        }
    }

    #[test]
    fn the_protocols_fields_stand_beside_a_map() {
        let numbers = json!({ "type": "object", "additionalProperties": { "type": "number" } });
        let expected = json!({
            "type": "object",
            "additionalProperties": { "type": "number" },
            "properties": { "context": true },
        });
        let either = json!({ "anyOf": [numbers, { "type": "object" }] });
        assert_eq!(
            beside(&either, &["context"]),
            json!({ "anyOf": [expected, { "type": "object" }] })
        );
    }

    #[test]
    fn draft_7_has_other_words() {
        let schema = json!({
            "description": "beside",
            "$ref": "#/components/schemas/type.A",
            "properties": { "$ref": { "prefixItems": [{}, true], "items": false } },
            "default": { "prefixItems": 1 },
        });
        let expected = json!({
            "description": "beside",
            "properties": { "$ref": { "items": [{}, true], "additionalItems": false } },
            "default": { "prefixItems": 1 },
            "allOf": [{ "$ref": "#/components/schemas/type.A" }],
        });
        assert_eq!(draft7(&schema), expected);
    }
}
