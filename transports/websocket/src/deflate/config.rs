//! What the server offers to do.

/// How the server compresses, and what it accepts.
///
/// The defaults keep no memory per idle connection. Context takeover compresses small messages much
/// better, because each one refers back to those before, and costs the connection what the
/// [module's table](super#what-a-connection-costs) says: 371 KiB to send, 47 KiB to receive. It
/// also forbids compressing a publication once for a whole room (see
/// [`Deflater::shared`](super::Deflater::shared)).
///
/// Compression leaks: where an attacker can place text beside a secret in one message (or, with
/// takeover, in one connection) and see the sizes, he can guess the secret. Leave it off where that
/// holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct DeflateConfig {
    /// 1 (fast) to 9 (small). Default: 1, which saves the most bytes for its time. 2 and 3 make
    /// chat a quarter smaller again for twice the time: worth it where most messages are
    /// publications to many, which are compressed once. 4 and up gain little more.
    pub level: u8,
    /// Outgoing payloads shorter than this many bytes stay as they are. Default: 1024.
    pub threshold: usize,
    /// Forget outgoing history after each message, even if the client does not ask for it. Default:
    /// true.
    pub server_no_context_takeover: bool,
    /// Have the client forget its history after each message. Default: true.
    pub client_no_context_takeover: bool,
    /// The largest window to compress with, as a power of two, 9 to 15; a client may ask for less.
    /// Default: 15.
    pub server_max_window_bits: u8,
    /// The largest window the client may compress with, 9 to 15, for clients that let the server
    /// say. Default: 15. Lower values save the server nothing: zlib-rs always has room for 15.
    pub client_max_window_bits: u8,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self {
            level: 1,
            threshold: 1024,
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

/// A setting of [`DeflateConfig`] outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} must be from {min} to {max}, not {value}")]
pub struct ConfigError {
    setting: &'static str,
    min: u8,
    max: u8,
    value: u8,
}

impl DeflateConfig {
    /// Checks the ranges. Nothing else fails on a bad value: elsewhere it is moved to the nearest
    /// good one.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let settings = [
            ("level", self.level, 1, 9),
            ("serverMaxWindowBits", self.server_max_window_bits, 9, 15),
            ("clientMaxWindowBits", self.client_max_window_bits, 9, 15),
        ];
        settings
            .into_iter()
            .try_for_each(|(setting, value, min, max)| {
                let good = (min..=max).contains(&value);
                good.then_some(()).ok_or(ConfigError {
                    setting,
                    min,
                    max,
                    value,
                })
            })
    }
}
