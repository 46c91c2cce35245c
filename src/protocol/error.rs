//! The protocol's errors: coded, with the texts that clients match on.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

/// An error that a client is told: a code and a text, and for some a name.
///
/// The codes and texts are those of StellarFW 1.x, its English included, because clients match
/// on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StellarError {
    code: &'static str,
    message: String,
    name: Option<&'static str>,
}

macro_rules! errors {
    ($($(#[$doc:meta])* $fn:ident($($arg:ident: $type:ty),*) => $code:literal, $text:literal $(, $name:literal)?;)*) => {
        impl StellarError {
            $($(#[$doc])*
            #[must_use]
            pub fn $fn($($arg: $type),*) -> Self {
                Self { code: $code, message: format!($text), name: errors!(@name $($name)?) }
            })*
        }
    };
    (@name) => { None };
    (@name $name:literal) => { Some($name) };
}

errors! {
    /// 001: a fault of the server's own; the log knows more.
    internal() => "001", "The server experienced an internal error";
    /// 002: the action may only be called by other actions.
    private_action(action: &str) => "002", "The action '{action}' is private";
    /// 003: an input is of the wrong type.
    invalid_type(param: &str, expected: &str) => "003", "Param '{param}' has an invalid type, expected {expected}";
    /// 004: there is no such action, or not in that version.
    unknown_action(action: &str) => "004", "Unknown action ({action}) or invalid apiVersion";
    /// 005: the action is not to be called over this transport.
    blocked_connection(transport: &str) => "005", "This action does not support the {transport} connection type";
    /// 006: the server is shutting down.
    shutting_down() => "006", "The server is shutting down";
    /// 007: more requests at once than allowed.
    too_many_pending() => "007", "You have too many pending requests";
    /// 008: more data than allowed, in bytes.
    too_big(received: usize, max: usize) => "008", "Data length is too big ({received} received/{max} max)";
    /// 010: there is no such file.
    file_not_found() => "010", "The requested file not exists";
    /// 011: a file could not be read.
    file_unreadable(error: impl fmt::Display) => "011", "Error reading file: {error}";
    /// 012: no file was named.
    file_required() => "012", "File is a required param to send a file";
    /// 013: there is no such verb.
    verb_not_exists(verb: &str) => "013", "The verb non't exists ({verb})";
    /// 014: there is no such verb for this kind of connection.
    verb_not_allowed(verb: &str) => "014", "Verb not found or not allowed ({verb})";
    /// 015: a room and a message are needed.
    room_and_message_required() => "015", "Both room and message are required";
    /// 016: the connection is not in the room.
    not_in_room(connection: &str, room: &str) => "016", "Connection ({connection}) not in room ({room})";
    /// 017: the connection is in the room already.
    already_in_room(connection: &str, room: &str) => "017", "Connection ({connection}) already in room ({room})";
    /// 018: the room has been destroyed.
    room_deleted(room: &str) => "018", "Room ({room}) has been deleted", "ConnectionRoomHasBeenDeleted Error";
    /// 019: there is no such room.
    room_not_exist(room: &str) => "019", "Room ({room}) does not exists", "ConnectionRoomNotExist Error";
    /// 020: there is such a room already.
    room_exists(room: &str) => "020", "Room ({room}) already exists", "ConnectionRoomExists Error";
    /// 021: no room was named.
    room_required() => "021", "A room is required";
    /// 022: the action took too long.
    action_timeout(action: &str) => "022", "Response timeout for action '{action}'";
    /// 023, an extension: the connection is in as many rooms as it may be.
    too_many_rooms(connection: &str, max: usize) => "023", "Connection ({connection}) is in too many rooms ({max} max)";
    /// 024, an extension: the room has as many members as it may have.
    room_full(room: &str) => "024", "Room ({room}) is full";
    /// 025, an extension: the connection sends more messages than it may.
    too_many_messages() => "025", "You are sending too many messages";
}

impl StellarError {
    /// An error of the application's own. Codes below 100 are the protocol's; take others.
    #[must_use]
    pub fn custom(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            name: None,
        }
    }

    /// The code: of the protocol's own errors three digits.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The name, where the error has one.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.name
    }
}

impl fmt::Display for StellarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for StellarError {}

impl Serialize for StellarError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let len = if self.name.is_some() { 3 } else { 2 };
        let mut out = serializer.serialize_struct("StellarError", len)?;
        out.serialize_field("code", self.code)?;
        out.serialize_field("message", &self.message)?;
        if let Some(name) = self.name {
            out.serialize_field("name", name)?;
        }
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::StellarError;

    #[test]
    fn errors_are_told_as_the_protocol_has_them() {
        let json = |error| serde_json::to_string(&error).unwrap();
        assert_eq!(
            json(StellarError::not_in_room("c", "r")),
            r#"{"code":"016","message":"Connection (c) not in room (r)"}"#
        );
        assert_eq!(
            json(StellarError::room_not_exist("r")),
            r#"{"code":"019","message":"Room (r) does not exists","name":"ConnectionRoomNotExist Error"}"#
        );
        assert_eq!(
            StellarError::too_big(5, 4).to_string(),
            "008: Data length is too big (5 received/4 max)"
        );
    }
}
