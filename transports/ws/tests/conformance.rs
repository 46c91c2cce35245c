//! The conformance suite, on every way this engine can go.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

mod plain {
    use crate::support::harness::{Way, WsHarness};
    stellarfw_conformance::suite!(WsHarness {
        way: Way::Tcp,
        compression: None,
    });
}

mod compressed {
    use crate::support::harness::{Takeover, Way, WsHarness};
    stellarfw_conformance::suite!(WsHarness {
        way: Way::Tcp,
        compression: Some(Takeover::No),
    });
}

mod compressed_with_takeover {
    use crate::support::harness::{Takeover, Way, WsHarness};
    stellarfw_conformance::suite!(WsHarness {
        way: Way::Tcp,
        compression: Some(Takeover::Yes),
    });
}

mod not_tcp {
    use crate::support::harness::{Way, WsHarness};
    stellarfw_conformance::suite!(WsHarness {
        way: Way::Pipe,
        compression: None,
    });
}

mod not_tcp_compressed {
    use crate::support::harness::{Takeover, Way, WsHarness};
    stellarfw_conformance::suite!(WsHarness {
        way: Way::Pipe,
        compression: Some(Takeover::Yes),
    });
}
