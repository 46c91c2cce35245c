//! `stellarfw new`

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use toml::Table;

use crate::{Failure, origin};

#[derive(Args)]
pub(crate) struct New {
    /// The new folder; its last part is the name of the application's crate
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// Depends on the checkout of stellarfw in this folder, rather than on what is published
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

/// The application's files: their paths, and their texts with places to fill in.
const FILES: [(&str, &str); 7] = [
    // Under other names, or the files here would be taken for this crate's own.
    (
        "Cargo.toml",
        include_str!("../template/Cargo.toml.template"),
    ),
    (".gitignore", include_str!("../template/gitignore")),
    ("README.md", include_str!("../template/README.md")),
    ("stellar.toml", include_str!("../template/stellar.toml")),
    ("src/main.rs", include_str!("../template/src/main.rs")),
    ("tests/app.rs", include_str!("../template/tests/app.rs")),
    (
        "public/index.html",
        include_str!("../template/public/index.html"),
    ),
];

/// Names that cargo refuses, or that a dependency of the application has.
const TAKEN: [&str; 15] = [
    "alloc",
    "build",
    "core",
    "deps",
    "examples",
    "incremental",
    "proc_macro",
    "proc-macro",
    "schemars",
    "serde",
    "serde_json",
    "std",
    "stellarfw",
    "test",
    "tokio",
];

/// The words of Rust that no crate can be named.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "_",
];

impl New {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let name = name(&self.folder)?;
        let parent = match self.folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if !parent.is_dir() {
            return Err(format!("there is no folder {}", parent.display()).into());
        }
        is_free(&self.folder)?;
        let places = [
            ("{{name}}", name.to_owned()),
            ("{{stellarfw}}", origin::dependency(self.path.as_deref())?),
            ("{{workspace}}", workspace(parent).to_owned()),
        ];
        write(&self.folder, parent, &places)
            .map_err(|error| format!("cannot write {}: {error}", self.folder.display()))?;
        crate::print(&format!(
            "{name} is in {0}. Next:\n\n  cd {0}\n  cargo run    # then open http://127.0.0.1:8080\n  \
             cargo test\n",
            self.folder.display()
        ))
    }
}

/// The crate's name, if the folder's last part can be one.
fn name(folder: &Path) -> Result<&str, String> {
    let name = folder
        .file_name()
        .ok_or_else(|| format!("{} names no folder", folder.display()))?;
    let fault = |why: &str| Err(format!("{:?} cannot be the name of a crate: {why}", name));
    let Some(text) = name.to_str() else {
        return fault("it is no text");
    };
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return fault("it must begin with a letter from a to z");
    }
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    {
        return fault("it may have letters from a to z, digits, - and _");
    }
    if text.len() > 64 {
        return fault("it may have at most 64 letters");
    }
    if KEYWORDS.contains(&text) || text == "Self" {
        return fault("it is a word of Rust");
    }
    if TAKEN.contains(&text) {
        return fault("it is taken");
    }
    Ok(text)
}

/// Refuses what is there, unless it is an empty folder.
fn is_free(folder: &Path) -> Result<(), String> {
    let told = folder.display();
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{told} is there already, and is not empty")),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_symlink() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(format!("{told} is there already, and is no folder"))
        }
        Err(error) => Err(format!("{told} cannot be looked at: {error}")),
    }
}

/// What the manifest needs where a folder around it is a workspace: cargo would ask for the
/// application to be one of its members.
fn workspace(parent: &Path) -> &'static str {
    let is_workspace = |folder: &Path| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        toml::from_str::<Table>(&manifest).is_ok_and(|table| table.contains_key("workspace"))
    };
    let parent = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
    if parent.ancestors().any(is_workspace) {
        "\n# A workspace of its own, and not a member of the one around it.\n[workspace]\n"
    } else {
        ""
    }
}

/// Writes all files beside the folder, and puts them in its place only when they are complete.
fn write(folder: &Path, parent: &Path, places: &[(&str, String)]) -> io::Result<()> {
    // It is removed in the end, whatever happens.
    let beside = tempfile::Builder::new()
        .prefix(".stellarfw-new-")
        .tempdir_in(parent)?;
    // The temporary folder is for its owner alone; the application's is as any other.
    let complete = beside.path().join("app");
    for (path, text) in FILES {
        let path = complete.join(path);
        if let Some(inner) = path.parent() {
            fs::create_dir_all(inner)?;
        }
        let text = places.iter().fold(text.to_owned(), |text, (place, value)| {
            text.replace(place, value)
        });
        fs::write(path, text)?;
    }
    let was_there = match fs::remove_dir(folder) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let moved = fs::rename(complete, folder);
    if moved.is_err() && was_there {
        fs::create_dir(folder).ok();
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates() {
        for good in ["observatory", "a", "chat-2", "my_app", "in/some/Folder"] {
            assert!(name(Path::new(good)).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in [
            "2chat",
            "-a",
            "_a",
            "a b",
            "a.b",
            "ünder",
            "fn",
            "Self",
            "test",
            "stellarfw",
            "a/..",
            "/",
            "",
            &long,
        ] {
            assert!(name(Path::new(bad)).is_err(), "{bad}");
        }
    }
}
