//! An application's own data of a connection.

use std::{
    any::{Any, TypeId, type_name},
    fmt,
    sync::Arc,
};

use parking_lot::Mutex;

type Value = Arc<dyn Any + Send + Sync>;

/// Values of an application's own types, one of each type: the data of a
/// [`Connection`](crate::Connection).
///
/// A value is shared, so what is to change goes into an atomic or a lock of its own:
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use stellarfw::Extensions;
///
/// #[derive(Default)]
/// struct Warnings(AtomicU32);
///
/// let extensions = Extensions::new();
/// let warnings = extensions.get_or_insert_with(Warnings::default);
/// warnings.0.fetch_add(1, Ordering::Relaxed);
///
/// let same = extensions.get::<Warnings>().unwrap();
/// assert_eq!(same.0.load(Ordering::Relaxed), 1);
/// ```
///
/// An authorizer gives a connection several values at once by returning them as extensions:
///
/// ```
/// use stellarfw::{Extensions, Stellar};
///
/// struct User(String);
/// struct Tenant(u32);
///
/// let builder = Stellar::builder().authorize(|_request| async {
///     Ok(Some(Extensions::new().with(User("ann".into())).with(Tenant(7))))
/// });
/// ```
///
/// No lock is held while a value is made or dropped, so either may use the extensions.
#[derive(Default)]
pub struct Extensions(Mutex<State>);

#[derive(Default)]
struct State {
    /// Few, so that looking through them is faster than hashing.
    values: Vec<(TypeId, Value)>,
    /// The connection has ended, and nothing is kept any more.
    closed: bool,
}

impl State {
    fn position(&self, id: TypeId) -> Option<usize> {
        self.values.iter().position(|(known, _)| *known == id)
    }

    fn get(&self, id: TypeId) -> Option<&Value> {
        self.position(id).map(|at| &self.values[at].1)
    }

    /// Puts a value in; the one that it takes the place of. The value itself, where none is kept.
    fn put(&mut self, id: TypeId, value: Value) -> Result<Option<Value>, Value> {
        if self.closed {
            return Err(value);
        }
        match self.position(id) {
            Some(at) => Ok(Some(std::mem::replace(&mut self.values[at].1, value))),
            None => {
                self.values.push((id, value));
                Ok(None)
            }
        }
    }
}

impl Extensions {
    /// Creates extensions without a value.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value, in place of one of the same type.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(self, value: T) -> Self {
        self.insert(value);
        self
    }

    /// Inserts a value, and returns the one of the same type that it replaces.
    ///
    /// A connection that has ended keeps nothing: the value is dropped at once.
    pub fn insert<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        let value: Value = Arc::new(value);
        let put = self.0.lock().put(TypeId::of::<T>(), value);
        // Whatever is left is dropped here, outside of the lock.
        put.ok().flatten().and_then(typed)
    }

    /// Returns the value of a type.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.0.lock().get(TypeId::of::<T>()).cloned();
        value.and_then(typed)
    }

    /// Returns the value of a type, and inserts one if there is none.
    ///
    /// `make` is called without a lock: of several calls at the same time more than one may make a
    /// value, and all return the one that was inserted first.
    pub fn get_or_insert_with<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        if let Some(value) = self.get() {
            return value;
        }
        let made = Arc::new(make());
        let mut state = self.0.lock();
        let there = state.get(TypeId::of::<T>()).cloned();
        if there.is_none() && !state.closed {
            state.values.push((TypeId::of::<T>(), made.clone()));
        }
        drop(state);
        there.and_then(typed).unwrap_or(made)
    }

    /// Removes the value of a type, and returns it.
    pub fn remove<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let mut state = self.0.lock();
        let at = state.position(TypeId::of::<T>())?;
        let (_, value) = state.values.swap_remove(at);
        drop(state);
        typed(value)
    }

    /// Returns `true` if there is a value of a type.
    #[must_use]
    pub fn contains<T: Any + Send + Sync>(&self) -> bool {
        self.0.lock().position(TypeId::of::<T>()).is_some()
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().values.len()
    }

    /// Returns `true` if there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills them with what an authorizer returned: its values if they are extensions, else itself.
    pub(crate) fn of_identity(identity: Option<&Value>) -> Self {
        let values = match identity {
            None => Vec::new(),
            Some(identity) => match identity.downcast_ref::<Self>() {
                Some(several) => several.0.lock().values.clone(),
                None => vec![((**identity).type_id(), identity.clone())],
            },
        };
        Self(Mutex::new(State {
            values,
            closed: false,
        }))
    }

    /// Drops all values, and those that are inserted later.
    pub(crate) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        let values = std::mem::take(&mut state.values);
        drop(state);
        // Outside of the lock: they may look for one another.
        drop(values);
    }
}

