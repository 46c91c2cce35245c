//! The routes of the API: the general ones, and those that are declared.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawPathParams, Request},
    routing::{MethodFilter, MethodRouter, any, on},
};
use http::{Method, header};

use super::{Named, answer};
use crate::Stellar;

/// A declared route: a method and a path below the API's that call an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    method: Option<Method>,
    path: String,
    action: String,
}

/// A declared route is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("route {method} {path}: {fault}")]
pub struct BadRoute {
    method: String,
    path: String,
    fault: String,
}

impl Route {
    /// Reads a route: a method (`GET`, or `all`), a path such as `/users/:id/posts`, and the
    /// action it calls.
    pub(crate) fn read(method: &str, path: &str, action: &str) -> Result<Self, BadRoute> {
        let fault = |fault: &str| BadRoute {
            method: method.to_owned(),
            path: path.to_owned(),
            fault: fault.to_owned(),
        };
        let method = match method.to_ascii_uppercase().as_str() {
            "ALL" => None,
            name @ ("GET" | "POST" | "PUT" | "PATCH" | "DELETE") => {
                Some(name.parse().map_err(|_| fault("no such method"))?)
            }
            _ => {
                return Err(fault(
                    "the method is none of GET, POST, PUT, PATCH, DELETE, all",
                ));
            }
        };
        let Some(rest) = path.strip_prefix('/').filter(|rest| !rest.is_empty()) else {
            return Err(fault(
                "the path must begin with a slash and have more than that",
            ));
        };
        let mut names = Vec::new();
        let mut out = String::new();
        for segment in rest.split('/') {
            let name = segment
                .strip_prefix(':')
                .or_else(|| segment.strip_prefix('{')?.strip_suffix('}'));
            out.push('/');
            match name {
                None if segment.is_empty() => return Err(fault("a segment is empty")),
                None if segment.contains(['{', '}', '*', ':']) => {
                    return Err(fault(
                        "a parameter must be a whole segment, as in /users/:id",
                    ));
                }
                None => out.push_str(segment),
                Some(name) => {
                    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    if name.is_empty() || !name.chars().all(is_name) {
                        return Err(fault("a parameter's name has only letters, digits and _"));
                    }
                    if names.contains(&name) {
                        return Err(fault("two parameters have one name"));
                    }
                    names.push(name);
                    out.push_str(&format!("{{{name}}}"));
                }
            }
        }
        Ok(Self {
            method,
            path: out,
            action: action.to_owned(),
        })
    }

    /// Its method; none is every method.
    pub(crate) fn method(&self) -> Option<&Method> {
        self.method.as_ref()
    }

    /// Its path below the API's, with its parameters as `{name}`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The names of its parameters, in order.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &str> {
        let segments = self.path.split('/');
        segments.filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The action it calls.
    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    /// Whether two have the same path but for the names of parameters.
    pub(crate) fn same_shape(&self, other: &Self) -> bool {
        shape(&self.path) == shape(&other.path)
    }

    /// Whether requests for a path are its own, and those of its neighbours of one shape.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let (own, asked): (Vec<_>, Vec<_>) = (shape(&self.path), path.split('/').collect());
        let pairs = || own.iter().zip(&asked);
        own.len() == asked.len() && pairs().all(|(own, asked)| *own == "{}" || own == asked)
    }

    /// Whether a request could fall under both of two routes of one shape.
    pub(crate) fn clashes(&self, other: &Self) -> bool {
        let same_method =
            self.method == other.method || self.method.is_none() || other.method.is_none();
        same_method && shape(&self.path) == shape(&other.path)
    }

    pub(crate) fn clash(&self) -> BadRoute {
        BadRoute {
            method: self
                .method
                .as_ref()
                .map_or("all".into(), ToString::to_string),
            path: self.path.clone(),
            fault: "another route answers to the same requests".into(),
        }
    }
}

/// A path with its parameters' names left out.
fn shape(path: &str) -> Vec<&str> {
    let is_parameter = |segment: &str| segment.starts_with('{');
    path.split('/')
        .map(|segment| if is_parameter(segment) { "{}" } else { segment })
        .collect()
}

