//! The browser client: put together of what this server's engines need, with its settings.
//!
//! Its parts are built beforehand (`client/scripts/build.mjs`). Around them is a function whose
//! parameters are what they share: first come the parts that are wanted, then the core, which
//! finds them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use sha2::{Digest as _, Sha384};
use stellarfw_transport::Parser;

use crate::web::Web;

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// To read.
    Plain,
    /// To load.
    Minified,
}

impl Variant {
    /// The name of the script that has it, relative to where that is.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Plain => "stellar-client.js",
            Self::Minified => "stellar-client.min.js",
        }
    }
}

/// A piece of the script, and where its lines come from.
struct Part {
    name: &'static str,
    script: [&'static str; 2],
    map: [&'static str; 2],
}

macro_rules! part {
    ($name:literal) => {
        Part {
            name: $name,
            script: [
                include_str!(concat!("../../client/dist/page/", $name, ".js")),
                include_str!(concat!("../../client/dist/page/", $name, ".min.js")),
            ],
            map: [
                include_str!(concat!("../../client/dist/page/", $name, ".js.map")),
                include_str!(concat!("../../client/dist/page/", $name, ".min.js.map")),
            ],
        }
    };
}

/// In the order in which they stand in the script.
static PARTS: [Part; 7] = [
    part!("msgpack"),
    part!("ws"),
    part!("engineio"),
    part!("socketio"),
    part!("sockjs"),
    part!("fallback"),
    part!("core"),
];

/// The parts that a server needs.
fn wanted(engines: &[&str], parser: &Parser) -> impl Iterator<Item = &'static Part> {
    let runs = |name: &str| engines.contains(&name);
    // To an engine that is not known here pages hand in a socket of their own: one that behaves as
    // a WebSocket does, and that part takes it.
    let known = ["ws", "engine.io", "socket.io", "sockjs"];
    let unknown = engines.iter().any(|name| !known.contains(name));
    let names = [
        ("msgpack", matches!(parser, Parser::MessagePack)),
        ("ws", runs("ws") || unknown),
        ("engineio", runs("engine.io") || runs("socket.io")),
        ("socketio", runs("socket.io")),
        ("sockjs", runs("sockjs")),
        // An engine alone may have several ways, but ws has one.
        ("fallback", *engines != ["ws"]),
        ("core", true),
    ];
    PARTS
        .iter()
        .filter(move |part| names.contains(&(part.name, true)))
}

/// The script, and its source map.
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) map: String,
}

/// The script with the settings in it. For a codec of the user's own it is the one for JSON, and
/// the page hands in what is missing.
pub(crate) fn render(web: &Web, variant: Variant) -> Script {
    let engines: Vec<&str> = web.server.transports().iter().map(|t| t.name()).collect();
    let mut text = format!(
        "/*! stellar-client {} | MIT */\n",
        env!("CARGO_PKG_VERSION")
    );
    text.push_str("(function($target,$parts,$settings){\n");
    let mut sections = Vec::new();
    for part in wanted(&engines, &web.parser) {
        let line = text.matches('\n').count();
        let map = part.map[variant as usize].trim_end();
        sections.push(format!(
            r#"{{"offset":{{"line":{line},"column":0}},"map":{map}}}"#
        ));
        text.push_str(part.script[variant as usize]);
    }
    text.push_str("})(typeof exports==\"object\"?exports:globalThis,{transports:{},own:[]},");
    text.push_str(&settings(web));
    text.push_str(");\n//# sourceMappingURL=");
    text.push_str(variant.file());
    text.push_str(".map\n");
    let map = format!(
        r#"{{"version":3,"file":"{}","sections":[{}]}}"#,
        variant.file(),
        sections.join(",")
    );
    Script { text, map }
}

