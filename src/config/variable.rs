//! Variables of the environment: which of them are settings.

use std::fmt;

use toml::{Table, Value};

use super::{
    Config,
    load::{PREFIX, check_table, put},
    plain::ALIKE,
};

/// A variable that begins with `STELLAR_` and names no setting. It has no effect.
///
/// It is not an error: programs of the same name set variables of their own, and a variable cannot
/// always be taken out of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownVariable {
    /// Its name.
    pub name: String,
    /// The variable of a setting that is most like it, if there is one.
    pub suggestion: Option<String>,
}

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no effect: there is no such setting", self.name)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}

/// What a variable is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A setting by its key.
    Setting(Vec<String>),
    /// One that Kubernetes or Docker makes for a service of that name.
    Foreign,
    Unknown(UnknownVariable),
}

/// Finds out what a variable is.
pub(super) fn meaning(name: &str, value: &str) -> Meaning {
    let path = key(name);
    let is_foreign = is_of_a_service(name, value);
    match probe(&path) {
        // A service can be called what a setting is.
        Probe::Known if is_foreign && names_a_link(name, value) => Meaning::Foreign,
        Probe::Known => Meaning::Setting(path),
        _ if is_foreign => Meaning::Foreign,
        Probe::Unknown { likely } => {
            let suggestion = likely.or_else(|| most_like(name));
            let name = name.to_owned();
            Meaning::Unknown(UnknownVariable { name, suggestion })
        }
    }
}

/// `STELLAR_SERVER__PING_INTERVAL` as `server`, `pingInterval`.
fn key(name: &str) -> Vec<String> {
    if name == "STELLAR_TRANSPORT" {
        return vec!["transports".into()];
    }
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    rest.split("__").map(camel).collect()
}

/// `PING_INTERVAL` as `pingInterval`.
fn camel(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, word) in text.split('_').enumerate() {
        let mut chars = word.chars();
        if at > 0 {
            out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        }
        out.extend(chars.map(|c| c.to_ascii_lowercase()));
    }
    out
}

/// `pingInterval` as `PING_INTERVAL`.
fn screaming(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 4);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

enum Probe {
    Known,
    Unknown { likely: Option<String> },
}

/// Looks for a setting of that key. The value is one that no unknown key can be in.
fn probe(path: &[String]) -> Probe {
    let mut table = Table::new();
    if put(&mut table, path, "0").is_err() {
        return Probe::Unknown { likely: None };
    }
    let Err(message) = check_table(&table) else {
        return Probe::Known;
    };
    let names = |key: &&String| message.contains(&format!("unknown field `{key}`"));
    if let Some(at) = path.iter().rposition(|key| names(&key)) {
        return Probe::Unknown {
            likely: meant(&message).map(|key| variable(&path[..at], key)),
        };
    }
    // There is a setting, and none below it.
    match path.len() > 1 && message.contains("invalid type: map") {
        true => Probe::Unknown { likely: None },
        false => Probe::Known,
    }
}

/// The key that a fault's text suggests.
fn meant(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("did you mean `")?;
    rest.split('`').next()
}

fn variable(parents: &[String], key: &str) -> String {
    let parents = parents.iter().map(String::as_str);
    let keys: Vec<String> = parents.chain([key]).map(screaming).collect();
    format!("{PREFIX}{}", keys.join("__"))
}

/// The variable of a setting that is most like a name.
fn most_like(name: &str) -> Option<String> {
    let mut known = vec!["STELLAR_CONFIG".to_owned(), "STELLAR_TRANSPORT".to_owned()];
    if let Ok(table) = Table::try_from(Config::default()) {
        collect(&table, &mut Vec::new(), &mut known);
    }
    // A table's order depends on features of its crate that others may switch on.
    known.sort();
    let own = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).replace('_', "");
    let wanted = own(name);
    let alike = |known: &String| strsim::normalized_damerau_levenshtein(&wanted, &own(known));
    let best = known
        .iter()
        .map(|known| (alike(known), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    if let Some((_, best)) = best {
        return Some(best.clone());
    }
    // A level was left out: PING_INTERVAL is in several tables, and most often the server's is meant.
    let level = format!("__{}", name.strip_prefix(PREFIX)?);
    let mut deeper = known.iter().filter(|known| known.ends_with(&level));
    let is_servers = |known: &&String| known.starts_with("STELLAR_SERVER__");
    let first = deeper.clone().find(is_servers).or_else(|| deeper.next());
    first.cloned()
}

fn collect(table: &Table, path: &mut Vec<String>, names: &mut Vec<String>) {
    for (key, value) in table {
        names.push(variable(path, key));
        if let Value::Table(inner) = value {
            path.push(key.clone());
            collect(inner, path, names);
            path.pop();
        }
    }
}

/// Returns `true` for the variables that Kubernetes makes for a service, and Docker for a link, whose
/// name begins with `stellar`.
///
/// Kubernetes: `…_SERVICE_HOST`, `…_SERVICE_PORT`, `…_SERVICE_PORT_<name>`, and as Docker's links do
/// `…_PORT=tcp://…` and `…_PORT_<number>_TCP` with `_PROTO`, `_PORT` and `_ADDR` of it. Docker also:
/// `…_NAME=/<container>/<alias>` and `…_ENV_<variable>`.
fn is_of_a_service(name: &str, value: &str) -> bool {
    names_a_link(name, value)
        || is_host(name, value)
        || is_port(name, value)
        || is_address(name, value)
        || is_env(name)
}

fn is_url(value: &str) -> bool {
    let scheme = value.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| is_protocol(&scheme.to_ascii_uppercase()))
}

