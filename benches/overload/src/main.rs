//! Overload tests: attacks on a server, its bounds, and the effect on other clients.
//!
//! `cargo run --release -p overload -- --help`

mod attacks;
mod health;
mod others;
mod peer;
mod process;
mod report;
mod server;
mod site;
mod trial;

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::Parser as _;

use crate::attacks::{Attack, all};

/// Anything that went wrong.
type Fault = Box<dyn Error + Send + Sync>;

/// Runs attacks, each against a new server, and measures their effect on well-behaved clients.
///
/// Prints a table at the end. Fails if an attack does not have the documented outcome.
#[derive(clap::Parser)]
struct Options {
    /// Names of the attacks to run; see --list. Default: all
    attacks: Vec<String>,
    /// Lists the attacks
    #[arg(long)]
    list: bool,
    /// Duration of attacks without a natural end, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Duration of the attack with too many publications, in seconds
    #[arg(long, default_value_t = 60)]
    minute: u64,
    /// Duration of all attacks together, in seconds
    #[arg(long, default_value_t = 300)]
    together: u64,
    /// Also write the table between the markers of this file
    #[arg(long)]
    write: Option<PathBuf>,
    /// Enable the logs of the servers
    #[arg(long)]
    log: bool,
    /// Run as the server under attack
    #[arg(long, hide = true)]
    serve: bool,
}

impl Options {
    fn chosen(&self) -> Result<Vec<Attack>, Fault> {
        let mut left = all();
        if self.attacks.is_empty() {
            return Ok(left);
        }
        let mut chosen = Vec::new();
        for name in &self.attacks {
            let at = left.iter().position(|attack| attack.name == name);
            let at = at.ok_or_else(|| format!("there is no attack {name:?}; --list tells all"))?;
            chosen.push(left.remove(at));
        }
        Ok(chosen)
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    match start(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns `true` if every attack had the documented outcome.
fn start(options: &Options) -> Result<bool, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if options.serve {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
            .init();
        runtime
            .block_on(server::serve())
            .map_err(|error| error.to_string())?;
        return Ok(true);
    }
    let attacks = options.chosen()?;
    if options.list {
        for attack in attacks {
            println!("{:16} {}", attack.name, attack.what);
        }
        return Ok(true);
    }
    let mut rows = Vec::new();
    let mut well = true;
    for (at, attack) in attacks.iter().enumerate() {
        eprint!("[{:2}/{}] {:16} ", at + 1, attacks.len(), attack.name);
        match runtime.block_on(trial::run(attack, options)) {
            Ok(row) => {
                eprintln!("{}", row.outcome);
                rows.push(row);
            }
            Err(error) => {
                eprintln!("FAILED: {error}");
                well = false;
            }
        }
    }
    let table = report::table(&rows);
    println!("{table}");
    if let Some(path) = &options.write {
        report::write(path, &table)?;
    }
    Ok(well)
}
