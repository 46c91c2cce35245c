//! Running the command, and talking to servers.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

/// A folder for a test, empty at first.
pub(crate) struct Folder {
    path: PathBuf,
    /// Removes it in the end.
    _temporary: Option<tempfile::TempDir>,
}

impl Folder {
    /// A folder that is there as long as the test.
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self {
            path: temporary.path().to_owned(),
            _temporary: Some(temporary),
        }
    }

    /// A folder that has the same path each time, so that what cargo built there before counts.
    pub(crate) fn lasting(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        Self {
            path,
            _temporary: None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// The command in this folder, without what the test's own environment says of settings.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stellarfw"));
        command.current_dir(self.path()).args(arguments);
        without_settings(&mut command);
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// What is in the folder, hidden files too.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

/// Takes out of a program's environment what would be settings to it.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("STELLAR_") || text == "RUST_LOG" {
            command.env_remove(&name);
        }
    }
}

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().unwrap();
        Self {
            status: output.status,
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The output of a run that went well.
    #[track_caller]
    pub(crate) fn fine(self) -> String {
        assert!(self.status.success(), "{}\n{}", self.out, self.err);
        self.out
    }

    /// The error of a run that failed, with all of these in it.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, parts: &[&str]) -> String {
        assert_eq!(self.status.code(), Some(code), "{}\n{}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in:\n{}", self.err);
        }
        self.err
    }
}

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    process: Child,
    out: BufReader<ChildStdout>,
    /// What it has printed.
    pub(crate) told: String,
    /// `127.0.0.1:1234`
    pub(crate) address: String,
}

impl Server {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_logging(command, Stdio::piped())
    }

    /// As [`Server::start`], with an error output of the test's own.
    pub(crate) fn start_logging(command: &mut Command, log: impl Into<Stdio>) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut told = String::new();
        let address = loop {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                let output = process.wait_with_output().unwrap();
                panic!("{told}{}", String::from_utf8_lossy(&output.stderr));
            }
            told.push_str(&line);
            if let Some(address) = line.trim().strip_prefix("Listening on http://") {
                break address.to_owned();
            }
        };
        Self {
            process,
            out,
            told,
            address,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        let limit = Some(Duration::from_secs(30));
        stream.set_read_timeout(limit).unwrap();
        stream
    }

    /// The whole answer to a request.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        let host = &self.address;
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn socket(&self) -> tungstenite::WebSocket<TcpStream> {
        let url = format!("ws://{}/primus", self.address);
        tungstenite::client(url, self.connect()).unwrap().0
    }

    /// Sends it a signal, such as `-HUP`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop, as a service manager does; gives its end, and all that it printed.
    #[cfg(unix)]
    pub(crate) fn stop(mut self) -> Ran {
        self.signal("-TERM");
        let mut out = std::mem::take(&mut self.told);
        self.out.read_to_string(&mut out).unwrap();
        let mut err = String::new();
        if let Some(stderr) = self.process.stderr.as_mut() {
            stderr.read_to_string(&mut err).unwrap();
        }
        Ran {
            status: self.process.wait().unwrap(),
            out,
            err,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
