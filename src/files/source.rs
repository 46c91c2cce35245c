//! Finding and opening files without leaving their folder.

use std::{
    fs::Metadata,
    io::Read as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use cap_std::{ambient_authority, fs::Dir};

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

/// An open regular file, and what is known of it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: std::fs::File,
    pub(crate) metadata: Metadata,
    /// Its real path, without symlinks: it tells the file from others, and says of what type it is.
    pub(crate) path: PathBuf,
    /// The files beside it whose names have one of the endings asked for, by the ending's index.
    pub(crate) beside: Vec<(usize, std::fs::File, Metadata)>,
}

/// Opens a file below a folder; for a folder its `index.html`. With it are opened those beside it
/// whose names end with `.` and one of `endings`.
///
/// The folder is opened first and everything else relative to it, by the system or component by
/// component: a symlink that is changed meanwhile does not lead out of it either. With
/// `follow_symlinks` symlinks may lead anywhere.
///
/// # Errors
/// [`FileError::NotFound`] if there is no such regular file, or none that may be had;
/// [`FileError::Unreadable`] if there is one that cannot be opened.
pub(super) async fn open(
    folder: &Path,
    segments: &[String],
    follow_symlinks: bool,
    endings: &'static [&'static str],
) -> Result<Opened, FileError> {
    let mut below = PathBuf::new();
    below.extend(segments);
    let folder = folder.to_owned();
    // Opening and looking take several calls of the system: one change of threads for all of them.
    let task = tokio::task::spawn_blocking(move || {
        if follow_symlinks {
            open_at(&Anywhere(folder), below, endings)
        } else {
            let dir = Dir::open_ambient_dir(&folder, ambient_authority());
            let dir = dir.map_err(|_| FileError::NotFound)?;
            let mut opened = open_at(
                &Inside {
                    folder: &folder,
                    dir,
                },
                below,
                endings,
            )?;
            opened.path = folder.join(opened.path);
            Ok(opened)
        }
    });
    finished(task.await)
}

/// Opens a file that the application itself named, wherever symlinks lead, with those beside it.
pub(crate) async fn open_named(
    path: &Path,
    endings: &'static [&'static str],
) -> Result<Opened, FileError> {
    let path = path.to_owned();
    let task =
        tokio::task::spawn_blocking(move || open_at(&Anywhere(PathBuf::new()), path, endings));
    finished(task.await)
}

/// The result of a task that is not aborted and does not panic.
fn finished<T>(
    ended: Result<Result<T, FileError>, tokio::task::JoinError>,
) -> Result<T, FileError> {
    ended.unwrap_or_else(|error| Err(FileError::Unreadable(std::io::Error::other(error))))
}

fn open_at(
    place: &impl Place,
    mut below: PathBuf,
    endings: &'static [&'static str],
) -> Result<Opened, FileError> {
    if place.is_dir(&below).ok_or(FileError::NotFound)? {
        below.push("index.html");
    }
    let path = place.real(&below).ok_or(FileError::NotFound)?;
    let (file, metadata) = place.open(&path)?;
    let mut beside = Vec::new();
    for (index, ending) in endings.iter().enumerate() {
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        if let Ok((file, metadata)) = place.open(Path::new(&name)) {
            beside.push((index, file, metadata));
        }
    }
    Ok(Opened {
        file,
        metadata,
        path,
        beside,
    })
}

/// Where files are looked for by a relative path.
trait Place {
    fn is_dir(&self, path: &Path) -> Option<bool>;

    /// The path without symlinks.
    fn real(&self, path: &Path) -> Option<PathBuf>;

    /// Opens a regular file. What is said of it is of the file that was opened.
    fn open(&self, path: &Path) -> Result<(std::fs::File, Metadata), FileError>;
}

/// A folder that symlinks may leave.
struct Anywhere(PathBuf);

impl Place for Anywhere {
    fn is_dir(&self, path: &Path) -> Option<bool> {
        Some(std::fs::metadata(self.0.join(path)).ok()?.is_dir())
    }

    fn real(&self, path: &Path) -> Option<PathBuf> {
        std::fs::canonicalize(self.0.join(path)).ok()
    }

