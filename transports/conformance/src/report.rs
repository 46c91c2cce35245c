//! Running behaviours, one or all.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use crate::{behaviours, harness::Harness};

/// Above the patience of any single wait within a behaviour.
const DEADLINE: Duration = Duration::from_secs(90);

type Run = fn(Arc<dyn Harness>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A behaviour that every engine must show.
#[derive(Clone, Copy)]
pub struct Behaviour {
    /// Subject and name, such as `messages::order_is_kept_in`.
    pub name: &'static str,
    run: Run,
}

impl Behaviour {
    /// Runs it. Panics inside are caught. Cancel safe in that what was begun is given up.
    ///
    /// # Errors
    /// What did not hold.
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
                Err("it took too long".into())
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
        .unwrap_or_else(|| "it panicked".into())
}

/// What became of one behaviour.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The behaviour's name.
    pub name: &'static str,
    /// Nothing, or what did not hold.
    pub result: Result<(), String>,
}

/// What became of all behaviours.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order of [`ALL`].
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Whether all held.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Those that did not hold.
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
            "{} of {} hold",
            self.outcomes.len() - failed,
            self.outcomes.len()
        )
    }
}

/// Runs all behaviours, one after the other. Dropped half-way, the report is lost.
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

/// Runs one behaviour on a runtime of its own, as the tests of [`suite!`](crate::suite) do.
///
/// # Panics
/// When it does not hold.
pub fn check(harness: Arc<dyn Harness>, name: &str) {
    let Some(behaviour) = ALL.iter().find(|behaviour| behaviour.name == name) else {
        panic!("there is no behaviour {name}");
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
        /// Every behaviour there is.
        pub const ALL: &[Behaviour] = &[$($(Behaviour {
            name: concat!(stringify!($subject), "::", stringify!($name)),
            run: |harness| Box::pin(behaviours::$subject::$name(harness)),
        }),+),+];
    };
}

crate::__each_behaviour!([table] []);
