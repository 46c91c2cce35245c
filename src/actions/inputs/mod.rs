//! Declared inputs: defaults, formats and validators, applied before an action runs.

mod format;
mod raw;
mod rule;
mod rules;

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

pub(crate) use self::raw::rewritten;
use self::rule::Rule;
pub use self::{format::Format, rule::RuleError};
pub(super) use self::{
    rule::expression,
    rules::{judge_format, judges_format},
};
use super::{
    constraints::Constraints, error::ActionError, fields::pick, given::Given, survey::Survey,
};

type Make = Arc<dyn Fn() -> Value + Send + Sync>;
type Check = Arc<dyn Fn(&Value) -> Result<(), String> + Send + Sync>;

/// A declared input of an action.
///
/// What is done with it, in this order: the default fills in what is absent, the format converts
/// what is there, the validators judge. Each input's first failing validator gives its error, as
/// `{<input>: "The <input> …"}`; a value that cannot be converted gives 003.
///
/// ```
/// use stellarfw::actions::{Format, Input};
///
/// let age = Input::required("age").format(Format::Integer).validate("between:18,99");
/// let name = Input::optional("name").default("nobody").validate("alpha_dash|max:20");
/// let code = Input::required("code").matches("^[A-Z]{3}-[0-9]+$");
/// let even = Input::required("n").check(|value| match value.as_u64() {
///     Some(n) if n % 2 == 0 => Ok(()),
///     _ => Err("The n must be even.".into()),
/// });
/// ```
#[derive(Clone)]
pub struct Input {
    name: String,
    description: String,
    required: bool,
    default: Option<Make>,
    format: Option<Format>,
    rules: Vec<Rule>,
    texts: Vec<String>,
    checks: Vec<Check>,
    secret: bool,
    faults: Vec<RuleError>,
}

impl Input {
    /// An input that a call must have: `The <name> field is required.`
    pub fn required(name: impl Into<String>) -> Self {
        Self {
            required: true,
            ..Self::optional(name)
        }
    }

    /// An input that a call may have.
    pub fn optional(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            required: false,
            default: None,
            format: None,
            rules: Vec::new(),
            texts: Vec::new(),
            checks: Vec::new(),
            secret: false,
            faults: Vec::new(),
        }
    }

    /// What it is for, for the documentation.
    #[must_use]
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Makes it a secret, such as a password: `receivedParams` leaves it out, errors hide its value,
    /// and documents say `writeOnly` and `format: password`. Inputs of its name are left out of calls
    /// of unknown actions, too.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The value of calls that have none.
    #[must_use]
    pub fn default(self, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.default_with(move || value.clone())
    }

    /// The value of calls that have none, made anew for each.
    #[must_use]
    pub fn default_with(mut self, make: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        self.default = Some(Arc::new(make));
        self
    }

    /// What the value is converted to. Default: it stays as it came.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Adds named validators, separated by `|`, with arguments after `:`, separated by commas:
    /// `"email|max:80"`. See `docs/actions.md` for all of them. A fault in the text is told when
    /// the server is built.
    #[must_use]
    pub fn validate(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        match Rule::read_all(&text) {
            Ok(rules) => self.rules.extend(rules),
            Err(fault) => self.faults.push(fault),
        }
        self.texts.push(text);
        self
    }

    /// Adds a regular expression that a text must match somewhere: `^` and `$` pin it to all of
    /// it. It runs in time linear to the text, whatever the expression.
    #[must_use]
    pub fn matches(mut self, expression: &str) -> Self {
        match Rule::regex(expression) {
            Ok(rule) => self.rules.push(rule),
            Err(fault) => self.faults.push(fault),
        }
        self.texts.push(format!("regex:{expression}"));
        self
    }

    /// Adds a validator of your own; its error is what the client is told.
    #[must_use]
    pub fn check(
        mut self,
        check: impl Fn(&Value) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its description.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether a call must have it.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Returns `true` if it is a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// The format it is converted to.
    #[must_use]
    pub fn formatted(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    /// Its named validators, as they were declared.
    #[must_use]
    pub fn validators(&self) -> &[String] {
        &self.texts
    }

    /// The value of calls that have none, as it would be made now.
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        self.default.as_ref().map(|make| make())
    }

    /// The first fault in its declaration.
    pub(crate) fn fault(&self) -> Option<&RuleError> {
        self.faults.first()
    }

    /// Whether anything is asked of it.
    fn demands(&self) -> bool {
        self.required || self.looks()
    }

    /// Whether its value has to be looked at.
    fn looks(&self) -> bool {
        self.rewrites() || !self.rules.is_empty() || !self.checks.is_empty()
    }

    /// Whether it may change the parameters.
    fn rewrites(&self) -> bool {
        self.default.is_some() || self.format.is_some()
    }

    fn convert(&self, map: &mut Map<String, Value>) -> Result<(), ActionError> {
        if is_absent(map.get(&self.name))
            && let Some(make) = &self.default
        {
            map.insert(self.name.clone(), make());
        }
        if let Some(format) = &self.format
            && let Some(value) = map.get_mut(&self.name)
            && !value.is_null()
        {
            *value = format
                .convert(value)
                .ok_or_else(|| ActionError::invalid(&self.name, format.name()))?;
        }
        Ok(())
    }

    /// What is wrong with it among all the parameters, in a sentence.
    fn judge(&self, all: &All<'_>) -> Result<(), String> {
        let value = all.get(&self.name).filter(|value| !value.is_null());
        if self.required && value.is_none() {
            return Err(format!("The {} field is required.", self.name));
        }
        let is_number = matches!(self.format, Some(Format::Integer | Format::Float));
        for rule in &self.rules {
            rule.judge(&self.name, value, *all, &self.rules, is_number)?;
        }
        match value {
            Some(value) => self.checks.iter().try_for_each(|check| check(value)),
            None => Ok(()),
        }
    }
}

