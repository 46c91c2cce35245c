//! Arbitrary messages of a client.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json, value::RawValue};
use stellarfw::{
    Builder, Connection, Stellar, StellarError,
    actions::{Action, ActionError, ActionResult, Call, Params},
    transport::{CloseReason, Message, Parser},
};
use tokio::runtime::Runtime;

use super::{Wire, built, runtime};

/// Maximum number of messages; more find nothing new.
const MOST: usize = 64;

thread_local! {
    static JSON: Server = Server::new(Parser::Json);
    static MESSAGE_PACK: Server = Server::new(Parser::MessagePack);
}

/// Sends each line as a JSON message, and the input as one MessagePack message.
///
/// Every counted message gets exactly one response, and others get none. The connection still
/// responds afterwards, unless a message closed it.
pub fn dispatch(bytes: &[u8]) {
    let lines: Vec<Message<'_>> = bytes
        .split(|byte| *byte == b'\n')
        .take(MOST)
        .map(|line| match std::str::from_utf8(line) {
            Ok(text) => Message::Text(text),
            Err(_) => Message::Binary(line),
        })
        .collect();
    JSON.with(|server| server.check(&lines));
    MESSAGE_PACK.with(|server| server.check(&[Message::Binary(bytes)]));
}

struct Server {
    runtime: Runtime,
    stellar: Stellar,
    parser: Parser,
}

impl Server {
    fn new(parser: Parser) -> Self {
        let runtime = runtime();
        let stellar = built(&runtime, builder(), parser.clone());
        Self {
            runtime,
            stellar,
            parser,
        }
    }

    fn check(&self, messages: &[Message<'_>]) {
        self.runtime.block_on(self.run(messages));
        assert_eq!(self.stellar.transport().connections(), 0);
        let status = self
            .runtime
            .block_on(async { self.stellar.rooms().status("room").await });
        assert!(status.is_ok_and(|status| status.members.is_empty()));
    }

    async fn run(&self, messages: &[Message<'_>]) {
        let mut wire = Wire::open(&self.stellar, "/primus?sessionID=fuzz").await;
        let mut answered = BTreeSet::new();
        self.collect(&wire, &mut answered);
        let mut least = 0;
        for message in messages {
            let valid = self.parser.decode::<Value>(*message).is_ok();
            least += u64::from(valid && self.parser.control(*message).is_none());
            wire.receive(*message);
            self.collect(&wire, &mut answered);
        }
        if let Some(reason) = wire.ended() {
            assert_eq!(reason, CloseReason::Ended { reconnect: false });
        } else {
            self.finish(&mut wire, &mut answered, least).await;
        }
        let spark = wire.spark().clone();
        drop(wire);
        while Connection::of(&spark).is_some_and(|gone| !gone.rooms().is_empty()) {
            tokio::task::yield_now().await;
        }
        // Pending actions end with the connection.
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    }

    /// Checks that the connection responds, and that each request got exactly one response.
    async fn finish(&self, wire: &mut Wire, answered: &mut BTreeSet<u64>, least: u64) {
        let last = self.parser.encode(&json!({ "event": "detailsView" }));
        let last = last.unwrap_or_else(|error| panic!("{error}"));
        wire.receive(last.as_message());
        let mut turns = 0;
        loop {
            self.collect(wire, answered);
            let count = answered.last().copied().unwrap_or_default();
            let all = answered.len() as u64 == count;
            let pending = Connection::of(wire.spark()).map_or(0, |c| c.pending_actions());
            if all && count > least && pending == 0 {
                return;
            }
            turns += 1;
            assert!(
                turns < 10_000,
                "unanswered: {answered:?} of {least} and one more"
            );
            tokio::task::yield_now().await;
        }
    }

    /// Records the responses among the received frames.
    fn collect(&self, wire: &Wire, answered: &mut BTreeSet<u64>) {
        for frame in wire.take() {
            let Some(head) = self.head(frame.as_message()) else {
                continue;
            };
            let is_response = head.context.as_deref() == Some("response");
            assert_eq!(is_response, head.count.is_some(), "{frame:?}");
            if let Some(count) = head.count {
                assert!(answered.insert(count), "answered twice: {frame:?}");
            }
        }
    }

    /// Returns the identifying fields of a message; `None` for a control message.
    fn head(&self, message: Message<'_>) -> Option<Head> {
        let fault = format!("the server sent an undecodable message: {message:?}");
        // A string is a control message. A pong contains the value of its ping.
        if let Ok(control) = self.parser.decode::<String>(message) {
            let known = ["primus::pong::", "primus::id::", "primus::server::close"];
            assert!(
                known.iter().any(|known| control.starts_with(known)),
                "{fault}"
            );
            return None;
        }
        // A chat message is relayed verbatim, and may hold JSON that is no Rust string.
        let fields: BTreeMap<String, Box<RawValue>> = match &self.parser {
            Parser::Json => self
                .parser
                .decode(message)
                .unwrap_or_else(|_| panic!("{fault}")),
            parser => {
                let value: Value = parser.decode(message).unwrap_or_else(|_| panic!("{fault}"));
                let text = value.to_string();
                serde_json::from_str(&text).unwrap_or_else(|_| panic!("{fault}"))
            }
        };
        let field = |name| fields.get(name).map_or("null", |raw| raw.get());
        Some(Head {
            context: serde_json::from_str(field("context")).unwrap_or_else(|_| panic!("{fault}")),
            count: serde_json::from_str(field("messageCount"))
                .unwrap_or_else(|_| panic!("{fault}")),
        })
    }
}

struct Head {
    context: Option<String>,
    count: Option<u64>,
}

fn builder() -> Builder {
    Stellar::builder()
        .configure(|config| config.max_rooms = 2)
        .room("room")
        .room("slow")
        .room("closed")
        .action("echo", async |call: Call| ActionResult::Ok(call.value()))
        .action("fields", async |Params(value): Params<Value>| {
            ActionResult::<()>::Err(ActionError::from("no").with("fields", value))
        })
        .action("later", async || {
            tokio::task::yield_now().await;
            ActionResult::Ok(1)
        })
        .add_action(Action::new("hidden", async || ActionResult::Ok(())).private())
        .add_action(
            Action::new("needy", async || ActionResult::Ok(()))
                .requires("a")
                .requires("b")
                .within(Duration::from_secs(3_600)),
        )
        .on_join(async |_, room| match &*room {
            "closed" => Err(StellarError::blocked_connection("wire")),
            "slow" => {
                tokio::task::yield_now().await;
                Ok(())
            }
            _ => Ok(()),
        })
        .on_say_receive(async |_, say| {
            if say.message == "slow" {
                tokio::task::yield_now().await;
            }
            Ok(say)
        })
        .on_event("seen", async |event| drop(event.data))
}
