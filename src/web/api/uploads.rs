//! Where uploaded files are while their requests last, and what killed processes left there.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use tempfile::{Builder, NamedTempFile};

/// What the folders of processes are called, and the file in each that its process has locked.
const PREFIX: &str = "stellarfw-uploads-";
const LOCK: &str = "lock";

/// The folder of this process, and the lock that tells others that it is alive.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    _lock: File,
}

/// Creates a file for an upload. It is deleted when what is returned is dropped, and if the process
/// is killed, when the next one starts.
///
/// # Errors
/// When the system's temporary folder cannot be written to.
pub(super) fn create() -> io::Result<NamedTempFile> {
    static FOLDER: OnceLock<Folder> = OnceLock::new();
    let folder = match FOLDER.get() {
        // Who cleans up temporary folders may have taken this one, too.
        Some(folder) if folder.path.is_dir() => &folder.path,
        Some(_) => return NamedTempFile::new(),
        None => {
            let made = Folder::make(&env::temp_dir())?;
            // Another thread may have been first; its folder is the one.
            let own = made.path.clone();
            let folder = FOLDER.get_or_init(|| made);
            if folder.path != own {
                fs::remove_dir_all(own).ok();
            }
            &folder.path
        }
    };
    Builder::new().prefix("upload-").tempfile_in(folder)
}

/// Removes what processes that were killed have left, once in a process. Blocks on the disk.
pub(crate) fn remove_left_over() {
    static BEGUN: AtomicBool = AtomicBool::new(false);
    if BEGUN.swap(true, Ordering::Relaxed) {
        return;
    }
    for path in left_over(&env::temp_dir()) {
        match fs::remove_dir_all(&path) {
            Ok(()) => {
                tracing::info!(folder = %path.display(), "removed uploads of a killed process")
            }
            Err(error) => {
                tracing::warn!(%error, folder = %path.display(), "uploads of a killed process stay");
            }
        }
    }
}

impl Folder {
    fn make(temp: &Path) -> io::Result<Self> {
        let path = Builder::new().prefix(PREFIX).tempdir_in(temp)?.keep();
        // It gets its name when it is locked, so that nobody finds it before.
        let unnamed = path.join("unlocked");
        let lock = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&unnamed)?;
        lock.lock()?;
        fs::rename(unnamed, path.join(LOCK))?;
        Ok(Self { path, _lock: lock })
    }
}

/// The folders whose processes are gone: whoever is alive holds the lock.
fn left_over(temp: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(temp) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            // Not a link of somebody else's in a folder that all may write to.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            is_folder && entry.file_name().to_string_lossy().starts_with(PREFIX)
        })
        .map(|entry| entry.path())
        .filter(|path| {
            // Without a lock its process has only begun, or died as it did: it holds no upload. What is
            // no file is somebody else's, and opening a pipe would wait for its other end.
            let lock = path.join(LOCK);
            let is_file = fs::symlink_metadata(&lock).is_ok_and(|it| it.is_file());
            let open = || OpenOptions::new().write(true).open(&lock);
            is_file && open().is_ok_and(|lock| lock.try_lock().is_ok())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_left_over() {
        let temp = tempfile::tempdir().unwrap();
        let alive = Folder::make(temp.path()).unwrap();
        let killed = Folder::make(temp.path()).unwrap();
        let left = killed.path.clone();
        fs::write(left.join("upload-1"), "secret").unwrap();
        // As the system does it when a process is killed.
        drop(killed);
        fs::create_dir(temp.path().join("somebody-elses")).unwrap();
        fs::write(temp.path().join(format!("{PREFIX}file")), "").unwrap();
        fs::create_dir(temp.path().join(format!("{PREFIX}begun"))).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&left, temp.path().join(format!("{PREFIX}link"))).unwrap();
        // Nor is it waited for what stands in the place of a lock.
        let odd = temp.path().join(format!("{PREFIX}odd"));
        fs::create_dir_all(odd.join(LOCK)).unwrap();
        assert_eq!(left_over(temp.path()), [left]);
        assert!(alive.path.is_dir());
        assert!(left_over(&temp.path().join("none")).is_empty());
    }

    #[test]
    fn an_upload_is_deleted_with_its_handle() {
        let upload = create().unwrap();
        let path = upload.path().to_owned();
        assert!(path.parent().unwrap().join(LOCK).is_file());
        drop(upload);
        assert!(!path.exists());
    }
}
