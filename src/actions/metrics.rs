//! What is measured of each action.

use prometheus_client::metrics::{counter::Counter, histogram::Histogram};

/// The upper bounds of the histogram of actions, in seconds.
const BUCKETS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0,
];

/// What is measured of one action.
#[derive(Clone, Debug)]
pub(crate) struct ActionMetrics {
    pub(crate) seconds: Histogram,
    pub(crate) errors: Counter,
    pub(crate) cancelled: Counter,
}

impl Default for ActionMetrics {
    fn default() -> Self {
        Self {
            seconds: Histogram::new(BUCKETS),
            errors: Counter::default(),
            cancelled: Counter::default(),
        }
    }
}
