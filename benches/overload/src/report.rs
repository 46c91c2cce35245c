//! The table of results.

use std::{fs, path::Path, time::Duration};

use crate::{Fault, health::Checked, others::Latency};

/// The result of one attack.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) bound: &'static str,
    pub(crate) outcome: String,
    /// Resident memory in KiB: before, maximum during, and after the attack.
    pub(crate) memory: [u64; 3],
    pub(crate) before: Latency,
    pub(crate) during: Option<Latency>,
    /// Health checks during the attack, if any.
    pub(crate) health: Option<Checked>,
    /// Number of failed calls of well-behaved clients.
    pub(crate) lost: u64,
    /// Time until the latency of calls was back to normal.
    pub(crate) calm: Duration,
}

/// Formats the table in Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "| attack | bound | outcome | memory, MiB: before, most, after | others' calls, ms: p50, p99 before | meanwhile | health checks, ms: p99, max meanwhile | failed | normal after |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let [before, most, after] = row.memory.map(|kib| kib as f64 / 1_024.0);
        let during = row.during.map_or("-".into(), latency);
        let health = row.health.map_or("-".into(), health);
        out.push_str(&format!(
            "| `{}`: {} | {} | {} | {before:.0}, {most:.0}, {after:.0} | {} | {during} | {health} | {} | {:.1} s |\n",
            row.name,
            row.what,
            row.bound,
            row.outcome,
            latency(row.before),
            row.lost,
            row.calm.as_secs_f64(),
        ));
    }
    out
}

fn health(checked: Checked) -> String {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let (p99, max) = (millis(checked.times.p99), millis(checked.max));
    match checked.failed {
        0 => format!("{p99:.1}, {max:.1}"),
        failed => format!("{p99:.1}, {max:.1}; {failed} failed"),
    }
}

fn latency(latency: Latency) -> String {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    format!("{:.1}, {:.1}", millis(latency.p50), millis(latency.p99))
}

const BEGIN: &str = "<!-- the attacks: begin -->";
const END: &str = "<!-- the attacks: end -->";

/// Writes the table between the markers of a file. Keeps the rows of attacks that did not run.
pub(crate) fn write(path: &Path, table: &str) -> Result<(), Fault> {
    let text = fs::read_to_string(path)?;
    let parts = text
        .split_once(BEGIN)
        .and_then(|(head, rest)| Some((head, rest.split_once(END)?)));
    let (head, (old, tail)) = parts.ok_or("the file has no marks for the table")?;
    let name = |line: &str| line.split('`').nth(1).map(str::to_owned);
    let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
    let columns = |line: &str| line.matches(" | ").count();
    let mut kept: Vec<String> = old
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(str::to_owned)
        .collect();
    // Rows with another number of columns are from an older format.
    let width = lines.first().map_or(0, |line| columns(line));
    for line in kept.iter_mut().filter(|line| columns(line) + 1 == width) {
        let at: Vec<_> = line.match_indices(" | ").map(|(at, _)| at).collect();
        if let Some(at) = at.get(width - 3) {
            line.insert_str(*at, " | -");
        }
    }
    for line in lines.split_off(2.min(lines.len())) {
        match kept.iter_mut().find(|old| name(old) == name(&line)) {
            Some(old) => *old = line,
            None => kept.push(line),
        }
    }
    lines.append(&mut kept);
    let body = lines.join("\n");
    fs::write(path, format!("{head}{BEGIN}\n\n{body}\n\n{END}{tail}"))?;
    Ok(())
}