    fn open(&self, path: &Path) -> Result<(std::fs::File, Metadata), FileError> {
        // Looked at before: opening a pipe would wait for someone who writes to it.
        if !std::fs::metadata(path).is_ok_and(|it| it.is_file()) {
            return Err(FileError::NotFound);
        }
        regular(std::fs::File::open(path))
    }
}

/// A folder that nothing leaves.
struct Inside<'a> {
    folder: &'a Path,
    dir: Dir,
}

impl Inside<'_> {
    /// The path below the folder to which an absolute symlink leads. Such links are not followed
    /// relative to an open folder, so they are resolved before; what opens it checks the result.
    fn absolute(&self, path: &Path) -> Option<PathBuf> {
        let root = std::fs::canonicalize(self.folder).ok()?;
        let real = std::fs::canonicalize(self.folder.join(path)).ok()?;
        Some(real.strip_prefix(&root).ok()?.to_owned())
    }

    fn dir_path(path: &Path) -> &Path {
        if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        }
    }
}

impl Place for Inside<'_> {
    fn is_dir(&self, path: &Path) -> Option<bool> {
        let metadata = match self.dir.metadata(Self::dir_path(path)) {
            Ok(metadata) => metadata,
            Err(_) => {
                let path = self.absolute(path)?;
                self.dir.metadata(Self::dir_path(&path)).ok()?
            }
        };
        Some(metadata.is_dir())
    }

    fn real(&self, path: &Path) -> Option<PathBuf> {
        let inside = self.dir.canonicalize(path).ok();
        inside.or_else(|| self.absolute(path))
    }

    fn open(&self, path: &Path) -> Result<(std::fs::File, Metadata), FileError> {
        if !self.dir.metadata(path).is_ok_and(|it| it.is_file()) {
            return Err(FileError::NotFound);
        }
        regular(self.dir.open(path).map(cap_std::fs::File::into_std))
    }
}

fn regular(opened: std::io::Result<std::fs::File>) -> Result<(std::fs::File, Metadata), FileError> {
    let file = opened.map_err(FileError::Unreadable)?;
    let metadata = file.metadata().map_err(FileError::Unreadable)?;
    if metadata.is_file() {
        Ok((file, metadata))
    } else {
        Err(FileError::NotFound)
    }
}

pub(super) async fn read(opened: Opened, max: usize) -> Result<Found, FileError> {
    let Opened {
        mut file,
        metadata,
        path,
        ..
    } = opened;
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > max {
        return Err(FileError::TooBig { size, max });
    }
    let task = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::with_capacity(size);
        let most = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
        let read = file.by_ref().take(most).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(FileError::Unreadable)
    });
    let bytes = finished(task.await)?;
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

    #[cfg(unix)]
    #[tokio::test]
    async fn symlinks_do_not_lead_out_unless_they_may() {
        use std::os::unix::fs::symlink;

        let base = tempfile::tempdir().unwrap();
        let public = base.path().join("public");
        std::fs::create_dir_all(public.join("sub")).unwrap();
        std::fs::write(base.path().join("secret"), "s").unwrap();
        std::fs::write(public.join("sub/index.html"), "i").unwrap();
        symlink(base.path().join("secret"), public.join("out")).unwrap();
        symlink("../secret", public.join("up")).unwrap();
        symlink(public.join("sub/index.html"), public.join("in")).unwrap();
        symlink("sub", public.join("relative")).unwrap();
        symlink(&public, base.path().join("current")).unwrap();
        let find = async |folder: &str, name: &str, follow| {
            let folder = base.path().join(folder);
            let opened = open(&folder, &segments(name).unwrap(), follow, &[]).await;
            opened.ok().map(|opened| opened.path)
        };
        for folder in ["public", "current"] {
            for name in ["in", "sub", "relative", "relative/index.html"] {
                let path = find(folder, name, false).await;
                let real = base.path().join(folder).join("sub/index.html");
                assert_eq!(path, Some(real), "{name}");
                assert!(find(folder, name, true).await.is_some(), "{name}");
            }
            for name in ["out", "up"] {
                assert!(find(folder, name, false).await.is_none(), "{name}");
                assert!(find(folder, name, true).await.is_some(), "{name}");
            }
            for name in ["none", "sub/index.html/x", ""] {
                assert!(find(folder, name, true).await.is_none(), "{name}");
                assert!(find(folder, name, false).await.is_none(), "{name}");
            }
        }
    }
}
