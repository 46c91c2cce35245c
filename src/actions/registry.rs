//! The actions of a server, by name and version.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::Value;

use super::action::Action;

#[derive(Default)]
pub(crate) struct Actions {
    by_name: HashMap<String, BTreeMap<u32, Arc<Action>>>,
}

impl Actions {
    /// Adds an action, in the place of one with its name and version.
    pub(crate) fn add(&mut self, action: Action) {
        let versions = self.by_name.entry(action.name().to_owned()).or_default();
        versions.insert(action.version(), Arc::new(action));
    }

    /// The action of a name: the newest, or that of the version a call asks for.
    pub(crate) fn find(&self, name: &str, version: Option<&Value>) -> Option<&Arc<Action>> {
        let versions = self.by_name.get(name)?;
        let wanted = match version {
            None | Some(Value::Null) => return versions.values().next_back(),
            Some(Value::Number(number)) => as_version(number.as_f64()?)?,
            Some(Value::String(text)) => as_version(text.trim().parse().ok()?)?,
            Some(_) => return None,
        };
        versions.get(&wanted)
    }

    /// All actions, sorted by name and version.
    pub(crate) fn all(&self) -> Vec<Arc<Action>> {
        let mut all: Vec<_> = self
            .by_name
            .values()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect();
        all.sort_by(|a, b| (a.name(), a.version()).cmp(&(b.name(), b.version())));
        all
    }
}

/// A whole number as a version.
fn as_version(number: f64) -> Option<u32> {
    let version = number as u32;
    (f64::from(version) == number).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::ActionResult;
    use serde_json::json;

    #[test]
    fn the_newest_unless_told_otherwise() {
        let mut actions = Actions::default();
        for version in [2, 10, 1] {
            let run = || async { ActionResult::Ok(()) };
            actions.add(Action::new("a", run).versioned(version));
        }
        let find =
            |version: Option<&Value>| actions.find("a", version).map(|action| action.version());
        assert_eq!(find(None), Some(10));
        assert_eq!(find(Some(&json!(null))), Some(10));
        assert_eq!(find(Some(&json!(2))), Some(2));
        assert_eq!(find(Some(&json!("1"))), Some(1));
        for bad in [
            json!(3),
            json!(1.5),
            json!(-1),
            json!("x"),
            json!([1]),
            json!(1e30),
        ] {
            assert_eq!(find(Some(&bad)), None, "{bad}");
        }
        assert!(actions.find("b", None).is_none());
    }
}
