//! JSON Schema of what an action takes and answers, and what it consists of.

use serde_json::{Map, Value, json};

use super::{inputs::Input, raw_params::CALLED_BY};

/// A type as JSON Schema, apart from the types that it refers to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TypeSchema {
    /// The schema of the type itself.
    pub(crate) root: Value,
    /// The schemas that it refers to as `#/$defs/<name>`, and that those refer to.
    pub(crate) definitions: Map<String, Value>,
}

/// What is known of an action's answers.
#[derive(Clone, Debug, Default)]
pub(crate) enum Answer {
    /// Nothing is declared.
    #[default]
    Unknown,
    /// Values of a type.
    Of(TypeSchema),
    /// No fields at all.
    #[cfg_attr(
        not(feature = "schemars"),
        allow(dead_code, reason = "only types say so")
    )]
    Nothing,
    /// A public file.
    #[cfg_attr(
        not(feature = "schemars"),
        allow(dead_code, reason = "only types say so")
    )]
    File,
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) schema: Value,
    pub(crate) required: bool,
}

/// How far references and combinations are followed: types that refer to nothing but themselves
/// have no end.
const DEEPEST: usize = 32;

impl TypeSchema {
    pub(crate) fn new(mut root: Value) -> Self {
        let mut definitions = Map::new();
        if let Some(map) = root.as_object_mut() {
            for key in ["definitions", "$defs"] {
                if let Some(Value::Object(found)) = map.shift_remove(key) {
                    definitions.extend(found);
                }
            }
            for key in ["$schema", "$id", "title"] {
                map.shift_remove(key);
            }
        }
        Self { root, definitions }
    }

    /// The definition that a schema refers to, if it refers to one.
    pub(crate) fn target<'a>(&'a self, schema: &Value) -> Option<&'a Value> {
        self.definitions.get(target_name(schema)?)
    }

    /// The fields that objects of the type have. Of a union those of all its cases, required where
    /// every case requires them.
    pub(crate) fn properties(&self) -> Vec<Property> {
        let mut found = Vec::new();
        self.collect(&self.root, 0, &mut found);
        found
    }

    /// The fields that parameters need and do not have, for errors to name all of them at once.
    /// None when there is any that the schema does not have: it may be another name of one, of which
    /// no schema tells.
    pub(crate) fn missing(&self, params: &[String], others: &[Input]) -> Vec<String> {
        let mut properties = self.properties();
        let is_known = |name: &String| {
            CALLED_BY.contains(&name.as_str())
                || properties.iter().any(|property| property.name == *name)
                || others.iter().any(|input| input.name() == name)
        };
        if !params.iter().all(is_known) {
            return Vec::new();
        }
        properties.retain(|property| property.required && !params.contains(&property.name));
        properties
            .into_iter()
            .map(|property| property.name)
            .collect()
    }

    fn collect(&self, schema: &Value, depth: usize, found: &mut Vec<Property>) {
        if depth > DEEPEST {
            return;
        }
        if let Some(target) = self.target(schema) {
            self.collect(target, depth + 1, found);
        }
        let required = |name: &str| requires(schema, name);
        let own = schema.get("properties").and_then(Value::as_object);
        for (name, schema) in own.into_iter().flatten() {
            add(found, name, schema, required(name));
        }
        for part in list(schema, "allOf") {
            self.collect(part, depth + 1, found);
        }
        for key in ["oneOf", "anyOf"] {
            let cases: Vec<Vec<Property>> = list(schema, key)
                .iter()
                .map(|case| {
                    let mut of_case = Vec::new();
                    self.collect(case, depth + 1, &mut of_case);
                    of_case
                })
                .collect();
            for property in cases.iter().flatten() {
                let everywhere = cases.iter().all(|case| {
                    let same = case.iter().find(|other| other.name == property.name);
                    same.is_some_and(|other| other.required)
                });
                add(found, &property.name, &property.schema, everywhere);
            }
        }
        // What is required beside a reference, or beside cases.
        for property in found {
            property.required |= required(&property.name);
        }
    }

    /// Whether its fields say all there is to say of it.
    pub(crate) fn is_plain(&self) -> bool {
        const SAID: [&str; 9] = [
            "type",
            "properties",
            "required",
            "description",
            "additionalProperties",
            "unevaluatedProperties",
            "examples",
            "default",
            "deprecated",
        ];
        let Some(map) = self.root.as_object() else {
            return false;
        };
        let is_bool = |key: &str| map.get(key).is_none_or(Value::is_boolean);
        map.get("type").and_then(Value::as_str) == Some("object")
            && map.keys().all(|key| SAID.contains(&key.as_str()))
            && map.contains_key("properties")
            && is_bool("additionalProperties")
            && is_bool("unevaluatedProperties")
    }

    /// The schema with what it refers to in its own place, but without `null`: what one would fill
    /// in. Annotations of the reference count more than those of its target.
    pub(crate) fn shown(&self, schema: &Value) -> Value {
        let mut shown = schema.clone();
        for _ in 0..DEEPEST {
            if let Some(target) = self.target(&shown).cloned() {
                let Some(own) = shown.as_object_mut() else {
                    break;
                };
                own.shift_remove("$ref");
                let beside = std::mem::take(own);
                let Value::Object(target) = target else {
                    shown = target;
                    continue;
                };
                own.extend(target);
                own.extend(beside);
                continue;
            }
            let Some(map) = shown.as_object_mut() else {
                break;
            };
            if let Some(types) = map.get_mut("type").and_then(Value::as_array_mut) {
                types.retain(|name| name != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    map.insert("type".into(), one);
                }
            }
            let cases = ["anyOf", "oneOf"].into_iter().find_map(|key| {
                let cases = map.get(key)?.as_array()?;
                let is_null = |case: &&Value| case.get("type").is_some_and(|kind| kind == "null");
                match cases
                    .iter()
                    .filter(|case| !is_null(case))
                    .collect::<Vec<_>>()[..]
                {
                    [Value::Object(one)] => Some((key, one.clone())),
                    _ => None,
                }
            });
            let Some((key, one)) = cases else { break };
            map.shift_remove(key);
            let beside = std::mem::replace(map, one);
            map.extend(beside);
        }
        as_choice(&mut shown);
        shown
    }
}

