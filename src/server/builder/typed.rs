//! Actions that are described by the Rust types of their functions.

use super::Builder;
use crate::actions::{Action, TypedHandler};

impl Builder {
    /// Adds an action that is described by the types of its function: [`Action::typed`].
    pub fn typed_action<E>(self, name: impl Into<String>, handler: impl TypedHandler<E>) -> Self {
        self.add_action(Action::typed(name, handler))
    }
}
