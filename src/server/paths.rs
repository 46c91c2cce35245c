//! Whether the paths of a server fit beside each other.

use std::sync::Arc;

use stellarfw_transport::{Transport, http::is_under};

use crate::Config;

/// The first segments of what is served at fixed paths.
const SCRIPTS: &[&str] = &[
    "stellar-client",
    "stellar-client.d.ts",
    "stellar-client.js",
    "stellar-client.js.map",
    "stellar-client.min.js",
    "stellar-client.min.js.map",
];
const DOCS: &[&str] = &["docs"];
const HEALTH: &[&str] = &["healthz", "readyz"];

/// Whether it is a path that requests can have, as it stands: a slash and more than that.
pub(crate) fn is_path(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"\"#%*:<>?\\^`{|}".contains(&byte);
    let Some(rest) = text.strip_prefix('/') else {
        return false;
    };
    rest.trim_end_matches('/')
        .split('/')
        .all(|segment| !matches!(segment, "" | "." | "..") && segment.bytes().all(fits))
}

/// What is wrong when two of the paths of a server would be the same, or when one would never be
/// reached.
pub(crate) fn clash(
    config: &Config,
    engines: &[Arc<dyn Transport>],
    has_routes: bool,
) -> Option<String> {
    let api = ("the API".to_owned(), config.api_path.as_str());
    let pathname = (
        "server.pathname".to_owned(),
        config.server.pathname.as_str(),
    );
    // The primary engine has the pathname, so its own may be the same.
    let own = engines.iter().enumerate().filter_map(|(at, engine)| {
        let path = engine.path()?;
        Some((format!("the engine {}", engine.name()), path, at == 0))
    });
    let own: Vec<_> = own.collect();

    let reserved = [
        (SCRIPTS, true),
        (DOCS, config.docs),
        (HEALTH, config.health),
    ];
    let engines = own.iter().map(|(what, path, _)| (what, *path));
    for (what, path) in [(&api.0, api.1), (&pathname.0, pathname.1)]
        .into_iter()
        .chain(engines.clone())
    {
        if !is_path(path) {
            return Some(format!("{what} cannot be at {path:?}, which is no path"));
        }
        let first = path.split('/').nth(1).unwrap_or_default();
        let is_taken = |(names, served): &(&[&str], bool)| *served && names.contains(&first);
        if reserved.iter().any(is_taken) {
            return Some(format!("{what} cannot be at {path}: /{first} is another's"));
        }
    }
    for (what, path) in [(&pathname.0, pathname.1)].into_iter().chain(engines) {
        // A declared route below the API may have a parameter where the engine has a name.
        if is_under(api.1, path) || (has_routes && is_under(path, api.1)) {
            return Some(format!(
                "{what} at {path} and the API at {} are in each other's way",
                api.1
            ));
        }
    }
    for (at, (what, path, is_primary)) in own.iter().enumerate() {
        if !is_primary && is_under(path, pathname.1) {
            return Some(format!(
                "{what} at {path} is never reached: server.pathname is {}",
                pathname.1
            ));
        }
        let before = own[..at]
            .iter()
            .find(|(_, earlier, _)| is_under(path, earlier));
        if let Some((earlier, ..)) = before {
            if earlier == what {
                return Some(format!("{what} is there twice, at {path}"));
            }
            return Some(format!(
                "{what} at {path} is never reached: {earlier} comes first"
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn paths_are_told_from_what_is_none() {
        for good in ["/a", "/primus", "/a/b-c/d_e.f", "/a/", "/~a,b;c=d@e!$&'()+"] {
            assert!(is_path(good), "{good}");
        }
        for bad in [
            "", "/", "a", "//", "//a", "/a//b", "/a b", "/{a}", "/a/*", "/:a", "/a?b", "/a#b",
            "/%41", "/ä", "/..", "/a/./b", "/a\n",
        ] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
