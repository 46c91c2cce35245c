//! The conformance suite of brokers.

use std::sync::Arc;

use stellarfw_broker::{Broker, broker_suite};
use stellarfw_broker_memory::MemoryBroker;

async fn brokers() -> Vec<Arc<dyn Broker>> {
    vec![Arc::new(MemoryBroker::new())]
}

broker_suite!(brokers().await);
