//! The transport layer of stellarfw: one connection interface over any real-time engine.
//!
//! It is what Primus is on Node, and usable alone. A [`Server`] owns any number of engines, each
//! a [`Transport`]; every connection that comes through one of them is a [`Spark`], whatever the
//! engine. The application is a [`Handler`].
//!
//! | word | meaning |
//! |---|---|
//! | transport, engine | turns bytes on the network into sparks: `ws`, `engine.io`, … |
//! | [spark](Spark) | one live connection: id, address, headers, query, send, end |
//! | [frame](Frame) | one payload, encoded, cheap to clone |
//! | [parser](Parser) | the codec of a server: JSON, MessagePack, raw, or your own |
//! | [outlet](Outlet), [inlet](Inlet) | an engine's two ends of a spark |
//! | [turn](turn()) | a stretch of work after which each spark is written to once |
//! | [flow](Flow) | a result that is usually there at once, and sometimes must be awaited |
//!
//! To write an engine, read [`Transport`], then `examples/custom_transport`.

mod addresses;
mod ahead;
pub mod auth;
mod binding;
mod budget;
mod clients;
mod close;
pub mod codec;
mod config;
mod control;
pub mod cors;
mod counters;
mod frame;
mod handler;
pub mod handshake;
mod heartbeat;
mod hosts;
pub mod http;
mod id;
mod inlet;
mod origin;
mod outlet;
pub mod plain;
mod proxy;
mod queued;
mod rate;
mod refused_origins;
mod registry;
mod scratch;
pub mod serial_queue;
pub mod serve;
mod server;
mod spark;
pub mod switch;
mod transform;
mod transport;
mod turn;

pub use self::{
    ahead::for_each_ahead,
    auth::{Authorizer, Identity, Refusal},
    binding::{SessionBinding, SessionOwner},
    budget::{
        Account, Budget, BudgetUse, Held, Holding, Lease, OverBudget, Pace, SparkLease,
        memory_limit,
    },
    clients::{Client, ClientState},
    close::CloseReason,
    codec::{Codec, CodecError, Parser},
    config::{InboxLimits, ServerConfig},
    counters::Counts,
    frame::{Frame, Kind, Message, SharedFrame, TranslationKey},
    handler::{Handler, Silent},
    handshake::Handshake,
    hosts::Hosts,
    http::Peer,
    id::SparkId,
    inlet::Inlet,
    origin::{OriginPolicy, Provenance},
    outlet::{Outbox, OutboxLimits, Outlet, PushError, Waiting},
    proxy::{BadHeaderName, BadNetwork, ProxyHeader, TrustedProxies},
    queued::{Outgoing, QueuedSink},
    rate::{ConnectRate, MessageRate},
    refused_origins::RefusedOrigins,
    registry::{Registry, UnknownTransport},
    scratch::{with_read_buffer, with_write_buffer},
    serve::serve,
    server::{
        Admission, Reservation, Server, ServerBuilder, Shutdown, WeakServer, is_websocket_upgrade,
    },
    spark::{Delivery, SendError, Spark},
    transform::{Packet, Transform},
    transport::{Capabilities, StartError, Transport},
    turn::{Turn, poll_again, turn},
};
pub use stellarfw_flow::{BoxFuture, Flow, FlowFuture, Panicked, catch_panic};
