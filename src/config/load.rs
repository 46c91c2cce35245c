//! Settings from a file, the environment and the command line, in that order.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{
    Config, Origin, Origins,
    plain::plain,
    secret::{hide_in_file, hide_in_setting},
    variable::{Meaning, meaning},
};

/// The name of the file that is looked for where none is named.
pub const FILE: &str = "stellar.toml";
/// What the environment's variables begin with.
pub(super) const PREFIX: &str = "STELLAR_";
/// The variable that names the file, and so is no setting.
const FILE_VARIABLE: &str = "STELLAR_CONFIG";

/// Where settings come from; later ones count more.
///
/// 1. the defaults,
/// 2. a file: the one that is named, else `stellar.toml` in the current folder if there is one,
/// 3. variables `STELLAR_…`: `STELLAR_ACTION_TIMEOUT=5000` is `actionTimeout`, and two
///    underscores go down a level: `STELLAR_SERVER__PING_INTERVAL` is `server.pingInterval`;
///    `STELLAR_TRANSPORT=ws,engine.io` is short for `transports`,
/// 4. settings given by the program itself, such as its command line's.
///
/// Values of variables and of the command line are TOML, or text where they are none:
/// `5000`, `true`, `["a", "b"]`, `ws`.
///
/// ```
/// use stellarfw::config::Sources;
///
/// let config = Sources::new()
///     .text("stellar.toml", "actionTimeout = 5000\n[server]\npingInterval = 1000")
///     .variables([("STELLAR_SERVER__PING_INTERVAL", "2000")])
///     .set("transports", "[\"ws\"]")
///     .load()
///     .unwrap();
/// assert_eq!(config.action_timeout, 5_000);
/// assert_eq!(config.server.ping_interval, 2_000);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Sources {
    file: Option<PathBuf>,
    texts: Vec<(String, String)>,
    variables: Vec<(String, String)>,
    settings: Vec<(String, String)>,
}

/// Settings could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no TOML, has a key that there is not, or a value of the wrong type. The text
    /// tells line and column, and shows them.
    #[error("{file}: {message}")]
    File {
        /// Which file.
        file: String,
        /// What is wrong, and where.
        message: String,
    },
    /// A variable or a setting of the command line has a value of the wrong type, or a setting of the
    /// command line a key that there is not.
    #[error("{name}: {message}")]
    Setting {
        /// Which variable or setting.
        name: String,
        /// What is wrong.
        message: String,
    },
}

impl Sources {
    /// No sources: the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The usual sources: the file that `STELLAR_CONFIG` names or `stellar.toml`, and the
    /// process's environment.
    pub fn usual() -> Self {
        // A value that is no text is told as it is read, and then refused like any other.
        let variables = std::env::vars_os().filter_map(|(key, value)| {
            let value = value.to_string_lossy().into_owned();
            Some((key.into_string().ok()?, value))
        });
        let mut sources = Self::new().variables(variables);
        sources.file = match std::env::var_os(FILE_VARIABLE) {
            Some(path) => Some(path.into()),
            None => Path::new(FILE).exists().then(|| FILE.into()),
        };
        sources
    }

