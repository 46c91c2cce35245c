//! Tests of `config check` and `config show`.

use std::fs;

use crate::support::{CommandResult, Folder};

const CHECK: [&str; 2] = ["config", "check"];
const SHOW: [&str; 2] = ["config", "show"];

fn check(file: &str) -> CommandResult {
    let folder = Folder::new();
    folder.write("stellar.toml", file);
    folder.run(CHECK)
}

fn check_with(arguments: &[&str]) -> CommandResult {
    let folder = Folder::new();
    folder.run(CHECK.iter().chain(arguments))
}

#[test]
fn valid_settings_are_reported() {
    let output = check_with(&[]).succeeded();
    assert_eq!(output, "The settings are valid (no file; 0 settings set)\n");

    let folder = Folder::new();
    folder.write("stellar.toml", "name = \"a\"\n[server]\npingInterval = 5");
    fs::create_dir(folder.path().join("www")).unwrap();
    let output =
        CommandResult::of(folder.command(CHECK).env("STELLAR_PUBLIC", "[\"www\"]")).succeeded();
    assert_eq!(
        output,
        "The settings are valid (stellar.toml; 3 settings set)\n"
    );
    let output = folder
        .run(["config", "check", "--set", "trace=true"])
        .succeeded();
    assert_eq!(
        output,
        "The settings are valid (stellar.toml; 3 settings set)\n"
    );
}

#[test]
fn errors_in_a_file_have_a_line() {
    check("name = \"a\"\n\n[server]\npingIntervall = 5\n").failed(
        1,
        &["stellar.toml", "line 4", "did you mean `pingInterval`?"],
    );
    check("actionTimeout = \"soon\"").failed(1, &["stellar.toml", "line 1", "actionTimeout"]);
    check("actionTimeout = -5").failed(1, &["line 1", "expected a whole number, 0 or more"]);
    check("[server]\norigins = [\"https://a.com\"]")
        .failed(1, &["line 2", "\"same\", \"any\" or { list = ["]);
    check("[server]\norigins = { list = [\"a.com\"] }")
        .failed(1, &["line 2", "\"a.com\" is no origin"]);
    check("name = ").failed(1, &["stellar.toml", "line 1"]);
    let output = check("name = \"a\"\nadminPassword = \"hunter2\"").failed(
        1,
        &["stellar.toml", "line 2", "unknown field `adminPassword`"],
    );
    assert!(!output.contains("hunter2"), "{output}");
}

#[test]
fn the_settings_file_can_be_set() {
    let folder = Folder::new();
    folder.write("stellar.toml", "nothing = 1");
    folder.write("other.toml", "name = \"b\"");
    let output = folder
        .run(["config", "check", "--config", "other.toml"])
        .succeeded();
    assert!(output.contains("(other.toml; 1 setting set)"), "{output}");
    let named = CommandResult::of(folder.command(CHECK).env("STELLAR_CONFIG", "other.toml"));
    assert!(named.succeeded().contains("other.toml"));

    let missing = ["config", "check", "--config", "missing.toml"];
    folder.run(missing).failed(1, &["missing.toml"]);
    folder.run(CHECK).failed(1, &["stellar.toml", "nothing"]);
}

#[test]
fn errors_in_variables_and_options_have_a_name() {
    let folder = Folder::new();
    let variable =
        |name: &str, value: &str| CommandResult::of(folder.command(CHECK).env(name, value));
    variable("STELLAR_MAX_FILE", "big").failed(1, &["STELLAR_MAX_FILE"]);
    let output =
        variable("STELLAR_SERVER", "{ token = \"hunter2\" }").failed(1, &["STELLAR_SERVER"]);
    assert!(!output.contains("hunter2"), "{output}");

    check_with(&["--set", "server.nothing=1"]).failed(1, &["server.nothing"]);
    let output = check_with(&["--set", "actionTimeout=soon"]).failed(1, &["actionTimeout"]);
    assert_eq!(output.matches("actionTimeout").count(), 1, "{output}");
    check_with(&["--set", "trace=maybe"]).failed(1, &["expected true or false"]);
    check_with(&["--set", "name.x=1"]).failed(1, &["name.x"]);
    // An option without `KEY=VALUE` is wrong usage.
    check_with(&["--set", "actionTimeout"]).failed(2, &["actionTimeout", "KEY=VALUE"]);
    check_with(&["--set", "=5"]).failed(2, &["KEY=VALUE"]);
    check_with(&["--nothing"]).failed(2, &["--nothing"]);
}

