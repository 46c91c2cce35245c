//! The work of one message, as a repeatable function.
//!
//! Criterion measures its time, a script its instructions, and a test its allocations.

mod codec;
mod sink;
mod stellar;
mod transport;
mod ws;

use tokio::runtime::{Builder, Runtime};

/// Length of the text in each message, in bytes.
pub(crate) const TEXT: usize = 64;

/// A piece of work.
pub(crate) struct Work {
    /// The name, as `group/name`.
    pub(crate) name: &'static str,
    /// The number of messages or deliveries per repetition.
    pub(crate) units: usize,
    prepare: Prepare,
}

type Prepare = for<'a> fn(&'a Runtime) -> Repeat<'a>;

/// Runs the work once per call.
pub(crate) type Repeat<'a> = Box<dyn FnMut() + 'a>;

impl Work {
    const fn new(name: &'static str, units: usize, prepare: Prepare) -> Self {
        Self {
            name,
            units,
            prepare,
        }
    }

    /// Prepares the work. Call it inside the runtime.
    pub(crate) fn prepare<'a>(&self, runtime: &'a Runtime) -> Repeat<'a> {
        (self.prepare)(runtime)
    }
}

/// Every piece of work.
pub(crate) fn all() -> Vec<Work> {
    [codec::WORK, transport::WORK, stellar::WORK, ws::WORK]
        .into_iter()
        .flatten()
        .map(|&(name, units, prepare)| Work::new(name, units, prepare))
        .collect()
}

type Entry = (&'static str, usize, Prepare);

/// Creates a single-threaded runtime, for deterministic execution.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Returns a text of [`TEXT`] bytes.
fn text() -> String {
    "x".repeat(TEXT)
}
