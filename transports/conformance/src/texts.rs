//! Texts that something on the way could change, cut, refuse or take for its own.

/// The texts of `texts.json`, which tests in other languages read too.
///
/// Among them are what encodings escape (percent signs, quotes, line ends, markup), what transports
/// and protocols frame with, control characters, and Unicode's separators, marks and edges. None
/// has an unpaired surrogate, which no text in Rust can hold.
///
/// # Panics
/// If the file is no list of texts, which would be a fault of this crate.
#[must_use]
pub fn hostile() -> Vec<String> {
    match serde_json::from_str(include_str!("../texts.json")) {
        Ok(texts) => texts,
        Err(error) => panic!("texts.json: {error}"),
    }
}
