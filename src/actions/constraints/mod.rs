//! What a schema asks of values beyond their types: bounds, lengths and patterns.
//!
//! Types, presence and the names of an enum are left to the action, which reads the parameters as
//! a Rust type: it knows aliases and defaults that no schema tells of.

mod keywords;

use std::collections::{HashMap, HashSet};

use regex::Regex;
use serde_json::{Map, Value};

use self::keywords::{
    each_item, is_of_type, of_count, of_number, sized, takes_texts, types_of, under,
};
pub(crate) use self::keywords::{is_of_its_type, plain};
use super::{
    fields::each,
    inputs::{self, RuleError},
    raw_params::CALLED_BY,
    shape::{TypeSchema, list, target_name},
};
use crate::protocol::json::is_dense;

/// The constraints of a schema, ready to be held against values.
#[derive(Clone, Debug)]
pub(crate) struct Constraints {
    types: TypeSchema,
    patterns: HashMap<String, Regex>,
    /// The type's own fields.
    names: HashSet<String>,
}

/// How far a schema is followed: about four steps for each of the 128 levels that JSON may have. A
/// schema that refers to nothing but itself has no end.
const DEEPEST: usize = 512;

/// So many faults of a very large list or object are told.
const MOST_FAULTS: usize = 100;

/// What is wrong: where, and a sentence.
type Faults = Vec<(String, String)>;

/// The keywords that ask something of a value.
const ASKING: [&str; 13] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
];

impl Constraints {
    /// Those of a type; none where it has none.
    ///
    /// # Errors
    /// A pattern that is no regular expression.
    pub(crate) fn of(types: &TypeSchema) -> Result<Option<Self>, RuleError> {
        let mut found = Found::default();
        found.look(types, &types.root)?;
        Ok(found.asks.then(|| Self {
            types: types.clone(),
            patterns: found.patterns,
            names: types
                .properties()
                .into_iter()
                .map(|field| field.name)
                .collect(),
        }))
    }

    /// What is wrong with the parameters, by the path of the value.
    pub(crate) fn judge(&self, mut params: Map<String, Value>) -> Faults {
        let mut faults = Faults::new();
        for name in CALLED_BY {
            if !self.names.contains(name) {
                params.shift_remove(name);
            }
        }
        let value = Value::Object(params);
        self.value(&self.types.root, &value, "", &mut faults, 0);
        faults
    }

