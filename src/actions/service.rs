//! The actions of a server, with what running them needs.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use http::Extensions;
use serde_json::Value;

use super::{execute::allow_header, registry::Actions};
use crate::connections::Availability;

/// The settings of actions.
#[derive(Clone, Debug)]
pub(crate) struct ActionSettings {
    /// The methods of actions that declare none; empty for all.
    pub(crate) methods: Vec<String>,
    /// The time that an action may take, unless it declares its own.
    pub(crate) timeout: Duration,
}

/// The actions of a server, with what running them needs.
pub(crate) struct ActionService {
    pub(crate) registry: Actions,
    pub(super) settings: ActionSettings,
    /// The application's own state, by type.
    shared: Extensions,
    availability: Arc<Availability>,
}

impl ActionService {
    pub(crate) fn new(
        registry: Actions,
        settings: ActionSettings,
        shared: Extensions,
        availability: Arc<Availability>,
    ) -> Self {
        Self {
            registry,
            settings,
            shared,
            availability,
        }
    }

    /// Returns the methods that a public action declares, as the header `Allow` lists them; `None` if
    /// there is no such action or it declares none.
    pub(crate) fn allow(&self, name: &str, version: Option<&Value>) -> Option<String> {
        let action = &self.registry.find(name, version)?.action;
        let default = Some(self.settings.methods.as_slice()).filter(|methods| !methods.is_empty());
        let methods = action.declared_methods().or(default);
        methods.filter(|_| !action.is_private()).map(allow_header)
    }

    /// Returns the shared value of a type.
    pub(super) fn shared<T: Any + Send + Sync>(&self) -> Option<&Arc<T>> {
        self.shared.get::<Arc<T>>()
    }

    /// Returns `true` if no more actions run.
    pub(super) fn is_stopping(&self) -> bool {
        self.availability.is_stopping()
    }
}

impl fmt::Debug for ActionService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionService")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
