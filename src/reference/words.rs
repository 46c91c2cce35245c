//! The protocol in words: what can be sent besides actions, what comes, and what the codes mean.

use serde_json::{Value, json};

use crate::StellarError;

/// A message that clients send.
pub(super) struct Verb {
    /// The value of its `event`.
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// The call of the browser client.
    pub(super) call: String,
    /// Its fields besides `event`, as JSON Schema; all of them are required.
    pub(super) fields: Value,
    /// The `data` of its response as JSON Schema; none for those without.
    pub(super) data: Option<Value>,
    pub(super) example: Value,
}

/// The verbs, but for `action`, which has a message for each action. `name` is that of a room that
/// there is, for the examples.
pub(super) fn verbs(name: &str) -> Vec<Verb> {
    let quoted = json!(name);
    let text = || json!({ "type": "string" });
    let room = || json!({ "room": { "type": "string", "minLength": 1 } });
    let joined = || Some(json!({ "const": true }));
    vec![
        Verb {
            name: "roomAdd",
            about: "Joins a room. roomJoin is the same",
            call: format!("client.roomAdd({quoted})"),
            fields: room(),
            data: joined(),
            example: json!({ "event": "roomAdd", "room": name }),
        },
        Verb {
            name: "roomLeave",
            about: "Leaves a room",
            call: format!("client.roomLeave({quoted})"),
            fields: room(),
            data: joined(),
            example: json!({ "event": "roomLeave", "room": name }),
        },
        Verb {
            name: "roomView",
            about: "Tells who is in a room that this connection is in",
            call: format!("client.roomView({quoted})"),
            fields: room(),
            data: Some(json!({ "$ref": "#/components/schemas/room" })),
            example: json!({ "event": "roomView", "room": name }),
        },
        Verb {
            name: "say",
            about: "Says something in a room; every member gets it, the sender too",
            call: format!("client.say({quoted}, \"Hello\")"),
            fields: json!({ "room": { "type": "string", "minLength": 1 }, "message": {} }),
            data: None,
            example: json!({ "event": "say", "room": name, "message": "Hello" }),
        },
        Verb {
            name: "event",
            about: "Sends a named event to a room",
            call: format!("client.to({quoted}).emit(\"wave\", {{ hand: \"left\" }})"),
            fields: json!({ "params": {
                "type": "object",
                "required": ["room", "event"],
                "properties": {
                    "room": { "type": "string", "minLength": 1 },
                    "event": { "type": "string", "minLength": 1 },
                    "data": {},
                },
            } }),
            data: None,
            example: json!({
                "event": "event",
                "params": { "room": name, "event": "wave", "data": { "hand": "left" } },
            }),
        },
        Verb {
            name: "detailsView",
            about: "Tells the server's view of this connection",
            call: "client.detailsView()".into(),
            fields: json!({}),
            data: Some(json!({ "$ref": "#/components/schemas/details" })),
            example: json!({ "event": "detailsView" }),
        },
        Verb {
            name: "file",
            about: "Asks for a public file",
            call: "client.file(\"hello.txt\")".into(),
            fields: json!({ "file": text() }),
            data: None,
            example: json!({ "event": "file", "file": "hello.txt" }),
        },
        Verb {
            name: "quit",
            about: "Ends the connection; there is no response. exit is the same",
            call: "client.disconnect()".into(),
            fields: json!({}),
            data: None,
            example: json!({ "event": "quit" }),
        },
    ]
}

/// A message that the server sends by itself.
pub(super) struct Push {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// How the browser client hears of it.
    pub(super) call: String,
    pub(super) schema: Value,
    pub(super) example: Value,
}

