//! The guarantees of a broker as tests: one function for each behaviour.
//!
//! ```
//! use std::sync::Arc;
//! use stellarfw_broker::{Broker, broker_suite};
//! use stellarfw_broker_memory::MemoryBroker;
//!
//! // Brokers that share one backend, one for each process. A broker that cannot share is alone.
//! async fn brokers() -> Vec<Arc<dyn Broker>> {
//!     vec![Arc::new(MemoryBroker::new())]
//! }
//!
//! broker_suite!(brokers().await);
//! # fn main() {}
//! ```
//!
//! The tests wait for conditions, with a deadline far above what a loaded machine needs. The backend
//! need not be empty, and rooms of other names are left alone.

mod fixture;
mod publications;
mod rooms;

pub use self::{fixture::Fixture, publications::*, rooms::*};

/// Generates a test for each behaviour from an expression that returns the brokers of one backend.
#[macro_export]
macro_rules! broker_suite {
    (@ $brokers:expr; $($behaviour:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                let fixture = $crate::conformance::Fixture::start($brokers).await;
                $crate::conformance::$behaviour(&fixture).await;
            }
        )*
    };
    ($brokers:expr) => {
        $crate::broker_suite! { @ $brokers;
            rooms_exist_until_they_are_destroyed
            rooms_keep_their_names
            members_come_and_go
            members_are_the_same_for_all
            of_racing_joins_one_has_joined
            of_racing_creations_one_has_created
            a_destroyed_room_takes_its_members_along
            joins_that_race_a_destruction_leave_no_member
            publications_are_delivered_once_and_untouched
            publications_of_a_publisher_keep_their_order
            one_connection_and_all_can_be_published_to
            several_rooms_are_published_to_once
            a_room_has_no_more_members_than_places
            a_destruction_is_delivered_once_after_what_was_said_before
            publications_to_rooms_that_are_gone_do_no_harm
            deliveries_may_use_the_broker
            starting_twice_is_an_error
        }
    };
}
