//! `stellarfw config check`, and the checks that `serve` runs before it starts.

use std::path::Path;

use clap::Args;
use stellarfw::{BuildError, Config, Stellar, config::Origin};

use crate::{
    Failure,
    settings::{Loaded, Settings},
};

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    settings: Settings,
}

/// The tables of the engines' settings.
const ENGINES: [&str; 4] = ["ws", "engineio", "socketio", "sockjs"];

/// An invalid setting and its key. The key is empty for errors about several settings.
pub(crate) struct Fault {
    key: String,
    message: String,
}

impl Fault {
    fn new(key: &str, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }
}

impl Check {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let loaded = self.settings.load()?;
        for variable in loaded.origins.unknown_variables() {
            eprintln!("Warning: {variable}");
        }
        let (transports, mut faults) = match build(&loaded)? {
            Ok(transports) => (transports, Vec::new()),
            Err(fault) => (Vec::new(), vec![fault]),
        };
        faults.extend(files(&loaded));
        report(&faults)?;
        for note in unused_engines(&loaded, &transports) {
            crate::print(&format!("Note: {note}\n"))?;
        }
        let file = match &loaded.file {
            Some(path) => path.display().to_string(),
            None => "no file".into(),
        };
        let count = loaded.origins.len();
        let noun = if count == 1 { "setting" } else { "settings" };
        crate::print(&format!(
            "The settings are valid ({file}; {count} {noun} set)\n"
        ))
    }
}

/// Returns all faults as one error, with a line for each.
pub(crate) fn report(faults: &[String]) -> Result<(), Failure> {
    match faults {
        [] => Ok(()),
        [fault] => Err(fault.as_str().into()),
        _ => {
            let count = faults.len();
            Err(format!("{count} invalid settings\n  {}", faults.join("\n  ")).into())
        }
    }
}

/// Builds a server with the settings.
///
/// Returns the names of its engines, or the first fault that the builder reports.
fn build(loaded: &Loaded) -> Result<Result<Vec<String>, String>, Failure> {
    let config = loaded.config.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let built = runtime.block_on(async {
        let stellar = Stellar::builder().config(config).build().await?;
        stellar
            .shutdown(stellarfw::transport::Shutdown::default())
            .await;
        Ok::<_, BuildError>(stellar.config().transports.clone())
    });
    Ok(built.map_err(|error| build_error(loaded, &error)))
}

/// Formats an error of the builder, with the key of the setting.
pub(crate) fn build_error(loaded: &Loaded, error: &BuildError) -> String {
    format_fault(loaded, &Fault::new(&key(error), error.to_string()))
}

/// Returns the key of the setting that an error is about, or an empty string.
fn key(error: &BuildError) -> String {
    let key = match error {
        BuildError::UnknownTransport(_) => "transports",
        BuildError::UnknownParser(_) => "parser",
        BuildError::BadPath { key, .. } | BuildError::Nothing { key } => key,
        BuildError::NamelessRoom => "startingChatRooms",
        BuildError::PlainEvents => "socketio.plainEvents",
        BuildError::Cors(_) => "cors",
        BuildError::Start(error) => {
            let engines = stellarfw::engines();
            let own = |table: &&str| engines.name_of(table) == Some(error.transport());
            let table = ENGINES.into_iter().find(own);
            let (Some(table), Some(setting)) = (table, error.setting()) else {
                return String::new();
            };
            return format!("{table}.{setting}");
        }
        _ => "",
    };
    key.to_owned()
}

/// Returns a note for each engine that has settings and is not among the transports.
///
/// These are no errors: the same file may be used with other transports.
pub(crate) fn unused_engines(loaded: &Loaded, transports: &[String]) -> Vec<String> {
    let engines = stellarfw::engines();
    let mut notes = Vec::new();
    for table in ENGINES {
        let origin = loaded.origins.of(&[table]);
        let Some(name) = engines.name_of(table) else {
            continue;
        };
        if *origin != Origin::Default && !transports.iter().any(|running| running == name) {
            notes.push(format!(
                "{table} ({origin}) has no effect: {name} is not among the transports, {}",
                transports.join(", ")
            ));
        }
    }
    notes
}

