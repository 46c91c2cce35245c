//! Declared inputs of JSON that is not parsed: only what is asked about is.

use serde_json::{Map, Value};

use super::{Input, rule::Kind};
use crate::{
    actions::{
        fields::{each, pick},
        raw_params::empty_like,
    },
    protocol::json::is_dense,
};

/// The parameters that inputs ask about.
pub(super) struct Picked {
    pub(super) map: Map<String, Value>,
    /// How many items the lists have that are empty in the map.
    pub(super) lengths: Vec<(String, usize)>,
}

impl Input {
    /// Returns `true` if it, or one of its validators, asks about a parameter.
    fn asks_about(&self, name: &str) -> bool {
        self.name == name
            || self.rules.iter().any(|rule| match rule.kind {
                Kind::Confirmed => is_confirmation(name, &self.name),
                _ => rule.args.iter().any(|arg| arg == name),
            })
    }

    /// Returns `true` if it asks for what is in a parameter that is a list or an object, and not
    /// only of what kind it is and how long.
    fn looks_into(&self, name: &str) -> bool {
        let is_own = self.name == name;
        is_own && (self.format.is_some() || !self.checks.is_empty())
            || self.rules.iter().any(|rule| match rule.kind {
                Kind::Confirmed => is_own || is_confirmation(name, &self.name),
                Kind::Same | Kind::Different => is_own || rule.args.iter().any(|arg| arg == name),
                Kind::RequiredIf | Kind::RequiredUnless => {
                    rule.args.first().is_some_and(|arg| arg == name)
                }
                Kind::In | Kind::NotIn => is_own,
                _ => false,
            })
    }
}

fn is_confirmation(name: &str, of: &str) -> bool {
    name.strip_suffix("_confirmation") == Some(of)
}

/// Parses what inputs ask about. Of a list or an object that takes much memory as a tree, and of which
/// nobody asks for what is in it, only the kind and the length are kept.
pub(super) fn picked(json: &str, inputs: &[Input]) -> Picked {
    let entries = pick(json, |key| {
        inputs.iter().any(|input| input.asks_about(&key.to_text()))
    });
    let mut picked = Picked {
        map: Map::new(),
        lengths: Vec::new(),
    };
    for (key, value) in entries {
        let (name, value) = (key.to_text().into_owned(), value.get());
        picked.lengths.retain(|(known, _)| *known != name);
        let is_left_out = is_dense(value) && !inputs.iter().any(|input| input.looks_into(&name));
        let tree = if is_left_out {
            if value.starts_with('[') {
                picked.lengths.push((name.clone(), count(value)));
            }
            empty_like(value)
        } else {
            serde_json::from_str(value).unwrap_or_default()
        };
        picked.map.insert(name, tree);
    }
    picked
}

/// How many items a list has.
fn count(json: &str) -> usize {
    let items: Result<Counted, _> = serde_json::from_str(json);
    items.map_or(0, |items| items.0)
}

struct Counted(usize);

impl<'de> serde::Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl<'de> serde::de::Visitor<'de> for CountVisitor {
            type Value = Counted;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Counted, A::Error> {
                let mut count = 0;
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Counted(count))
            }
        }
        deserializer.deserialize_seq(CountVisitor)
    }
}

/// The same JSON with other values for some parameters, which are added where they are missing.
pub(crate) fn rewritten(json: &str, values: &Map<String, Value>) -> String {
    let mut out = String::with_capacity(json.len() + 64 * values.len());
    out.push('{');
    each(json, |key, value| {
        let name = key.to_text();
        if !values.contains_key(&*name) {
            add(&mut out, &name, value.get());
        }
    });
    for (name, value) in values {
        add(&mut out, name, &value.to_string());
    }
    out.push('}');
    out
}

