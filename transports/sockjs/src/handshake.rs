//! Admission of new sessions, and ownership checks of later requests.

use std::{net::IpAddr, sync::Arc};

use http::{Uri, header, request::Parts};
use stellarfw_transport::{
    Handshake, Peer, Provenance, Refusal, Server, SessionBinding, SessionOwner,
};

use crate::{
    SockJs, config::SockJsConfig, http_outlet::HttpOutlet, route::TransportKind, session::Session,
    sessions::Reservation,
};

/// Opens a new session. Cancel safe.
///
/// # Errors
/// Returns the refusal. The reservation is released on an error and when the future is dropped.
pub(crate) async fn open(
    server: &Server,
    mount: &str,
    reservation: Reservation,
    bind: Option<&SessionBinding>,
    parts: &mut Parts,
) -> Result<Arc<Session>, Refusal> {
    hide_session(&mut parts.uri, mount);
    let bound = SessionOwner::of(server.config(), bind, parts);
    let admission = server.admit(SockJs::NAME, parts).await?;
    let owner = Owner::new(admission.handshake(), bound);
    let outlet = Arc::new(HttpOutlet(reservation.session().clone()));
    let inlet = server.open(admission, outlet);
    let session = reservation.commit();
    session.opened(owner, inlet);
    Ok(session)
}

/// Reduces the URL to the mount and the query.
///
/// The name of a session gives access to it, so it is not passed to the application.
pub(crate) fn hide_session(uri: &mut Uri, mount: &str) {
    let path = match uri.query() {
        Some(query) => format!("{mount}?{query}"),
        None => mount.to_owned(),
    };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = path.parse().ok();
    *uri = Uri::from_parts(parts).unwrap_or_default();
}

/// Checks a request against the origin policy.
///
/// # Errors
/// Returns the refusal if the policy does not allow the origin.
pub(crate) fn check_origin(
    server: &Server,
    parts: &Parts,
    omits_origin: bool,
) -> Result<(), Refusal> {
    let is_allowed = match server.config().provenance(parts) {
        Provenance::Trusted => true,
        // A browser that hides its origin, or no browser.
        Provenance::Unknown => !omits_origin,
        Provenance::Foreign => false,
    };
    match is_allowed {
        true => Ok(()),
        false => Err(server.refuse_origin(parts)),
    }
}

impl TransportKind {
    /// Returns `true` if a page can use the transport through a tag, without an `Origin` header.
    ///
    /// Any page can observe the effects of a script that it loads from another origin.
    pub(crate) fn omits_origin(self) -> bool {
        matches!(self, Self::EventSource | Self::HtmlFile | Self::Jsonp)
    }
}

/// The owner of a session.
///
/// In the protocol only the name identifies a session: about 40 random bits that the client chose
/// and that appear in URLs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    network: Option<IpAddr>,
    authorization: Option<Box<str>>,
    bound: SessionOwner,
}

impl Owner {
    fn new(handshake: &Handshake, bound: SessionOwner) -> Self {
        Self {
            network: handshake.remote().map(|remote| network(remote.ip())),
            authorization: handshake
                .header(header::AUTHORIZATION.as_str())
                .map(Into::into),
            bound,
        }
    }

    /// Returns `true` if a request comes from the client that opened the session.
    ///
    /// Compares the network if `bind_address` is set, the `Authorization` header if the session was
    /// opened with one, and the configured binding.
    pub(crate) fn matches(&self, server: &Server, config: &SockJsConfig, parts: &Parts) -> bool {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        let remote = server.config().client_address(peer, &parts.headers);
        let is_same_network =
            !config.bind_address || self.network == remote.map(|a| network(a.ip()));
        let authorization = parts.headers.get(header::AUTHORIZATION);
        let is_authorized = self.authorization.as_deref().is_none_or(|expected| {
            authorization.is_some_and(|sent| sent.as_bytes() == expected.as_bytes())
        });
        let is_bound = || {
            self.bound
                .sent(server.config(), config.bind.as_ref(), parts)
        };
        is_same_network && is_authorized && is_bound()
    }
}

/// Returns the network of a client: its IPv4 address, or its IPv6 /64.
///
/// An IPv6 client can change its address within the /64.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_identified_by_their_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("10.0.0.1"), of("::ffff:10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::2:3:4:5"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }

    #[test]
    fn the_session_name_is_hidden_from_the_application() {
        let hidden = |uri: &'static str| {
            let mut uri = Uri::from_static(uri);
            hide_session(&mut uri, "/primus");
            uri.to_string()
        };
        assert_eq!(hidden("/primus/000/secret/xhr?a=1&b"), "/primus?a=1&b");
        assert_eq!(
            hidden("http://h:1/primus/000/secret/xhr"),
            "http://h:1/primus"
        );
    }
}
