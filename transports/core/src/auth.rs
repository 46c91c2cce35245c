//! Who may connect: the authorizer and its refusals.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc};

use http::{HeaderValue, StatusCode, request::Parts};

/// Whatever the authorizer found out about a client; read back with
/// [`Spark::identity`](crate::Spark::identity).
pub type Identity = Arc<dyn Any + Send + Sync>;

/// Decides who may connect, before a spark exists.
///
/// An async closure is one:
/// ```
/// use stellarfw_transport::{Refusal, Server, handshake::query_value};
///
/// struct User(String);
///
/// let builder = Server::builder().authorize(|parts| {
///     let token = query_value(&parts.uri, "token").map(|token| token.into_owned());
///     async move {
///         match token.as_deref() {
///             Some("secret") => Ok(Some(User("ann".into()))),
///             _ => Err(Refusal::new("who are you?").www_authenticate("Bearer")),
///         }
///     }
/// });
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Looks at the request (method, URL, headers, extensions) and lets the client in, with an
    /// identity or without, or refuses it. Not cancel safe unless the implementation is: it is
    /// dropped when the client goes away meanwhile.
    ///
    /// # Errors
    /// The refusal that the client is answered with.
    fn authorize<'a>(
        &'a self,
        parts: &'a Parts,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Identity>, Refusal>> + Send + 'a>>;
}

/// The authorizer of an async closure.
pub(crate) struct FnAuthorizer<F>(pub(crate) F);

impl<F, Fut, T> Authorizer for FnAuthorizer<F>
where
    F: Fn(&Parts) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<T>, Refusal>> + Send + 'static,
    T: Any + Send + Sync,
{
    fn authorize<'a>(
        &'a self,
        parts: &'a Parts,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Identity>, Refusal>> + Send + 'a>> {
        let future = (self.0)(parts);
        Box::pin(async move {
            let identity = future.await?;
            Ok(identity.map(|value| Arc::new(value) as Identity))
        })
    }
}

/// A client is not let in: the HTTP answer it gets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {message}")]
pub struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) www_authenticate: Option<HeaderValue>,
    /// The page that may read the refusal although it may not connect.
    pub(crate) reader: Option<HeaderValue>,
}

impl Refusal {
    /// A refusal with status 401 and this message, which the client gets as
    /// `{"error":"<message>"}`.
    pub fn new(message: impl fmt::Display) -> Self {
        Self::with_status(StatusCode::UNAUTHORIZED, message)
    }

    /// A refusal with a status of its own.
    pub fn with_status(status: StatusCode, message: impl fmt::Display) -> Self {
        Self {
            status,
            message: message.to_string(),
            www_authenticate: None,
            reader: None,
        }
    }

    /// Adds a `WWW-Authenticate` header. A value that is no header value is left out.
    #[must_use]
    pub fn www_authenticate(mut self, value: &str) -> Self {
        self.www_authenticate = HeaderValue::from_str(value).ok();
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}