/// The name of a definition that a schema refers to.
pub(crate) fn target_name(schema: &Value) -> Option<&str> {
    let target = schema.get("$ref")?.as_str()?;
    target
        .strip_prefix("#/$defs/")
        .or_else(|| target.strip_prefix("#/definitions/"))
}

/// The schemas below a keyword that takes a list of them.
pub(crate) fn list<'a>(schema: &'a Value, key: &str) -> &'a [Value] {
    let list = schema.get(key).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

/// Returns `true` if objects need a field of this name.
pub(crate) fn requires(schema: &Value, name: &str) -> bool {
    list(schema, "required").iter().any(|known| known == name)
}

/// Adds a field, or one more thing that it may be.
fn add(found: &mut Vec<Property>, name: &str, schema: &Value, required: bool) {
    let Some(known) = found.iter_mut().find(|known| known.name == name) else {
        found.push(Property {
            name: name.to_owned(),
            schema: schema.clone(),
            required,
        });
        return;
    };
    known.required |= required;
    if known.schema == *schema {
        return;
    }
    let mut cases = match known.schema.get("anyOf") {
        Some(Value::Array(cases)) if known.schema.as_object().is_some_and(|map| map.len() == 1) => {
            cases.clone()
        }
        _ => vec![known.schema.clone()],
    };
    if !cases.contains(schema) {
        cases.push(schema.clone());
    }
    known.schema = json!({ "anyOf": cases });
    as_choice(&mut known.schema);
}

/// Writes a union of constants, such as an enum of Rust, as one list of values.
fn as_choice(schema: &mut Value) {
    let cases = ["oneOf", "anyOf"].into_iter().find_map(|key| {
        let cases = schema.get(key)?.as_array()?;
        let mut values: Vec<Value> = Vec::new();
        for case in cases {
            match (case.get("const"), case.get("enum")) {
                (Some(value), _) => values.push(value.clone()),
                (None, Some(Value::Array(list))) => values.extend(list.iter().cloned()),
                _ => return None,
            }
        }
        (!values.is_empty()).then_some((key, values))
    });
    if let (Some((key, values)), Some(map)) = (cases, schema.as_object_mut()) {
        map.shift_remove(key);
        if values.iter().all(Value::is_string) {
            map.insert("type".into(), "string".into());
        }
        map.insert("enum".into(), values.into());
    } else if let Some(value) = schema.get("const").cloned()
        && let Some(map) = schema.as_object_mut()
    {
        map.insert("enum".into(), json!([value]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(schema: Value) -> Vec<(String, bool)> {
        let properties = TypeSchema::new(schema).properties();
        properties
            .into_iter()
            .map(|property| (property.name, property.required))
            .collect()
    }

    #[test]
    fn the_fields_of_a_union_are_those_of_its_cases() {
        let schema = json!({
            "$defs": { "Point": {
                "type": "object",
                "properties": { "x": {}, "y": {} },
                "required": ["x"],
            } },
            "type": "object",
            "properties": { "id": {} },
            "required": ["id"],
            "oneOf": [
                { "properties": { "kind": { "const": "a" } }, "required": ["kind"] },
                {
                    "$ref": "#/$defs/Point",
                    "properties": { "kind": { "const": "b" } },
                    "required": ["kind", "y"],
                },
            ],
        });
        let expected = [("id", true), ("kind", true), ("x", false), ("y", false)];
        let expected = expected.map(|(name, required)| (name.to_owned(), required));
        assert_eq!(names(schema.clone()), expected);
        let kind = &TypeSchema::new(schema).properties()[1];
        assert_eq!(kind.schema, json!({ "type": "string", "enum": ["a", "b"] }));
    }

    #[test]
    fn a_reference_without_an_end_is_followed_no_further() {
        let schema = json!({
            "$defs": { "A": { "$ref": "#/$defs/B" }, "B": { "$ref": "#/$defs/A" } },
            "$ref": "#/$defs/A",
        });
        assert_eq!(names(schema.clone()), []);
        let schema = TypeSchema::new(schema);
        assert!(!schema.is_plain());
        schema.shown(&schema.root);
    }

    #[test]
    fn what_is_shown_has_no_null() {
        let types = TypeSchema::new(json!({
            "$defs": { "Colour": { "oneOf": [
                { "type": "string", "enum": ["red"] },
                { "const": "blue", "description": "As the sky" },
            ] } },
        }));
        let cases = [
            (
                json!({ "type": ["integer", "null"] }),
                json!({ "type": "integer" }),
            ),
            (
                json!({ "anyOf": [{ "$ref": "#/$defs/Colour" }, { "type": "null" }] }),
                json!({ "type": "string", "enum": ["red", "blue"] }),
            ),
            (json!(true), json!(true)),
            (
                json!({ "$ref": "#/$defs/None" }),
                json!({ "$ref": "#/$defs/None" }),
            ),
        ];
        for (schema, expected) in cases {
            assert_eq!(types.shown(&schema), expected, "{schema}");
        }
    }
}
