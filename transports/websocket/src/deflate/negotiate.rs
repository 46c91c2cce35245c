//! Which of the client's offers to take (RFC 7692 §5.1 and §7.1).

use http::HeaderValue;

use super::{
    config::DeflateConfig,
    offer::{Offer, Offers},
};

/// The extension's name in `Sec-WebSocket-Extensions`.
pub const EXTENSION: &str = "permessage-deflate";

/// What both sides agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// Each outgoing message is compressed on its own.
    pub server_no_context_takeover: bool,
    /// Each incoming message was compressed on its own.
    pub client_no_context_takeover: bool,
    /// The window of outgoing messages, 9 to 15.
    pub server_max_window_bits: u8,
    /// The window of incoming messages, 8 to 15.
    pub client_max_window_bits: u8,
}

/// Picks the first offer in the client's order that can be met, and makes the value of the answer's
/// `Sec-WebSocket-Extensions`. `None` means no compression: nobody offered, or no offer can be met.
/// An offer with an unknown, repeated or badly valued parameter is passed over, never an error;
/// other extensions too.
pub fn negotiate<'a>(
    config: &DeflateConfig,
    headers: impl IntoIterator<Item = &'a HeaderValue>,
) -> Option<(Negotiated, HeaderValue)> {
    headers
        .into_iter()
        .flat_map(|header| Offers::new(header.as_bytes()))
        .find_map(|offer| accept(config, offer))
}

fn accept(config: &DeflateConfig, offer: Offer) -> Option<(Negotiated, HeaderValue)> {
    let server_bits = config
        .server_max_window_bits
        .clamp(9, 15)
        .min(offer.server_max_window_bits.unwrap_or(15));
    if server_bits < 9 {
        // zlib cannot compress into 256 bytes without a zlib header. Declining is what §7.1.2.1
        // gives for it.
        return None;
    }
    // Only a client that names the parameter may be told a size; any other may use all 15 bits.
    let client_bits = match offer.client_max_window_bits {
        None => 15,
        Some(hint) => config
            .client_max_window_bits
            .clamp(9, 15)
            .min(hint.unwrap_or(15)),
    };
    let agreed = Negotiated {
        server_no_context_takeover: config.server_no_context_takeover
            || offer.server_no_context_takeover,
        // Offered, it says the client will not use takeover anyway: agreeing frees our side of it.
        client_no_context_takeover: config.client_no_context_takeover
            || offer.client_no_context_takeover,
        server_max_window_bits: server_bits,
        client_max_window_bits: client_bits,
    };

    let mut answer = String::from(EXTENSION);
    if agreed.server_no_context_takeover {
        answer.push_str("; server_no_context_takeover");
    }
    if agreed.client_no_context_takeover {
        answer.push_str("; client_no_context_takeover");
    }
    if server_bits < 15 || offer.server_max_window_bits.is_some() {
        answer.push_str("; server_max_window_bits=");
        answer.push_str(&server_bits.to_string());
    }
    if client_bits < 15 {
        answer.push_str("; client_max_window_bits=");
        answer.push_str(&client_bits.to_string());
    }
    Some((agreed, HeaderValue::try_from(answer).ok()?))
}