    /// As [`judge`](Self::judge), of JSON that is not parsed; the values that inputs have changed are
    /// given beside it. No tree is built of what would take much memory as one.
    pub(crate) fn judge_raw(&self, json: &str, changed: &Map<String, Value>) -> Faults {
        let mut faults = Faults::new();
        let json = json.trim();
        if is_dense(json) && json.starts_with('{') {
            self.raw(&self.types.root, json, "", &mut faults, 0);
            for (name, value) in changed {
                let path = format!("{name}.");
                faults.retain(|(at, _)| at != name && !at.starts_with(&path));
                self.field(&self.types.root, name, "", &mut |schema, at| {
                    self.value(schema, value, at, &mut faults, 1);
                });
            }
            return faults;
        }
        let mut map = match serde_json::from_str(json) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        };
        map.extend(changed.clone());
        self.judge(map)
    }

    fn raw(&self, schema: &Value, json: &str, at: &str, faults: &mut Faults, depth: usize) {
        let has_cases = ["oneOf", "anyOf"]
            .iter()
            .any(|key| !list(schema, key).is_empty());
        let is_container = json.starts_with(['[', '{']);
        if depth > DEEPEST {
            return;
        }
        if has_cases || !is_container || !is_dense(json) {
            let value = serde_json::from_str(json).unwrap_or_default();
            self.value(schema, &value, at, faults, depth);
            return;
        }
        if let Some(target) = self.types.target(schema) {
            self.raw(target, json, at, faults, depth + 1);
        }
        for part in list(schema, "allOf") {
            self.raw(part, json, at, faults, depth + 1);
        }
        let own = faults.len();
        let mut count = 0;
        if json.starts_with('[') {
            let first = list(schema, "prefixItems");
            let rest = schema.get("items");
            each_item(json, |item| {
                if let Some(schema) = first.get(count).or(rest)
                    && faults.len() < MOST_FAULTS
                {
                    let at = under(at, &count.to_string());
                    self.raw(schema, item, &at, faults, depth + 1);
                }
                count += 1;
            });
        } else {
            each(json, |key, value| {
                count += 1;
                let name = key.to_text();
                let is_call =
                    at.is_empty() && CALLED_BY.contains(&&*name) && !self.names.contains(&*name);
                if !is_call && faults.len() < MOST_FAULTS {
                    self.field(schema, &name, at, &mut |schema, at| {
                        self.raw(schema, value.get(), at, faults, depth + 1);
                    });
                }
            });
        }
        if let Some(sentence) = of_count(schema, json.starts_with('['), count, at) {
            faults.insert(own, (at.to_owned(), sentence));
        }
    }

    fn value(&self, schema: &Value, value: &Value, at: &str, faults: &mut Faults, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        if value.is_string()
            && types_of(schema).any(|name| name == "array")
            && types_of(schema).all(|name| name != "string")
        {
            // Over HTTP, a list of one comes as its item.
            let list = Value::Array(vec![value.clone()]);
            return self.value(schema, &list, at, faults, depth + 1);
        }
        if let Some(target) = self.types.target(schema) {
            self.value(target, value, at, faults, depth + 1);
        }
        for part in list(schema, "allOf") {
            self.value(part, value, at, faults, depth + 1);
        }
        for key in ["oneOf", "anyOf"] {
            self.cases(list(schema, key), value, at, faults, depth);
        }
        if let Some(sentence) = self.own(schema, value, at) {
            faults.push((at.to_owned(), sentence));
        }
        match value {
            Value::Object(map) => self.fields(schema, map, at, faults, depth),
            Value::Array(items) => {
                let first = list(schema, "prefixItems");
                let rest = schema.get("items");
                for (n, item) in items.iter().enumerate() {
                    if let Some(schema) = first.get(n).or(rest) {
                        self.value(schema, item, &under(at, &n.to_string()), faults, depth + 1);
                    }
                }
            }
            _ => {}
        }
    }

    fn fields(
        &self,
        schema: &Value,
        map: &Map<String, Value>,
        at: &str,
        faults: &mut Faults,
        depth: usize,
    ) {
        for (name, value) in map {
            self.field(schema, name, at, &mut |schema, at| {
                self.value(schema, value, at, faults, depth + 1);
            });
        }
    }

    /// Calls a function for each schema that a field of an object has, and with its path.
    fn field(&self, schema: &Value, name: &str, at: &str, judge: &mut dyn FnMut(&Value, &str)) {
        let object = |key: &str| schema.get(key).and_then(Value::as_object);
        let at = under(at, name);
        let own = object("properties").and_then(|known| known.get(name));
        let mut is_known = own.is_some();
        if let Some(schema) = own {
            judge(schema, &at);
        }
        for (pattern, schema) in object("patternProperties").into_iter().flatten() {
            if self.patterns.get(pattern).is_some_and(|p| p.is_match(name)) {
                is_known = true;
                judge(schema, &at);
            }
        }
        if let (false, Some(schema)) = (is_known, schema.get("additionalProperties")) {
            judge(schema, &at);
        }
    }

    /// Of several cases one that has the value's shape must let it through. A value that has the
    /// shape of none is of the wrong type, which is not judged here.
    fn cases(&self, cases: &[Value], value: &Value, at: &str, faults: &mut Faults, depth: usize) {
        let mut first: Option<Faults> = None;
        for case in cases {
            if !self.has_shape(case, value, depth) {
                continue;
            }
            let mut of_case = Faults::new();
            self.value(case, value, at, &mut of_case, depth + 1);
            if of_case.is_empty() {
                return;
            }
            first.get_or_insert(of_case);
        }
        faults.extend(first.into_iter().flatten());
    }

    fn has_shape(&self, schema: &Value, value: &Value, depth: usize) -> bool {
        if depth > DEEPEST || *schema == Value::Bool(false) {
            return false;
        }
        let deep = |schema: &Value| self.has_shape(schema, value, depth + 1);
        let target = self.types.target(schema).is_none_or(deep);
        let constant = schema.get("const").is_none_or(|wanted| wanted == value);
        let choice = schema.get("enum").and_then(Value::as_array);
        let required = || {
            list(schema, "required").iter().all(|name| {
                let name = name.as_str().unwrap_or_default();
                value.get(name).is_some()
            })
        };
        // What tells cases apart: a tag, most of the time.
        let tags = || {
            let fields = schema.get("properties").and_then(Value::as_object);
            fields.into_iter().flatten().all(|(name, schema)| {
                let tag = schema.get("const");
                tag.is_none_or(|tag| value.get(name).is_none_or(|sent| sent == tag))
            })
        };
        target
            && constant
            && choice.is_none_or(|choice| choice.contains(value))
            && is_of_type(schema, value)
            && (!value.is_object() || (required() && tags()))
            && list(schema, "allOf").iter().all(deep)
            && ["oneOf", "anyOf"].into_iter().all(|key| {
                let cases = list(schema, key);
                cases.is_empty() || cases.iter().any(deep)
            })
    }

    /// What the keywords of this very schema say, in a sentence.
    fn own(&self, schema: &Value, value: &Value, at: &str) -> Option<String> {
        let number = |key: &str| schema.get(key).and_then(Value::as_number);
        match value {
            Value::Number(sent) => of_number(schema, sent, at),
            // Over HTTP, a number comes as a text.
            Value::String(text) if !takes_texts(schema) => {
                of_number(schema, &text.trim().parse().ok()?, at)
            }
            Value::String(text) => {
                let length = text.chars().count();
                let size = sized(
                    at,
                    length,
                    [number("minLength"), number("maxLength")],
                    " characters",
                );
                let pattern = schema.get("pattern").and_then(Value::as_str);
                let pattern = pattern.and_then(|pattern| self.patterns.get(pattern));
                let format = schema.get("format").and_then(Value::as_str);
                size.or_else(|| {
                    let fails = pattern.is_some_and(|pattern| !pattern.is_match(text));
                    fails.then(|| format!("The {at} format is invalid."))
                })
                .or_else(|| inputs::judge_format(format?, text, at))
            }
            Value::Array(items) => of_count(schema, true, items.len(), at),
            Value::Object(map) => of_count(schema, false, map.len(), at),
            Value::Null | Value::Bool(_) => None,
        }
    }
}

