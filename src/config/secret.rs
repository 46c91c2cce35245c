//! Keeping secrets out of what is printed.

/// Returns `true` if a setting of that key is a secret, which is not to be printed: one with `secret`,
/// `password` or `token` in it, in any case, or `sessionKey`.
///
/// ```
/// use stellarfw::config::is_secret;
///
/// assert!(is_secret("STELLAR_BROKER__PASSWORD") && is_secret("apiToken"));
/// assert!(is_secret("STELLAR_SESSION_KEY") && is_secret("sessionKey"));
/// assert!(!is_secret("tls.key"));
/// ```
#[must_use]
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "password", "token", "sessionkey", "session_key"]
        .iter()
        .any(|word| key.contains(word))
}

/// What stands in place of a secret.
const HIDDEN: &str = "[hidden]";

/// An error's text about a file, without the secrets in the line that it shows.
pub(super) fn hide_in_file(message: &str) -> String {
    let mut hides = false;
    let lines: Vec<String> = message
        .lines()
        .map(|line| match shown(line) {
            Some(text) if is_secret(text) || has_credentials(text) => {
                hides = true;
                let key = line.split('=').next().unwrap_or_default().trim_end();
                format!("{key} = {HIDDEN}")
            }
            _ if hides => hide_value(line),
            _ => line.to_owned(),
        })
        .collect();
    lines.join("\n")
}

/// Whether there may be a URL with a password in it.
fn has_credentials(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(_, rest)| rest.contains('@'))
}

/// The line of the file in a line such as `4 | name = 5`.
fn shown(line: &str) -> Option<&str> {
    let (number, text) = line.split_once('|')?;
    let number = number.trim();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(text)
}

/// An error's text about a variable or an option, without what it was set to if that is a secret.
pub(super) fn hide_in_setting(name: &str, message: &str) -> String {
    if is_secret(name) || has_credentials(message) {
        return hide_value(message);
    }
    message.to_owned()
}

/// `invalid type: string "x", expected u64` without the value.
fn hide_value(message: &str) -> String {
    for fault in ["invalid type: ", "invalid value: "] {
        if let Some((before, rest)) = message.split_once(fault) {
            let expected = rest.rfind(", expected").map_or("", |at| &rest[at..]);
            return format!("{before}{fault}{HIDDEN}{expected}");
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn errors_do_not_show_secrets() {
        let file = |text: &str| {
            let error = Sources::new().text("a.toml", text).load().unwrap_err();
            error.to_string()
        };
        for text in [
            "name = \"a\"\npassword = \"hunter2\"",
            "server = { adminToken = \"hunter2\" }",
            "clientSecret = \"hunter2",
            "[server]\nsecret = hunter2",
            "brokerUrll = \"redis://:hunter2@host\"",
        ] {
            let error = file(text);
            assert!(!error.contains("hunter2"), "{error}");
            assert!(error.contains("= [hidden]"), "{error}");
        }
        assert!(file("password = 1").contains("unknown field `password`"));
        // What is no secret is shown.
        assert!(file("name = 5").contains("1 | name = 5"));
    }

    #[test]
    fn variables_do_not_show_secrets() {
        for (name, value) in [
            ("STELLAR_TRACE", "redis://:hunter2@host"),
            ("STELLAR_SERVER", "{ adminToken = \"hunter2\" }"),
            ("STELLAR_ROOM_LIMITS__TOKEN", "hunter2"),
        ] {
            let sources = Sources::new().variables([(name, value)]);
            let error = sources.load().unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let sources = Sources::new().variables([("STELLAR_TRACE", "often")]);
        assert!(sources.load().unwrap_err().to_string().contains("often"));
    }

    #[test]
    fn values_are_taken_out_of_the_fault() {
        let typed =
            "4 | token = \"x\"\n  | ^\ninvalid type: string \"a, expected b\", expected u64\n";
        let hidden = hide_in_file(typed);
        assert_eq!(
            hidden,
            "4 | token = [hidden]\n  | ^\ninvalid type: [hidden], expected u64"
        );
        let value = "invalid value: integer `7`, expected a port";
        assert_eq!(
            hide_value(value),
            "invalid value: [hidden], expected a port"
        );
        assert_eq!(hide_value("unknown field `x`"), "unknown field `x`");
    }
}
