//! Reports the origins of pages that are refused, each once.

use std::collections::HashSet;

use http::{HeaderMap, HeaderValue, Uri, header};
use parking_lot::Mutex;

/// How many origins are remembered. Those after them are not logged: whoever sends made-up ones
/// fills neither the memory nor the log.
const MOST: usize = 64;

/// How many bytes of a header are logged.
const LONGEST: usize = 200;

/// The refused origins that the log has, and the setting that would let them in.
///
/// The first request of each refused origin is a warning with its origin, its host and the setting's
/// name, because a browser tells the page no more than that the network failed. At most 64 origins
/// are remembered; after them one warning says that further ones are not logged. Headers are logged
/// with all but printable ASCII escaped, and at most 200 bytes of each.
#[derive(Debug)]
pub struct RefusedOrigins {
    setting: &'static str,
    seen: Mutex<HashSet<String>>,
}

impl RefusedOrigins {
    /// None so far. `setting` is the name of the setting that lists the allowed origins.
    #[must_use]
    pub fn new(setting: &'static str) -> Self {
        Self {
            setting,
            seen: Mutex::default(),
        }
    }

    /// Reports the origin of a refused request, unless it has been reported. A request without an
    /// origin is not reported. `uri` gives the host over HTTP/2, where the `Host` header is absent.
    pub fn report(&self, headers: &HeaderMap, uri: &Uri) {
        let Some(origin) = headers.get(header::ORIGIN).map(shown) else {
            return;
        };
        let setting = self.setting;
        let count = {
            let mut seen = self.seen.lock();
            if seen.len() > MOST || !seen.insert(origin.clone()) {
                return;
            }
            seen.len()
        };
        if count > MOST {
            tracing::warn!(
                setting,
                "pages of more than {MOST} origins are refused; further origins are not logged"
            );
            return;
        }
        let host = match (headers.get(header::HOST), uri.authority()) {
            (Some(host), _) => shown(host),
            (None, Some(authority)) => cut(authority.as_str()),
            (None, None) => String::new(),
        };
        tracing::warn!(
            origin,
            host,
            setting,
            "pages of an origin are refused that is not the host's and that the setting does not list"
        );
    }
}

/// A header as it is logged.
fn shown(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    let end = bytes.len().min(LONGEST);
    bytes[..end].escape_ascii().to_string()
}

/// An authority, which is ASCII, as it is logged.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing::{
        Event, Metadata, Subscriber,
        field::{Field, Visit},
        span,
    };

    use super::*;

    /// Keeps the fields of every event.
    #[derive(Default)]
    struct Log(Mutex<Vec<Fields>>);

    #[derive(Clone, Debug, Default)]
    struct Fields(Vec<(&'static str, String)>);

    impl Fields {
        fn get(&self, name: &str) -> Option<&str> {
            self.0
                .iter()
                .find(|field| field.0 == name)
                .map(|field| &*field.1)
        }
    }

    impl Visit for Fields {
        fn record_str(&mut self, field: &Field, value: &str) {
            self.0.push((field.name(), value.into()));
        }
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            self.0.push((field.name(), format!("{value:?}")));
        }
    }

    struct Collect(Arc<Log>);

    impl Subscriber for Collect {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            self.0.0.lock().push(fields);
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    /// What is logged of these requests: the value of `Origin`, that of `Host`.
    fn logged<V: TryInto<HeaderValue>>(
        requests: impl IntoIterator<Item = (V, &'static str)>,
    ) -> Vec<Fields> {
        let log = Arc::new(Log::default());
        tracing::subscriber::with_default(Collect(log.clone()), || {
            let refused = RefusedOrigins::new("server.origins");
            for (origin, host) in requests {
                let mut headers = HeaderMap::new();
                headers.insert(header::ORIGIN, origin.try_into().ok().unwrap());
                headers.insert(header::HOST, host.parse().unwrap());
                refused.report(&headers, &Uri::from_static("/primus"));
            }
            refused.report(&HeaderMap::new(), &Uri::from_static("/primus"));
        });
        std::mem::take(&mut *log.0.lock())
    }

    #[test]
    fn each_origin_is_reported_once_with_its_host_and_the_setting() {
        let requests = [
            ("https://a.com", "b.com"),
            ("https://a.com", "b.com"),
            ("null", "b.com"),
            ("https://a.com", "c.com"),
        ];
        let log = logged(requests);
        assert_eq!(log.len(), 2, "{log:?}");
        assert_eq!(log[0].get("origin"), Some("https://a.com"));
        assert_eq!(log[0].get("host"), Some("b.com"));
        assert_eq!(log[0].get("setting"), Some("server.origins"));
        assert_eq!(log[1].get("origin"), Some("null"));
    }

    #[test]
    fn nobody_writes_lines_of_their_own_into_the_log() {
        let origin = b"https://a.com\t\x9b31m\xc2\x9b\xe2\x80\xa8 \"WARN".to_vec();
        let log = logged([(origin, "b.com")]);
        let shown = log[0].get("origin").unwrap();
        assert!(
            shown
                .bytes()
                .all(|byte| byte == b' ' || byte.is_ascii_graphic()),
            "{shown}"
        );
        assert!(shown.starts_with(r"https://a.com\t\x9b31m\xc2"), "{shown}");
        let log = logged([(vec![b'x'; 5000], "b.com")]);
        assert_eq!(log[0].get("origin").unwrap().len(), LONGEST);
    }

    #[test]
    fn made_up_origins_fill_neither_memory_nor_log() {
        let origins = (0..1000).map(|n| (format!("https://{n}.com"), "b.com"));
        let log = logged(origins);
        assert_eq!(log.len(), MOST + 1);
        assert!(log[MOST].get("message").unwrap().contains("not logged"));
        assert_eq!(log[MOST].get("setting"), Some("server.origins"));
    }

    #[test]
    fn over_http2_the_host_is_that_of_the_address() {
        let log = Arc::new(Log::default());
        tracing::subscriber::with_default(Collect(log.clone()), || {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static("https://a.com"));
            let uri = Uri::from_static("https://b.com:8443/primus");
            RefusedOrigins::new("cors.origins").report(&headers, &uri);
        });
        let log = log.0.lock().clone();
        assert_eq!(log[0].get("host"), Some("b.com:8443"));
        assert_eq!(log[0].get("setting"), Some("cors.origins"));
    }
}