/// What there is to judge in a schema.
#[derive(Default)]
struct Found {
    asks: bool,
    patterns: HashMap<String, Regex>,
    seen: HashSet<String>,
}

impl Found {
    fn look(&mut self, types: &TypeSchema, schema: &Value) -> Result<(), RuleError> {
        let Some(map) = schema.as_object() else {
            return Ok(());
        };
        if let Some(name) = target_name(schema)
            && self.seen.insert(name.to_owned())
            && let Some(target) = types.target(schema)
        {
            self.look(types, target)?;
        }
        self.asks |= ASKING.iter().any(|key| match (*key, map.get(*key)) {
            (_, None) => false,
            ("format", Some(format)) => format.as_str().is_some_and(inputs::judges_format),
            (key, Some(bound)) => !is_of_its_type(map, key, bound),
        });
        if let Some(pattern) = map.get("pattern").and_then(Value::as_str) {
            self.pattern(pattern)?;
        }
        for (key, inner) in map {
            match (key.as_str(), inner) {
                ("properties" | "patternProperties", Value::Object(fields)) => {
                    for (name, schema) in fields {
                        if key == "patternProperties" {
                            self.pattern(name)?;
                        }
                        self.look(types, schema)?;
                    }
                }
                ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(parts)) => {
                    parts.iter().try_for_each(|part| self.look(types, part))?;
                }
                ("items" | "additionalProperties", schema) => self.look(types, schema)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &str) -> Result<(), RuleError> {
        if !self.patterns.contains_key(pattern) {
            let regex = inputs::expression(pattern)?;
            self.patterns.insert(pattern.to_owned(), regex);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
