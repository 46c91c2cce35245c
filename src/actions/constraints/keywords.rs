//! The keywords of a schema, each for one value.

use std::fmt;

use serde::{
    Deserializer as _,
    de::{SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, value::RawValue};

use crate::actions::shape::list;

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

pub(super) fn under(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

pub(super) fn types_of(schema: &Value) -> impl Iterator<Item = &str> {
    let one = schema.get("type").into_iter().filter_map(Value::as_str);
    one.chain(list(schema, "type").iter().filter_map(Value::as_str))
}

pub(super) fn takes_texts(schema: &Value) -> bool {
    !types_of(schema).any(|name| matches!(name, "integer" | "number"))
        || types_of(schema).any(|name| name == "string")
}

pub(super) fn is_of_type(schema: &Value, value: &Value) -> bool {
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

pub(super) fn of_number(schema: &Value, sent: &Number, at: &str) -> Option<String> {
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
pub(super) fn of_count(schema: &Value, is_list: bool, count: usize, at: &str) -> Option<String> {
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
pub(super) fn each_item<'a>(json: &'a str, call: impl FnMut(&'a str)) {
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
pub(super) fn sized(
    at: &str,
    size: usize,
    bounds: [Option<&Number>; 2],
    unit: &str,
) -> Option<String> {
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