fn is_protocol(text: &str) -> bool {
    matches!(text, "TCP" | "UDP" | "SCTP")
}

fn is_number(value: &str) -> bool {
    value.parse::<u16>().is_ok()
}

/// `STELLAR_SERVICE_HOST=10.0.0.11`, which may be a name of a service that is elsewhere.
fn is_host(name: &str, value: &str) -> bool {
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
    name.ends_with("_SERVICE_HOST") && value.bytes().all(is_host)
}

/// `STELLAR_SERVICE_PORT=80`, `STELLAR_SERVICE_PORT_HTTP=80`, `STELLAR_PORT=tcp://10.0.0.11:80`.
fn is_port(name: &str, value: &str) -> bool {
    let service = name.split_once("_SERVICE_PORT").map(|(_, rest)| rest);
    let is_service = service.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    (is_service && is_number(value)) || (name.ends_with("_PORT") && is_url(value))
}

/// `STELLAR_PORT_80_TCP=tcp://10.0.0.11:80`, and `_PROTO`, `_PORT`, `_ADDR` of it. Docker has ranges
/// of ports in it, too: `STELLAR_PORT_80_TCP_START`.
fn is_address(name: &str, value: &str) -> bool {
    // Names of services can have the word in them, too.
    let mut ends = name.match_indices('_').map(|(at, _)| &name[at..]);
    ends.any(|end| {
        end.strip_prefix("_PORT_")
            .is_some_and(|rest| is_part_of_address(rest, value))
    })
}

fn is_part_of_address(rest: &str, value: &str) -> bool {
    let parts: Vec<&str> = rest.split('_').collect();
    let [number, protocol, of_it @ ..] = &parts[..] else {
        return false;
    };
    let fits = match of_it {
        [] | ["START" | "END"] => is_url(value),
        ["PROTO"] => is_protocol(&value.to_ascii_uppercase()),
        ["PORT"] | ["PORT", "START" | "END"] => is_number(value),
        ["ADDR"] => value.parse::<std::net::IpAddr>().is_ok(),
        _ => false,
    };
    fits && is_number(number) && is_protocol(protocol)
}

/// `STELLAR_NAME=/web/stellar`: the name of a container and of the link to it.
fn names_a_link(name: &str, value: &str) -> bool {
    let Some(alias) = name.strip_suffix("_NAME") else {
        return false;
    };
    let is_alias = |text: &str| text.to_ascii_uppercase().replace(['-', '.'], "_") == alias;
    match value
        .strip_prefix('/')
        .and_then(|path| path.split_once('/'))
    {
        Some((container, link)) => !container.is_empty() && is_alias(link),
        None => false,
    }
}

