//! Tests of help, version, completions and wrong usage.

use crate::support::Folder;

#[test]
fn every_command_has_help() {
    let folder = Folder::new();
    let help = |command: &[&str]| folder.run(command.iter().chain(&["--help"])).succeeded();
    let all = help(&[]);
    for part in [
        "serve",
        "config",
        "new",
        "completions",
        "stellar.toml",
        "STELLAR_",
    ] {
        assert!(all.contains(part), "no {part} in\n{all}");
    }
    let settings = [
        "--config",
        "--set",
        "--listen",
        "--transport",
        "--parser",
        "--public",
    ];
    for command in [&["serve"][..], &["config", "check"], &["config", "show"]] {
        let help = help(command);
        for option in settings {
            assert!(help.contains(option), "no {option} in\n{help}");
        }
    }
    let serve = help(&["serve"]);
    assert!(
        serve.contains("--log-format") && serve.contains("RUST_LOG"),
        "{serve}"
    );
    assert!(help(&["config", "show"]).contains("--sources"));
    assert!(help(&["new"]).contains("--path"));
    assert!(help(&["completions"]).contains("powershell"));
}

#[test]
fn the_version_is_that_of_the_crate() {
    let output = Folder::new().run(["--version"]).succeeded();
    assert_eq!(
        output,
        concat!("stellarfw ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn every_shell_has_completions() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = folder.run(["completions", shell]).succeeded();
        for part in ["stellarfw", "serve", "completions", "log-format"] {
            assert!(script.contains(part), "no {part} for {shell}");
        }
    }
    folder
        .run(["completions", "csh"])
        .failed(2, &["csh", "bash"]);
}

#[test]
fn wrong_usage_is_an_error() {
    let folder = Folder::new();
    let nothing: [&str; 0] = [];
    folder.run(nothing).failed(2, &["Usage: stellarfw"]);
    folder.run(["dance"]).failed(2, &["dance"]);
    folder.run(["config"]).failed(2, &["check", "show"]);
    folder.run(["new"]).failed(2, &["NAME"]);
    assert!(folder.names().is_empty());
}
