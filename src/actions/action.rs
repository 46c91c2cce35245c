//! What an action is and declares.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::Value;
use stellarfw_transport::BoxFuture;
use tracing::Level;

use super::{
    call::Call,
    constraints::Constraints,
    handler::ActionHandler,
    handler::HandlerOutcome,
    inputs::{Input, RuleError},
    shape::{Answer, TypeSchema},
};

type Run = Arc<dyn Fn(Call) -> BoxFuture<HandlerOutcome> + Send + Sync>;

/// An action: its name, what it declares, and the function that runs.
///
/// ```
/// use std::time::Duration;
/// use serde_json::json;
/// use stellarfw::actions::{Action, ActionResult, Format, Input};
///
/// let action = Action::new("orbit", async || ActionResult::Ok(json!({ "orbits": 3 })))
///     .describe("Tells how often a satellite goes round")
///     .versioned(2)
///     .group("satellites")
///     .input(Input::required("days").format(Format::Integer).validate("min:1"))
///     .middleware("auth")
///     .block("http")
///     .within(Duration::from_secs(5))
///     .example(json!({ "orbits": 47 }));
/// ```
#[derive(Clone)]
pub struct Action {
    name: String,
    description: String,
    version: u32,
    group: Option<String>,
    private: bool,
    protected: bool,
    blocked: Vec<String>,
    methods: Option<Vec<String>>,
    default_methods: Option<Vec<String>>,
    timeout: Option<Duration>,
    detached: bool,
    inputs: Vec<Input>,
    params: Option<Arc<TypeSchema>>,
    constraints: Option<Arc<Constraints>>,
    bad_schema: Option<RuleError>,
    answer: Arc<Answer>,
    middleware: Vec<String>,
    example: Option<Value>,
    render: bool,
    level: Level,
    run: Run,
}