/// What the server sends without having been asked; `name` is that of a room that there is.
pub(super) fn pushes(name: &str) -> Vec<Push> {
    let quoted = json!(name);
    let chat = |message: Value| {
        json!({
            "type": "object",
            "required": ["message", "room", "from", "context", "sentAt"],
            "properties": {
                "message": message,
                "room": { "type": "string" },
                "from": {
                    "description": "The sender's connection, or 0 for the server",
                    "oneOf": [{ "type": "string" }, { "const": 0 }],
                },
                "context": { "const": "user" },
                "sentAt": { "type": "integer", "description": "Milliseconds since 1970" },
            },
        })
    };
    let told = |context: &str| {
        json!({
            "type": "object",
            "required": ["context"],
            "properties": { "context": { "const": context } },
        })
    };
    let event = json!({
        "type": "object",
        "required": ["event"],
        "properties": { "event": { "type": "string" }, "data": {} },
    });
    let sent = 1_767_225_600_000_u64;
    vec![
        Push {
            name: "welcome",
            about: "The first message of a connection",
            call: "client.on(\"welcome\", (message) => …)".into(),
            schema: json!({
                "type": "object",
                "required": ["welcome", "context"],
                "properties": { "welcome": { "type": "string" }, "context": { "const": "api" } },
            }),
            example: json!({ "welcome": "Hello human! Welcome to Stellar", "context": "api" }),
        },
        Push {
            name: "chat",
            about: "What was said in a room",
            call: "client.on(\"say\", ({ room, from, message }) => …)".into(),
            schema: chat(json!({})),
            example: json!({
                "message": "Hello", "room": name, "from": "fAqJ064rtKLs5oBXTR8lNQ",
                "context": "user", "sentAt": sent,
            }),
        },
        Push {
            name: "roomEvent",
            about: "An event of a room",
            call: format!("client.from({quoted}).on(\"wave\", (data) => …)"),
            schema: chat(event),
            example: json!({
                "message": { "event": "wave", "data": { "hand": "left" } }, "room": name,
                "from": "fAqJ064rtKLs5oBXTR8lNQ", "context": "user", "sentAt": sent,
            }),
        },
        Push {
            name: "destroy",
            about: "The event of a room that the server has destroyed; its members are out of it",
            call: format!("client.from({quoted}).on(\"destroy\", (error) => …)"),
            schema: chat(json!({
                "type": "object",
                "required": ["event", "data"],
                "properties": {
                    "event": { "const": "destroy" },
                    "data": { "$ref": "#/components/schemas/error" },
                },
            })),
            example: json!({
                "message": { "event": "destroy", "data": StellarError::room_deleted(name) },
                "room": name, "from": 0, "context": "user", "sentAt": sent,
            }),
        },
        Push {
            name: "alert",
            about: "An alert of the application",
            call: "client.on(\"alert\", (message) => …)".into(),
            schema: told("alert"),
            example: json!({ "text": "Back in a minute", "context": "alert" }),
        },
        Push {
            name: "api",
            about: "Any other message of the application",
            call: "client.on(\"api\", (message) => …)".into(),
            schema: told("api"),
            example: json!({ "news": 1, "context": "api" }),
        },
        Push {
            name: "membership",
            about: "The server took this connection into a room or out of it; sent to clients whose \
                    detailsView has the params {memberships: true}",
            call: "client.on(\"membership\", ({ room, joined }) => …)".into(),
            schema: json!({
                "type": "object",
                "required": ["context", "room", "joined"],
                "properties": {
                    "context": { "const": "membership" },
                    "room": { "type": "string" },
                    "joined": { "type": "boolean" },
                },
            }),
            example: json!({ "context": "membership", "room": "lobby", "joined": true }),
        },
    ]
}

