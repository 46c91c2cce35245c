//! Results that are usually ready at once and sometimes awaited, without a box for the usual case.
//!
//! Brokers and engines of stellarfw return [`Flow`]; `stellarfw-broker` and `stellarfw-transport`
//! re-export it.

use std::{
    fmt,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

/// Awaits a future; a panic in it becomes [`Panicked`]. Cancel safe as far as the future is.
///
/// # Errors
/// When the future panics.
pub async fn catch_panic<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(_) => Poll::Ready(Err(Panicked)),
        },
    )
    .await
}

/// A future panicked; the panic hook has told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it panicked")]
pub struct Panicked;

/// A boxed future that owns all it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// A value that is here, or a future that will give it.
///
/// An `async` trait method boxes a future at each call. On a path that is taken for every message
/// that costs more than the work itself, so such methods return a `Flow`.
pub enum Flow<T = ()> {
    /// Done: here is the result.
    Ready(T),
    /// Not yet done: await this.
    Wait(BoxFuture<T>),
}

impl Flow<()> {
    /// Done, with nothing to say.
    pub const DONE: Self = Self::Ready(());
}

impl<T: Send + 'static> Flow<T> {
    /// A future, polled once here and now: if that is enough, nothing needs to wait.
    pub fn start(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::start_boxed(Box::pin(future))
    }

    /// The same of a future that is boxed already.
    pub fn start_boxed(mut future: BoxFuture<T>) -> Self {
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(value) => Self::Ready(value),
            // Whoever awaits it polls it again and so leaves its own waker.
            Poll::Pending => Self::Wait(future),
        }
    }

    /// Changes the result, now or when it comes.
    pub fn map<U: Send + 'static>(self, f: impl FnOnce(T) -> U + Send + 'static) -> Flow<U> {
        match self {
            Self::Ready(value) => Flow::Ready(f(value)),
            Self::Wait(future) => Flow::Wait(Box::pin(async move { f(future.await) })),
        }
    }

    /// Goes on with another flow, now or when the result comes.
    pub fn then<U: Send + Unpin + 'static>(
        self,
        f: impl FnOnce(T) -> Flow<U> + Send + 'static,
    ) -> Flow<U> {
        match self {
            Self::Ready(value) => f(value),
            Self::Wait(future) => Flow::Wait(Box::pin(async move { f(future.await).await })),
        }
    }
}

impl<T> IntoFuture for Flow<T>
where
    T: Send + Unpin + 'static,
{
    type Output = T;
    type IntoFuture = FlowFuture<T>;

    fn into_future(self) -> FlowFuture<T> {
        FlowFuture(match self {
            Self::Ready(value) => Inner::Ready(Some(value)),
            Self::Wait(future) => Inner::Wait(future),
        })
    }
}

/// The future of awaiting a [`Flow`]. Cancel safe as far as the flow's own future is.
pub struct FlowFuture<T>(Inner<T>);

enum Inner<T> {
    Ready(Option<T>),
    Wait(BoxFuture<T>),
}

impl<T: Unpin> Future for FlowFuture<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &mut self.0 {
            Inner::Ready(value) => match value.take() {
                Some(value) => Poll::Ready(value),
                None => panic!("a finished flow was polled again"),
            },
            Inner::Wait(future) => future.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for Flow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Flow::Ready",
            Self::Wait(_) => "Flow::Wait",
        })
    }
}

impl<T> fmt::Debug for FlowFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowFuture")
    }
}
