//! Hooks by priority, and running them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use stellarfw_transport::{Flow, catch_panic};

use super::Connection;
use crate::protocol::StellarError;

/// Decides about a connection that opens.
pub(crate) type CreateHook =
    Arc<dyn Fn(&Connection) -> Flow<Result<(), StellarError>> + Send + Sync>;
/// Runs for a connection that has ended.
pub(crate) type DestroyHook = Arc<dyn Fn(&Connection) -> Flow + Send + Sync>;

/// Hooks of connections.
#[derive(Default)]
pub(crate) struct ConnectionHooks {
    /// When a connection has opened.
    pub(crate) create: Hooks<CreateHook>,
    /// When it has ended and left its rooms.
    pub(crate) destroy: Hooks<DestroyHook>,
}

/// Hooks of one kind in the order of their priority: lower ones first, equals as they were added.
///
/// Cloning is cheap. No lock is held while a hook runs.
pub(crate) struct Hooks<T>(Arc<Vec<(i32, T)>>);

impl<T> Default for Hooks<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Hooks<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Hooks<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, hook)| hook)
    }
}

impl<T: Clone> Hooks<T> {
    pub(crate) fn add(&mut self, priority: i32, hook: T) {
        let hooks = Arc::make_mut(&mut self.0);
        let at = hooks.partition_point(|(known, _)| *known <= priority);
        hooks.insert(at, (priority, hook));
    }
}

impl<T: Send + Sync + 'static> Hooks<T> {
    /// Calls the hooks in order until one refuses.
    ///
    /// # Errors
    /// The error of the hook that refused.
    pub(crate) fn until_refused<E: Send + Unpin + 'static>(
        &self,
        call: impl Fn(&T) -> Flow<Result<(), E>> + Send + Sync + 'static,
    ) -> Flow<Result<(), E>> {
        for (at, hook) in self.iter().enumerate() {
            match call(hook) {
                Flow::Ready(Ok(())) => {}
                Flow::Ready(Err(error)) => return Flow::Ready(Err(error)),
                Flow::Wait(future) => {
                    let hooks = self.clone();
                    return Flow::Wait(Box::pin(async move {
                        future.await?;
                        for hook in hooks.iter().skip(at + 1) {
                            call(hook).await?;
                        }
                        Ok(())
                    }));
                }
            }
        }
        Flow::Ready(Ok(()))
    }

    /// Calls all hooks in order. The panic of one is logged with the kind of hook, and the others
    /// run all the same.
    pub(crate) fn notify(
        &self,
        kind: &'static str,
        call: impl Fn(&T) -> Flow + Send + Sync + 'static,
    ) -> Flow {
        for (at, hook) in self.iter().enumerate() {
            if let Flow::Wait(future) = caught(kind, || call(hook)) {
                let hooks = self.clone();
                return Flow::Wait(Box::pin(async move {
                    future.await;
                    for hook in hooks.iter().skip(at + 1) {
                        caught(kind, || call(hook)).await;
                    }
                }));
            }
        }
        Flow::DONE
    }
}

/// Runs a hook or a listener. Its panic is logged, and goes no further.
pub(crate) fn caught(kind: &'static str, call: impl FnOnce() -> Flow) -> Flow {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Flow::Ready(())) => Flow::DONE,
        Ok(Flow::Wait(future)) => Flow::Wait(Box::pin(async move {
            if catch_panic(future).await.is_err() {
                panicked(kind);
            }
        })),
        Err(_) => {
            panicked(kind);
            Flow::DONE
        }
    }
}

fn panicked(kind: &'static str) {
    tracing::error!(kind, "a hook panicked");
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use tokio::task::yield_now;

    use super::*;

    #[test]
    fn lower_priorities_come_first_and_equals_in_order() {
        let mut hooks = Hooks::default();
        for (priority, name) in [(100, "a"), (5, "b"), (100, "c"), (-1, "d"), (5, "e")] {
            hooks.add(priority, name);
        }
        let order: Vec<_> = hooks.iter().copied().collect();
        assert_eq!(order, ["d", "b", "e", "a", "c"]);
    }

    fn hooks() -> Hooks<u32> {
        let mut hooks = Hooks::default();
        for number in 1..=4 {
            hooks.add(0, number);
        }
        hooks
    }

    #[tokio::test]
    async fn a_refusal_stops_the_hooks_after_it() {
        for awaited in [0, 1, 2, 3] {
            let called = Arc::<Mutex<Vec<u32>>>::default();
            let seen = called.clone();
            let flow = hooks().until_refused(move |number| {
                seen.lock().push(*number);
                let result = if *number == 3 { Err("no") } else { Ok(()) };
                match *number == awaited {
                    false => Flow::Ready(result),
                    true => Flow::Wait(Box::pin(async move {
                        yield_now().await;
                        result
                    })),
                }
            });
            assert_eq!(flow.await, Err("no"));
            assert_eq!(*called.lock(), [1, 2, 3], "{awaited}");
        }
    }

    #[tokio::test]
    async fn a_panic_keeps_no_other_hook_from_running() {
        for awaited in [false, true] {
            let called = Arc::<Mutex<Vec<u32>>>::default();
            let seen = called.clone();
            let flow = hooks().notify("test", move |number| {
                seen.lock().push(*number);
                let panics = *number == 2;
                match awaited {
                    false => {
                        assert!(!panics);
                        Flow::DONE
                    }
                    true => Flow::Wait(Box::pin(async move {
                        yield_now().await;
                        assert!(!panics);
                    })),
                }
            });
            flow.await;
            assert_eq!(*called.lock(), [1, 2, 3, 4]);
        }
    }
}
