//! What an action is and declares.

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::Value;
use stellarfw_transport::BoxFuture;

use super::{call::Call, error::Outcome, handler::ActionHandler, input::Input};

type Run = Arc<dyn Fn(Call) -> BoxFuture<Outcome> + Send + Sync>;

/// An action: its name, what it declares, and the function that runs.
#[derive(Clone)]
pub struct Action {
    name: String,
    description: String,
    version: u32,
    private: bool,
    blocked: Vec<String>,
    timeout: Option<Duration>,
    inputs: Vec<InputInfo>,
    run: Run,
}

/// A declared input of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InputInfo {
    /// Its name.
    pub name: String,
    /// Whether a call without it is refused.
    pub required: bool,
}

impl Action {
    /// An action of an async function.
    pub fn new<E>(name: impl Into<String>, handler: impl ActionHandler<E>) -> Self {
        let handler = Arc::new(handler);
        Self {
            name: name.into(),
            description: String::new(),
            version: 1,
            private: false,
            blocked: Vec::new(),
            timeout: None,
            inputs: Vec::new(),
            run: Arc::new(move |call| {
                let ran = handler.run(call);
                Box::pin(async move { ran.await.0 })
            }),
        }
    }

    /// What it is for, in a sentence. Default: nothing.
    #[must_use]
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Its version. Of several actions of one name the newest is called unless the call's
    /// `apiVersion` says otherwise. Default 1.
    #[must_use]
    pub fn versioned(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Not to be called by clients, who get 002. Default: they may.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Not to be called over a transport (`ws`, `http`, …), who get 005. Default: over all.
    #[must_use]
    pub fn block(mut self, transport: impl Into<String>) -> Self {
        self.blocked.push(transport.into());
        self
    }

    /// How long it may take. Default: the server's `actionTimeout`.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Declares an input that a call must have.
    #[must_use]
    pub fn requires(self, input: impl Into<String>) -> Self {
        self.input(input, true)
    }

    /// Declares an input that a call may have.
    #[must_use]
    pub fn accepts(self, input: impl Into<String>) -> Self {
        self.input(input, false)
    }

    fn input(mut self, name: impl Into<String>, required: bool) -> Self {
        self.inputs.push(InputInfo {
            name: name.into(),
            required,
        });
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

    /// Its version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether clients may not call it.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Its declared inputs.
    #[must_use]
    pub fn inputs(&self) -> &[InputInfo] {
        &self.inputs
    }

    pub(crate) fn is_blocked(&self, transport: &str) -> bool {
        self.blocked.iter().any(|blocked| blocked == transport)
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The required inputs that are absent, `null` or empty.
    pub(crate) fn missing(&self, input: &Input) -> Option<Vec<&str>> {
        if !self.inputs.iter().any(|input| input.required) {
            return None;
        }
        let value = input.to_value();
        let is_missing = |name: &str| match value.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(_) => false,
        };
        let missing: Vec<&str> = self
            .inputs
            .iter()
            .filter(|input| input.required && is_missing(&input.name))
            .map(|input| input.name.as_str())
            .collect();
        (!missing.is_empty()).then_some(missing)
    }

    pub(crate) fn call(&self, call: Call) -> BoxFuture<Outcome> {
        (self.run)(call)
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
