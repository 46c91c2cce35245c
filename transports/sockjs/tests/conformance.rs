//! The conformance suite, over the ways that are told apart by how clients receive.

mod support;

mod websocket {
    use crate::support::harness::{SockJsHarness, Way};
    stellarfw_conformance::suite!(SockJsHarness(Way::WebSocket));
}

mod xhr_streaming {
    use crate::support::{
        harness::{SockJsHarness, Way},
        polling,
    };
    stellarfw_conformance::suite!(SockJsHarness(Way::Http(polling::Way::XhrStreaming)));
}

mod xhr {
    use crate::support::{
        harness::{SockJsHarness, Way},
        polling,
    };
    stellarfw_conformance::suite!(SockJsHarness(Way::Http(polling::Way::Xhr)));
}

mod eventsource {
    use crate::support::{
        harness::{SockJsHarness, Way},
        polling,
    };
    stellarfw_conformance::suite!(SockJsHarness(Way::Http(polling::Way::EventSource)));
}

mod htmlfile {
    use crate::support::{
        harness::{SockJsHarness, Way},
        polling,
    };
    stellarfw_conformance::suite!(SockJsHarness(Way::Http(polling::Way::HtmlFile)));
}

mod jsonp {
    use crate::support::{
        harness::{SockJsHarness, Way},
        polling,
    };
    stellarfw_conformance::suite!(SockJsHarness(Way::Http(polling::Way::Jsonp)));
}
