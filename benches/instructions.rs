//! The same work as in `messages`, for a tool that counts: `scripts/instructions` runs it under
//! valgrind, one piece of work at a time.
//!
//! ```sh
//! instructions --list        # name, units and repetitions of each, between tabs
//! instructions NAME          # does it, after a warm-up; what counts is inside of `measured`
//! ```

mod work;

use std::process::ExitCode;

use work::{Repeat, Work};

/// About so many messages or deliveries are done; enough that what happens once in a while (a
/// table that grows, a look at the clock) weighs nothing.
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
        // `cargo bench` and `cargo test --benches` give options of their own.
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

/// What valgrind counts. Never inlined: it is found by its name.
#[inline(never)]
fn measured(repeat: &mut Repeat<'_>, repetitions: usize) {
    for _ in 0..repetitions {
        repeat();
    }
}