/// All routes under a path.
pub(crate) fn routes(stellar: &Stellar, path: &str) -> Router {
    let general = || {
        let (stellar, prefix) = (stellar.clone(), path.to_owned());
        any(move |request: Request| {
            let (stellar, prefix) = (stellar.clone(), prefix.clone());
            async move { answer(&stellar, Named::Below(prefix), request).await }
        })
    };
    let mut router = Router::new()
        .route(path, general())
        .route(&format!("{path}/"), general())
        .route(&format!("{path}/{{*action}}"), general());
    // Routes of one shape are given to the router at once, under the names of the first.
    let mut done: Vec<Vec<&str>> = Vec::new();
    for route in &stellar.app.routes {
        let wanted = shape(&route.path);
        if done.contains(&wanted) {
            continue;
        }
        let alike = stellar
            .app
            .routes
            .iter()
            .filter(|r| shape(&r.path) == wanted);
        let mut methods = alike.fold(MethodRouter::new(), |methods, route| {
            add(stellar, methods, route)
        });
        let has_all = |r: &Route| r.method.is_none() && shape(&r.path) == wanted;
        if !stellar.app.routes.iter().any(has_all) {
            let own = stellar.app.routes.iter();
            let own = own.filter(|r| shape(&r.path) == wanted);
            let allow = allow(own.filter_map(Route::method));
            methods = methods.options(async move || [(header::ALLOW, allow)]);
        }
        router = router.route(&format!("{path}{}", route.path), methods);
        done.push(wanted);
    }
    router
}

/// The methods of a path, as `Allow` has them.
fn allow<'m>(methods: impl Iterator<Item = &'m Method>) -> String {
    let mut names = Vec::new();
    for method in methods {
        names.push(method.as_str());
        if *method == Method::GET {
            names.push("HEAD");
        }
    }
    names.push("OPTIONS");
    names.join(", ")
}

fn add(stellar: &Stellar, methods: MethodRouter, route: &Route) -> MethodRouter {
    let action: Arc<str> = route.action.as_str().into();
    let names: Arc<[String]> = route.parameters().map(str::to_owned).collect();
    let stellar = stellar.clone();
    let has_method = route.method.is_some();
    let handler = move |values: RawPathParams, request: Request| {
        let values = names
            .iter()
            .cloned()
            .zip(values.iter().map(|(_, value)| value.to_owned()));
        let named = Named::Route {
            action: action.to_string(),
            values: values.collect(),
            has_method,
        };
        let stellar = stellar.clone();
        async move { answer(&stellar, named, request).await }
    };
    match route.method.clone().map(MethodFilter::try_from) {
        Some(Ok(filter)) => methods.merge(on(filter, handler)),
        _ => methods.merge(any(handler)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_or_refused() {
        let route = Route::read("get", "/users/:id/posts/{post}", "post").unwrap();
        assert_eq!(route.path, "/users/{id}/posts/{post}");
        assert_eq!(route.method, Some(Method::GET));
        assert_eq!(Route::read("all", "/a", "a").unwrap().method, None);
        for (method, path) in [
            ("fetch", "/a"),
            ("get", "a"),
            ("get", "/"),
            ("get", "/a//b"),
            ("get", "/a/x:id"),
            ("get", "/a/:"),
            ("get", "/a/:i-d"),
            ("get", "/:a/:a"),
            ("get", "/*rest"),
        ] {
            assert!(Route::read(method, path, "a").is_err(), "{method} {path}");
        }
    }

    #[test]
    fn routes_of_one_shape_clash() {
        let read = |method, path| Route::read(method, path, "a").unwrap();
        assert!(read("get", "/a/:b").clashes(&read("get", "/a/:c")));
        assert!(read("all", "/a").clashes(&read("get", "/a")));
        assert!(!read("post", "/a").clashes(&read("get", "/a")));
        assert!(!read("get", "/a/:b").clashes(&read("get", "/a/b")));
    }
}
