//! Finding and reading files without leaving their folder.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;

use super::{FileError, Found, mime_of};

/// A file that is built into the program.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its path below the root, with slashes and none in front: `css/app.css`.
    pub path: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

impl Embedded {
    pub(super) fn found(&self) -> Found {
        Found {
            bytes: Bytes::from_static(self.bytes),
            mime: mime_of(self.path),
            // The program does not know when its parts were made; it started with them.
            modified: *STARTED,
        }
    }
}

static STARTED: std::sync::LazyLock<SystemTime> = std::sync::LazyLock::new(SystemTime::now);

/// A requested path in its components, or none if it would lead anywhere but down: `..`, roots,
/// drives, backslashes, NUL, and names that begin with a dot are not to be had.
pub(crate) fn segments(path: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    for part in path.split('/') {
        if part.is_empty() || part == "." {
            continue;
        }
        if part.starts_with('.') || part.contains(['\\', '\0', ':']) {
            return None;
        }
        out.push(part.to_owned());
    }
    Some(out)
}

/// The real path of a file below a folder; of a folder, that of its `index.html`. None if there
/// is none, or if a symlink leads out of the folder and may not.
pub(super) async fn resolve(
    folder: &Path,
    segments: &[String],
    follow_symlinks: bool,
) -> Option<PathBuf> {
    let root = tokio::fs::canonicalize(folder).await.ok()?;
    let mut path = root.clone();
    path.extend(segments);
    if tokio::fs::metadata(&path).await.ok()?.is_dir() {
        path.push("index.html");
    }
    let real = tokio::fs::canonicalize(&path).await.ok()?;
    let inside = follow_symlinks || real.starts_with(&root);
    let is_file = tokio::fs::metadata(&real).await.ok()?.is_file();
    (inside && is_file).then_some(real)
}

pub(super) async fn read(path: &Path, max: usize) -> Result<Found, FileError> {
    let metadata = tokio::fs::metadata(path)
        .await
        .map_err(FileError::Unreadable)?;
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > max {
        return Err(FileError::TooBig { size, max });
    }
    let bytes = tokio::fs::read(path).await.map_err(FileError::Unreadable)?;
    if bytes.len() > max {
        // It grew between the two looks.
        return Err(FileError::TooBig {
            size: bytes.len(),
            max,
        });
    }
    Ok(Found {
        bytes: bytes.into(),
        mime: mime_of(&path.to_string_lossy()),
        modified: metadata.modified().unwrap_or_else(|_| *STARTED),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_only_lead_down() {
        let ok = |path| segments(path).unwrap().join("/");
        assert_eq!(ok("a/b.txt"), "a/b.txt");
        assert_eq!(ok("/a//./b"), "a/b");
        assert_eq!(ok(""), "");
        for bad in [
            "..",
            "../x",
            "a/../../x",
            "/a/..",
            "..\\x",
            "a\\b",
            "c:/x",
            ".git/config",
            "a\0",
        ] {
            assert!(segments(bad).is_none(), "{bad}");
        }
    }

    #[tokio::test]
    async fn symlinks_do_not_lead_out_unless_they_may() {
        let base = std::env::temp_dir().join(format!("stellarfw-{}", std::process::id()));
        let public = base.join("public");
        std::fs::create_dir_all(public.join("sub")).unwrap();
        std::fs::write(base.join("secret"), "s").unwrap();
        std::fs::write(public.join("sub/index.html"), "i").unwrap();
        std::os::unix::fs::symlink(base.join("secret"), public.join("out")).unwrap();
        std::os::unix::fs::symlink(public.join("sub/index.html"), public.join("in")).unwrap();
        let find = |name: &'static str, follow| {
            let public = public.clone();
            async move { resolve(&public, &segments(name).unwrap(), follow).await }
        };
        assert!(find("in", false).await.is_some());
        assert!(find("sub", false).await.unwrap().ends_with("index.html"));
        assert!(find("out", false).await.is_none());
        assert!(find("out", true).await.is_some());
        assert!(find("none", true).await.is_none());
        assert!(find("sub/index.html/x", true).await.is_none());
        std::fs::remove_dir_all(&base).unwrap();
    }
}
