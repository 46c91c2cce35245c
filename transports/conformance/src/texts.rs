//! Texts that a codec, a framing or a proxy is likely to alter, truncate or reject.

/// Returns the texts of `texts.json`, which tests in other languages share.
///
/// They contain characters that encodings escape (percent signs, quotes, line ends, markup),
/// delimiters of transports and protocols, control characters, and Unicode separators, marks and
/// boundary code points. Unpaired surrogates are absent: a Rust string cannot hold them.
///
/// # Panics
/// Panics if `texts.json` is not a list of strings.
#[must_use]
pub fn hostile() -> Vec<String> {
    match serde_json::from_str(include_str!("../texts.json")) {
        Ok(texts) => texts,
        Err(error) => panic!("texts.json: {error}"),
    }
}
