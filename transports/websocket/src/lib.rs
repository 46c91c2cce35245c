//! The WebSocket protocol for engines of stellarfw (RFC 6455, and RFC 7692 where it is configured).
//!
//! An engine uses it at one of two levels:
//!
//! - **[`accept`] with a [`Framing`]** runs the connection: handshake, admission, reading, writing and
//!   closing. The engine defines how payloads become WebSocket messages. [`Plain`] maps one payload
//!   to one message.
//! - **[`Upgrade`], [`MessageReader`] and [`FrameWriter`]** are the parts, for an engine that runs its
//!   own connection task: the opening handshake, incoming messages, outgoing frames.
//!
//! | module | contents |
//! |---|---|
//! | `accept`, `upgrade` | from an HTTP request to an upgraded connection |
//! | `task` | the one task of a connection: reads, closes, writes what senders could not |
//! | `sink` | the outbound side: outbox, framing, close frame |
//! | `frame_writer` | batches of frames into the socket, one system call for each batch |
//! | `framing` | how payloads and WebSocket messages correspond |
//! | `message_reader` | incoming messages and control frames |
//! | `socket`, `byte_reader` | the socket and its bytes |
//! | `fast_path` | messages of one frame, read in place |
//! | `fragments` | all other messages, read by tungstenite |
//! | `utf8` | early detection of text that is not UTF-8 |
//! | [`frame`], `mask` | frame headers and the client's mask |
//! | [`deflate`] | `permessage-deflate` |
//!
//! Nearly all messages are one short frame. Those are read in a buffer that all connections of a
//! thread share, so an idle connection has no buffer of its own. tungstenite reads everything else:
//! it validates frames, assembles messages and answers the closing handshake. Outgoing frames bypass
//! tungstenite, because a server's frame has the same bytes for every receiver and needs no copy for
//! each connection. Control frames that tungstenite produces join the same queue.

mod accept;
mod byte_reader;
pub mod deflate;
mod fast_path;
mod fragments;
pub mod frame;
mod frame_writer;
mod framing;
mod mask;
mod message_reader;
mod options;
mod sink;
mod socket;
mod task;
mod upgrade;
mod utf8;

pub use self::{
    accept::accept,
    frame_writer::{COPY_MAX, FrameWriter, LargePayload, NextFrame, SocketWrite, WRITE_BATCH},
    framing::{Framing, Plain},
    message_reader::{MessageReader, MessageReceiver, ReadLimits, ReadProgress},
    options::WebSocketOptions,
    socket::{DirectWriter, Socket},
    upgrade::{Upgrade, UpgradeError},
};
