//! The conformance suite over each transport of SockJS.

mod support;

mod websocket {
    use crate::support::harness::{ClientTransport, SockJsHarness};
    stellarfw_conformance::suite!(SockJsHarness(ClientTransport::WebSocket));
}

mod xhr_streaming {
    use crate::support::{
        harness::{ClientTransport, SockJsHarness},
        polling,
    };
    stellarfw_conformance::suite!(SockJsHarness(ClientTransport::Http(
        polling::HttpTransport::XhrStreaming
    )));
}

mod xhr {
    use crate::support::{
        harness::{ClientTransport, SockJsHarness},
        polling,
    };
    stellarfw_conformance::suite!(SockJsHarness(ClientTransport::Http(
        polling::HttpTransport::Xhr
    )));
}

mod eventsource {
    use crate::support::{
        harness::{ClientTransport, SockJsHarness},
        polling,
    };
    stellarfw_conformance::suite!(SockJsHarness(ClientTransport::Http(
        polling::HttpTransport::EventSource
    )));
}

mod htmlfile {
    use crate::support::{
        harness::{ClientTransport, SockJsHarness},
        polling,
    };
    stellarfw_conformance::suite!(SockJsHarness(ClientTransport::Http(
        polling::HttpTransport::HtmlFile
    )));
}

mod jsonp {
    use crate::support::{
        harness::{ClientTransport, SockJsHarness},
        polling,
    };
    stellarfw_conformance::suite!(SockJsHarness(ClientTransport::Http(
        polling::HttpTransport::Jsonp
    )));
}