/// The settings as JSON that is safe inside of a script, also one in an HTML page. What the client
/// takes when it is told nothing is left out: the script is to be small.
fn settings(web: &Web) -> String {
    let (server, client) = (&web.server, &web.settings.client);
    let config = server.config();
    let transports: Vec<&str> = server.transports().iter().map(|t| t.name()).collect();
    let paths: serde_json::Map<_, _> = server
        .transports()
        .iter()
        .filter_map(|t| Some((t.name(), t.path()?)))
        .filter(|(name, path)| path.strip_prefix('/') != Some(name))
        .map(|(name, path)| (name.to_owned(), path.into()))
        .collect();
    let mut settings = json!({
        "path": config.pathname,
        "api": web.settings.api_path,
        "transports": transports,
        "paths": paths,
        "parser": web.parser.name(),
        "pingInterval": config.ping_interval,
        "defaultRoom": client.default_room,
        "simultaneousActions": client.simultaneous_actions,
        "actionTimeout": client.action_timeout,
        "maxLength": config.max_length,
        "version": env!("CARGO_PKG_VERSION"),
    });
    // As `client/src/options.ts` has them.
    let usual = json!({
        "path": "/primus",
        "api": "/api",
        "transports": ["ws"],
        "paths": {},
        "parser": "json",
        "pingInterval": 30_000,
        "defaultRoom": "defaultRoom",
        "simultaneousActions": 5,
        "actionTimeout": 30_000,
        "maxLength": 10_485_760,
    });
    if let Some(settings) = settings.as_object_mut() {
        settings.retain(|name, value| usual.get(name) != Some(value));
    }
    settings
        .to_string()
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Returns the Subresource Integrity hash of the script that pages load: `sha384-…`.
pub(crate) fn integrity(web: &Web) -> String {
    let script = render(web, Variant::Minified);
    format!("sha384-{}", STANDARD.encode(Sha384::digest(script.text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stellar;

    async fn server(engines: &[&str]) -> Stellar {
        let engines: Vec<String> = engines.iter().map(|&name| name.into()).collect();
        Stellar::builder()
            .configure(move |config| {
                config.transports = engines;
                config.starting_chat_rooms = vec!["</script>\u{2028}\"".into()];
            })
            .build()
            .await
            .unwrap()
    }

    #[tokio::test]
    #[cfg(feature = "ws")]
    async fn settings_cannot_break_out_of_the_script() {
        let stellar = server(&["ws"]).await;
        let script = render(&stellar.web(), Variant::Minified).text;
        assert!(!script.contains("</script>"));
        assert!(script.contains("\\u003c/script>\\u2028\\\""));
    }

    #[tokio::test]
    #[cfg(feature = "ws")]
    async fn settings_that_are_the_clients_own_are_left_out() {
        let usual = Stellar::builder().build().await.unwrap();
        let text = settings(&usual.web());
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(text, format!(r#"{{"version":"{version}"}}"#));
        let other = Stellar::builder()
            .configure(|config| {
                config.server.pathname = "/live".into();
                config.server.ping_interval = 0;
                config.simultaneous_actions = 6;
                config.server.max_length = 1000;
            })
            .build()
            .await
            .unwrap();
        let text = settings(&other.web());
        for part in [
            r#""path":"/live""#,
            r#""pingInterval":0"#,
            r#""simultaneousActions":6"#,
            r#""maxLength":1000"#,
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_server_gets_what_its_engines_need() {
        let names = |engines: &[&str], parser| -> Vec<_> {
            wanted(engines, &parser).map(|part| part.name).collect()
        };
        assert_eq!(names(&["ws"], Parser::Json), ["ws", "core"]);
        assert_eq!(
            names(&["ws"], Parser::MessagePack),
            ["msgpack", "ws", "core"]
        );
        assert_eq!(
            names(&["socket.io"], Parser::Json),
            ["engineio", "socketio", "fallback", "core"]
        );
        assert_eq!(
            names(&["sockjs", "ws"], Parser::Json),
            ["ws", "sockjs", "fallback", "core"]
        );
        assert_eq!(names(&["mine"], Parser::Json), ["ws", "fallback", "core"]);
    }

    #[tokio::test]
    #[cfg(feature = "ws")]
    async fn the_map_has_a_section_for_each_part_at_its_line() {
        let stellar = server(&["ws"]).await;
        for variant in [Variant::Plain, Variant::Minified] {
            let script = render(&stellar.web(), variant);
            let lines: Vec<_> = script.text.split('\n').collect();
            let map: serde_json::Value = serde_json::from_str(&script.map).unwrap();
            let sections = map["sections"].as_array().unwrap();
            assert_eq!(sections.len(), 2);
            for section in sections {
                let line = section["offset"]["line"].as_u64().unwrap() as usize;
                assert!(lines[line].starts_with("(() => {") || lines[line].starts_with("(()=>{"));
                assert!(!section["map"]["mappings"].as_str().unwrap().is_empty());
            }
            let named = format!("//# sourceMappingURL={}.map\n", variant.file());
            assert!(script.text.ends_with(&named));
        }
    }

    #[tokio::test]
    #[cfg(feature = "ws")]
    async fn the_hash_is_of_what_is_served() {
        let stellar = server(&["ws"]).await;
        let script = render(&stellar.web(), Variant::Minified);
        let hash = STANDARD.encode(Sha384::digest(script.text.as_bytes()));
        assert_eq!(stellar.client_integrity(), format!("sha384-{hash}"));
    }
}
