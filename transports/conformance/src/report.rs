//! Runs one behaviour or all of them, and reports the results.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use crate::{behaviours, harness::Harness};

/// Bound of one behaviour. Exceeds the bound of any single wait inside it.
const DEADLINE: Duration = Duration::from_secs(90);

type Run = fn(Arc<dyn Harness>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A behaviour that every engine must have.
#[derive(Clone, Copy)]
pub struct Behaviour {
    /// Subject and name, such as `messages::incoming_order_is_kept`.
    pub name: &'static str,
    run: Run,
}

impl Behaviour {
    /// Runs the behaviour on the current runtime and catches its panics.
    ///
    /// Dropping the future does not stop a behaviour that has started.
    ///
    /// # Errors
    /// Returns the message of the failed assertion.
    pub async fn run(&self, harness: Arc<dyn Harness>) -> Result<(), String> {
        let task = tokio::spawn((self.run)(harness));
        let abort = task.abort_handle();
        match tokio::time::timeout(DEADLINE, task).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => match error.try_into_panic() {
                Ok(panic) => Err(message(&*panic)),
                Err(error) => Err(error.to_string()),
            },
            Err(_) => {
                abort.abort();
                Err("timed out".into())
            }
        }
    }
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panicked without a message".into())
}

/// The result of one behaviour.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The behaviour's name.
    pub name: &'static str,
    /// The message of the failed assertion, if the behaviour failed.
    pub result: Result<(), String>,
}

/// The results of all behaviours.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One outcome per behaviour, in the order of [`ALL`].
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Returns `true` if every behaviour passed.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Iterates over the behaviours that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.result.is_err())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Outcome { name, result } in &self.outcomes {
            match result {
                Ok(()) => writeln!(f, "ok     {name}")?,
                Err(error) => writeln!(f, "FAILED {name}: {error}")?,
            }
        }
        let failed = self.failures().count();
        write!(
            f,
            "{} of {} passed",
            self.outcomes.len() - failed,
            self.outcomes.len()
        )
    }
}

/// Runs all behaviours in sequence.
///
/// Not cancel safe: dropping the future loses the outcomes so far.
pub async fn run_all(harness: Arc<dyn Harness>) -> Report {
    let mut report = Report::default();
    for behaviour in ALL {
        report.outcomes.push(Outcome {
            name: behaviour.name,
            result: behaviour.run(harness.clone()).await,
        });
    }
    report
}

/// Runs one behaviour on a new runtime with two worker threads.
///
/// The tests that [`suite!`](crate::suite) defines call this function.
///
/// # Panics
/// Panics if the behaviour fails or `name` is unknown.
pub fn check(harness: Arc<dyn Harness>, name: &str) {
    let Some(behaviour) = ALL.iter().find(|behaviour| behaviour.name == name) else {
        panic!("unknown behaviour: {name}");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(behaviour.run(harness)),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = result {
        panic!("{name}: {error}");
    }
}

macro_rules! table {
    ([] $($subject:ident { $($name:ident)+ })+) => {
        /// Every behaviour of the suite.
        pub const ALL: &[Behaviour] = &[$($(Behaviour {
            name: concat!(stringify!($subject), "::", stringify!($name)),
            run: |harness| Box::pin(behaviours::$subject::$name(harness)),
        }),+),+];
    };
}

crate::__each_behaviour!([table] []);
