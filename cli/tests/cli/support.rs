//! Runs the command, and sends requests to servers.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

/// A folder for a test, initially empty.
pub(crate) struct Folder {
    path: PathBuf,
    /// Removes the folder when dropped.
    _temporary: Option<tempfile::TempDir>,
}

impl Folder {
    /// Creates a temporary folder, which is removed after the test.
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self {
            path: temporary.path().to_owned(),
            _temporary: Some(temporary),
        }
    }

    /// Creates a folder with a fixed path, so that Cargo can reuse an earlier build.
    pub(crate) fn persistent(name: &str) -> Self {
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

    /// Returns the command in this folder, without settings from the environment of the test.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stellarfw"));
        command.current_dir(self.path()).args(arguments);
        without_settings(&mut command);
        command
    }

    /// Runs the command and waits for it.
    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> CommandResult {
        CommandResult::of(&mut self.command(arguments))
    }

    /// Lists the folder, including hidden files.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

/// Removes settings from the environment of a program.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("STELLAR_") || text == "RUST_LOG" {
            command.env_remove(&name);
        }
    }
}

/// The result of a run.
pub(crate) struct CommandResult {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl CommandResult {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().unwrap();
        Self {
            status: output.status,
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Checks that the run succeeded, and returns its output.
    #[track_caller]
    pub(crate) fn succeeded(self) -> String {
        assert!(self.status.success(), "{}\n{}", self.out, self.err);
        self.out
    }

    /// Checks that the run failed with all these texts, and returns standard error.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, parts: &[&str]) -> String {
        assert_eq!(self.status.code(), Some(code), "{}\n{}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in:\n{}", self.err);
        }
        self.err
    }
}

/// A running server. Dropping it stops the process.
pub(crate) struct Server {
    process: Child,
    out: BufReader<ChildStdout>,
    /// The text printed so far.
    pub(crate) output: String,
    /// `127.0.0.1:1234`
    pub(crate) address: String,
}

impl Server {
    /// Starts the server and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_logging(command, Stdio::piped())
    }

    /// Like [`Server::start`], with a standard error supplied by the test.
    pub(crate) fn start_logging(command: &mut Command, log: impl Into<Stdio>) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut output = String::new();
        let address = loop {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                let end = process.wait_with_output().unwrap();
                panic!("{output}{}", String::from_utf8_lossy(&end.stderr));
            }
            output.push_str(&line);
            if let Some(address) = line.trim().strip_prefix("Listening on http://") {
                break address.to_owned();
            }
        };
        Self {
            process,
            out,
            output,
            address,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        let limit = Some(Duration::from_secs(30));
        stream.set_read_timeout(limit).unwrap();
        stream
    }

    /// Sends a request and returns the complete response.
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

    /// Sends a signal, such as `-HUP`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends SIGTERM. Returns the exit status and the complete output.
    #[cfg(unix)]
    pub(crate) fn stop(mut self) -> CommandResult {
        self.signal("-TERM");
        let mut out = std::mem::take(&mut self.output);
        self.out.read_to_string(&mut out).unwrap();
        let mut err = String::new();
        if let Some(stderr) = self.process.stderr.as_mut() {
            stderr.read_to_string(&mut err).unwrap();
        }
        CommandResult {
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
