//! The page at `/` of a server that has no file there.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};

use super::fixed::Fixed;
use crate::{
    reference::{Home, POLICY},
    web::Web,
};

/// What is answered at `/`, as the request likes it best.
#[derive(Clone)]
pub(super) struct HomePage {
    html: Fixed,
    text: Fixed,
    json: Fixed,
}

impl HomePage {
    /// None where the settings switch the reference off.
    pub(super) fn of(web: &Web) -> Option<Self> {
        if !web.settings.docs {
            return None;
        }
        let Home { html, text, json } = Home::of(&web.reference);
        let fixed = |text, mime| Fixed::new(text, HeaderValue::from_static(mime));
        Some(Self {
            html: fixed(html, "text/html; charset=utf-8"),
            text: fixed(text, "text/plain; charset=utf-8"),
            json: fixed(json, "application/json; charset=utf-8"),
        })
    }

    pub(super) async fn answer(&self, headers: &HeaderMap) -> Response {
        let wanted = wanted(headers);
        let fixed = match wanted {
            Wanted::Html => &self.html,
            Wanted::Json => &self.json,
            Wanted::Text => &self.text,
        };
        let mut response = fixed.answer(headers).await;
        let answered = response.headers_mut();
        let vary = HeaderValue::from_static("accept, accept-encoding");
        answered.insert(header::VARY, vary);
        let same = HeaderValue::from_static("same-origin");
        answered.insert(header::REFERRER_POLICY, same);
        if wanted == Wanted::Html {
            let policy = HeaderValue::from_static(POLICY);
            answered.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Html,
    Json,
    Text,
}

/// What a request likes best (RFC 9110 section 12.5.1): a page or JSON where it asks for it by name,
/// else text, for those who type `curl`.
fn wanted(headers: &HeaderMap) -> Wanted {
    let mut best = (Wanted::Text, 0.0);
    let values = headers.get_all(header::ACCEPT).iter();
    let items = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for item in items {
        let mut parts = item.split(';').map(str::trim);
        let kind = match parts.next().unwrap_or_default().to_ascii_lowercase() {
            kind if kind == "text/html" || kind == "application/xhtml+xml" => Wanted::Html,
            kind if kind == "application/json" => Wanted::Json,
            kind if kind == "text/plain" => Wanted::Text,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight = weight.map_or(1.0, |text| text.trim().parse().unwrap_or(0.0));
        if weight > best.1 {
            best = (kind, weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_what_the_request_likes_best() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, form) in [
            ("*/*", Wanted::Text),
            ("", Wanted::Text),
            (browser, Wanted::Html),
            ("application/json", Wanted::Json),
            ("Application/JSON; charset=utf-8", Wanted::Json),
            ("text/html;q=0.5, application/json", Wanted::Json),
            ("application/json;q=0.5, text/html;q=0.8", Wanted::Html),
            ("text/html;q=0", Wanted::Text),
            ("text/html;q=nonsense", Wanted::Text),
            ("text/plain, text/html;q=0.9", Wanted::Text),
            ("image/png", Wanted::Text),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(wanted(&headers), form, "{accept}");
        }
        assert_eq!(wanted(&HeaderMap::new()), Wanted::Text);
    }
}
