//! The routes of the API: the general ones, and those that are declared.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawPathParams, Request},
    routing::{MethodFilter, MethodRouter, any, on},
};
use http::{Method, header};

use super::{Named, answer};
use crate::{actions::Route, web::Web};

/// All routes under a path.
pub(crate) fn routes(web: &Arc<Web>, path: &str) -> Router {
    let general = || {
        let (web, prefix) = (web.clone(), path.to_owned());
        any(move |request: Request| {
            let (web, prefix) = (web.clone(), prefix.clone());
            async move { answer(&web, Named::Below(prefix), request).await }
        })
    };
    let mut router = Router::new()
        .route(path, general())
        .route(&format!("{path}/"), general())
        .route(&format!("{path}/{{*action}}"), general());
    // Routes of one shape are given to the router at once, under the names of the first.
    let mut done: Vec<Vec<&str>> = Vec::new();
    for route in web.routes.iter() {
        let wanted = route.shape();
        if done.contains(&wanted) {
            continue;
        }
        let alike = web.routes.iter().filter(|r| r.shape() == wanted);
        let mut methods = alike.fold(MethodRouter::new(), |methods, route| {
            add(web, methods, route)
        });
        let has_all = |r: &Route| r.method().is_none() && r.shape() == wanted;
        if !web.routes.iter().any(has_all) {
            let own = web.routes.iter();
            let own = own.filter(|r| r.shape() == wanted);
            let allow = allow(own.filter_map(Route::method));
            methods = methods.options(async move || [(header::ALLOW, allow)]);
        }
        router = router.route(&format!("{path}{}", route.path()), methods);
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

fn add(web: &Arc<Web>, methods: MethodRouter, route: &Route) -> MethodRouter {
    let action: Arc<str> = route.action().into();
    let names: Arc<[String]> = route.parameters().map(str::to_owned).collect();
    let web = web.clone();
    let has_method = route.method().is_some();
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
        let web = web.clone();
        async move { answer(&web, named, request).await }
    };
    match route.method().cloned().map(MethodFilter::try_from) {
        Some(Ok(filter)) => methods.merge(on(filter, handler)),
        _ => methods.merge(any(handler)),
    }
}
