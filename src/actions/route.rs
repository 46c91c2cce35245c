//! Declared routes of the API: a method and a path that call an action.

use http::Method;

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

    /// Returns the segments of its path without the names of parameters.
    pub(crate) fn shape(&self) -> Vec<&str> {
        let is_parameter = |segment: &str| segment.starts_with('{');
        let segments = self.path.split('/');
        segments
            .map(|segment| if is_parameter(segment) { "{}" } else { segment })
            .collect()
    }

    /// Whether two have the same path but for the names of parameters.
    pub(crate) fn same_shape(&self, other: &Self) -> bool {
        self.shape() == other.shape()
    }

    /// Whether requests for a path are its own, and those of its neighbours of one shape.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let (own, asked): (Vec<_>, Vec<_>) = (self.shape(), path.split('/').collect());
        let pairs = || own.iter().zip(&asked);
        own.len() == asked.len() && pairs().all(|(own, asked)| *own == "{}" || own == asked)
    }

    /// Whether a request could fall under both of two routes of one shape.
    pub(crate) fn clashes(&self, other: &Self) -> bool {
        let same_method =
            self.method == other.method || self.method.is_none() || other.method.is_none();
        same_method && self.shape() == other.shape()
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