/// The errors of the protocol, and when a client gets them.
pub(super) fn errors() -> Vec<(StellarError, &'static str)> {
    vec![
        (
            StellarError::internal(),
            "A fault of the server, whose log knows more",
        ),
        (
            StellarError::private_action("A"),
            "The action is not for clients",
        ),
        (
            StellarError::invalid_type("P", "T"),
            "A parameter cannot be read as what it should be",
        ),
        (
            StellarError::unknown_action("A"),
            "There is no such action, or not in that version",
        ),
        (
            StellarError::blocked_connection("T"),
            "The action is not for this kind of connection",
        ),
        (
            StellarError::shutting_down(),
            "The server is going; another may be there soon",
        ),
        (
            StellarError::too_many_pending(),
            "Wait for an answer before you ask more",
        ),
        (
            StellarError::too_big(2, 1),
            "The file, or the answer, is longer than a message may be",
        ),
        (
            StellarError::file_not_found(),
            "There is no such public file",
        ),
        (
            StellarError::file_unreadable("E"),
            "The file is there and could not be read",
        ),
        (StellarError::file_required(), "The message names no file"),
        (
            StellarError::verb_not_allowed("V"),
            "The message's event is none that there is",
        ),
        (
            StellarError::room_and_message_required(),
            "The message lacks its room or what to say",
        ),
        (StellarError::not_in_room("ID", "R"), "Join the room first"),
        (
            StellarError::already_in_room("ID", "R"),
            "There is nothing left to do",
        ),
        (
            StellarError::room_deleted("R"),
            "The server has destroyed the room",
        ),
        (StellarError::room_not_exist("R"), "There is no such room"),
        (
            StellarError::room_exists("R"),
            "The server tried to make a room that there is",
        ),
        (StellarError::room_required(), "The message names no room"),
        (
            StellarError::action_timeout("A"),
            "The action took too long, and was dropped",
        ),
        (
            StellarError::too_many_rooms("ID", 1),
            "Leave a room before you join another",
        ),
        (
            StellarError::room_full("R"),
            "Wait until somebody leaves it",
        ),
        (
            StellarError::too_many_messages(),
            "Send fewer in a second; who goes on is disconnected",
        ),
    ]
}

/// Schemas that several messages use.
pub(super) fn shared_schemas() -> Value {
    let member = json!({
        "type": "object",
        "required": ["id", "joinedAt"],
        "properties": { "id": { "type": "string" }, "joinedAt": { "type": "integer" } },
    });
    json!({
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": { "type": "string" },
                "message": { "type": "string" },
                "name": { "type": "string" },
            },
        },
        "anyError": {
            "description": "A text, a code with a message, an object of the action's own, or for \
                            wrong inputs one sentence for each",
            "oneOf": [{ "type": "string" }, { "type": "object" }],
        },
        "room": {
            "type": "object",
            "required": ["room", "members", "membersCount"],
            "properties": {
                "room": { "type": "string" },
                "members": { "type": "object", "additionalProperties": member },
                "membersCount": { "type": "integer" },
            },
        },
        "details": {
            "type": "object",
            "required": [
                "id", "fingerprint", "remoteIP", "remotePort", "params", "connectedAt", "rooms",
                "totalActions", "pendingActions",
            ],
            "properties": {
                "id": { "type": "string" },
                "fingerprint": { "type": ["string", "null"] },
                "remoteIP": { "type": "string" },
                "remotePort": { "type": "integer" },
                "params": { "type": "object" },
                "connectedAt": { "type": "integer" },
                "rooms": { "type": "array", "items": { "type": "string" } },
                "totalActions": { "type": "integer" },
                "pendingActions": { "type": "integer" },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_error_is_left_out() {
        let known: Vec<&str> = super::errors()
            .iter()
            .map(|(error, _)| error.code())
            .collect();
        let source = include_str!("../protocol/error.rs");
        let declared: Vec<&str> = source
            .lines()
            .filter_map(|line| line.split_once(" => \"")?.1.split_once("\", \""))
            .map(|(code, _)| code)
            // Kept for those who match on it, and never sent.
            .filter(|code| *code != "013")
            .collect();
        assert!(declared.len() > 20, "{declared:?}");
        assert_eq!(known, declared);
    }
}