impl Action {
    /// An action of an async function.
    pub fn new<E>(name: impl Into<String>, handler: impl ActionHandler<E>) -> Self {
        let handler = Arc::new(handler);
        Self {
            name: name.into(),
            description: String::new(),
            version: 1,
            group: None,
            private: false,
            protected: false,
            blocked: Vec::new(),
            methods: None,
            default_methods: None,
            timeout: None,
            detached: false,
            inputs: Vec::new(),
            params: None,
            constraints: None,
            bad_schema: None,
            answer: Arc::default(),
            middleware: Vec::new(),
            example: None,
            render: true,
            level: Level::DEBUG,
            run: Arc::new(move |call| handler.run(call)),
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

    /// The group it belongs to, which [`Builder::group`](crate::Builder::group) can modify.
    /// Default: none.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Not to be called by clients, who get 002, but by other actions and the server itself.
    /// Default: clients may.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Not to be replaced by another action of its name and version. Default: it may.
    #[must_use]
    pub fn protected(mut self) -> Self {
        self.protected = true;
        self
    }

    /// Not to be called over a transport, by any of its names (`ws`, `engine.io`, …, `http` for the
    /// API), where it gets 005. A name that no transport has is an error of the build.
    /// Default: over all.
    #[must_use]
    pub fn block(mut self, transport: impl Into<String>) -> Self {
        self.blocked.push(transport.into());
        self
    }

    /// The HTTP methods that it answers to over the API: any of `GET`, `POST`, `PUT`, `PATCH` and
    /// `DELETE`. Others get 405. `GET` includes `HEAD`. A name that is no such method is an error of
    /// the build. Default: those of its group, or else of the setting `actionMethods`.
    ///
    /// ```
    /// # use stellarfw::actions::{Action, ActionResult};
    /// let action = Action::new("pay", async || ActionResult::Ok(())).methods(["POST"]);
    /// ```
    #[must_use]
    pub fn methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.methods = Some(upper(methods));
        self
    }

    /// The methods if it declares none itself, for groups:
    ///
    /// ```
    /// # use stellarfw::Stellar;
    /// let builder = Stellar::builder().group("admin", |action| action.default_methods(["POST"]));
    /// ```
    #[must_use]
    pub fn default_methods<M: Into<String>>(
        mut self,
        methods: impl IntoIterator<Item = M>,
    ) -> Self {
        self.default_methods = Some(upper(methods));
        self
    }

    /// How long it may take, its middleware included. Default: the server's `actionTimeout`.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Lets a call run to its end although the connection or the request that made it is gone, as
    /// what must not stop half-way needs. The call counts as one of its client's until it ends, and
    /// its timeout still holds. Default: it is cancelled, its future is dropped at its next `.await`.
    #[must_use]
    pub fn detached(mut self) -> Self {
        self.detached = true;
        self
    }

    /// Declares an input.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }

    /// Declares an input that a call must have, and nothing more of it.
    #[must_use]
    pub fn requires(self, name: impl Into<String>) -> Self {
        self.input(Input::required(name))
    }

    /// Declares an input that a call may have, and nothing more of it.
    #[must_use]
    pub fn accepts(self, name: impl Into<String>) -> Self {
        self.input(Input::optional(name))
    }

    /// Describes the parameters by a JSON Schema (2020-12), in the documents and to TypeScript.
    ///
    /// Its bounds, lengths, patterns and formats are checked before the action runs; a value that
    /// breaks one gets the sentence of the validator of that kind, under its path, such as
    /// `orbit.apogee`. Types and presence are left to what reads the parameters.
    ///
    /// Inputs that are [declared](Self::input) beside it come on top. One that has the name of a
    /// property adds to it: its default and its format apply first, and both judge. Default: none.
    ///
    /// A pattern that is no regular expression is reported when the server is built.
    #[must_use]
    pub fn params_schema(mut self, schema: impl Into<Value>) -> Self {
        let schema = TypeSchema::new(schema.into());
        match Constraints::of(&schema) {
            Ok(constraints) => self.constraints = constraints.map(Arc::new),
            Err(fault) => self.bad_schema = Some(fault),
        }
        self.params = Some(Arc::new(schema));
        self
    }

    /// Describes what the action returns by a JSON Schema (2020-12), in the documents and to
    /// TypeScript. Default: none.
    #[must_use]
    pub fn answer_schema(self, schema: impl Into<Value>) -> Self {
        self.answers(Answer::Of(TypeSchema::new(schema.into())))
    }

    pub(crate) fn answers(mut self, answer: Answer) -> Self {
        self.answer = Arc::new(answer);
        self
    }

    /// Adds middleware by name, besides the global one.
    #[must_use]
    pub fn middleware(mut self, name: impl Into<String>) -> Self {
        self.middleware.push(name.into());
        self
    }

    /// An example of what it returns, for the documentation. Default: none.
    #[must_use]
    pub fn example(mut self, value: impl Into<Value>) -> Self {
        self.example = Some(value.into());
        self
    }

    /// Whether its callers get a response. One that does not render has told them otherwise, or
    /// has nothing to tell; its errors are still told. Over HTTP such a call gets 204. Default
    /// true.
    #[must_use]
    pub fn render(mut self, render: bool) -> Self {
        self.render = render;
        self
    }

    /// The level at which its calls are logged, without their parameters. Default: debug.
    #[must_use]
    pub fn log_level(mut self, level: Level) -> Self {
        self.level = level;
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

    /// The group it belongs to.
    #[must_use]
    pub fn group_name(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// Whether clients may not call it.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Whether it cannot be replaced.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.protected
    }

    /// Its declared inputs.
    #[must_use]
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// What its schema asks of the parameters beyond their types.
    pub(crate) fn constraints(&self) -> Option<&Constraints> {
        self.constraints.as_deref()
    }

    /// The schema of its parameters.
    pub(crate) fn params(&self) -> Option<&TypeSchema> {
        self.params.as_deref()
    }

    /// What is known of its answers.
    pub(crate) fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The transports over which it is not to be called.
    #[must_use]
    pub fn blocked(&self) -> &[String] {
        &self.blocked
    }

    /// The HTTP methods that it or its group declares, in upper case; `None` if neither does.
    #[must_use]
    pub fn declared_methods(&self) -> Option<&[String]> {
        let methods = self.methods.as_ref().or(self.default_methods.as_ref());
        methods.map(Vec::as_slice)
    }

    /// A declared method that there is not.
    pub(crate) fn bad_method(&self) -> Option<&str> {
        let declared = self.methods.iter().chain(&self.default_methods).flatten();
        declared
            .map(String::as_str)
            .find(|method| !is_method(method))
    }

    /// The names of its middleware.
    #[must_use]
    pub fn middleware_names(&self) -> &[String] {
        &self.middleware
    }

    /// An example of what it returns.
    #[must_use]
    pub fn output_example(&self) -> Option<&Value> {
        self.example.as_ref()
    }

    /// How long it may take, if that is its own to say.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Returns `true` if its calls run to their end although their caller is gone.
    #[must_use]
    pub fn is_detached(&self) -> bool {
        self.detached
    }

    /// Whether its callers get a response.
    #[must_use]
    pub fn renders(&self) -> bool {
        self.render
    }

    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Puts the one name of each blocked transport in place of the one that was given.
    ///
    /// # Errors
    /// The first name that no transport has.
    pub(crate) fn name_blocked(
        &mut self,
        one_name: impl Fn(&str) -> Option<&'static str>,
    ) -> Result<(), String> {
        for blocked in &mut self.blocked {
            let name = one_name(blocked).ok_or_else(|| blocked.clone())?;
            blocked.clear();
            blocked.push_str(name);
        }
        Ok(())
    }

    pub(crate) fn is_blocked(&self, transport: &str) -> bool {
        self.blocked.iter().any(|blocked| blocked == transport)
    }

    /// The first fault in its declarations.
    pub(crate) fn fault(&self) -> Option<&RuleError> {
        let of_inputs = || self.inputs.iter().find_map(Input::fault);
        self.bad_schema.as_ref().or_else(of_inputs)
    }

    pub(crate) fn call(&self, call: Call) -> BoxFuture<HandlerOutcome> {
        (self.run)(call)
    }
}

fn upper<M: Into<String>>(methods: impl IntoIterator<Item = M>) -> Vec<String> {
    let methods = methods.into_iter().map(Into::into);
    methods.map(|method| method.to_ascii_uppercase()).collect()
}

/// Returns `true` for a method, in upper case, with which actions can be called.
pub(crate) fn is_method(name: &str) -> bool {
    ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&name)
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
