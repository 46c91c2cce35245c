//! The conformance suite, on every way this engine can go.

mod support;

mod websocket {
    use crate::support::{harness::EioHarness, line::Way};
    stellarfw_conformance::suite!(EioHarness(Way::WebSocket));
}

mod polling {
    use crate::support::{harness::EioHarness, line::Way};
    stellarfw_conformance::suite!(EioHarness(Way::Polling));
}

mod upgrade {
    use crate::support::{harness::EioHarness, line::Way};
    stellarfw_conformance::suite!(EioHarness(Way::Upgrade));
}