/// The variables of a pod next to the services `stellar` (two named ports) and `stellar-api`, and of
/// a container that is linked to one called `stellar`.
pub(crate) const SERVICES: [(&str, &str); 16] = [
    ("STELLAR_SERVICE_HOST", "10.0.0.11"),
    ("STELLAR_SERVICE_PORT", "8080"),
    ("STELLAR_SERVICE_PORT_HTTP", "8080"),
    ("STELLAR_PORT", "tcp://10.0.0.11:8080"),
    ("STELLAR_PORT_8080_TCP", "tcp://10.0.0.11:8080"),
    ("STELLAR_PORT_8080_TCP_PROTO", "tcp"),
    ("STELLAR_PORT_8080_TCP_PORT", "8080"),
    ("STELLAR_PORT_8080_TCP_ADDR", "10.0.0.11"),
    ("STELLAR_PORT_9090_UDP", "udp://10.0.0.11:9090"),
    ("STELLAR_PORT_9090_UDP_ADDR", "10.0.0.11"),
    ("STELLAR_API_SERVICE_HOST", "10.0.0.12"),
    ("STELLAR_API_SERVICE_PORT_GRPC", "443"),
    ("STELLAR_API_PORT", "tcp://10.0.0.12:443"),
    ("STELLAR_API_PORT_443_TCP_ADDR", "10.0.0.12"),
    ("STELLAR_NAME", "/web/stellar"),
    ("STELLAR_ENV_PATH", "/usr/bin"),
];

#[test]
fn variables_of_services_are_ignored_silently() {
    let folder = Folder::new();
    for command in [&CHECK[..], &["config", "show", "--sources"]] {
        let ran = CommandResult::of(folder.command(command).envs(SERVICES));
        assert_eq!(ran.err, "");
        let output = ran.succeeded();
        let fine = "The settings are valid (no file; 0 settings set)\n";
        assert!(
            output == fine || output.contains("name = \"stellarfw\"  # default"),
            "{output}"
        );
    }
}

#[test]
fn unknown_variables_are_warnings() {
    let folder = Folder::new();
    for command in [&CHECK[..], &["config", "show"]] {
        let mut command = folder.command(command);
        command.env("STELLAR_SERVER_PING_INTERVAL", "5");
        command.env("STELLAR_ACTION_TIMEOUT", "6000");
        command.env("STELLAR_ADMIN_TOKEN", "hunter2");
        let ran = CommandResult::of(&mut command);
        let warning = "Warning: STELLAR_SERVER_PING_INTERVAL has no effect: there is no such \
                       setting; did you mean STELLAR_SERVER__PING_INTERVAL?\n";
        assert!(ran.err.contains(warning), "{}", ran.err);
        assert!(
            ran.err
                .contains("Warning: STELLAR_ADMIN_TOKEN has no effect")
        );
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
        ran.succeeded();
    }
}

#[test]
fn errors_of_the_builder_are_reported() {
    check("transports = [\"pigeon\"]").failed(
        1,
        &[
            "transports (stellar.toml)",
            "\"pigeon\"",
            "engine.io",
            "socket.io",
            "sockjs",
        ],
    );
    check_with(&["--transport", "ws,pigeon"])
        .failed(1, &["transports (command line)", "\"pigeon\""]);
    check_with(&["--parser", "xml"]).failed(1, &["parser (command line)", "\"xml\"", "msgpack"]);
    check("apiPath = \"api\"").failed(1, &["apiPath (stellar.toml)"]);
    check("[server]\npathname = \"/\"").failed(1, &["server.pathname (stellar.toml)"]);
    check("[sockjs]\npath = \"sockjs\"").failed(1, &["sockjs.path (stellar.toml)"]);
    check("[server]\nmaxLength = 0").failed(1, &["server.maxLength (stellar.toml) is 0"]);
    check("simultaneousActions = 0").failed(1, &["simultaneousActions (stellar.toml) is 0"]);
    check("[socketio]\nplainEvents = true").failed(1, &["socketio.plainEvents (stellar.toml)"]);
    check("transports = [\"ws\"]\nws.compression.level = 12")
        .failed(1, &["ws.compression (stellar.toml)", "level", "1 to 9"]);
    check("[cors]\norigins = [\"*\"]\ncredentials = true").failed(1, &["cors (stellar.toml)"]);
}

#[test]
fn settings_of_unused_engines_are_noted() {
    let text = "transports = [\"ws\"]\n[ws]\ncompression = true\n[engineio]\npingTimeout = 7";
    let output = check(text).succeeded();
    let notes: Vec<_> = output
        .lines()
        .filter(|line| line.starts_with("Note"))
        .collect();
    let [note] = notes[..] else {
        panic!("{output}");
    };
    assert!(
        note.contains("engineio (stellar.toml)") && note.contains("engine.io is not among"),
        "{note}"
    );
    let both = check(&text.replace("\"ws\"", "\"ws\", \"engine.io\"")).succeeded();
    assert!(!both.contains("Note"), "{both}");
}