    /// A file that must be there.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// A file's text and the name that errors give it.
    pub fn text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.texts.push((name.into(), text.into()));
        self
    }

    /// Variables, of which those that begin with `STELLAR_` are settings.
    pub fn variables<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let pairs = variables.into_iter().map(|(k, v)| (k.into(), v.into()));
        self.variables
            .extend(pairs.filter(|(key, _)| key.starts_with(PREFIX) && key != FILE_VARIABLE));
        self
    }

    /// One setting by its key: `server.pingInterval`.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((key.into(), value.into()));
        self
    }

    /// The file that is read, if one is.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Reads all sources. Variables that are no settings are logged as warnings, so the log is best
    /// set up before.
    ///
    /// # Errors
    /// The first fault, with its file, line and key, or the name of its variable or setting. An
    /// unknown variable is none; those that Kubernetes and Docker make for a service called
    /// `stellar` are ignored.
    pub fn load(self) -> Result<Config, ConfigError> {
        let (config, origins) = self.load_with_origins()?;
        for variable in origins.unknown_variables() {
            tracing::warn!("{variable}");
        }
        Ok(config)
    }

    /// As [`Sources::load`], and also returns where each setting came from and which variables are
    /// no settings, which it does not log.
    ///
    /// # Errors
    /// As [`Sources::load`].
    pub fn load_with_origins(mut self) -> Result<(Config, Origins), ConfigError> {
        if let Some(path) = self.file.take() {
            let text =
                std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable {
                    path: path.clone(),
                    source,
                })?;
            self.texts.insert(0, (path.display().to_string(), text));
        }
        let mut table = Table::new();
        let mut origins = Origins::default();
        for (file, text) in &self.texts {
            let read = read(file, text)?;
            origins.merge(&read, &Origin::File(file.clone()));
            merge(&mut table, read);
        }
        // One after the other, so that an error is known to be the latest one's.
        let mut config = check(&table, FILE)?;
        for (name, value) in &self.variables {
            let path = match meaning(name, value) {
                Meaning::Setting(path) => path,
                Meaning::Foreign => {
                    tracing::debug!(%name, "a variable of a service's; it is no setting");
                    continue;
                }
                Meaning::Unknown(variable) => {
                    origins.add_unknown(variable);
                    continue;
                }
            };
            put(&mut table, &path, value).map_err(|m| setting(name, m))?;
            config = check(&table, name)?;
            origins.put(&path, &table, &Origin::Variable(name.clone()));
        }
        for (key, value) in &self.settings {
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            put(&mut table, &path, value).map_err(|m| setting(key, m))?;
            config = check(&table, key)?;
            origins.put(&path, &table, &Origin::Program);
        }
        Ok((config, origins))
    }
}

fn setting(name: &str, message: impl fmt::Display) -> ConfigError {
    let message = message.to_string();
    // The key is said before it already.
    let own = format!("\nin `{name}`");
    let message = plain(message.strip_suffix(&own).unwrap_or(&message));
    let message = hide_in_setting(name, &message);
    ConfigError::Setting {
        name: name.to_owned(),
        message,
    }
}

/// Reads one file; it is checked by itself, because only then its lines are known.
fn read(file: &str, text: &str) -> Result<Table, ConfigError> {
    let fault = |error: toml::de::Error| ConfigError::File {
        file: file.to_owned(),
        message: hide_in_file(&plain(&error.to_string())),
    };
    toml::from_str::<Config>(text).map_err(fault)?;
    toml::from_str(text).map_err(fault)
}

fn check(table: &Table, name: &str) -> Result<Config, ConfigError> {
    table.clone().try_into().map_err(|error: toml::de::Error| {
        // Without a text there are no lines, only the message and the key.
        let message = error.to_string();
        setting(name, message.trim())
    })
}

/// What is wrong with settings, in plain words.
pub(super) fn check_table(table: &Table) -> Result<(), String> {
    let checked: Result<Config, toml::de::Error> = table.clone().try_into();
    checked
        .map(|_| ())
        .map_err(|error| plain(error.to_string().trim()))
}

