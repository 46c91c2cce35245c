//! The settings of each layer, as typed values.

use stellarfw_transport::serial_queue::QueueLimits;

use super::Config;
use crate::{connections::ConnectionLimits, rooms::RoomSettings};

impl Config {
    /// Returns the bounds of each connection.
    pub(crate) fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            actions: self.simultaneous_actions,
            actions_per_client: self.simultaneous_actions_per_client,
            events: u32::try_from(self.max_pending_verbs).unwrap_or(u32::MAX),
            queue: QueueLimits {
                items: self.max_pending_verbs,
                bytes: self.server.max_length,
            },
            close_timeout: self.server.close_timeout(),
        }
    }

    /// Returns the settings of the rooms.
    pub(crate) fn room_settings(&self) -> RoomSettings {
        RoomSettings {
            max_rooms: self.max_rooms,
            max_view: self.max_room_view,
            publish_rate: self.publish_rate,
            max_members: self.max_members,
            room_limits: self.room_limits.clone(),
        }
    }
}
