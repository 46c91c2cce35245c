//! The dependency on the library in new applications.

use std::{fs, path::Path};

use toml::{Table, Value};

/// `true` if this version of the crates and of the client is published.
///
/// A release sets it with `scripts/published.mjs yes`, which also changes the documents.
const PUBLISHED: bool = false;

/// The features that a new application enables, in addition to the default ones.
const FEATURES: [&str; 1] = ["schemars"];

/// Returns the value of `stellarfw` in an application's manifest.
///
/// It refers to the checkout at `path`, or to the published crate or repository.
///
/// # Errors
/// Returns an error if `path` is not a checkout of stellarfw.
pub(crate) fn dependency(path: Option<&Path>) -> Result<String, String> {
    let version = env!("CARGO_PKG_VERSION");
    let from = match path {
        Some(path) => format!(
            "version = {}, path = {}",
            Value::from(version),
            checkout(path)?
        ),
        None if PUBLISHED => format!("version = {}", Value::from(version)),
        None => format!("git = {}", Value::from(env!("CARGO_PKG_REPOSITORY"))),
    };
    let features = Value::from(FEATURES.to_vec());
    Ok(format!("{{ {from}, features = {features} }}"))
}

/// Returns the absolute path of a checkout, as a TOML value.
fn checkout(path: &Path) -> Result<Value, String> {
    let shown = path.display();
    let manifest = fs::read_to_string(path.join("Cargo.toml"))
        .map_err(|error| format!("{shown} is not a checkout of stellarfw: Cargo.toml: {error}"))?;
    let package = toml::from_str::<Table>(&manifest).ok();
    let package = package
        .as_ref()
        .and_then(|table| table.get("package")?.get("name"));
    if package.and_then(Value::as_str) != Some("stellarfw") {
        return Err(format!(
            "{shown} is not a checkout of stellarfw: its Cargo.toml has another package"
        ));
    }
    // An absolute path stays valid when the application is moved.
    let path = path
        .canonicalize()
        .map_err(|error| format!("{shown}: {error}"))?;
    let text = path
        .to_str()
        .ok_or_else(|| format!("{shown} is not valid UTF-8"))?;
    Ok(Value::from(text))
}
