//! One validator: its name and arguments, read from a text.

use regex::Regex;
use serde_json::Value;

use super::{All, rules};

/// A validator was declared wrongly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("validator {rule:?}: {fault}")]
pub struct RuleError {
    rule: String,
    fault: String,
}

/// Reads a regular expression.
pub(in crate::actions) fn expression(text: &str) -> Result<Regex, RuleError> {
    Regex::new(text).map_err(|error| RuleError {
        rule: format!("regex:{text}"),
        fault: error.to_string(),
    })
}

/// A validator.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) kind: Kind,
    pub(super) args: Vec<String>,
}

/// The named validators.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    After(f64),
    Alpha,
    AlphaDash,
    AlphaNum,
    Array,
    Before(f64),
    Between(f64, f64),
    Boolean,
    Confirmed,
    Date,
    Different,
    Email,
    Filled,
    In,
    Integer,
    Ip,
    Json,
    Max(f64),
    Min(f64),
    NotIn,
    Numeric,
    Regex(Regex),
    Required,
    RequiredIf,
    RequiredUnless,
    RequiredWith,
    RequiredWithAll,
    RequiredWithout,
    RequiredWithoutAll,
    Same,
    Size(f64),
    Url,
}

impl Rule {
    /// Reads validators separated by `|`. A `regex` takes the rest of the text, as it may hold
    /// any sign.
    pub(super) fn read_all(text: &str) -> Result<Vec<Self>, RuleError> {
        let mut rules = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(expression) = rest.strip_prefix("regex:") {
                rules.push(Self::regex(expression)?);
                break;
            }
            let (one, more) = rest.split_once('|').unwrap_or((rest, ""));
            rules.push(Self::read(one)?);
            rest = more;
        }
        Ok(rules)
    }

    pub(super) fn regex(text: &str) -> Result<Self, RuleError> {
        Ok(Self {
            kind: Kind::Regex(expression(text)?),
            args: Vec::new(),
        })
    }

    fn read(text: &str) -> Result<Self, RuleError> {
        let (name, args) = text.split_once(':').unwrap_or((text, ""));
        let args: Vec<String> = match args {
            "" => Vec::new(),
            args => args.split(',').map(|arg| arg.trim().to_owned()).collect(),
        };
        let fault = |fault: String| RuleError {
            rule: text.to_owned(),
            fault,
        };
        let at_least = |count: usize| {
            if args.len() < count {
                Err(fault(format!("it needs {count} arguments")))
            } else {
                Ok(())
            }
        };
        let number = |at: usize| {
            let arg = args
                .get(at)
                .ok_or_else(|| fault("an argument is missing".into()))?;
            arg.parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(|| fault(format!("{arg:?} is not a number")))
        };
        let date = || {
            let arg = args
                .first()
                .ok_or_else(|| fault("it needs a date".into()))?;
            rules::date(arg).ok_or_else(|| fault(format!("{arg:?} is not a date")))
        };
        let kind = match name.trim() {
            "after" => Kind::After(date()?),
            "alpha" => Kind::Alpha,
            "alpha_dash" => Kind::AlphaDash,
            "alpha_num" => Kind::AlphaNum,
            "array" => Kind::Array,
            "before" => Kind::Before(date()?),
            "between" => Kind::Between(number(0)?, number(1)?),
            "boolean" => Kind::Boolean,
            "confirmed" => Kind::Confirmed,
            "date" => Kind::Date,
            "different" => at_least(1).map(|()| Kind::Different)?,
            "email" => Kind::Email,
            "filled" => Kind::Filled,
            "in" => at_least(1).map(|()| Kind::In)?,
            "integer" => Kind::Integer,
            "ip" => Kind::Ip,
            "json" => Kind::Json,
            "max" => Kind::Max(number(0)?),
            "min" => Kind::Min(number(0)?),
            "not_in" => at_least(1).map(|()| Kind::NotIn)?,
            "numeric" => Kind::Numeric,
            "required" => Kind::Required,
            "required_if" => at_least(2).map(|()| Kind::RequiredIf)?,
            "required_unless" => at_least(2).map(|()| Kind::RequiredUnless)?,
            "required_with" => at_least(1).map(|()| Kind::RequiredWith)?,
            "required_with_all" => at_least(2).map(|()| Kind::RequiredWithAll)?,
            "required_without" => at_least(1).map(|()| Kind::RequiredWithout)?,
            "required_without_all" => at_least(2).map(|()| Kind::RequiredWithoutAll)?,
            "same" => at_least(1).map(|()| Kind::Same)?,
            "size" => Kind::Size(number(0)?),
            "url" => Kind::Url,
            _ => return Err(fault("there is no such validator".into())),
        };
        Ok(Self { kind, args })
    }

    /// What is wrong with a value, in a sentence. A value that is absent is wrong only for the
    /// validators that are about presence. `is_number` says that its format is a number's.
    pub(super) fn judge(
        &self,
        name: &str,
        value: Option<&Value>,
        all: All<'_>,
        beside: &[Self],
        is_number: bool,
    ) -> Result<(), String> {
        let fine = match self.presence(value, all) {
            Some(fine) => fine,
            None => match value {
                None => true,
                Some(value) => rules::holds(self, name, value, all),
            },
        };
        if fine {
            Ok(())
        } else {
            Err(self.sentence(name, beside, is_number))
        }
    }

    /// The verdict of a validator that is about presence.
    fn presence(&self, value: Option<&Value>, all: All<'_>) -> Option<bool> {
        let is_there = |name: &String| all.get(name).is_some_and(|value| !value.is_null());
        let filled = value.is_some_and(|value| value.as_str() != Some(""));
        let others = || self.args.iter();
        let wanted = match &self.kind {
            Kind::Required => return Some(value.is_some()),
            Kind::Filled => true,
            Kind::RequiredIf => self.other_is_one_of(all),
            Kind::RequiredUnless => !self.other_is_one_of(all),
            Kind::RequiredWith => others().any(is_there),
            Kind::RequiredWithAll => others().all(is_there),
            Kind::RequiredWithout => !others().all(is_there),
            Kind::RequiredWithoutAll => !others().any(is_there),
            _ => return None,
        };
        Some(!wanted || filled)
    }

    /// Whether the field of the first argument has one of the other arguments as its value.
    fn other_is_one_of(&self, all: All<'_>) -> bool {
        let [other, values @ ..] = self.args.as_slice() else {
            return false;
        };
        all.get(other)
            .is_some_and(|value| values.contains(&rules::text(value)))
    }

    /// The sentence that tells what the value should be. The texts are the protocol's, because
    /// clients show them and match on them.
    fn sentence(&self, name: &str, beside: &[Self], is_number: bool) -> String {
        let arg = |at: usize| self.args.get(at).map_or("", String::as_str);
        let has = |kind: fn(&Kind) -> bool| beside.iter().any(|rule| kind(&rule.kind));
        // What a size counts depends on the validators beside it, as in StellarFW, and on the format.
        let sized = |number: String, list: String, text: String| {
            if is_number || has(|kind| matches!(kind, Kind::Numeric | Kind::Integer)) {
                number
            } else if has(|kind| matches!(kind, Kind::Array)) {
                list
            } else {
                text
            }
        };
        let all = || self.args.join(", ");
        let values = || self.args.get(1..).unwrap_or_default().join(", ");
        match &self.kind {
            Kind::After(_) => format!("The {name} must be a date after {}.", arg(0)),
            Kind::Alpha => format!("The {name} must only contain letters."),
            Kind::AlphaDash => {
                format!("The {name} may only contain letters, numbers, and dashes.")
            }
            Kind::AlphaNum => format!("The {name} may only contain letters and numbers."),
            Kind::Array => format!("The {name} must be an array."),
            Kind::Before(_) => format!("The {name} must be a date before {}.", arg(0)),
            Kind::Between(..) => sized(
                format!("The {name} must be between {} and {}.", arg(0), arg(1)),
                format!(
                    "The {name} must have between {} and {} items.",
                    arg(0),
                    arg(1)
                ),
                format!(
                    "The {name} must be between {} and {} characters.",
                    arg(0),
                    arg(1)
                ),
            ),
            Kind::Boolean => format!("The {name} field must be true or false."),
            Kind::Confirmed => format!("The {name} confirmation does not match."),
            Kind::Date => format!("The {name} is not a valid date."),
            Kind::Different => format!("The {name} and {} must be different.", arg(0)),
            Kind::Email => format!("The {name} must be a valid email address."),
            Kind::Filled | Kind::Required => format!("The {name} field is required."),
            Kind::In | Kind::NotIn => format!("The selected {name} is invalid."),
            Kind::Integer => format!("The {name} must be an integer."),
            Kind::Ip => format!("The {name} must be a valid IP address."),
            Kind::Json => format!("The {name} must be a valid JSON string."),
            Kind::Max(_) => sized(
                format!("The {name} may not be greater than {}.", arg(0)),
                format!("The {name} may not have more than {} items.", arg(0)),
                format!("The {name} may not be greater than {} characters.", arg(0)),
            ),
            Kind::Min(_) => sized(
                format!("The {name} must be at least {}.", arg(0)),
                format!("The {name} must have at least {} items.", arg(0)),
                format!("The {name} must be at least {} characters.", arg(0)),
            ),
            Kind::Numeric => format!("The {name} must be a number."),
            Kind::Regex(_) | Kind::Url => format!("The {name} format is invalid."),
            Kind::RequiredIf => {
                let values = values();
                format!(
                    "The {name} field is required when {} is in {values}.",
                    arg(0)
                )
            }
            Kind::RequiredUnless => {
                let values = values();
                format!(
                    "The {name} field is required unless {} is in {values}.",
                    arg(0)
                )
            }
            Kind::RequiredWith => format!(
                "The {name} field is required when at least one of {} is present.",
                all()
            ),
            Kind::RequiredWithAll => {
                format!("The {name} field is required when {} are present.", all())
            }
            Kind::RequiredWithout => format!(
                "The {name} field is required when at least one of {} is not present.",
                all()
            ),
            Kind::RequiredWithoutAll => {
                format!(
                    "The {name} field is required when none of {} are present.",
                    all()
                )
            }
            Kind::Same => format!("The {name} and {} must match.", arg(0)),
            Kind::Size(_) => sized(
                format!("The {name} must be {}.", arg(0)),
                format!("The {name} must contain {} items.", arg(0)),
                format!("The {name} must be {} characters.", arg(0)),
            ),
        }
    }
}
