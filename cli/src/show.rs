//! `stellarfw config show`

use std::fmt::Write as _;

use clap::Args;
use stellarfw::config::{Origins, is_secret};
use toml::{Table, Value};

use crate::{Failure, settings::Settings};

#[derive(Args)]
pub(crate) struct Show {
    /// Adds the origin of each setting as a comment
    #[arg(long)]
    sources: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Printed in place of a secret.
const HIDDEN: &str = "[hidden]";

impl Show {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let loaded = self.settings.load()?;
        for variable in loaded.origins.unknown_variables() {
            eprintln!("Warning: {variable}");
        }
        let mut table = Table::try_from(&loaded.config)?;
        redact(&mut table, false);
        let mut out = Printer {
            origins: self.sources.then_some(&loaded.origins),
            text: String::new(),
        };
        out.table(&mut Vec::new(), &table)?;
        crate::print(&out.text)
    }
}

/// Hides secrets, recognized by their key or an outer table's, and passwords in URLs.
fn redact(table: &mut Table, all: bool) {
    for (key, value) in table.iter_mut() {
        redact_value(value, all || is_secret(key));
    }
}

fn redact_value(value: &mut Value, all: bool) {
    match value {
        Value::Table(inner) => redact(inner, all),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_value(item, all)),
        _ if all => *value = HIDDEN.into(),
        Value::String(text) => {
            if let Some(without) = without_password(text) {
                *text = without;
            }
        }
        _ => {}
    }
}

/// Hides the password in a URL such as `redis://user:secret@host`, or returns `None` without one.
fn without_password(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (credentials, host) = authority.rsplit_once('@')?;
    let (user, _) = credentials.split_once(':')?;
    Some(format!("{scheme}://{user}:{HIDDEN}@{host}{path}"))
}

/// Writes TOML with one setting per line and a header for each table.
struct Printer<'a> {
    origins: Option<&'a Origins>,
    text: String,
}

impl Printer<'_> {
    fn table(&mut self, path: &mut Vec<String>, table: &Table) -> std::fmt::Result {
        let (tables, values): (Vec<_>, Vec<_>) =
            table.iter().partition(|(_, value)| value.is_table());
        if !path.is_empty() && (!values.is_empty() || tables.is_empty()) {
            let header: Vec<String> = path.iter().map(|key| quoted(key)).collect();
            writeln!(self.text, "\n[{}]", header.join("."))?;
        }
        for (key, value) in values {
            path.push(key.clone());
            write!(self.text, "{} = {value}", quoted(key))?;
            if let Some(origins) = self.origins {
                write!(self.text, "  # {}", origins.of(path))?;
            }
            self.text.push('\n');
            path.pop();
        }
        for (key, value) in tables {
            if let Value::Table(inner) = value {
                path.push(key.clone());
                self.table(path, inner)?;
                path.pop();
            }
        }
        Ok(())
    }
}

/// Formats a key, in quotes if necessary.
fn quoted(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !key.is_empty() && key.bytes().all(is_bare) {
        return key.to_owned();
    }
    // Quoted keys are basic strings of one line.
    let escaped = key.chars().map(|letter| match letter {
        '"' | '\\' => format!("\\{letter}"),
        letter if letter.is_control() => format!("\\u{:04X}", u32::from(letter)),
        letter => letter.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut table: Table = toml::from_str(text).unwrap();
        redact(&mut table, false);
        let mut out = Printer {
            origins: None,
            text: String::new(),
        };
        out.table(&mut Vec::new(), &table).unwrap();
        out.text
    }

    #[test]
    fn secrets_are_not_printed() {
        let text = shown(
            r#"
            apiToken = "hunter1"
            PASSWORD = 12345
            [broker]
            url = "redis://user:hunter2@host:6379/0"
            plain = "redis://user@host/a:b@c"
            [broker.secrets]
            first = "hunter3"
            list = ["hunter4", { key = "hunter5" }]
            [tls]
            key = "/etc/app/key.pem"
            "#,
        );
        assert!(
            !text.contains("hunter") && !text.contains("12345"),
            "{text}"
        );
        assert!(text.contains("apiToken = \"[hidden]\""), "{text}");
        assert!(
            text.contains("url = \"redis://user:[hidden]@host:6379/0\""),
            "{text}"
        );
        assert!(
            text.contains("plain = \"redis://user@host/a:b@c\""),
            "{text}"
        );
        assert!(text.contains("key = \"/etc/app/key.pem\""), "{text}");
    }

    #[test]
    fn printed_settings_parse_to_the_same_table() {
        let text =
            "a = 1\n\"b c\" = [{ x = \"y\" }, 2]\n\n[d.\"e.\\\"\\n\"]\nf = \"g\\n\"\n\n[h]\n";
        let table: Table = toml::from_str(text).unwrap();
        assert_eq!(toml::from_str::<Table>(&shown(text)).unwrap(), table);
    }
}
