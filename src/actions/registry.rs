//! The actions of a server, by name and version, each with the middleware that runs for it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use foldhash::fast::RandomState;
use serde_json::Value;

use super::{
    action::Action, fields::Fields, inputs::RuleError, metrics::ActionMetrics,
    middleware::Middleware, param_index::ParamIndex, raw_params::RawParams, secrets::SecretNames,
};

/// The actions of a server.
#[derive(Default)]
pub(crate) struct Actions {
    /// The names are the server's own: a hash that is quick will do.
    by_name: HashMap<String, BTreeMap<u32, Arc<Registered>>, RandomState>,
    /// Those of all actions.
    secrets: SecretNames,
}

/// An action and the middleware that runs for it, in order.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) action: Arc<Action>,
    pub(crate) middleware: Vec<Arc<Middleware>>,
    pub(crate) metrics: ActionMetrics,
    pub(crate) secrets: SecretNames,
}

/// The actions of a server could not be put together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActionsError {
    /// A protected action would be replaced.
    #[error("action {0:?} is protected: no other of its version can take its place")]
    Protected(String),
    /// An action names middleware that there is not.
    #[error("action {action:?} names the middleware {middleware:?}, which there is not")]
    UnknownMiddleware {
        /// The action.
        action: String,
        /// What it names.
        middleware: String,
    },
    /// An action is blocked over a transport that there is not.
    #[error(
        "action {action:?} is blocked over {transport:?}, which is no transport; there are: {known}"
    )]
    UnknownTransport {
        /// The action.
        action: String,
        /// What it names.
        transport: String,
        /// The names there are, as a list to read.
        known: String,
    },
    /// An action declares an HTTP method that there is not.
    #[error(
        "action {action:?} declares the method {method:?}, which is none of GET, POST, PUT, PATCH, DELETE"
    )]
    UnknownMethod {
        /// The action.
        action: String,
        /// What it names.
        method: String,
    },
    /// Two middlewares have one name.
    #[error("there are two middlewares named {0:?}")]
    TwoMiddlewares(String),
    /// An input is declared wrongly.
    #[error("action {action:?}: {fault}")]
    Input {
        /// The action.
        action: String,
        /// What is wrong.
        fault: RuleError,
    },
}

impl Actions {
    /// Puts actions and middleware together. An action takes the place of an earlier one of its
    /// name and version.
    pub(crate) fn build(
        actions: Vec<Action>,
        middlewares: Vec<Middleware>,
    ) -> Result<Self, ActionsError> {
        let mut all: Vec<Arc<Middleware>> = Vec::new();
        for middleware in middlewares {
            if all.iter().any(|known| known.name() == middleware.name()) {
                return Err(ActionsError::TwoMiddlewares(middleware.name().to_owned()));
            }
            all.push(Arc::new(middleware));
        }
        // The sort is stable: of equal priority the one added first stays first.
        all.sort_by_key(|middleware| middleware.order());

        let mut this = Self::default();
        for action in actions {
            this.add(action, &all)?;
        }
        Ok(this)
    }

    fn add(&mut self, action: Action, all: &[Arc<Middleware>]) -> Result<(), ActionsError> {
        let name = || action.name().to_owned();
        if let Some(fault) = action.fault() {
            return Err(ActionsError::Input {
                action: name(),
                fault: fault.clone(),
            });
        }
        if let Some(method) = action.bad_method() {
            return Err(ActionsError::UnknownMethod {
                action: name(),
                method: method.to_owned(),
            });
        }
        let named = action.middleware_names();
        let known = |name: &&String| all.iter().any(|known| known.name() == name.as_str());
        if let Some(middleware) = named.iter().find(|name| !known(name)) {
            return Err(ActionsError::UnknownMiddleware {
                action: name(),
                middleware: middleware.clone(),
            });
        }
        let runs = |middleware: &&Arc<Middleware>| {
            middleware.is_global() || named.iter().any(|name| name == middleware.name())
        };
        let middleware = all.iter().filter(runs).cloned().collect();
        let versions = self.by_name.entry(name()).or_default();
        if versions
            .get(&action.version())
            .is_some_and(|known| known.action.is_protected())
        {
            return Err(ActionsError::Protected(name()));
        }
        let secrets = SecretNames::of(&action);
        self.secrets.extend(&secrets);
        versions.insert(
            action.version(),
            Arc::new(Registered {
                secrets,
                action: Arc::new(action),
                middleware,
                metrics: ActionMetrics::default(),
            }),
        );
        Ok(())
    }

    /// The names of the secrets among the parameters of a call over HTTP. Of an action that there is
    /// not they are those of all: its name may be misspelt.
    pub(crate) fn secrets_of(&self, raw_params: &RawParams) -> &SecretNames {
        if self.secrets.is_empty() {
            return &self.secrets;
        }
        let index = ParamIndex::of(raw_params);
        let fields = Fields::of(raw_params, &index);
        let name = fields.action.as_deref();
        let found = name.and_then(|name| self.find(name, fields.version.as_ref()));
        found.map_or(&self.secrets, |found| &found.secrets)
    }

    /// The action of a name: the newest, or that of the version a call asks for.
    pub(crate) fn find(&self, name: &str, version: Option<&Value>) -> Option<&Arc<Registered>> {
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
        let all = self.registered();
        all.iter()
            .map(|registered| registered.action.clone())
            .collect()
    }

    /// The same, with what stands beside them.
    pub(crate) fn registered(&self) -> Vec<Arc<Registered>> {
        let mut all: Vec<_> = self
            .by_name
            .values()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect();
        all.sort_by(|a, b| {
            let key = |of: &Registered| (of.action.name().to_owned(), of.action.version());
            key(a).cmp(&key(b))
        });
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
    use crate::actions::{ActionResult, Input};
    use serde_json::json;

    fn action(name: &str) -> Action {
        Action::new(name, || async { ActionResult::Ok(()) })
    }

    #[test]
    fn the_newest_unless_told_otherwise() {
        let versions = [2, 10, 1].map(|version| action("a").versioned(version));
        let actions = Actions::build(versions.into(), Vec::new()).unwrap();
        let find = |version: Option<&Value>| {
            let found = actions.find("a", version);
            found.map(|found| found.action.version())
        };
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

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let build = |actions, middlewares| Actions::build(actions, middlewares).err().unwrap();
        let error = build(vec![action("a").protected(), action("a")], Vec::new());
        assert_eq!(error, ActionsError::Protected("a".into()));
        let error = build(vec![action("a").middleware("m")], Vec::new());
        assert!(error.to_string().contains("\"m\""), "{error}");
        let two = vec![Middleware::new("m"), Middleware::new("m")];
        assert_eq!(
            build(Vec::new(), two),
            ActionsError::TwoMiddlewares("m".into())
        );
        let error = build(
            vec![action("a").input(Input::optional("x").validate("no"))],
            Vec::new(),
        );
        assert!(error.to_string().contains("no such validator"), "{error}");
    }

    #[test]
    fn middleware_runs_by_priority() {
        let middlewares = vec![
            Middleware::new("late").global().priority(200),
            Middleware::new("named"),
            Middleware::new("first").global().priority(1),
            Middleware::new("other"),
        ];
        let actions = Actions::build(vec![action("a").middleware("named")], middlewares).unwrap();
        let found = actions.find("a", None).unwrap();
        let names: Vec<_> = found.middleware.iter().map(|m| m.name()).collect();
        assert_eq!(names, ["first", "named", "late"]);
    }
}
