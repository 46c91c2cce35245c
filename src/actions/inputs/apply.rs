//! Leading parameters through the declared inputs.

use serde_json::{Map, Value};

use super::{Input, raw, rewritten};
use crate::actions::{
    constraints::Constraints, error::ActionError, fields::pick, param_index::ParamIndex,
    raw_params::RawParams,
};

/// `null` counts as absent, as in Rust's own `Option`.
pub(super) fn is_absent(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}

/// Whether nothing is asked of the inputs but that they are there, and they are. Found out without
/// building values of JSON that is not parsed yet; false where that does not do.
pub(super) fn has_all(
    inputs: &[Input],
    raw_params: &RawParams,
    index: Option<&ParamIndex>,
) -> bool {
    if inputs.iter().any(Input::looks) {
        return false;
    }
    let raw = match raw_params {
        RawParams::Raw(raw) => raw,
        RawParams::Packed(params) => {
            let params = params.packed();
            let is_there = |input: &Input| params.get(&input.name).is_some_and(|it| !it.is_null());
            return inputs.iter().filter(|input| input.required).all(is_there);
        }
        _ => return false,
    };
    let seen = match index {
        Some(index) => has_all_of(inputs, raw, index),
        None => has_all_of(inputs, raw, &ParamIndex::of(raw_params)),
    };
    seen.unwrap_or_else(|| has_all_parsed(inputs, raw))
}

/// The same where no key is written with escapes, and neither inputs nor entries are too many.
fn has_all_of(inputs: &[Input], json: &str, index: &ParamIndex) -> Option<bool> {
    if inputs.len() > u64::BITS as usize {
        return None;
    }
    let required = || {
        inputs
            .iter()
            .enumerate()
            .filter(|(_, input)| input.required)
    };
    let mut there = 0_u64;
    for (key, value) in index.entries(json)? {
        for (n, input) in required() {
            if key.is(&input.name)? {
                // Of a key that stands twice the last one counts.
                there &= !(1 << n);
                there |= u64::from(value != "null") << n;
            }
        }
    }
    Some(required().all(|(n, _)| there & 1 << n != 0))
}

fn has_all_parsed(inputs: &[Input], json: &str) -> bool {
    let entries = pick(json, |key| {
        let mut inputs = inputs.iter();
        inputs.any(|input| input.required && key.is(&input.name))
    });
    inputs.iter().filter(|input| input.required).all(|input| {
        let found = entries.iter().rev().find(|(key, _)| key.is(&input.name));
        found.is_some_and(|(_, value)| value.get() != "null")
    })
}

/// Applies all declared inputs, then the constraints of a schema, to the parameters of a call, and
/// what was seen of those if they were looked through before. What they become, unless they stay as
/// they came.
pub(crate) fn apply(
    inputs: &[Input],
    constraints: Option<&Constraints>,
    raw_params: &RawParams,
    index: Option<&ParamIndex>,
) -> Result<Option<RawParams>, ActionError> {
    if constraints.is_none()
        && (!inputs.iter().any(Input::demands) || has_all(inputs, raw_params, index))
    {
        return Ok(None);
    }
    let unpacked = raw_params.unpacked()?;
    let raw_params = unpacked.as_ref().unwrap_or(raw_params);
    let mut lengths = Vec::new();
    let (mut map, is_object) = match raw_params {
        RawParams::Raw(json) => {
            let picked = raw::picked(json, inputs);
            lengths = picked.lengths;
            (picked.map, json.trim_start().starts_with('{'))
        }
        _ => match raw_params.to_value() {
            Value::Object(map) => (map, true),
            _ => (Map::new(), false),
        },
    };
    let mut errors = Map::new();
    for input in inputs {
        if let Err(error) = input.convert(&mut map)
            && let Value::Object(error) = error.error().clone()
        {
            errors.extend(error);
        }
    }
    for input in inputs {
        if !errors.contains_key(&input.name)
            && let Err(sentence) = input.judge(&All {
                map: &map,
                lengths: &lengths,
            })
        {
            errors.insert(input.name.clone(), sentence.into());
        }
    }
    // Of text nothing else is asked for from here on.
    let mut changed = Map::new();
    if matches!(raw_params, RawParams::Raw(_)) {
        changed = take_changed(inputs, &mut map);
        map.clear();
    }
    let faults = match (constraints, raw_params) {
        (None, _) => Vec::new(),
        (Some(asked), RawParams::Raw(json)) => asked.judge_raw(json, &changed),
        (Some(asked), _) => asked.judge(map.clone()),
    };
    for (at, sentence) in faults {
        // Of an input that is wrong already, what was declared by hand is told.
        let name = at.split('.').next().unwrap_or_default();
        if !inputs
            .iter()
            .any(|input| input.name == name && errors.contains_key(name))
        {
            errors.entry(at).or_insert_with(|| sentence.into());
        }
    }
    if !errors.is_empty() {
        return Err(Value::Object(errors).into());
    }
    if is_object && !inputs.iter().any(Input::rewrites) {
        // JSON that is not parsed yet is read by the action without a detour.
        return Ok(None);
    }
    Ok(Some(match raw_params {
        RawParams::Texts(_) => RawParams::texts(map),
        RawParams::Value(_) => map.into(),
        RawParams::Raw(json) => RawParams::Raw(rewritten(json, &changed).into()),
        RawParams::Packed(_) => unreachable!("it was unpacked"),
    }))
}

/// Takes out the parameters that inputs may have changed.
fn take_changed(inputs: &[Input], map: &mut Map<String, Value>) -> Map<String, Value> {
    let rewriting = inputs.iter().filter(|input| input.rewrites());
    rewriting
        .filter_map(|input| map.shift_remove_entry(&input.name))
        .collect()
}

/// All parameters that validators may ask for.
#[derive(Clone, Copy)]
pub(super) struct All<'a> {
    pub(super) map: &'a Map<String, Value>,
    /// Of lists that are left empty in the map: how many items they have.
    pub(super) lengths: &'a [(String, usize)],
}

impl<'a> All<'a> {
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    /// The length of a list that is left empty in the map.
    pub(super) fn length(self, name: &str) -> Option<usize> {
        let mut known = self.lengths.iter();
        known.find(|(known, _)| known == name).map(|(_, n)| *n)
    }
}
