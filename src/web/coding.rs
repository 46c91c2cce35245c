//! Content codings: which one a client takes.

use http::{HeaderMap, header};

/// A way to write content shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Coding {
    Brotli,
    Gzip,
}

/// Those there are, the one that is liked best first.
pub(super) const CODINGS: [Coding; 2] = [Coding::Brotli, Coding::Gzip];

/// What the names of files end with that are written in one of [`CODINGS`], in the same order.
pub(super) const EXTENSIONS: &[&str] = &["br", "gz"];

impl Coding {
    /// Its name in headers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The coding that a client likes best of those that can be had (RFC 9110 section 12.5.3); none
    /// if it takes none of them, or likes the content as it is better.
    pub(super) fn of(headers: &HeaderMap, can_be_had: impl Fn(Self) -> bool) -> Option<Self> {
        let plain = weight(headers, "identity").unwrap_or(0);
        let mut best = None;
        for coding in CODINGS.into_iter().filter(|coding| can_be_had(*coding)) {
            let weight = weight(headers, coding.name()).or_else(|| weight(headers, "*"));
            let weight = weight.unwrap_or(0);
            let least = best.map_or(plain.max(1), |(_, most)| most + 1);
            if weight >= least {
                best = Some((coding, weight));
            }
        }
        best.map(|(coding, _)| coding)
    }
}

/// The weight that a client gives to a coding, in thousandths; none if it does not name it.
fn weight(headers: &HeaderMap, coding: &str) -> Option<u32> {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|item| {
            let (name, parameter) = item.split_once(';').unwrap_or((item, ""));
            if !name.trim().eq_ignore_ascii_case(coding) {
                return None;
            }
            let parameter = parameter.trim();
            let q = parameter
                .strip_prefix("q=")
                .or(parameter.strip_prefix("Q="));
            Some(match q.map(|q| q.trim().parse::<f32>()) {
                None => 1_000,
                Some(Ok(q)) if (0.0..=1.0).contains(&q) => (q * 1_000.0) as u32,
                Some(_) => 0,
            })
        })
}

/// Whether content of a type gets shorter: texts of any kind do.
pub(super) fn is_compressible(mime: &str) -> bool {
    mime.starts_with("text/")
        || mime.ends_with("+json")
        || mime.ends_with("+xml")
        || matches!(
            mime,
            "application/json" | "application/xml" | "application/wasm" | "font/otf" | "font/ttf"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_those_of_the_header() {
        let chosen = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            Coding::of(&headers, |_| true).map(Coding::name)
        };
        for (value, coding) in [
            ("gzip, deflate, br", Some("br")),
            ("BR;q=0.5,gzip;q=0", Some("br")),
            ("br;q=0.5, gzip;q=0.8", Some("gzip")),
            ("gzip; q=0.0, identity", None),
            ("gzip;q=0.5, identity", None),
            ("identity;q=0.5, gzip", Some("gzip")),
            ("*", Some("br")),
            ("*, br;q=0", Some("gzip")),
            ("*;q=0", None),
            ("brotli", None),
            ("gzip;q=nan", None),
            ("gzip;q=2", None),
            ("", None),
        ] {
            assert_eq!(chosen(value), coding, "{value}");
        }
        assert_eq!(Coding::of(&HeaderMap::new(), |_| true), None);
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, "br, gzip".parse().unwrap());
        let gzip = Coding::of(&headers, |coding| coding == Coding::Gzip);
        assert_eq!(gzip, Some(Coding::Gzip));
    }
}
