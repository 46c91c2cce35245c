//! The process of the server.

use std::{fs, net::SocketAddr, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
};

use crate::Fault;

/// A running server. Dropping it stops the process.
pub(crate) struct Process {
    child: Child,
    talk: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts a server with settings as environment variables, and optionally a descriptor limit.
    pub(crate) async fn start(
        settings: &[(&str, String)],
        descriptors: Option<u32>,
        log: bool,
    ) -> Result<Self, Fault> {
        let program = std::env::current_exe()?;
        let mut command = Command::new("sh");
        let limit = descriptors.map_or(String::new(), |most| format!("ulimit -n {most}; "));
        command
            .arg("-c")
            .arg(format!("{limit}exec \"$0\" --serve"))
            .arg(program)
            .envs(settings.iter().map(|(key, value)| (*key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if log { Stdio::inherit() } else { Stdio::null() })
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(output).lines();
        let address = lines.next_line().await?.ok_or("the server did not start")?;
        Ok(Self {
            address: address.parse()?,
            child,
            talk: Mutex::new((input, lines)),
        })
    }

    /// Returns the counters of the server.
    pub(crate) async fn counts(&self) -> Result<Value, Fault> {
        let mut talk = self.talk.lock().await;
        talk.0.write_all(b"\n").await?;
        let line = tokio::time::timeout(Duration::from_secs(60), talk.1.next_line()).await;
        let line = line.map_err(|_| "the server does not answer")??;
        Ok(serde_json::from_str(&line.ok_or("the server has ended")?)?)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

/// Usage of a process: resident memory in KiB, CPU time in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) rss: u64,
    pub(crate) cpu: f64,
}

/// Reads the usage from `/proc`.
pub(crate) fn usage(id: u32) -> Usage {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let rss = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|value| value.parse().ok());
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The fields follow the name, which may contain spaces. utime and stime are the 12th and 13th, in
    // ticks of 10 ms.
    let after = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks: f64 = after
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|value| value.parse::<f64>().ok())
        .sum();
    Usage {
        rss: rss.unwrap_or_default(),
        cpu: ticks / 100.0,
    }
}
