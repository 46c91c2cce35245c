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
    /// Path of the new folder; its last component becomes the name of the crate
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// Checkout of stellarfw to depend on, instead of the published crate
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

/// The application's files, with placeholders in their texts.
const FILES: [(&str, &str); 7] = [
    // The template has other names, because Cargo and Git would apply the files to this crate.
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

/// Names that Cargo refuses, and names of the application's dependencies.
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

/// Keywords of Rust, which cannot name a crate.
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
            return Err(format!("the folder {} does not exist", parent.display()).into());
        }
        check_vacant(&self.folder)?;
        let values = [
            ("{{name}}", name.to_owned()),
            ("{{stellarfw}}", origin::dependency(self.path.as_deref())?),
            ("{{workspace}}", workspace(parent).to_owned()),
        ];
        write(&self.folder, parent, &values)
            .map_err(|error| format!("cannot write {}: {error}", self.folder.display()))?;
        crate::print(&format!(
            "Created {name} in {0}. Next steps:\n\n  cd {0}\n  cargo run    # then open \
             http://127.0.0.1:8080\n  cargo test\n",
            self.folder.display()
        ))
    }
}

/// Returns the name of the crate: the last component of the folder.
///
/// # Errors
/// Returns an error if it is not a valid name of a crate.
fn name(folder: &Path) -> Result<&str, String> {
    let name = folder.file_name().ok_or_else(|| {
        format!(
            "{:?} does not end with a name",
            folder.display().to_string()
        )
    })?;
    let fault = |why: &str| Err(format!("{:?} cannot be the name of a crate: {why}", name));
    let Some(text) = name.to_str() else {
        return fault("it is not valid UTF-8");
    };
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return fault("it must start with a letter from a to z");
    }
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    {
        return fault("it may contain letters from a to z, digits, - and _");
    }
    if text.len() > 64 {
        return fault("it may have at most 64 characters");
    }
    if KEYWORDS.contains(&text) || text == "Self" {
        return fault("it is a keyword of Rust");
    }
    if TAKEN.contains(&text) {
        return fault("it is reserved or the name of a dependency");
    }
    Ok(text)
}

/// Checks that the folder does not exist or is empty.
fn check_vacant(folder: &Path) -> Result<(), String> {
    let path = folder.display();
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{path} already exists and is not empty")),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_symlink() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(format!("{path} already exists and is not a folder"))
        }
        Err(error) => Err(format!("cannot read {path}: {error}")),
    }
}

/// Returns the `[workspace]` table that the manifest needs inside another workspace.
///
/// Without it, Cargo would require the application to be a member of that workspace.
fn workspace(parent: &Path) -> &'static str {
    let is_workspace = |folder: &Path| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        toml::from_str::<Table>(&manifest).is_ok_and(|table| table.contains_key("workspace"))
    };
    let parent = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
    if parent.ancestors().any(is_workspace) {
        "\n# Separates the application from the workspace around it.\n[workspace]\n"
    } else {
        ""
    }
}

/// Writes all files to a temporary folder next to `folder`, and renames it when it is complete.
fn write(folder: &Path, parent: &Path, values: &[(&str, String)]) -> io::Result<()> {
    // Removed when dropped, also after an error.
    let temporary = tempfile::Builder::new()
        .prefix(".stellarfw-new-")
        .tempdir_in(parent)?;
    // The temporary folder is private to its owner; the folder of the application must not be.
    let complete = temporary.path().join("app");
    for (path, text) in FILES {
        let path = complete.join(path);
        if let Some(inner) = path.parent() {
            fs::create_dir_all(inner)?;
        }
        let text = values
            .iter()
            .fold(text.to_owned(), |text, (placeholder, value)| {
                text.replace(placeholder, value)
            });
        fs::write(path, text)?;
    }
    let existed = match fs::remove_dir(folder) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let moved = fs::rename(complete, folder);
    if moved.is_err() && existed {
        fs::create_dir(folder).ok();
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_names_are_refused() {
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