fn typed<T: Any + Send + Sync>(value: Value) -> Option<Arc<T>> {
    // A value is kept under its own type.
    value.downcast().ok()
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values may be secret, and need not be printable.
        write!(f, "{}({})", type_name::<Self>(), self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Name(&'static str);

    #[test]
    fn there_is_one_value_of_each_type() {
        let extensions = Extensions::new().with(Name("a")).with(7_u8);
        assert_eq!(extensions.insert(Name("b")).as_deref(), Some(&Name("a")));
        assert_eq!(extensions.get::<Name>().as_deref(), Some(&Name("b")));
        assert_eq!(extensions.get::<u8>().as_deref(), Some(&7));
        assert!(extensions.get::<u16>().is_none() && !extensions.contains::<u16>());
        assert_eq!(*extensions.get_or_insert_with(|| 8_u8), 7);
        assert_eq!(*extensions.get_or_insert_with(|| 9_u16), 9);
        assert_eq!(extensions.len(), 3);
        assert_eq!(extensions.remove::<u8>().as_deref(), Some(&7));
        assert!(extensions.remove::<u8>().is_none());
        assert!(!extensions.is_empty());
    }

    #[test]
    fn nothing_is_kept_after_the_end() {
        let value = Arc::new(());
        let extensions = Extensions::new().with(value.clone());
        extensions.close();
        assert_eq!(Arc::strong_count(&value), 1);
        assert!(extensions.insert(value.clone()).is_none());
        assert_eq!(*extensions.get_or_insert_with(|| 7_u8), 7);
        assert!(extensions.is_empty());
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn values_may_use_the_extensions_when_they_are_made_and_dropped() {
        struct Looks(Arc<Extensions>);
        impl Drop for Looks {
            fn drop(&mut self) {
                self.0.insert(1_u64);
            }
        }
        let extensions = Arc::new(Extensions::new());
        let make = || {
            extensions.insert(1_u32);
            Looks(extensions.clone())
        };
        extensions.get_or_insert_with(make);
        extensions.insert(Looks(extensions.clone()));
        assert!(extensions.contains::<u64>());
        extensions.remove::<Looks>();
        extensions.insert(Looks(extensions.clone()));
        extensions.close();
        assert!(extensions.is_empty());
    }

    #[test]
    fn what_an_authorizer_returned_is_there() {
        let identity: Value = Arc::new(Name("ann"));
        let one = Extensions::of_identity(Some(&identity));
        assert_eq!(one.get::<Name>().as_deref(), Some(&Name("ann")));
        let identity: Value = Arc::new(Extensions::new().with(Name("bo")).with(7_u8));
        // Connections of one request may share what it was authorized with.
        for _ in 0..2 {
            let several = Extensions::of_identity(Some(&identity));
            assert_eq!(several.get::<Name>().as_deref(), Some(&Name("bo")));
            assert_eq!(several.len(), 2);
            several.close();
        }
        assert!(Extensions::of_identity(None).is_empty());
    }
}
