//! Where applications get the library from.

use std::{fs, path::Path};

use toml::{Table, Value};

/// Whether this version of the crates and of the client is in the registries. A release turns it
/// over with `scripts/published.mjs yes`, which changes the documents with it.
const PUBLISHED: bool = false;

/// The features that a new application switches on, besides the default ones.
const FEATURES: [&str; 1] = ["schemars"];

/// The value of `stellarfw` in an application's manifest: the checkout at `path`, or what everybody
/// can reach.
///
/// # Errors
/// `path` is no checkout.
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

/// A checkout's path, as a value.
fn checkout(path: &Path) -> Result<Value, String> {
    let told = path.display();
    let manifest = fs::read_to_string(path.join("Cargo.toml"))
        .map_err(|error| format!("{told} is no checkout of stellarfw: Cargo.toml: {error}"))?;
    let package = toml::from_str::<Table>(&manifest).ok();
    let package = package
        .as_ref()
        .and_then(|table| table.get("package")?.get("name"));
    if package.and_then(Value::as_str) != Some("stellarfw") {
        return Err(format!(
            "{told} is no checkout of stellarfw: its Cargo.toml is another's"
        ));
    }
    // The application may be moved; the checkout is expected to stay.
    let path = path
        .canonicalize()
        .map_err(|error| format!("{told}: {error}"))?;
    let text = path.to_str().ok_or_else(|| format!("{told} is no text"))?;
    Ok(Value::from(text))
}
