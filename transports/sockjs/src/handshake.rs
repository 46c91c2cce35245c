//! Who may come: new sessions, and the requests of those there are.

use std::{net::IpAddr, sync::Arc};

use http::{Uri, header, request::Parts};
use stellarfw_transport::{
    Handshake, Peer, Provenance, Refusal, Server, SessionBinding, SessionOwner,
};

use crate::{
    SockJs, config::SockJsConfig, outlet::SockJsOutlet, route::Kind, session::Session,
    sessions::Place,
};

/// Lets a new session in.
///
/// # Errors
/// The refusal. Its place is free again then, as it is when this is dropped.
pub(crate) async fn open(
    server: &Server,
    mount: &str,
    place: Place,
    bind: Option<&SessionBinding>,
    parts: &mut Parts,
) -> Result<Arc<Session>, Refusal> {
    hide_session(&mut parts.uri, mount);
    let bound = SessionOwner::of(server.config(), bind, parts);
    let admission = server.admit(SockJs::NAME, parts).await?;
    let owner = Owner::of(admission.handshake(), bound);
    let outlet = Arc::new(SockJsOutlet(place.session().clone()));
    let inlet = server.open(admission, outlet);
    let session = place.keep();
    session.opened(owner, inlet);
    Ok(session)
}

/// Leaves of the URL what every way has: the mount and the query. The name of a session lets
/// others take part in it, and is not for the application to know.
pub(crate) fn hide_session(uri: &mut Uri, mount: &str) {
    let path = match uri.query() {
        Some(query) => format!("{mount}?{query}"),
        None => mount.to_owned(),
    };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = path.parse().ok();
    *uri = Uri::from_parts(parts).unwrap_or_default();
}

/// Whether the page that asks may, by the origin policy.
///
/// # Errors
/// The refusal, if it may not.
pub(crate) fn check_origin(server: &Server, parts: &Parts, by_tag: bool) -> Result<(), Refusal> {
    let may = match server.config().provenance(parts) {
        Provenance::Trusted => true,
        // A browser that was asked to hide where it is.
        Provenance::Unknown => !by_tag,
        Provenance::Foreign => false,
    };
    match may {
        true => Ok(()),
        false => Err(server.refuse_origin(parts)),
    }
}

impl Kind {
    /// Whether a page can ask in this way by naming a URL in a tag. Browsers tell no origin then,
    /// and of a script any page can see what it does.
    pub(crate) fn is_by_tag(self) -> bool {
        matches!(self, Self::EventSource | Self::HtmlFile | Self::Jsonp)
    }
}

/// Whose a session is. The protocol leaves its name to the client and has nothing else to know it
/// by: the name is some forty random bits in a URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    network: Option<IpAddr>,
    authorization: Option<Box<str>>,
    bound: SessionOwner,
}

impl Owner {
    fn of(handshake: &Handshake, bound: SessionOwner) -> Self {
        Self {
            network: handshake.remote().map(|remote| network(remote.ip())),
            authorization: handshake
                .header(header::AUTHORIZATION.as_str())
                .map(Into::into),
            bound,
        }
    }

    /// Whether a later request is of the client that opened the session: from the same network,
    /// unless that is not to count, and with the `Authorization` it opened with, if any.
    pub(crate) fn is(&self, server: &Server, config: &SockJsConfig, parts: &Parts) -> bool {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        let remote = server.config().client_address(peer, &parts.headers);
        let is_near = !config.bind_address || self.network == remote.map(|a| network(a.ip()));
        let authorization = parts.headers.get(header::AUTHORIZATION);
        let is_known = self.authorization.as_deref().is_none_or(|known| {
            authorization.is_some_and(|given| given.as_bytes() == known.as_bytes())
        });
        let is_owner = || {
            self.bound
                .sent(server.config(), config.bind.as_ref(), parts)
        };
        is_near && is_known && is_owner()
    }
}

/// The network of a client: an IPv4 address, or the /64 in which an IPv6 client changes its own.
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
    fn clients_are_known_by_their_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("10.0.0.1"), of("::ffff:10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::2:3:4:5"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }

    #[test]
    fn the_application_sees_no_session() {
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