/// Checks the files, folders and addresses in the settings. Returns the faults.
pub(crate) fn files(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let mut faults = tls(config);
    for folder in &config.public {
        faults.extend(public(folder));
    }
    if config.listen.is_empty() {
        faults.push(Fault::new("listen", "at least one address is required"));
    }
    let addresses = config.listen.iter().map(|address| ("listen", address));
    let metrics = config.metrics.listen.iter();
    for (key, address) in addresses.chain(metrics.map(|address| ("metrics.listen", address))) {
        faults.extend(listen(address).map(|fault| Fault::new(key, fault)));
    }
    faults
        .iter()
        .map(|fault| format_fault(loaded, fault))
        .collect()
}

/// Formats a fault with its key and the origin of the setting.
fn format_fault(loaded: &Loaded, fault: &Fault) -> String {
    if fault.key.is_empty() {
        return fault.message.clone();
    }
    let path: Vec<&str> = fault.key.split('.').collect();
    let origin = loaded.origins.of(&path);
    // Avoids repeating the key if the message starts with it.
    match fault.message.strip_prefix(&fault.key) {
        Some(rest) if rest.starts_with(' ') => format!("{} ({origin}){rest}", fault.key),
        _ => format!("{} ({origin}): {}", fault.key, fault.message),
    }
}

#[cfg(feature = "tls")]
fn tls(config: &Config) -> Vec<Fault> {
    use stellarfw::transport::serve::Tls;

    let fault = match (&config.tls.cert, &config.tls.key) {
        (None, None) => None,
        (Some(cert), Some(key)) => Tls::from_files(cert, key)
            .err()
            .map(|error| Fault::new("tls", error.to_string())),
        _ => Some(Fault::new("tls", "cert and key must be set together")),
    };
    fault.into_iter().collect()
}

#[cfg(not(feature = "tls"))]
fn tls(config: &Config) -> Vec<Fault> {
    let wanted = config.tls.cert.is_some() || config.tls.key.is_some();
    let fault = wanted.then(|| Fault::new("tls", "this program was built without TLS"));
    fault.into_iter().collect()
}

fn public(folder: &Path) -> Option<Fault> {
    // Also checks the permission to read the folder.
    let error = std::fs::read_dir(folder).err()?;
    let message = format!("the folder {} cannot be read: {error}", folder.display());
    Some(Fault::new("public", message))
}

/// Checks an address without resolving or binding it. Returns the fault.
fn listen(address: &str) -> Option<String> {
    if let Some(path) = address.strip_prefix("unix:") {
        if cfg!(not(unix)) {
            return Some(format!("{address:?}: this platform has no Unix sockets"));
        }
        let path = Path::new(path);
        let folder = match path.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => return Some(format!("{address:?} has no file name")),
        };
        if path.file_name().is_none() {
            return Some(format!("{address:?} has no file name"));
        }
        if !folder.is_dir() {
            return Some(format!(
                "{address:?}: the folder {} does not exist",
                folder.display()
            ));
        }
        return None;
    }
    if address.parse::<std::net::SocketAddr>().is_ok() {
        return None;
    }
    let is_name = address.rsplit_once(':').is_some_and(|(host, port)| {
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        // Rejects invalid IPv4 addresses, such as 300.0.0.1, as host names.
        let has_letter = host.bytes().any(|byte| byte.is_ascii_alphabetic());
        has_letter && host.bytes().all(is_host) && port.parse::<u16>().is_ok()
    });
    if is_name {
        return None;
    }
    Some(format!(
        "{address:?} is not an address, such as 127.0.0.1:8080, [::1]:8080, localhost:8080 or \
         unix:/run/app.sock"
    ))
}

#[cfg(test)]
mod tests {
    use super::listen;

    #[test]
    fn invalid_addresses_are_refused() {
        for good in [
            "127.0.0.1:8080",
            "[::1]:0",
            "localhost:80",
            "my-host.example.org:443",
            #[cfg(unix)]
            "unix:app.sock",
            #[cfg(unix)]
            "unix:/app.sock",
        ] {
            assert!(listen(good).is_none(), "{good}");
        }
        for bad in [
            "",
            "8080",
            ":8080",
            "localhost",
            "localhost:http",
            "127.0.0.1:65536",
            "300.0.0.1:80",
            "::1:80",
            "http://localhost:80",
            "unix:",
            "unix:/",
            "unix:/no/such/folder/app.sock",
        ] {
            assert!(listen(bad).is_some(), "{bad}");
        }
    }
}
