//! The work of the bench `messages`, for counting instructions.
//!
//! `scripts/instructions` runs one piece of work at a time under valgrind.
//!
//! ```sh
//! instructions --list        # prints name, units and repetitions of each, separated by tabs
//! instructions NAME          # runs one after a warm-up; only `measured` counts
//! ```

mod work;

use std::process::ExitCode;

use work::{Repeat, Work};

/// Approximate number of messages or deliveries.
///
/// Large enough to make rare events negligible, such as a growing table or a clock reading.
const UNITS: usize = 20_000;

fn repetitions(work: &Work) -> usize {
    (UNITS / work.units).clamp(5, 1_000)
}

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let all = work::all();
    match asked.as_slice() {
        [list] if list == "--list" => {
            for work in &all {
                println!("{}\t{}\t{}", work.name, work.units, repetitions(work));
            }
            ExitCode::SUCCESS
        }
        [name] if all.iter().any(|work| work.name == name) => {
            for work in all.iter().filter(|work| work.name == name) {
                run(work);
            }
            ExitCode::SUCCESS
        }
        // `cargo bench` and `cargo test --benches` add options.
        _ => {
            eprintln!("instructions: --list, or the name of one; counting is scripts/instructions");
            ExitCode::SUCCESS
        }
    }
}

fn run(work: &Work) {
    let runtime = work::runtime();
    let _entered = runtime.enter();
    let mut repeat = work.prepare(&runtime);
    for _ in 0..3 {
        repeat();
    }
    measured(&mut repeat, repetitions(work));
}

/// The function that valgrind measures. Not inlined, because it is selected by name.
#[inline(never)]
fn measured(repeat: &mut Repeat<'_>, repetitions: usize) {
    for _ in 0..repetitions {
        repeat();
    }
}
