//! Where each setting came from.

use std::{collections::BTreeMap, fmt};

use toml::{Table, Value};

use super::UnknownVariable;

/// What gave a setting its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nothing did: it is the default.
    Default,
    /// A file, by its name.
    File(String),
    /// A variable, by its name.
    Variable(String),
    /// The program itself, such as its command line.
    Program,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(name) | Self::Variable(name) => f.write_str(name),
            Self::Program => f.write_str("command line"),
        }
    }
}

/// Where the settings came from, by their keys.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    by_key: BTreeMap<Vec<String>, Origin>,
    unknown: Vec<UnknownVariable>,
}

impl Origins {
    /// Where a setting came from: `["server", "pingInterval"]`. Of a table it is where the first
    /// of its keys came from that is not the default.
    #[must_use]
    pub fn of<S: AsRef<str>>(&self, path: &[S]) -> &Origin {
        let path: Vec<String> = path.iter().map(|key| key.as_ref().to_owned()).collect();
        self.by_key
            .range(path.clone()..)
            .next()
            .filter(|(key, _)| key.starts_with(&path))
            .map_or(&Origin::Default, |(_, origin)| origin)
    }

    /// How many settings are not the default.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether all settings are the default.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The variables that begin with `STELLAR_` and name no setting.
    #[must_use]
    pub fn unknown_variables(&self) -> &[UnknownVariable] {
        &self.unknown
    }

    pub(super) fn add_unknown(&mut self, variable: UnknownVariable) {
        self.unknown.push(variable);
    }

    /// Notes a table that was laid over what there was.
    pub(super) fn merge(&mut self, table: &Table, origin: &Origin) {
        self.add(&mut Vec::new(), table, origin);
    }

    /// Notes a value that took the place of what there was at its key.
    pub(super) fn put(&mut self, path: &[String], table: &Table, origin: &Origin) {
        self.forget(path);
        let mut path = path.to_vec();
        let found = path.split_first().and_then(|(first, rest)| {
            rest.iter()
                .try_fold(table.get(first)?, |value, key| value.get(key))
        });
        match found {
            Some(Value::Table(inner)) => self.add(&mut path, inner, origin),
            Some(_) => {
                self.by_key.insert(path, origin.clone());
            }
            None => {}
        }
    }

    fn add(&mut self, path: &mut Vec<String>, table: &Table, origin: &Origin) {
        for (key, value) in table {
            path.push(key.clone());
            match value {
                Value::Table(inner) => self.add(path, inner, origin),
                _ => {
                    self.forget(path);
                    self.by_key.insert(path.clone(), origin.clone());
                }
            }
            path.pop();
        }
    }

    fn forget(&mut self, path: &[String]) {
        self.by_key.retain(|known, _| !known.starts_with(path));
    }
}