fn add(out: &mut String, name: &str, value: &str) {
    if out.len() > 1 {
        out.push(',');
    }
    out.push_str(&Value::from(name).to_string());
    out.push(':');
    out.push_str(value);
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;
    use serde_json::json;

    use super::*;
    use crate::actions::{
        Format, constraints::Constraints, inputs::apply, raw_params::RawParams, shape::TypeSchema,
    };

    /// An object with a list of very many small items.
    fn dense(more: &str) -> String {
        let list = "0,".repeat(100_000);
        format!("{{\"action\":\"a\",\"list\":[{list}0]{more}}}")
    }

    #[test]
    fn the_verdict_is_that_of_a_tree() {
        let inputs = |rules: &str| {
            [
                Input::required("list").validate(rules),
                Input::optional("n").format(Format::Integer).default(7),
                Input::optional("other").validate("same:list|array"),
            ]
        };
        for rules in [
            "array",
            "array|max:100001",
            "array|max:100000",
            "array|size:100001",
            "min:5|between:1,2",
            "numeric",
            "required_with:n",
            "different:other",
            "filled|json",
        ] {
            for more in [
                "",
                ",\"n\":\"12\"",
                ",\"n\":\"x\"",
                ",\"other\":[0]",
                ",\"list\":{}",
                ",\"l\\u0069st\":null",
            ] {
                let text = dense(more);
                let tree = RawParams::from(serde_json::from_str::<Value>(&text).unwrap());
                let raw = RawParams::Raw(text.into());
                let verdict = |raw_params: &RawParams| {
                    apply(&inputs(rules), None, raw_params, None)
                        .map(|applied| applied.unwrap_or_else(|| raw_params.clone()).to_value())
                        .map_err(|error| error.error().clone())
                };
                assert_eq!(verdict(&raw), verdict(&tree), "{rules} {more}");
            }
        }
    }

    #[test]
    fn constraints_have_the_verdict_of_a_tree() {
        for list in [
            json!({ "type": "array", "items": { "type": "integer", "maximum": 5 } }),
            json!({ "type": "array", "items": { "minimum": 1 } }),
            json!({ "type": "array", "maxItems": 10 }),
            json!({ "$ref": "#/$defs/List" }),
            json!({ "oneOf": [{ "type": "array", "maxItems": 3 }, { "type": "null" }] }),
        ] {
            let schema = json!({
                "type": "object",
                "properties": { "list": list, "n": { "type": "integer", "minimum": 5 } },
                "$defs": { "List": { "type": "array", "minItems": 1_000_000 } },
            });
            let constraints = Constraints::of(&TypeSchema::new(schema)).unwrap().unwrap();
            for more in ["", ",\"n\":4", ",\"n\":5"] {
                let text = dense(more);
                let Ok(Value::Object(tree)) = serde_json::from_str(&text) else {
                    unreachable!()
                };
                let mut expected = constraints.judge(tree);
                expected.truncate(50);
                let mut found = constraints.judge_raw(&text, &Map::new());
                found.truncate(50);
                assert_eq!(found, expected, "{more}");
            }
        }
    }

    #[test]
    fn decoding_takes_no_more_than_three_times_the_message() {
        let inputs = [
            Input::required("list").validate("array|min:1"),
            Input::optional("n").format(Format::Integer).default(7),
        ];
        let schema = json!({
            "type": "object",
            "properties": { "list": { "type": "array", "items": { "type": "integer", "maximum": 9 } } },
        });
        let constraints = Constraints::of(&TypeSchema::new(schema)).unwrap();
        let many: String = (0..50_000).map(|n| format!(",\"k{n}\":0")).collect();
        for text in [
            dense(""),
            dense(",\"n\":\"3\""),
            dense(&many),
            dense(",\"n\":1e3"),
        ] {
            let length = text.len() as u64;
            let raw_params = RawParams::Raw(text.into());
            let taken = measure(|| {
                apply(&inputs, constraints.as_ref(), &raw_params, None).unwrap();
            });
            assert!(
                taken.bytes_max <= 3 * length,
                "{} of {length}",
                taken.bytes_max
            );
            #[derive(serde::Deserialize)]
            struct Typed {
                #[allow(dead_code, reason = "it is the wrong type")]
                list: bool,
            }
            let taken = measure(|| {
                let error = raw_params.read::<Typed>().map(drop).unwrap_err();
                assert!(error.error()["list"]["code"] == "003", "{error:?}");
            });
            assert!(
                taken.bytes_max <= 3 * length,
                "{} of {length}",
                taken.bytes_max
            );
        }
    }
}