/// `STELLAR_ENV_PATH=…`: the variables of a linked container.
fn is_env(name: &str) -> bool {
    name.starts_with("STELLAR_ENV_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(name: &str, suggestion: Option<&str>) -> Meaning {
        Meaning::Unknown(UnknownVariable {
            name: name.into(),
            suggestion: suggestion.map(Into::into),
        })
    }

    #[test]
    fn what_kubernetes_and_docker_make_is_theirs() {
        for (name, value) in [
            ("STELLAR_SERVICE_HOST", "10.0.0.11"),
            ("STELLAR_SERVICE_HOST", "fd00::1"),
            ("STELLAR_SERVICE_PORT", "8080"),
            ("STELLAR_SERVICE_PORT_HTTP", "8080"),
            ("STELLAR_SERVICE_PORT_METRICS_V2", "9090"),
            ("STELLAR_PORT", "tcp://10.0.0.11:8080"),
            ("STELLAR_PORT", "udp://[fd00::1]:8080"),
            ("STELLAR_PORT_8080_TCP", "tcp://10.0.0.11:8080"),
            ("STELLAR_PORT_8080_TCP_PROTO", "tcp"),
            ("STELLAR_PORT_8080_TCP_PORT", "8080"),
            ("STELLAR_PORT_8080_TCP_ADDR", "10.0.0.11"),
            ("STELLAR_PORT_8080_TCP_ADDR", "fd00::1"),
            ("STELLAR_PORT_53_UDP", "udp://10.0.0.11:53"),
            ("STELLAR_PORT_53_UDP_PROTO", "udp"),
            ("STELLAR_PORT_53_SCTP_PROTO", "sctp"),
            ("STELLAR_PORT_8080_TCP_PORT_START", "8080"),
            ("STELLAR_PORT_8080_TCP_START", "tcp://10.0.0.11:8080"),
            // Services whose names begin with it, and go on as settings do.
            ("STELLAR_API_SERVICE_HOST", "10.0.0.12"),
            ("STELLAR_API_PATH_PORT", "tcp://10.0.0.12:80"),
            ("STELLAR_SERVER_PORT_80_TCP_ADDR", "10.0.0.12"),
            ("STELLAR_WEB__BLUE_SERVICE_PORT", "80"),
            ("STELLAR_SERVICE_SERVICE_HOST", "10.0.0.11"),
            ("STELLAR_PORT_PORT_80_TCP_PORT", "80"),
            // Links.
            ("STELLAR_NAME", "/web/stellar"),
            ("STELLAR_API_NAME", "/web_1/stellar-api"),
            ("STELLAR_ENV_PATH", "/usr/bin"),
            ("STELLAR_ENV_STELLAR_NAME", "x"),
        ] {
            assert_eq!(meaning(name, value), Meaning::Foreign, "{name}={value}");
        }
    }

    #[test]
    fn what_only_looks_like_theirs_is_told() {
        for (name, value) in [
            ("STELLAR_PORT", "8080"),
            ("STELLAR_PORT", "http://10.0.0.11:8080"),
            ("STELLAR_HOST", "10.0.0.11"),
            ("STELLAR_SERVICE_PORT", "http"),
            ("STELLAR_SERVICE_PORTS", "80"),
            ("STELLAR_SERVICE_HOST", "a b"),
            ("STELLAR_PORT_X_TCP", "tcp://10.0.0.11:1"),
            ("STELLAR_PORT_80_QUIC_PORT", "80"),
            ("STELLAR_PORT_80_TCP_PORT", "many"),
            ("STELLAR_PORT_80_TCP_COLOR", "red"),
            ("STELLAR_PORT_99999_TCP_PROTO", "tcp"),
            ("STELLAR_API_NAME", "/web/other"),
        ] {
            let meaning = meaning(name, value);
            assert!(
                matches!(&meaning, Meaning::Unknown(unknown) if unknown.name == name),
                "{name}={value}: {meaning:?}"
            );
        }
        for value in ["/web", "stellar", "/web/other", "//stellar", "a/b/stellar"] {
            let setting = Meaning::Setting(vec!["name".into()]);
            assert_eq!(meaning("STELLAR_NAME", value), setting, "{value}");
        }
    }

    #[test]
    fn every_setting_has_a_variable() {
        let mut names = Vec::new();
        let table = Table::try_from(Config::default()).unwrap();
        collect(&table, &mut Vec::new(), &mut names);
        assert!(names.len() > 60, "{names:?}");
        for name in names {
            let meaning = meaning(&name, "tcp://10.0.0.11:80");
            assert!(
                matches!(meaning, Meaning::Setting(_)),
                "{name}: {meaning:?}"
            );
        }
    }

    #[test]
    fn an_unknown_one_is_told_with_the_one_it_is_like() {
        for (name, suggestion) in [
            ("STELLAR_NAMEE", Some("STELLAR_NAME")),
            ("STELLAR_LISTENS", Some("STELLAR_LISTEN")),
            ("STELLAR_CONFIGS", Some("STELLAR_CONFIG")),
            (
                "STELLAR_SERVER_PING_INTERVAL",
                Some("STELLAR_SERVER__PING_INTERVAL"),
            ),
            (
                "STELLAR_SERVER__PING_INTERVALL",
                Some("STELLAR_SERVER__PING_INTERVAL"),
            ),
            (
                "STELLAR_PING_INTERVAL",
                Some("STELLAR_SERVER__PING_INTERVAL"),
            ),
            (
                "STELLAR_MESSAGE_RATE__PER_SECOND",
                Some("STELLAR_SERVER__MESSAGE_RATE__PER_SECOND"),
            ),
            ("STELLAR_NAME__X", Some("STELLAR_NAME")),
            ("STELLAR_", None),
            ("STELLAR___", None),
            ("STELLAR_DATABASE_URL", None),
        ] {
            assert_eq!(meaning(name, "1"), unknown(name, suggestion));
        }
    }

    #[cfg(feature = "ws")]
    #[test]
    fn tables_that_are_not_there_by_default_are_known() {
        let known = meaning("STELLAR_WS__COMPRESSION__LEVEL", "often");
        assert!(matches!(known, Meaning::Setting(_)), "{known:?}");
        let name = "STELLAR_WS__COMPRESSION__LEVLE";
        let meant = Some("STELLAR_WS__COMPRESSION__LEVEL");
        assert_eq!(meaning(name, "1"), unknown(name, meant));
        let room = meaning("STELLAR_ROOM_LIMITS__LOBBY", "5");
        assert!(matches!(room, Meaning::Setting(_)), "{room:?}");
    }
}
