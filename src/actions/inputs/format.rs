//! Formats: what an input is converted to.

use std::{fmt, sync::Arc};

use serde_json::{Number, Value};

type Convert = Arc<dyn Fn(&Value) -> Option<Value> + Send + Sync>;

/// What an input is converted to before it is validated.
#[derive(Clone)]
#[non_exhaustive]
pub enum Format {
    /// A whole number, also from its text.
    Integer,
    /// A number, also from its text.
    Float,
    /// A text, also of a number or a boolean.
    String,
    /// A boolean, also from `true`, `1`, `on`, `false`, `0`, `off`.
    Bool,
    /// A function of your own: none means that the value cannot be converted.
    Function(&'static str, Convert),
}

impl Format {
    /// A format of your own; `name` is what is told to have been expected.
    pub fn function(
        name: &'static str,
        convert: impl Fn(&Value) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        Self::Function(name, Arc::new(convert))
    }

    /// Its name, as errors tell it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Function(name, _) => name,
        }
    }

    pub(super) fn convert(&self, value: &Value) -> Option<Value> {
        match self {
            Self::Integer => integer(value),
            Self::Float => match value {
                Value::Number(_) => Some(value.clone()),
                Value::String(text) => {
                    let number: f64 = text.trim().parse().ok()?;
                    Number::from_f64(number).map(Value::Number)
                }
                _ => None,
            },
            Self::String => match value {
                Value::String(_) => Some(value.clone()),
                Value::Number(number) => Some(number.to_string().into()),
                Value::Bool(value) => Some(value.to_string().into()),
                _ => None,
            },
            Self::Bool => match value {
                Value::Bool(_) => Some(value.clone()),
                Value::Number(number) => match number.as_u64()? {
                    0 => Some(false.into()),
                    1 => Some(true.into()),
                    _ => None,
                },
                Value::String(text) => match text.trim() {
                    "true" | "1" | "on" => Some(true.into()),
                    "false" | "0" | "off" => Some(false.into()),
                    _ => None,
                },
                _ => None,
            },
            Self::Function(_, convert) => convert(value),
        }
    }
}

fn integer(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(value.clone()),
        Value::Number(number) => {
            // JavaScript has no integers: 2.0 is one, if it can be told exactly.
            let number = number.as_f64()?;
            let whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
            whole.then(|| Value::from(number as i64))
        }
        Value::String(text) => text.trim().parse::<i64>().ok().map(Value::from),
        _ => None,
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_converted_or_refused() {
        let ok = [
            (Format::Integer, json!("7"), json!(7)),
            (Format::Integer, json!(7.0), json!(7)),
            (Format::Integer, json!(u64::MAX), json!(u64::MAX)),
            (Format::Float, json!(" 1.5"), json!(1.5)),
            (Format::Float, json!(2), json!(2)),
            (Format::String, json!(1.5), json!("1.5")),
            (Format::String, json!(true), json!("true")),
            (Format::Bool, json!("on"), json!(true)),
            (Format::Bool, json!(0), json!(false)),
        ];
        for (format, value, expected) in ok {
            assert_eq!(format.convert(&value), Some(expected), "{format:?} {value}");
        }
        let bad = [
            (Format::Integer, json!("7a")),
            (Format::Integer, json!(7.5)),
            (Format::Integer, json!(1e300)),
            (Format::Integer, json!([7])),
            (Format::Float, json!("inf")),
            (Format::Float, json!("")),
            (Format::String, json!({})),
            (Format::Bool, json!(2)),
            (Format::Bool, json!("yes")),
        ];
        for (format, value) in bad {
            assert_eq!(format.convert(&value), None, "{format:?} {value}");
        }
    }
}
