//! Declared inputs: defaults, formats and validators, applied before an action runs.

mod apply;
mod format;
mod raw;
mod rule;
mod rules;

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

pub(crate) use self::raw::rewritten;
pub(super) use self::{
    apply::apply,
    rule::expression,
    rules::{judge_format, judges_format},
};
use self::{
    apply::{All, is_absent},
    rule::Rule,
};
pub use self::{format::Format, rule::RuleError};
use super::error::ActionError;

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
mod tests;