/// `null` counts as absent, as in Rust's own `Option`.
fn is_absent(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}

/// Whether nothing is asked of the inputs but that they are there, and they are. Found out without
/// building values of JSON that is not parsed yet; false where that does not do.
fn has_all(inputs: &[Input], given: &Given, survey: Option<&Survey>) -> bool {
    if inputs.iter().any(Input::looks) {
        return false;
    }
    let raw = match given {
        Given::Raw(raw) => raw,
        Given::Packed(params) => {
            let params = params.packed();
            let is_there = |input: &Input| params.get(&input.name).is_some_and(|it| !it.is_null());
            return inputs.iter().filter(|input| input.required).all(is_there);
        }
        _ => return false,
    };
    let seen = match survey {
        Some(survey) => has_all_of(inputs, raw, survey),
        None => has_all_of(inputs, raw, &Survey::of(given)),
    };
    seen.unwrap_or_else(|| has_all_parsed(inputs, raw))
}

/// The same where no key is written with escapes, and neither inputs nor entries are too many.
fn has_all_of(inputs: &[Input], json: &str, survey: &Survey) -> Option<bool> {
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
    for (key, value) in survey.entries(json)? {
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
    given: &Given,
    survey: Option<&Survey>,
) -> Result<Option<Given>, ActionError> {
    if constraints.is_none()
        && (!inputs.iter().any(Input::demands) || has_all(inputs, given, survey))
    {
        return Ok(None);
    }
    let unpacked = given.unpacked()?;
    let given = unpacked.as_ref().unwrap_or(given);
    let mut lengths = Vec::new();
    let (mut map, is_object) = match given {
        Given::Raw(json) => {
            let picked = raw::picked(json, inputs);
            lengths = picked.lengths;
            (picked.map, json.trim_start().starts_with('{'))
        }
        _ => match given.to_value() {
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
    if matches!(given, Given::Raw(_)) {
        changed = take_changed(inputs, &mut map);
        map.clear();
    }
    let faults = match (constraints, given) {
        (None, _) => Vec::new(),
        (Some(asked), Given::Raw(json)) => asked.judge_raw(json, &changed),
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
    Ok(Some(match given {
        Given::Texts(_) => Given::texts(map),
        Given::Value(_) => map.into(),
        Given::Raw(json) => Given::Raw(rewritten(json, &changed).into()),
        Given::Packed(_) => unreachable!("it was unpacked"),
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
struct All<'a> {
    map: &'a Map<String, Value>,
    /// Of lists that are left empty in the map: how many items they have.
    lengths: &'a [(String, usize)],
}

impl<'a> All<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    /// The length of a list that is left empty in the map.
    fn length(self, name: &str) -> Option<usize> {
        let mut known = self.lengths.iter();
        known.find(|(known, _)| known == name).map(|(_, n)| *n)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("name", &self.name)
            .field("required", &self.required)
            .field("format", &self.format)
            .field("validators", &self.texts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(inputs: &[Input], params: Value) -> Result<Value, Value> {
        let given = Given::from(params);
        apply(inputs, None, &given, None)
            .map(|applied| applied.unwrap_or(given).to_value())
            .map_err(|error| error.error().clone())
    }

    #[test]
    fn defaults_formats_and_validators_in_this_order() {
        let inputs = [
            Input::required("age")
                .format(Format::Integer)
                .validate("min:18"),
            Input::optional("name").default("nobody").validate("max:6"),
            Input::optional("tags").default_with(|| json!([])),
        ];
        assert_eq!(
            run(&inputs, json!({ "age": "21" })),
            Ok(json!({ "age": 21, "name": "nobody", "tags": [] }))
        );
        assert_eq!(
            run(&inputs, json!({ "name": "somebody" })),
            Err(json!({
                "age": "The age field is required.",
                "name": "The name may not be greater than 6 characters.",
            }))
        );
        assert_eq!(
            run(&inputs, json!({ "age": "17" })),
            Err(json!({ "age": "The age must be at least 18." }))
        );
        assert_eq!(
            run(&inputs, json!({ "age": "x", "name": null })),
            Err(json!({ "age": {
                "code": "003",
                "message": "Param 'age' has an invalid type, expected integer",
            } }))
        );
        assert_eq!(
            run(&inputs, json!([1])),
            Err(json!({ "age": "The age field is required." }))
        );
    }

    #[test]
    fn what_is_required_is_found_in_json_that_is_not_parsed() {
        let inputs = ["a", "b\\c"].map(Input::required);
        let has = |text: &str| has_all(&inputs, &Given::Raw(text.into()), None);
        assert!(has(r#"{"a":1,"b\\c":[null]}"#));
        assert!(has(r#"{"\u0061":"null","b\\c":{}}"#));
        assert!(has(r#"{"a":null,"b\\c":0,"a":0}"#));
        for text in [
            "{}",
            "null",
            r#"{"a":1}"#,
            r#"{"a":1,"b\\c":null}"#,
            r#"{"a":1,"b\\c":1,"a":null}"#,
            r#"{"x":{"a":1,"b\\c":1}}"#,
            r#"[{"a":1,"b\\c":1}]"#,
        ] {
            assert!(!has(text), "{text}");
        }
        let many: Vec<_> = (0..70).map(|n| Input::required(format!("n{n}"))).collect();
        let all: Map<_, _> = (0..70).map(|n| (format!("n{n}"), json!(n))).collect();
        let text = |map: &Map<_, _>| Given::Raw(serde_json::to_string(map).unwrap().into());
        assert!(has_all(&many, &text(&all), None));
        let mut others = all;
        others.remove("n69");
        assert!(!has_all(&many, &text(&others), None));
    }

    #[test]
    fn own_checks_and_expressions() {
        let inputs = [
            Input::optional("code").matches("^[a-z]+$"),
            Input::optional("n").check(|value| match value.as_u64() {
                Some(n) if n % 2 == 0 => Ok(()),
                _ => Err("The n must be even.".into()),
            }),
        ];
        assert!(run(&inputs, json!({ "code": "abc", "n": 2 })).is_ok());
        assert_eq!(
            run(&inputs, json!({ "code": "ABC", "n": 3 })),
            Err(json!({ "code": "The code format is invalid.", "n": "The n must be even." }))
        );
    }

    #[test]
    fn faults_in_a_declaration_are_found() {
        for bad in [
            "nonsense",
            "min",
            "min:x",
            "between:1",
            "regex:(",
            "after:soon",
            "required_if:a",
        ] {
            let fault = Input::optional("x").validate(bad);
            assert!(fault.fault().is_some(), "{bad}");
        }
        assert!(Input::optional("x").matches("(").fault().is_some());
    }
}
