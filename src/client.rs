//! The browser client: built beforehand, and given this server's settings when it starts.

use std::sync::Arc;

use serde_json::json;
use stellarfw_transport::{Parser, Server};

use crate::app::App;

/// Which of the built files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// To read.
    Plain,
    /// To load.
    Minified,
}

/// What stands in the built files where the settings belong, quotes included.
const TOKEN: &str = "\"__STELLAR_SETTINGS__\"";

const JSON: [&str; 2] = [
    include_str!("../client/dist/stellar-client.js"),
    include_str!("../client/dist/stellar-client.min.js"),
];
const MSGPACK: [&str; 2] = [
    include_str!("../client/dist/stellar-client.msgpack.js"),
    include_str!("../client/dist/stellar-client.msgpack.min.js"),
];

/// The script with the settings in it. For a codec of the user's own it is the one for JSON, and
/// the page hands in what is missing.
pub(crate) fn render(app: &Arc<App>, server: &Server, variant: Variant) -> String {
    let files = match app.parser {
        Parser::MessagePack => MSGPACK,
        _ => JSON,
    };
    let file = match variant {
        Variant::Plain => files[0],
        Variant::Minified => files[1],
    };
    file.replacen(TOKEN, &settings(app, server), 1)
}

/// The settings as JSON that is safe inside of a script, also one in an HTML page.
fn settings(app: &App, server: &Server) -> String {
    let config = &app.config;
    let transports: Vec<&str> = server.transports().iter().map(|t| t.name()).collect();
    let settings = json!({
        "url": null,
        "path": config.server.pathname,
        "api": config.api_path,
        "transports": transports,
        "parser": app.parser.name(),
        "pingInterval": config.server.ping_interval,
        "defaultRoom": config.starting_chat_rooms.first(),
        "simultaneousActions": config.simultaneous_actions,
        "version": env!("CARGO_PKG_VERSION"),
    });
    settings
        .to_string()
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stands_once_in_each_file() {
        for file in JSON.into_iter().chain(MSGPACK) {
            assert_eq!(file.matches(TOKEN).count(), 1);
        }
    }

    #[tokio::test]
    async fn settings_cannot_break_out_of_the_script() {
        let stellar = crate::Stellar::builder()
            .configure(|config| config.starting_chat_rooms = vec!["</script>\u{2028}\"".into()])
            .build()
            .await
            .unwrap();
        let script = render(&stellar.app, &stellar.server, Variant::Minified);
        assert!(!script.contains("</script>"));
        assert!(!script.contains(TOKEN));
        assert!(script.contains("\\u003c/script>\\u2028\\\""));
    }
}