/// Lays one table over another.
fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Sets a key, the value as TOML or text where it is none.
pub(super) fn put(table: &mut Table, path: &[String], value: &str) -> Result<(), String> {
    let [parents @ .., last] = path else {
        return Err("there is no key".into());
    };
    let mut at = table;
    for parent in parents {
        let next = at
            .entry(parent.clone())
            .or_insert_with(|| Value::Table(Table::new()));
        at = next
            .as_table_mut()
            .ok_or_else(|| format!("{parent} has no settings below it"))?;
    }
    let parsed = toml::from_str::<Table>(&format!("value = {value}")).ok();
    let parsed = parsed.and_then(|mut table| table.remove("value"));
    let is_list = path.len() == 1 && matches!(last.as_str(), "transports" | "listen");
    let value = match parsed {
        Some(value) if !is_list || value.is_array() => value,
        // Names separated by commas, as people write them.
        _ if is_list => {
            let names = value
                .split(',')
                .map(|name| Value::String(name.trim().to_owned()));
            Value::Array(names.collect())
        }
        _ => Value::String(value.to_owned()),
    };
    at.insert(last.clone(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_sources_count_more() {
        let config = Sources::new()
            .text(
                "a.toml",
                "name = \"a\"\nactionTimeout = 1\n[server]\npathname = \"/a\"\npingInterval = 1",
            )
            .variables([
                ("STELLAR_SERVER__PING_INTERVAL", "2"),
                ("STELLAR_NAME", "b"),
                ("STELLAR_TRANSPORT", "ws, engine.io"),
                ("STELLAR_CONFIG", "ignored.toml"),
                ("OTHER_NAME", "x"),
            ])
            .set("name", "c")
            .set("listen", "[::1]:80,unix:/run/x")
            .set("startingChatRooms", "[\"x\", \"y\"]")
            .load()
            .unwrap();
        assert_eq!(config.name, "c");
        assert_eq!(config.action_timeout, 1);
        assert_eq!(config.server.pathname, "/a");
        assert_eq!(config.server.ping_interval, 2);
        assert_eq!(config.transports, ["ws", "engine.io"]);
        assert_eq!(config.listen, ["[::1]:80", "unix:/run/x"]);
        assert_eq!(config.starting_chat_rooms, ["x", "y"]);
        assert_eq!(Sources::new().load().unwrap(), Config::default());
    }

    #[test]
    fn every_setting_is_known_by_its_source() {
        let (_, origins) = Sources::new()
            .text(
                "a.toml",
                "name = \"a\"\n[server]\norigins = { list = [\"null\"] }\nmaxLength = 5",
            )
            .text("b.toml", "[server]\nmaxLength = 6\n[cors]\nmaxAge = 1")
            .variables([
                ("STELLAR_SERVER__ORIGINS", "any"),
                ("STELLAR_TRANSPORT", "ws"),
            ])
            .set("cors", "{ credentials = true }")
            .load_with_origins()
            .unwrap();
        let of = |key: &str| origins.of(&key.split('.').collect::<Vec<_>>()).to_string();
        assert_eq!(of("name"), "a.toml");
        assert_eq!(of("server.maxLength"), "b.toml");
        // A value takes the place of a whole table.
        assert_eq!(of("server.origins"), "STELLAR_SERVER__ORIGINS");
        assert_eq!(of("server.origins.list"), "default");
        assert_eq!(of("transports"), "STELLAR_TRANSPORT");
        assert_eq!(of("cors.credentials"), "command line");
        assert_eq!(of("cors.maxAge"), "default");
        assert_eq!(of("parser"), "default");
        assert_eq!(origins.len(), 5);
        assert!(Sources::new().load_with_origins().unwrap().1.is_empty());
    }

    #[test]
    fn what_may_be_nothing_is_switched_off() {
        let off = "welcome = false\nsessionCookie = false\n[metrics]\nlisten = false";
        let config = Sources::new().text("a.toml", off).load().unwrap();
        assert_eq!(config.welcome, None);
        assert_eq!(config.session_cookie, None);
        assert_eq!(config.metrics.listen, None);
        let config = Sources::new().set("welcome", "Hi").load().unwrap();
        assert_eq!(config.welcome.as_deref(), Some("Hi"));
    }

    #[cfg(all(feature = "ws", feature = "engineio", feature = "sockjs"))]
    #[test]
    fn engines_have_settings_of_their_own() {
        let config = Sources::new()
            .text(
                "a.toml",
                "[ws]\ncompression = true\n[engineio]\npingTimeout = 7\n[sockjs]\nscript = false\n\
                 [sockjs.compression]\nlevel = 9",
            )
            .variables([("STELLAR_WS__READ_BUFFER", "512")])
            .set("engineio.cookie", "io")
            .load()
            .unwrap();
        assert_eq!(config.ws.compression, Some(Default::default()));
        assert_eq!(config.ws.read_buffer, 512);
        assert_eq!(config.engineio.ping_timeout, 7);
        assert_eq!(config.engineio.cookie.as_deref(), Some("io"));
        assert_eq!(config.sockjs.script, None);
        assert_eq!(config.sockjs.compression.unwrap().level, 9);

        let off = Sources::new()
            .text("a.toml", "[ws]\ncompression = true")
            .set("ws.compression", "false")
            .load()
            .unwrap();
        assert_eq!(off.ws.compression, None);
        for (text, line, key) in [
            ("[ws]\nreadBufer = 1", "line 2", "readBufer"),
            ("[ws]\n\n[ws.compression]\nlevle = 1", "line 4", "levle"),
            ("[ws]\ncompression = \"yes\"", "line 2", "compression"),
            ("[sockjs]\nscript = true", "line 2", "script"),
        ] {
            let error = Sources::new().text("a.toml", text).load().unwrap_err();
            let error = error.to_string();
            assert!(error.contains(line) && error.contains(key), "{error}");
        }
    }

    #[test]
    fn variables_that_are_no_settings_have_no_effect() {
        let (config, origins) = Sources::new()
            .text("a.toml", "name = \"a\"")
            .variables([
                ("STELLAR_NAMEE", "x"),
                ("STELLAR_NAME__X", "1"),
                ("STELLAR_SERVICE_HOST", "10.0.0.11"),
                ("STELLAR_PORT", "tcp://10.0.0.11:8080"),
                ("STELLAR_NAME", "/web/stellar"),
                ("STELLAR_ACTION_TIMEOUT", "5"),
                ("STELLAR_ADMIN_TOKEN", "hunter2"),
            ])
            .load_with_origins()
            .unwrap();
        assert_eq!((&config.name[..], config.action_timeout), ("a", 5));
        assert_eq!(origins.len(), 2);
        let unknown = origins.unknown_variables().iter();
        let texts: Vec<String> = unknown.map(ToString::to_string).collect();
        let none = "has no effect: there is no such setting";
        assert_eq!(
            texts,
            [
                format!("STELLAR_NAMEE {none}; did you mean STELLAR_NAME?"),
                format!("STELLAR_NAME__X {none}; did you mean STELLAR_NAME?"),
                format!("STELLAR_ADMIN_TOKEN {none}"),
            ]
        );
        // A file is strict, and so is a command line.
        let file = Sources::new().text("a.toml", "serviceHost = \"10.0.0.11\"");
        assert!(file.load().is_err());
        assert!(Sources::new().set("namee", "x").load().is_err());
    }

    #[test]
    fn faults_are_told_with_their_place() {
        let file = |text: &str| {
            let error = Sources::new()
                .text("stellar.toml", text)
                .load()
                .unwrap_err();
            error.to_string()
        };
        let unknown = file("name = \"a\"\n\n[server]\npingIntervall = 5\n");
        assert!(
            unknown.contains("stellar.toml") && unknown.contains("line 4"),
            "{unknown}"
        );
        assert!(unknown.contains("pingIntervall"), "{unknown}");
        let wrong = file("actionTimeout = \"soon\"");
        assert!(
            wrong.contains("line 1") && wrong.contains("actionTimeout"),
            "{wrong}"
        );
        assert!(wrong.contains("expected a whole number"), "{wrong}");
        let broken = file("name = ");
        assert!(broken.contains("line 1"), "{broken}");

        let variable = |name: &str, value: &str| {
            let error = Sources::new()
                .variables([(name, value)])
                .load()
                .unwrap_err();
            error.to_string()
        };
        let wrong = variable("STELLAR_MAX_FILE", "big");
        assert!(wrong.contains("STELLAR_MAX_FILE"), "{wrong}");
        let inner = variable("STELLAR_SERVER", "{ pingIntervall = 5 }");
        assert!(inner.contains("pingInterval`?"), "{inner}");

        let missing = Sources::new().file("no/such/file.toml").load().unwrap_err();
        assert!(missing.to_string().contains("file.toml"), "{missing}");
        let setting = Sources::new()
            .set("server.nothing", "1")
            .load()
            .unwrap_err();
        assert!(setting.to_string().contains("server.nothing"), "{setting}");
    }
}