#[test]
fn invalid_addresses_and_folders_are_errors() {
    for address in [
        "8080",
        "localhost",
        "127.0.0.1:99999",
        "unix:",
        "unix:/no/such/app.sock",
    ] {
        check_with(&["--listen", address]).failed(1, &["listen (command line)", address]);
    }
    check("listen = []").failed(1, &["listen (stellar.toml)", "at least one address"]);
    check("metrics.listen = \"9090\"").failed(1, &["metrics.listen (stellar.toml)", "\"9090\""]);
    check_with(&["--set", "metrics.listen=127.0.0.1:9090"]).succeeded();
    check_with(&["--listen", "127.0.0.1:0,[::1]:80,localhost:8080"]).succeeded();

    check_with(&["--public", "missing"]).failed(1, &["public (command line)", "missing"]);
    let folder = Folder::new();
    folder.write("file", "");
    let file = ["config", "check", "--public", "file"];
    folder
        .run(file)
        .failed(1, &["public (command line)", "file"]);
}

#[test]
fn all_errors_are_reported_together() {
    let output = check("parser = \"xml\"\npublic = [\"a\", \"b\"]\nlisten = [\"x\"]").failed(
        1,
        &[
            "4 invalid settings",
            "\"xml\"",
            "folder a",
            "folder b",
            "\"x\" is not an address",
        ],
    );
    assert_eq!(output.lines().count(), 5, "{output}");
}

#[test]
fn unusable_certificates_are_errors() {
    let folder = Folder::new();
    let pair = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (one, two) = (pair(), pair());
    folder.write("cert.pem", one.cert.pem());
    folder.write("key.pem", one.signing_key.serialize_pem());
    folder.write("other.pem", two.signing_key.serialize_pem());
    folder.write("empty.pem", "");
    let tls = |cert: &str, key: &str| {
        folder.write(
            "stellar.toml",
            format!("[tls]\ncert = \"{cert}\"\nkey = \"{key}\""),
        );
        folder.run(CHECK)
    };
    tls("cert.pem", "key.pem").succeeded();
    tls("cert.pem", "other.pem").failed(1, &["tls (stellar.toml)", "cert.pem and other.pem"]);
    tls("missing.pem", "key.pem").failed(1, &["tls (stellar.toml)", "missing.pem"]);
    tls("empty.pem", "key.pem").failed(1, &["tls (stellar.toml)", "empty.pem"]);
    tls("cert.pem", "empty.pem").failed(1, &["tls (stellar.toml)", "empty.pem"]);
    folder.write("stellar.toml", "[tls]\ncert = \"cert.pem\"");
    folder
        .run(CHECK)
        .failed(1, &["tls (stellar.toml)", "together"]);
}

#[test]
fn show_prints_the_effective_settings() {
    let folder = Folder::new();
    folder.write(
        "stellar.toml",
        "name = \"a\"\n[server]\npingInterval = 5\nmaxLength = 6",
    );
    let options = [
        "--sources",
        "--set",
        "server.maxLength=7",
        "--transport",
        "ws",
    ];
    let mut show = folder.command(SHOW.iter().chain(&options));
    show.env("STELLAR_ROOM_LIMITS", "{ \"a b\" = 2 }");
    let output = CommandResult::of(&mut show).succeeded();
    let has = |line: &str| {
        assert!(
            output.lines().any(|output| output == line),
            "no {line} in\n{output}"
        )
    };
    has("name = \"a\"  # stellar.toml");
    has("transports = [\"ws\"]  # command line");
    has("actionTimeout = 30000  # default");
    has("[roomLimits]");
    has("\"a b\" = 2  # STELLAR_ROOM_LIMITS");
    has("[server]");
    has("pingInterval = 5  # stellar.toml");
    has("maxLength = 7  # command line");
    has("[server.outbox]");
    has("frames = 16384  # default");
    has("compression = false  # default");

    // Without `--sources` there are no comments.
    assert!(!folder.run(SHOW).succeeded().contains('#'));
    folder.write("stellar.toml", "namee = 1");
    folder.run(SHOW).failed(1, &["stellar.toml", "namee"]);
}

#[test]
fn the_output_of_show_is_a_valid_settings_file() {
    let folder = Folder::new();
    let set = [
        "--set",
        "name=\"x # y\"",
        "--set",
        "server.origins={ list = [\"null\"] }",
    ];
    for options in [&[][..], &["--sources"], &set] {
        let output = folder.run(SHOW.iter().chain(options)).succeeded();
        folder.write("again.toml", &output);
        let again = ["config", "show", "--config", "again.toml"];
        let without = output
            .lines()
            .map(|line| line.split("  # ").next().unwrap());
        let without: Vec<_> = without.collect();
        assert_eq!(
            folder.run(again).succeeded().lines().collect::<Vec<_>>(),
            without
        );
    }
}
