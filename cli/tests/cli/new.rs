//! Tests of `new` and of the application that it creates.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{CommandResult, Folder, Server, without_settings};

/// Returns the root of this checkout.
fn checkout() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap().to_owned()
}

/// Runs Cargo in an application, with the build cache and the lock file of this checkout.
fn cargo(folder: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .args(arguments)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("CARGO_BUILD_TARGET");
    // Variables that Cargo sets for this test would cause dependencies to be rebuilt, here and in
    // the next build of the checkout.
    let own = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_EXE_",
        "CARGO_CRATE_",
    ];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if own.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    without_settings(&mut command);
    command
}

#[test]
fn the_application_builds_runs_and_passes_its_tests() {
    let folder = Folder::persistent("applications");
    let checkout = checkout();
    let path = checkout.to_str().unwrap();
    let output = folder
        .run(["new", "my-observatory", "--path", path])
        .succeeded();
    assert!(
        output.contains("cd my-observatory") && output.contains("cargo run"),
        "{output}"
    );
    assert_eq!(folder.names(), ["my-observatory"]);
    let app = folder.path().join("my-observatory");
    // Offline, only the versions of the checkout are available.
    fs::copy(checkout.join("Cargo.lock"), app.join("Cargo.lock")).unwrap();

    CommandResult::of(&mut cargo(&app, &["fmt", "--check"])).succeeded();
    let output = CommandResult::of(&mut cargo(&app, &["test", "--offline"])).succeeded();
    assert!(output.contains("4 passed; 0 failed"), "{output}");

    // The command accepts the settings of the application.
    let mut check = folder.command(["config", "check"]);
    let output = CommandResult::of(check.current_dir(&app)).succeeded();
    assert!(output.contains("stellar.toml; 4 settings set"), "{output}");

    let mut run = cargo(&app, &["run", "--offline", "--quiet"]);
    let server = Server::start(run.env("STELLAR_LISTEN", "127.0.0.1:0"));
    let page = server.get("/");
    assert!(page.contains("<title>my-observatory</title>"), "{page}");
    assert!(server.get("/api/greet?name=Ann").contains("Hello Ann!"));
}

#[test]
fn without_a_path_it_depends_on_the_published_crate() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("empty")).unwrap();
    folder.run(["new", "empty"]).succeeded();
    let app = folder.path().join("empty");
    let manifest = fs::read_to_string(app.join("Cargo.toml")).unwrap();
    // Depends on whether this version is published.
    let origin = include_str!("../../src/origin.rs");
    let from = if origin.contains("const PUBLISHED: bool = true;") {
        concat!("version = \"", env!("CARGO_PKG_VERSION"), "\"")
    } else {
        assert!(origin.contains("const PUBLISHED: bool = false;"));
        concat!("git = \"", env!("CARGO_PKG_REPOSITORY"), "\"")
    };
    let line = format!("stellarfw = {{ {from}, features = [\"schemars\"] }}\n");
    assert!(manifest.contains(&line), "{manifest}");
    assert!(manifest.contains("name = \"empty\"\n"), "{manifest}");
    assert!(!manifest.contains("[workspace]"), "{manifest}");

    for (name, part) in [
        (".gitignore", "/target"),
        ("README.md", "# empty"),
        ("stellar.toml", "name = \"empty\""),
        ("src/main.rs", "async fn greet"),
        ("tests/app.rs", "CARGO_BIN_EXE_empty"),
        ("public/index.html", "/stellar-client"),
    ] {
        let text = fs::read_to_string(app.join(name)).unwrap();
        assert!(text.contains(part), "no {part} in {name}");
        assert!(!text.contains("{{"), "{name} has a placeholder");
    }
    assert_eq!(folder.names(), ["empty"]);
}

#[test]
#[cfg(unix)]
fn the_folder_has_the_default_permissions() {
    use std::os::unix::fs::MetadataExt as _;

    let folder = Folder::new();
    folder.run(["new", "app"]).succeeded();
    fs::create_dir(folder.path().join("other")).unwrap();
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().mode();
    assert_eq!(mode("app"), mode("other"));
}

#[test]
fn inside_a_workspace_it_is_separate() {
    let folder = Folder::new();
    folder.write("Cargo.toml", "[workspace]\nmembers = []\n");
    fs::create_dir(folder.path().join("apps")).unwrap();
    folder.run(["new", "apps/one"]).succeeded();
    let manifest = fs::read_to_string(folder.path().join("apps/one/Cargo.toml")).unwrap();
    assert!(manifest.ends_with("\n[workspace]\n"), "{manifest}");
}

#[test]
fn invalid_arguments_write_nothing() {
    let folder = Folder::new();
    folder.write("full/file", "kept");
    folder.write("file", "kept");
    folder.write("other/Cargo.toml", "[package]\nname = \"other\"\n");
    let mut before = folder.names();
    before.sort();
    let fails = |arguments: &[&str], parts: &[&str]| {
        folder.run(["new"].iter().chain(arguments)).failed(1, parts);
        let mut now = folder.names();
        now.sort();
        assert_eq!(now, before);
    };
    fails(&["full"], &["full", "not empty"]);
    fails(&["file"], &["file", "not a folder"]);
    fails(&["."], &["."]);
    for name in ["2chat", "a b", "ünder", "fn", "test", "stellarfw", "a.b"] {
        fails(&[name], &[name, "name of a crate"]);
    }
    fails(&["missing/app"], &["the folder missing does not exist"]);
    fails(
        &["app", "--path", "missing"],
        &["missing", "not a checkout"],
    );
    fails(&["app", "--path", "other"], &["other", "not a checkout"]);
    assert_eq!(
        fs::read_to_string(folder.path().join("full/file")).unwrap(),
        "kept"
    );
    assert_eq!(fs::read_dir(folder.path().join("full")).unwrap().count(), 1);
}

#[test]
#[cfg(unix)]
fn a_failure_leaves_no_files() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    fs::create_dir(folder.path().join("empty")).unwrap();
    // The files are complete before the rename fails.
    symlink("empty", folder.path().join("link")).unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();
    folder
        .run(["new", "link"])
        .failed(1, &["cannot write link"]);
    folder.run(["new", "dangling"]).failed(1, &["dangling"]);
    let mut names = folder.names();
    names.sort();
    assert_eq!(names, ["dangling", "empty", "link"]);
    assert_eq!(
        fs::read_dir(folder.path().join("empty")).unwrap().count(),
        0
    );
}
