//! The conformance suite, on every way this engine can go.

mod support;

mod websocket {
    use crate::support::{harness::SioHarness, line::Way};
    stellarfw_conformance::suite!(SioHarness(Way::WebSocket));
}

mod polling {
    use crate::support::{harness::SioHarness, line::Way};
    stellarfw_conformance::suite!(SioHarness(Way::Polling));
}

mod upgrade {
    use crate::support::{harness::SioHarness, line::Way};
    stellarfw_conformance::suite!(SioHarness(Way::Upgrade));
}

mod websocket_among_several {
    use crate::support::{harness::SeveralHarness, line::Way};
    stellarfw_conformance::suite!(SeveralHarness(Way::WebSocket));
}

mod polling_among_several {
    use crate::support::{harness::SeveralHarness, line::Way};
    stellarfw_conformance::suite!(SeveralHarness(Way::Polling));
}

mod upgrade_among_several {
    use crate::support::{harness::SeveralHarness, line::Way};
    stellarfw_conformance::suite!(SeveralHarness(Way::Upgrade));
}
