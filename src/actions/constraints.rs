//! What a schema asks of values beyond their types: bounds, lengths and patterns.
//!
//! Types, presence and the names of an enum are left to the action, which reads the parameters as
//! a Rust type: it knows aliases and defaults that no schema tells of.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use regex::Regex;
use serde::{
    Deserializer as _,
    de::{SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, value::RawValue};

use super::{
    fields::each,
    given::CALLED_BY,
    inputs::{self, RuleError},
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

/// Returns `true` for a bound that the Rust type has anyway, as an `u8` has: reading the parameters
/// finds it out.
pub(crate) fn is_of_its_type(schema: &Map<String, Value>, key: &str, bound: &Value) -> bool {
    let format = schema
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let bits = format
        .trim_start_matches(|c: char| c.is_ascii_alphabetic())
        .parse::<u32>();
    let bound = bound.as_f64().unwrap_or(f64::NAN);
    match (key, bits) {
        ("minimum", _) if format.starts_with("uint") => bound == 0.0,
        ("maximum", Ok(bits)) if format.starts_with("uint") => {
            bound == 2_f64.powf(bits.into()) - 1.0
        }
        ("minimum", Ok(bits)) if format.starts_with("int") => {
            bound == -(2_f64.powf(f64::from(bits) - 1.0))
        }
        ("maximum", Ok(bits)) if format.starts_with("int") => {
            bound == 2_f64.powf(f64::from(bits) - 1.0) - 1.0
        }
        // A tuple or an array has as many items as it has places, and a character is one.
        ("minItems" | "maxItems", _) => schema.get("minItems") == schema.get("maxItems"),
        ("minLength" | "maxLength", _) => {
            let is_one = |key: &str| schema.get(key).is_some_and(|bound| bound == 1);
            is_one("minLength") && is_one("maxLength")
        }
        _ => false,
    }
}

fn under(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

fn types_of(schema: &Value) -> impl Iterator<Item = &str> {
    let one = schema.get("type").into_iter().filter_map(Value::as_str);
    one.chain(list(schema, "type").iter().filter_map(Value::as_str))
}

fn takes_texts(schema: &Value) -> bool {
    !types_of(schema).any(|name| matches!(name, "integer" | "number"))
        || types_of(schema).any(|name| name == "string")
}

fn is_of_type(schema: &Value, value: &Value) -> bool {
    let mut names = types_of(schema).peekable();
    names.peek().is_none()
        || names.any(|name| match (name, value) {
            ("null", Value::Null)
            | ("boolean", Value::Bool(_))
            | ("number", Value::Number(_))
            | ("string", Value::String(_))
            | ("array", Value::Array(_))
            | ("object", Value::Object(_)) => true,
            ("integer", Value::Number(number)) => {
                number.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            _ => false,
        })
}

fn of_number(schema: &Value, sent: &Number, at: &str) -> Option<String> {
    let bound = |key: &str| {
        let bound = schema.get(key)?;
        let is_own = schema
            .as_object()
            .is_some_and(|map| is_of_its_type(map, key, bound));
        bound.as_number().filter(|_| !is_own)
    };
    let is = |key: &str, wrong: fn(f64, f64) -> bool| {
        let bound = bound(key)?;
        wrong(sent.as_f64()?, bound.as_f64()?).then(|| plain(bound))
    };
    let below = is("minimum", |sent, bound| sent < bound);
    let above = is("maximum", |sent, bound| sent > bound);
    if let (Some(_), Some(least), Some(most)) = (
        below.as_ref().or(above.as_ref()),
        bound("minimum"),
        bound("maximum"),
    ) {
        let (least, most) = (plain(least), plain(most));
        return Some(format!("The {at} must be between {least} and {most}."));
    }
    if let Some(least) = below {
        return Some(format!("The {at} must be at least {least}."));
    }
    if let Some(most) = above {
        return Some(format!("The {at} may not be greater than {most}."));
    }
    if let Some(bound) = is("exclusiveMinimum", |sent, bound| sent <= bound) {
        return Some(format!("The {at} must be greater than {bound}."));
    }
    if let Some(bound) = is("exclusiveMaximum", |sent, bound| sent >= bound) {
        return Some(format!("The {at} must be less than {bound}."));
    }
    let of = is("multipleOf", |sent, of| {
        let times = sent / of;
        (times - times.round()).abs() > 1e-9 * times.abs().max(1.0)
    })?;
    Some(format!("The {at} must be a multiple of {of}."))
}

/// A number as one writes it: without a fraction that is none.
pub(crate) fn plain(number: &Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// What is wrong with how many items a list has, or fields an object.
fn of_count(schema: &Value, is_list: bool, count: usize, at: &str) -> Option<String> {
    let number = |key: &str| schema.get(key).and_then(Value::as_number);
    if is_list {
        let bounds = [number("minItems"), number("maxItems")];
        sized(at, count, bounds, " items")
    } else {
        let bounds = [number("minProperties"), number("maxProperties")];
        sized(at, count, bounds, " fields")
    }
}

/// Calls a function for each item of a list of JSON. Nothing is kept of them.
fn each_item<'a>(json: &'a str, call: impl FnMut(&'a str)) {
    struct ItemsVisitor<F>(F);
    impl<'de: 'a, 'a, F: FnMut(&'a str)> Visitor<'de> for ItemsVisitor<F> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }
        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while let Some(item) = seq.next_element::<&'de RawValue>()? {
                (self.0)(item.get());
            }
            Ok(())
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    // What is no list has no items.
    deserializer.deserialize_seq(ItemsVisitor(call)).ok();
}

/// What is wrong with a length or a count.
fn sized(at: &str, size: usize, bounds: [Option<&Number>; 2], unit: &str) -> Option<String> {
    let size = size as f64;
    let [least, most] = bounds;
    let below = least.is_some_and(|least| least.as_f64().is_some_and(|least| size < least));
    let above = most.is_some_and(|most| most.as_f64().is_some_and(|most| size > most));
    let verb = if unit == " characters" { "be" } else { "have" };
    Some(match (least, most) {
        (Some(least), Some(most)) if below || above => {
            format!("The {at} must {verb} between {least} and {most}{unit}.")
        }
        (Some(least), _) if below => format!("The {at} must {verb} at least {least}{unit}."),
        (_, Some(most)) if above && verb == "be" => {
            format!("The {at} may not be greater than {most}{unit}.")
        }
        (_, Some(most)) if above => format!("The {at} may not have more than {most}{unit}."),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judge(schema: &Value, params: Value) -> Vec<(String, String)> {
        let types = TypeSchema::new(schema.clone());
        let Value::Object(params) = params else {
            unreachable!()
        };
        let found = Constraints::of(&types).unwrap();
        found.map_or_else(Vec::new, |constraints| constraints.judge(params))
    }

    #[test]
    fn what_a_type_has_anyway_is_not_judged() {
        let schema = json!({
            "type": "object",
            "properties": {
                "small": { "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255 },
                "large": { "type": "integer", "format": "uint64", "minimum": 0 },
                "signed": { "type": "integer", "format": "int8", "minimum": -128, "maximum": 127 },
                "letter": { "type": "string", "minLength": 1, "maxLength": 1 },
                "pair": { "type": "array", "prefixItems": [{}, {}], "minItems": 2, "maxItems": 2 },
                "when": { "type": "string", "format": "date-time" },
            },
        });
        assert!(Constraints::of(&TypeSchema::new(schema)).unwrap().is_none());
    }

    #[test]
    fn bounds_hold_at_any_depth() {
        let schema = json!({
            "$defs": {
                "Point": { "properties": { "x": { "type": "number", "minimum": 0, "maximum": 9 } } },
                "Tree": { "properties": {
                    "name": { "type": "string", "minLength": 2 },
                    "inner": { "type": "array", "items": { "$ref": "#/$defs/Tree" }, "maxItems": 1 },
                } },
            },
            "type": "object",
            "properties": {
                "point": { "anyOf": [{ "$ref": "#/$defs/Point" }, { "type": "null" }] },
                "tree": { "$ref": "#/$defs/Tree" },
                "pair": { "prefixItems": [{ "exclusiveMinimum": 0 }, { "multipleOf": 0.1 }] },
                "ports": { "additionalProperties": { "type": "integer", "minimum": 1 } },
                "mail": { "type": "string", "format": "email" },
                "code": { "type": "string", "pattern": "^[a-z]+$" },
            },
        });
        let good = json!({
            "point": { "x": 9 }, "tree": { "name": "ab", "inner": [{ "name": "cd" }] },
            "pair": [0.5, 0.3], "ports": { "a": 1, "b": "2" }, "mail": "a@b.cd", "code": "x",
            "more": [1],
        });
        assert_eq!(judge(&schema, good), []);
        // Of the wrong type: the action itself finds it out.
        let wrong =
            json!({ "point": 3, "tree": [], "pair": 2, "ports": true, "mail": 1, "code": {} });
        assert_eq!(judge(&schema, wrong), []);
        let bad = json!({
            "point": { "x": -1 }, "tree": { "name": "a", "inner": [{ "name": "c" }, {}] },
            "pair": [0, 0.25], "ports": { "a": 0, "b": "0" }, "mail": "a", "code": "X",
        });
        let expected = [
            ("point.x", "The point.x must be between 0 and 9."),
            ("tree.name", "The tree.name must be at least 2 characters."),
            (
                "tree.inner",
                "The tree.inner may not have more than 1 items.",
            ),
            (
                "tree.inner.0.name",
                "The tree.inner.0.name must be at least 2 characters.",
            ),
            ("pair.0", "The pair.0 must be greater than 0."),
            ("pair.1", "The pair.1 must be a multiple of 0.1."),
            ("ports.a", "The ports.a must be at least 1."),
            ("ports.b", "The ports.b must be at least 1."),
            ("mail", "The mail must be a valid email address."),
            ("code", "The code format is invalid."),
        ];
        let expected = expected.map(|(at, sentence)| (at.to_owned(), sentence.to_owned()));
        assert_eq!(judge(&schema, bad), expected);
    }

    #[test]
    fn the_case_that_a_tag_names_is_the_one_that_counts() {
        let case = |tag: &str, least: u8| {
            json!({
                "type": "object",
                "properties": { "kind": { "const": tag }, "n": { "type": "integer", "minimum": least } },
                "required": ["kind", "n"],
            })
        };
        let schema = json!({ "oneOf": [case("low", 1), case("high", 100)] });
        assert_eq!(judge(&schema, json!({ "kind": "low", "n": 1 })), []);
        let faults = judge(&schema, json!({ "kind": "high", "n": 1 }));
        assert_eq!(faults[0].1, "The n must be at least 100.");
        assert_eq!(judge(&schema, json!({ "kind": "other", "n": 0 })), []);
    }

    #[test]
    fn a_pattern_that_is_none_is_a_fault() {
        let schema = json!({ "properties": { "a": { "pattern": "(" } } });
        assert!(Constraints::of(&TypeSchema::new(schema)).is_err());
        let endless = json!({ "$defs": { "A": { "$ref": "#/$defs/A" } }, "$ref": "#/$defs/A" });
        assert_eq!(judge(&endless, json!({ "a": 1 })), []);
    }
}
