//! Stellar as a layer of tower.

use std::{convert::Infallible, fmt, sync::Arc};

use axum::{Router, extract::Request, response::IntoResponse};
use tower::{Layer, Service};

use super::Stellar;
use crate::web::{self, Web};

/// A layer that answers Stellar's own paths and passes all other requests to the inner service.
///
/// Created by [`Stellar::layer`].
#[derive(Clone)]
pub struct StellarLayer(Arc<Web>);

impl Stellar {
    /// Returns a [layer](tower::Layer) that answers the paths of [`Stellar::router_without_files`] and
    /// passes every other request to the inner service, unchanged.
    ///
    /// The inner service is any service of HTTP that cannot fail, such as an axum router. The service
    /// around both has to know the peers' addresses as [`Stellar::router`] says.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use stellarfw::Stellar;
    ///
    /// # #[cfg(feature = "ws")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stellarfw::BuildError> {
    /// let stellar = Stellar::builder().build().await?;
    /// let app: Router = Router::new()
    ///     .route("/mine", get(async || "an answer of the application"))
    ///     .layer(stellar.layer());
    /// # drop(app);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "ws"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn layer(&self) -> StellarLayer {
        StellarLayer(self.web())
    }
}

impl<S> Layer<S> for StellarLayer
where
    S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    type Service = Router;

    fn layer(&self, inner: S) -> Router {
        // Added last, so that what is done for Stellar's own requests is not done for others.
        web::router(&self.0, false).fallback_service(inner)
    }
}

impl fmt::Debug for StellarLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StellarLayer")
    }
}

#[cfg(test)]
#[cfg(feature = "ws")]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        routing::get,
    };
    use http::{HeaderMap, StatusCode, header};
    use tower::ServiceExt as _;

    use super::*;

    async fn asked(app: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::get(path)
            .header(header::HOST, "localhost")
            .body(Body::empty())
            .unwrap();
        let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&body).into_owned();
        (parts.status, parts.headers, text)
    }

    async fn app() -> Router {
        let stellar = Stellar::builder()
            .configure(|config| config.name = "layered".into())
            .build()
            .await
            .unwrap();
        Router::new()
            .route("/mine", get(async || "mine"))
            .layer(stellar.layer())
    }

    #[tokio::test]
    async fn its_own_paths_are_answered_and_others_passed_on() {
        let app = app().await;
        let (status, _, text) = asked(&app, "/api/none").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(text.contains("\"layered\""), "{text}");
        let (status, _, text) = asked(&app, "/healthz").await;
        assert_eq!((status, &*text), (StatusCode::OK, "ok\n"));
        let (status, _, text) = asked(&app, "/mine").await;
        assert_eq!((status, &*text), (StatusCode::OK, "mine"));
    }

    #[tokio::test]
    async fn what_is_passed_on_is_left_alone() {
        let app = app().await;
        // An error of the inner service has no headers of Stellar's errors.
        let (status, headers, _) = asked(&app, "/nobody").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(!headers.contains_key(header::CONTENT_SECURITY_POLICY));
        let (_, headers, _) = asked(&app, "/api/none").await;
        assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY));
    }
}
