//! A load generator for real-time servers on loopback. Prints a line of JSON per run.

mod args;
mod connect;
mod echo;
mod fanout;
mod idle;
mod pace;
mod payload;
mod procstat;
mod proto;
mod run;
mod ws;

use std::{
    process::exit,
    time::{Duration, Instant},
};

use args::{Cli, Mode};
use clap::Parser;
use serde_json::json;

fn main() {
    let cli = Cli::parse();
    let common = cli.mode.common().clone();
    let limit = Duration::from_secs_f64(common.hard_timeout.clamp(0.1, 3600.0));
    let deadline = Instant::now() + limit;
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        eprintln!("loadgen: over the hard timeout of {limit:?}");
        exit(3);
    });
    let result = match cli.mode {
        Mode::Echo(args) => echo::run(args, deadline),
        Mode::Fanout(args) => fanout::run(args, deadline),
        Mode::Idle(args) => idle::run(args, deadline),
        Mode::Connect(args) => connect::run(args, deadline),
    };
    match result {
        Ok(mut value) => {
            value["label"] = json!(common.label);
            println!("{value}");
        }
        Err(error) => {
            eprintln!("loadgen: {error}");
            exit(2);
        }
    }
}
