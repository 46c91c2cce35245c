//! Parameters that are declared secret, and are shown in no answer, error or log.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::action::Action;

/// The names of secret parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretNames(HashSet<String>);

/// How deep values are looked through: as deep as JSON is read.
const DEEPEST: usize = 128;

impl SecretNames {
    /// The secrets of an action: its inputs that are declared so, and the properties of its schema that
    /// are `writeOnly` or of the format `password`, at any depth.
    pub(crate) fn of(action: &Action) -> Self {
        let inputs = action.inputs().iter().filter(|input| input.is_secret());
        let mut names: HashSet<String> = inputs.map(|input| input.name().to_owned()).collect();
        if let Some(schema) = action.params() {
            collect(&schema.root, 0, &mut names);
            for definition in schema.definitions.values() {
                collect(definition, 0, &mut names);
            }
        }
        Self(names)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// Takes them out of parameters, at any depth.
    pub(crate) fn take_out(&self, params: &mut Map<String, Value>) {
        if !self.0.is_empty() {
            self.remove(params, 0);
        }
    }

    fn remove(&self, map: &mut Map<String, Value>, depth: usize) {
        map.retain(|name, _| !self.0.contains(name));
        map.values_mut().for_each(|value| self.enter(value, depth));
    }

    fn enter(&self, value: &mut Value, depth: usize) {
        if depth == DEEPEST {
            *value = Value::Null;
            return;
        }
        match value {
            Value::Object(map) => self.remove(map, depth + 1),
            Value::Array(list) => list.iter_mut().for_each(|item| self.enter(item, depth + 1)),
            _ => {}
        }
    }

    /// Returns the texts that are the values of secrets.
    pub(crate) fn values(&self, params: &Value) -> Vec<String> {
        let mut found = Vec::new();
        if !self.0.is_empty() {
            self.find(params, false, 0, &mut found);
        }
        found
    }

    fn find(&self, value: &Value, is_secret: bool, depth: usize, found: &mut Vec<String>) {
        if depth == DEEPEST {
            return;
        }
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    let is_secret = is_secret || self.0.contains(name);
                    self.find(value, is_secret, depth + 1, found);
                }
            }
            Value::Array(list) => {
                for item in list {
                    self.find(item, is_secret, depth + 1, found);
                }
            }
            Value::String(text) if is_secret && !text.is_empty() => found.push(text.clone()),
            Value::Number(number) if is_secret => found.push(number.to_string()),
            _ => {}
        }
    }
}

fn collect(schema: &Value, depth: usize, names: &mut HashSet<String>) {
    if depth == DEEPEST {
        return;
    }
    match schema {
        Value::Object(map) => {
            let properties = map.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                if is_secret(property) {
                    names.insert(name.clone());
                }
            }
            map.values()
                .for_each(|part| collect(part, depth + 1, names));
        }
        Value::Array(list) => list.iter().for_each(|part| collect(part, depth + 1, names)),
        _ => {}
    }
}

/// Returns `true` if a schema's values are not to be shown.
pub(crate) fn is_secret(schema: &Value) -> bool {
    schema.get("writeOnly") == Some(&Value::Bool(true))
        || schema.get("format").and_then(Value::as_str) == Some("password")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::{ActionResult, Input};

    #[test]
    fn secrets_are_those_of_inputs_and_of_schemas() {
        let action = Action::new("login", async || ActionResult::Ok(()))
            .input(Input::required("pin").secret())
            .params_schema(json!({
                "properties": {
                    "name": { "type": "string" },
                    "password": { "type": "string", "format": "password" },
                    "card": { "$ref": "#/$defs/Card" },
                },
                "$defs": { "Card": { "properties": { "cvc": { "writeOnly": true } } } },
            }));
        let secrets = SecretNames::of(&action);
        let params = json!({
            "name": "ann", "password": "hunter2", "pin": 1234,
            "card": { "number": 1, "cvc": ["007", { "x": "y" }] }, "list": [{ "pin": "" }],
        });
        let mut values = secrets.values(&params);
        values.sort();
        assert_eq!(values, ["007", "1234", "hunter2", "y"]);
        let Value::Object(mut map) = params else {
            panic!()
        };
        secrets.take_out(&mut map);
        assert_eq!(
            Value::Object(map),
            json!({ "name": "ann", "card": { "number": 1 }, "list": [{}] })
        );
    }
}
