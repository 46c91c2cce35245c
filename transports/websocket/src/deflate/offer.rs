//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 §9.1), reduced to what an offer can say.

use super::negotiate::EXTENSION;

/// One offer of this extension whose parameters are all known, single and well valued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    /// Outer: named at all. Inner: with a value.
    pub(super) client_max_window_bits: Option<Option<u8>>,
}

impl Offer {
    /// Takes in one parameter; `None` when the whole offer must be declined for it.
    fn set(&mut self, name: &[u8], value: Option<&[u8]>) -> Option<()> {
        let fresh = if name.eq_ignore_ascii_case(b"server_no_context_takeover") {
            value.is_none() && !std::mem::replace(&mut self.server_no_context_takeover, true)
        } else if name.eq_ignore_ascii_case(b"client_no_context_takeover") {
            value.is_none() && !std::mem::replace(&mut self.client_no_context_takeover, true)
        } else if name.eq_ignore_ascii_case(b"server_max_window_bits") {
            self.server_max_window_bits.replace(bits(value?)?).is_none()
        } else if name.eq_ignore_ascii_case(b"client_max_window_bits") {
            let hint = match value {
                None => None,
                Some(value) => Some(bits(value)?),
            };
            self.client_max_window_bits.replace(hint).is_none()
        } else {
            false
        };
        fresh.then_some(())
    }
}

/// 8 to 15, without leading zeroes (§7.1.2).
fn bits(value: &[u8]) -> Option<u8> {
    match value {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + (digit - b'0')),
        _ => None,
    }
}

/// The good offers in one header line, in order. A line that stops making sense ends there.
pub(super) struct Offers<'a> {
    rest: &'a [u8],
}

impl<'a> Offers<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    /// One `extension`, up to the comma after it. Outer `None`: the line makes no sense from here
    /// on. Inner `None`: another extension, or an offer to decline.
    fn extension(&mut self) -> Option<Option<Offer>> {
        let name = self.token()?;
        let mut offer = name
            .eq_ignore_ascii_case(EXTENSION.as_bytes())
            .then(Offer::default);
        while self.eat(b';') {
            let name = self.token()?;
            let mut quoted = Vec::new();
            let value = if !self.eat(b'=') {
                None
            } else if self.eat(b'"') {
                self.quoted(&mut quoted)?;
                Some(quoted.as_slice())
            } else {
                Some(self.token()?)
            };
            offer = offer.and_then(|mut offer| offer.set(name, value).map(|()| offer));
        }
        Some(offer)
    }

    fn space(&mut self) {
        let blank = self
            .rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        self.rest = &self.rest[blank..];
    }

    /// Takes `wanted` with the space before it, if it is next.
    fn eat(&mut self, wanted: u8) -> bool {
        self.space();
        match self.rest {
            [first, rest @ ..] if *first == wanted => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        self.space();
        let len = self.rest.iter().take_while(|byte| is_token(**byte)).count();
        let (token, rest) = self.rest.split_at(len);
        self.rest = rest;
        (len > 0).then_some(token)
    }

    /// What follows an opening quote, through the closing one.
    fn quoted(&mut self, into: &mut Vec<u8>) -> Option<()> {
        loop {
            let (first, rest) = self.rest.split_first()?;
            self.rest = rest;
            match first {
                b'"' => return Some(()),
                b'\\' => {
                    let (escaped, rest) = self.rest.split_first()?;
                    self.rest = rest;
                    into.push(*escaped);
                }
                other => into.push(*other),
            }
        }
    }
}

impl Iterator for Offers<'_> {
    type Item = Offer;

    fn next(&mut self) -> Option<Offer> {
        loop {
            while self.eat(b',') {}
            if self.rest.is_empty() {
                return None;
            }
            let found = self.extension();
            let ends = self.eat(b',') || self.rest.is_empty();
            match found {
                Some(offer) if ends => {
                    if offer.is_some() {
                        return offer;
                    }
                }
                _ => self.rest = &[],
            }
        }
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
