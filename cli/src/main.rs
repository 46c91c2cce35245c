//! The command `stellarfw`: runs a server, checks and shows settings, and creates applications.

mod check;
mod log;
mod new;
mod origin;
mod serve;
mod settings;
mod show;

use std::{io, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

/// The error of a command, with a human-readable text.
type Failure = Box<dyn std::error::Error>;

/// Real-time servers: actions, chat rooms, files and events over any transport.
///
/// Settings are read from stellar.toml (or the file named by --config or STELLAR_CONFIG), from
/// environment variables STELLAR_…, and from the command line. Later sources override earlier ones.
#[derive(Parser)]
#[command(name = "stellarfw", version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a server without application code: rooms, public files and the client script
    Serve(serve::Serve),
    /// Checks and shows settings
    #[command(subcommand)]
    Config(Config),
    /// Creates an application in a new folder
    New(new::New),
    /// Prints a completion script for a shell
    ///
    /// For bash: stellarfw completions bash > ~/.local/share/bash-completion/completions/stellarfw
    Completions {
        /// Name of the shell
        shell: Shell,
    },
}

#[derive(Subcommand)]
enum Config {
    /// Validates all settings without starting a server
    ///
    /// Reports unknown keys, wrong types, unknown transports and parsers, unusable certificates,
    /// missing folders and invalid addresses. Exits with 1 if a setting is invalid.
    Check(check::Check),
    /// Prints the effective settings as TOML, without secrets
    Show(show::Show),
}

fn main() -> ExitCode {
    let done = match Options::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Config(Config::Check(check)) => check.run(),
        Command::Config(Config::Show(show)) => show.run(),
        Command::New(new) => new.run(),
        Command::Completions { shell } => completions(shell),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader closed the pipe, as `head` does.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stellarfw: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &Failure) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints to standard output. `main` ignores the error of a closed pipe.
fn print(text: &str) -> Result<(), Failure> {
    use io::Write as _;

    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Options::command(), "stellarfw", &mut script);
    print(&String::from_utf8_lossy(&script))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
    }
}
