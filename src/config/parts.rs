//! The settings of each layer, as typed values.

use std::time::Duration;

use stellarfw_transport::serial_queue::QueueLimits;

use super::Config;
use crate::{
    actions::ActionSettings,
    connections::ConnectionLimits,
    dispatch::DispatchSettings,
    reference::ReferenceSettings,
    rooms::RoomSettings,
    web::{ClientSettings, WebSettings},
};

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

    /// Returns the settings of actions.
    pub(crate) fn action_settings(&self) -> ActionSettings {
        ActionSettings {
            methods: self.action_methods.clone(),
            timeout: self.action_timeout(),
        }
    }

    /// Returns the settings of the dispatcher.
    pub(crate) fn dispatch_settings(&self) -> DispatchSettings {
        DispatchSettings {
            welcome: self.welcome.clone(),
            welcome_delay: Duration::from_millis(self.welcome_delay),
            max_message: self.max_message,
            max_depth: self.max_depth,
            max_file: self.max_file,
            counts_clients: self.simultaneous_actions_per_client > 0
                || self.publish_rate.client.per_second > 0,
        }
    }

    /// Returns the settings that the reference shows.
    pub(crate) fn reference_settings(&self) -> ReferenceSettings {
        ReferenceSettings {
            name: self.name.clone(),
            api_version: self.api_version.clone(),
            api_path: self.api_path.clone(),
            pathname: self.server.pathname.clone(),
            parser: self.parser.clone(),
            has_welcome: self.welcome.is_some(),
            has_health: self.health,
            session_cookie: self.session_cookie.clone(),
            action_methods: self.action_methods.clone(),
            first_room: self.starting_chat_rooms.first().cloned(),
        }
    }

    /// Returns the settings of what is served over HTTP.
    pub(crate) fn web_settings(&self) -> WebSettings {
        WebSettings {
            name: self.name.clone(),
            api_version: self.api_version.clone(),
            api_path: self.api_path.clone(),
            cors: self.cors.clone(),
            guard: self.guard.clone(),
            docs: self.docs,
            health: self.health,
            trace: self.trace,
            jsonp: self.jsonp,
            file_max_age: self.file_max_age,
            simultaneous_actions_per_client: self.simultaneous_actions_per_client,
            max_body: self.max_body,
            max_upload: self.max_upload,
            max_upload_parts: self.max_upload_parts,
            body_pace: self.http.body_pace(),
            scripts: self.scripts.clone(),
            client: ClientSettings {
                default_room: self.starting_chat_rooms.first().cloned(),
                simultaneous_actions: self.simultaneous_actions,
                action_timeout: self.action_timeout,
            },
        }
    }
}
