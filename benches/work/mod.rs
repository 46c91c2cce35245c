//! The work of one message, as a piece that can be repeated: Criterion times it, the guard counts
//! its instructions, and a test its allocations. All three prepare the same thing here.

mod codec;
mod sink;
mod stellar;
mod transport;
mod ws;

use tokio::runtime::{Builder, Runtime};

/// How long the text is that all of them carry.
pub(crate) const TEXT: usize = 64;

/// A piece of work.
pub(crate) struct Work {
    /// What it measures, as `group/name`.
    pub(crate) name: &'static str,
    /// How many messages or deliveries one repetition is.
    pub(crate) units: usize,
    prepare: Prepare,
}

type Prepare = for<'a> fn(&'a Runtime) -> Repeat<'a>;

/// Does the work once each time it is called.
pub(crate) type Repeat<'a> = Box<dyn FnMut() + 'a>;

impl Work {
    const fn new(name: &'static str, units: usize, prepare: Prepare) -> Self {
        Self {
            name,
            units,
            prepare,
        }
    }

    /// Builds what the work needs. The runtime must have been entered.
    pub(crate) fn prepare<'a>(&self, runtime: &'a Runtime) -> Repeat<'a> {
        (self.prepare)(runtime)
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Work> {
    [codec::WORK, transport::WORK, stellar::WORK, ws::WORK]
        .into_iter()
        .flatten()
        .map(|&(name, units, prepare)| Work::new(name, units, prepare))
        .collect()
}

type Entry = (&'static str, usize, Prepare);

/// One thread, so that what happens is the same each time.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A text of the usual length.
fn text() -> String {
    "x".repeat(TEXT)
}
