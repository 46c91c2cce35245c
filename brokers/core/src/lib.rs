//! Brokers: the backend that the rooms of stellarfw live in.
//!
//! The layers above a broker are the same whether the rooms live in this process or are shared by
//! several. A publication always goes to the broker and comes back from it through
//! [`Subscriber`], even when publisher and receivers are connections of one process.
//!
//! | item | |
//! |---|---|
//! | [`Broker`] | the trait that a backend implements |
//! | [`Subscriber`] | receives the publications for this process |
//! | [`Publication`] | a message or push with its target |
//! | [`BrokerError`] | an operation failed, with its [kind](ErrorKind) and its source |
//! | `conformance` | tests of every guarantee of [`Broker`], behind the feature of that name |

#[cfg(feature = "conformance")]
pub mod conformance;

mod broker;
mod content;
mod error;
mod publication;
mod room;
mod time;

pub use stellarfw_flow::Flow;

pub use self::{
    broker::{Broker, Subscriber},
    content::Content,
    error::{BrokerError, ErrorKind},
    publication::{Publication, PublicationKind, Target},
    room::{Joined, Member, RoomOptions},
    time::now_ms,
};
