//! The command `stellarfw`: serves from settings alone, checks and shows settings, and writes new
//! applications.

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

/// What a command fails with: a text for people.
type Failure = Box<dyn std::error::Error>;

/// Real-time servers: actions, chat rooms, files and events over any transport.
///
/// Settings are read from stellar.toml (or the file that --config or STELLAR_CONFIG names), from
/// variables STELLAR_…, and from the command line; later ones count more.
#[derive(Parser)]
#[command(name = "stellarfw", version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a server from settings alone: rooms, public files and the client script
    Serve(serve::Serve),
    /// Checks and shows settings
    #[command(subcommand)]
    Config(Config),
    /// Writes a small application into a new folder
    New(new::New),
    /// Prints a script that completes this command in a shell
    ///
    /// For bash: stellarfw completions bash > ~/.local/share/bash-completion/completions/stellarfw
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Subcommand)]
enum Config {
    /// Reads all settings and says what is wrong with them, as a server would find out at its start
    ///
    /// Unknown keys, wrong types, unknown transports and parsers, certificates that cannot be used,
    /// folders that are not there, addresses that are none. Exits with 1 when there is a fault.
    Check(check::Check),
    /// Prints the settings that a server would run with, as TOML, without secrets
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
        // Whoever read the output has read enough, such as `head`.
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

/// Prints to the output, whose end is an error that `main` knows.
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
    fn the_options_fit_together() {
        Options::command().debug_assert();
    }
}
