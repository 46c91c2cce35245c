//! From a name to an engine.

use std::{fmt, sync::Arc};

use crate::transport::Transport;

type Factory = Arc<dyn Fn() -> Arc<dyn Transport> + Send + Sync>;

/// The engines there are, each under its names.
///
/// ```
/// # use stellarfw_transport::{Registry, Transport};
/// # fn show(engine: fn() -> std::sync::Arc<dyn Transport>) {
/// let mut registry = Registry::new();
/// registry.add("ws", &["websockets"], engine);
/// assert!(registry.make("WebSockets").is_ok());
/// assert_eq!(registry.name_of("websockets"), Some("ws"));
/// assert_eq!(
///     registry.make("carrier-pigeon").err().unwrap().to_string(),
///     "there is no transport \"carrier-pigeon\"; there are: ws (websockets)",
/// );
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    name: &'static str,
    aliases: &'static [&'static str],
    factory: Factory,
}

impl Registry {
    /// A registry without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an engine under its name and other usual names. A name that is taken goes to the
    /// newcomer, so that an engine can be replaced.
    pub fn add(
        &mut self,
        name: &'static str,
        aliases: &'static [&'static str],
        factory: impl Fn() -> Arc<dyn Transport> + Send + Sync + 'static,
    ) -> &mut Self {
        self.entries.retain(|entry| entry.name != name);
        self.entries.push(Entry {
            name,
            aliases,
            factory: Arc::new(factory),
        });
        self
    }

    /// Makes the engine of a name; case does not matter.
    ///
    /// # Errors
    /// [`UnknownTransport`], which lists the names there are.
    pub fn make(&self, name: &str) -> Result<Arc<dyn Transport>, UnknownTransport> {
        self.find(name)
            .map(|entry| (entry.factory)())
            .ok_or_else(|| UnknownTransport {
                name: name.to_owned(),
                known: self.to_string(),
            })
    }

    /// The one name of the engine that has this name among others; case does not matter.
    #[must_use]
    pub fn name_of(&self, name: &str) -> Option<&'static str> {
        self.find(name).map(|entry| entry.name)
    }

    fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| {
            std::iter::once(&entry.name)
                .chain(entry.aliases)
                .any(|known| known.eq_ignore_ascii_case(name.trim()))
        })
    }

    /// The names of the engines, in the order they were added.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.entries.iter().map(|entry| entry.name)
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, entry) in self.entries.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            f.write_str(entry.name)?;
            if !entry.aliases.is_empty() {
                write!(f, " ({})", entry.aliases.join(", "))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({self})")
    }
}

/// No engine has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no transport {name:?}; there are: {known}")]
pub struct UnknownTransport {
    /// The name that was asked for.
    pub name: String,
    /// The names there are, as a list to read.
    pub known: String,
}
