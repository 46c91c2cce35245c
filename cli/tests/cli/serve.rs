//! Tests of `serve`.

use std::{net::TcpListener, time::Duration};

use serde_json::{Value, json};
use tungstenite::Message;

use crate::{
    settings::SERVICES,
    support::{CommandResult, Folder, Server},
};

#[test]
fn a_server_runs_without_application_code() {
    let folder = Folder::new();
    folder.write("www/hello.txt", "Hello from a file");
    folder.write(
        "stellar.toml",
        "listen = [\"127.0.0.1:0\"]\nstartingChatRooms = [\"lobby\"]\napiVersion = \"7\"",
    );
    let options = ["serve", "--public", "www", "--transport", "ws,engine.io"];
    let server = Server::start(folder.command(options).env("STELLAR_NAME", "observatory"));

    let file = server.get("/hello.txt");
    assert!(
        file.starts_with("HTTP/1.1 200") && file.ends_with("Hello from a file"),
        "{file}"
    );
    assert!(server.get("/stellar-client").contains("StellarClient"));
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(server.get("/missing.txt").starts_with("HTTP/1.1 404"));
    let home = server.get("/");
    assert!(
        home.starts_with("HTTP/1.1 200") && home.contains("observatory, version 7"),
        "{home}"
    );

    let mut socket = server.socket();
    let mut next = || -> Value {
        let message = socket.read().unwrap();
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    };
    assert_eq!(next()["welcome"], "Hello human! Welcome to Stellar");
    let join = json!({ "event": "roomAdd", "room": "lobby" });
    socket.send(Message::text(join.to_string())).unwrap();
    let joined: Value = serde_json::from_str(socket.read().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(
        (&joined["status"], &joined["data"]),
        (&json!("OK"), &json!(true))
    );

    // SIGTERM ends it successfully.
    #[cfg(unix)]
    {
        let ran = server.stop();
        assert!(ran.status.success(), "{}", ran.err);
        assert!(
            ran.out.contains("Transport: ws, engine.io\n"),
            "{}",
            ran.out
        );
        let script = "Client script: /stellar-client, integrity sha384-";
        assert!(ran.out.contains(script), "{}", ran.out);
        assert!(ran.out.ends_with("Stopped.\n"), "{}", ran.out);
    }
}

#[test]
#[cfg(unix)]
fn the_log_is_text_or_json() {
    let folder = Folder::new();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let log = |options: &[&str], variable: Option<&str>| {
        let mut command = folder.command(serve.iter().chain(options));
        command.envs(variable.map(|filter| ("RUST_LOG", filter)));
        let ran = Server::start(&mut command).stop();
        assert!(ran.status.success(), "{}", ran.err);
        ran.err
    };
    let human = log(&[], None);
    assert!(
        human.contains("INFO") && human.contains("listening"),
        "{human}"
    );
    let json = log(&["--log-format", "json"], None);
    let lines: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let listening = lines
        .iter()
        .find(|line| line["message"] == "listening")
        .unwrap();
    assert_eq!(listening["level"], "INFO");
    assert!(
        listening["address"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );

    assert_eq!(log(&["--log", "error"], None), "");
    assert_eq!(log(&[], Some("off")), "");
    // The option overrides the variable.
    assert!(log(&["--log", "info"], Some("off")).contains("listening"));
}

#[test]
#[cfg(unix)]
fn variables_of_services_do_not_prevent_a_start() {
    let folder = Folder::new();
    let mut command = folder.command(["serve", "--listen", "127.0.0.1:0"]);
    command.envs(SERVICES).env("STELLAR_LISTENS", "x");
    let server = Server::start(&mut command);
    let spec = server.get("/api?action=missing");
    assert!(spec.contains("\"serverName\":\"stellarfw\""), "{spec}");
    let ran = server.stop();
    let warnings: Vec<&str> = ran
        .err
        .lines()
        .filter(|line| line.contains("WARN"))
        .collect();
    let [warning] = warnings[..] else {
        panic!("{warnings:?}")
    };
    assert!(
        warning.contains("STELLAR_LISTENS has no effect"),
        "{warning}"
    );
    assert!(
        warning.ends_with("did you mean STELLAR_LISTEN?"),
        "{warning}"
    );
}

/// Waits until a log has `count` lines with this text.
#[cfg(unix)]
fn wait_for(log: &std::path::Path, text: &str, count: usize) {
    let start = std::time::Instant::now();
    loop {
        let all = std::fs::read_to_string(log).unwrap();
        if all.lines().filter(|line| line.contains(text)).count() >= count {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "no {text:?} in {all}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[cfg(unix)]
fn a_hangup_reloads_the_log_level_and_keeps_connections() {
    let folder = Folder::new();
    let settings = |log: &str| folder.write("stellar.toml", format!("log = \"{log}\""));
    settings("info");
    let log = folder.write("log.txt", "");
    let mut command = folder.command(["serve", "--listen", "127.0.0.1:0"]);
    let file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    let server = Server::start_logging(&mut command, file);
    let opened = "spark opened";
    drop(server.socket());
    assert!(!std::fs::read_to_string(&log).unwrap().contains(opened));

    settings("info,stellarfw_transport=debug");
    server.signal("-HUP");
    wait_for(&log, "reloaded", 1);
    let mut socket = server.socket();
    wait_for(&log, opened, 1);

    // An invalid filter is reported, and the level stays.
    for (number, wrong) in ["log = \"a=b=c\"", "nothing = 1", "log = "]
        .iter()
        .enumerate()
    {
        folder.write("stellar.toml", wrong);
        server.signal("-HUP");
        wait_for(&log, "not reloaded; it stays as it was", number + 1);
        drop(server.socket());
        wait_for(&log, opened, number + 2);
    }
    settings("warn");
    server.signal("-HUP");
    drop(server.socket());
    // The earlier connection is still open.
    assert!(
        socket
            .read()
            .unwrap()
            .to_text()
            .unwrap()
            .contains("welcome")
    );
    let ran = server.stop();
    assert!(
        ran.status.success() && ran.out.ends_with("Stopped.\n"),
        "{}",
        ran.out
    );
}

#[test]
fn log_filters_have_a_fixed_precedence() {
    let folder = Folder::new();
    let level = |file: &str, variables: &[(&str, &str)], options: &[&str]| {
        folder.write("stellar.toml", format!("listen = [\"nowhere\"]\n{file}"));
        let mut command = folder.command(["serve"].iter().chain(options));
        CommandResult::of(command.envs(variables.iter().copied())).err
    };
    let bad = "a=b=c";
    let file = "log = \"a=b=c\"";
    let output = |err: String, from: &str| {
        assert!(
            err.contains(&format!("{from}: \"{bad}\" is not a valid filter")),
            "{err}"
        )
    };
    output(level(file, &[], &[]), "log (stellar.toml)");
    output(
        level("log = \"warn\"", &[("RUST_LOG", bad)], &[]),
        "RUST_LOG",
    );
    output(
        level("", &[("RUST_LOG", "warn"), ("STELLAR_LOG", bad)], &[]),
        "log (STELLAR_LOG)",
    );
    output(
        level("", &[("STELLAR_LOG", "warn")], &["--log", bad]),
        "--log",
    );
    // Filters of lower precedence are not parsed.
    let err = level(file, &[("RUST_LOG", "warn")], &[]);
    assert!(err.contains("nowhere") && !err.contains("filter"), "{err}");
}

/// A log in a file or pipe has no colours.
#[test]
#[cfg(unix)]
fn a_log_in_a_pipe_has_no_colours() {
    let folder = Folder::new();
    for options in [&[][..], &["--log-format", "json"], &["--log", "debug"]] {
        let mut command =
            folder.command(["serve", "--listen", "127.0.0.1:0"].iter().chain(options));
        let server = Server::start(command.env_remove("NO_COLOR"));
        server.get("/");
        let ran = server.stop();
        assert!(
            !ran.err.is_empty() && !ran.err.contains('\x1b'),
            "{}",
            ran.err
        );
        assert!(!ran.out.contains('\x1b'), "{}", ran.out);
    }
}

#[test]
fn a_failed_start_reports_the_reason() {
    let folder = Folder::new();
    let fails = |options: &[&str], parts: &[&str]| {
        folder.run(["serve"].iter().chain(options)).failed(1, parts);
    };
    fails(&["--transport", "pigeon"], &["pigeon", "ws"]);
    let mut variable = folder.command(["serve"]);
    let place = "transports (STELLAR_TRANSPORT)";
    CommandResult::of(variable.env("STELLAR_TRANSPORT", "pigeon"))
        .failed(1, &[place, "pigeon", "ws"]);
    fails(&["--parser", "xml"], &["xml", "msgpack"]);
    fails(&["--public", "missing"], &["missing"]);
    fails(&["--listen", "nowhere"], &["nowhere"]);
    fails(&["--config", "missing.toml"], &["missing.toml"]);
    fails(&["--set", "nothing=1"], &["nothing"]);
    fails(&["--log", "a=b=c"], &["--log", "a=b=c"]);
    folder
        .run(["serve", "--log-format", "xml"])
        .failed(2, &["xml", "human"]);
    let mut bad_variable = folder.command(["serve"]);
    CommandResult::of(bad_variable.env("RUST_LOG", "a=b=c")).failed(1, &["RUST_LOG", "a=b=c"]);

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fails(&["--listen", &address], &["cannot listen on", &address]);

    // The server does not announce its address if the address for metrics fails.
    let metrics = format!("metrics.listen=\"{address}\"");
    let ran = folder.run(["serve", "--listen", "127.0.0.1:0", "--set", &metrics]);
    assert_eq!(ran.out, "");
    ran.failed(1, &["cannot tell metrics on", &address]);
}

#[test]
fn the_parser_can_be_message_pack() {
    let folder = Folder::new();
    let options = ["serve", "--listen", "127.0.0.1:0", "--parser", "msgpack"];
    let server = Server::start(&mut folder.command(options));
    let mut socket = server.socket();
    let limit = Some(Duration::from_secs(30));
    socket.get_ref().set_read_timeout(limit).unwrap();
    assert!(socket.read().unwrap().is_binary());
}
