//! CPU and memory of the server under test (and of this process, and of the machine), from /proc.

use serde_json::{Value, json};
use std::fs;

/// Time is in seconds throughout.
#[derive(Default, Clone, Copy)]
pub struct Snap {
    pub user: f64,
    pub sys: f64,
    /// CPU time in nanosecond resolution; the two fields above have ticks of 10 ms. Excludes ended
    /// threads.
    ran: f64,
    pub runq_wait: f64,
    pub ctx_voluntary: u64,
    pub ctx_forced: u64,
    pub rss_kib: u64,
    self_user: f64,
    self_sys: f64,
    machine_busy: f64,
    machine_steal: f64,
    mem_avail_kib: u64,
}

fn tick() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// Parses utime and stime of a process: fields 14 and 15. The name may contain spaces.
fn cpu(pid: u32) -> Option<(f64, f64)> {
    let s = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest: Vec<&str> = s[s.rfind(')')? + 2..].split(' ').collect();
    let t = tick();
    Some((
        rest[11].parse::<f64>().ok()? / t,
        rest[12].parse::<f64>().ok()? / t,
    ))
}

fn field(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|l| l.strip_prefix(name))
        .and_then(|l| l.split_whitespace().next())
        .and_then(|v| v.parse().ok())
        .unwrap_or(0)
}

fn threads(pid: u32) -> Vec<u32> {
    let Ok(dir) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    dir.flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .collect()
}

/// Returns `pids` and all their descendants.
fn family(pids: &[u32]) -> Vec<u32> {
    let mut all = pids.to_vec();
    let mut i = 0;
    while i < all.len() && all.len() < 1000 {
        for t in threads(all[i]) {
            let c = fs::read_to_string(format!("/proc/{}/task/{t}/children", all[i]));
            for p in c
                .unwrap_or_default()
                .split_whitespace()
                .filter_map(|p| p.parse().ok())
            {
                if !all.contains(&p) {
                    all.push(p);
                }
            }
        }
        i += 1;
    }
    all
}

pub fn snap(pids: &[u32]) -> Snap {
    let mut s = Snap::default();
    for p in family(pids) {
        if let Some((u, k)) = cpu(p) {
            s.user += u;
            s.sys += k;
        }
        let status = fs::read_to_string(format!("/proc/{p}/status")).unwrap_or_default();
        s.rss_kib += field(&status, "VmRSS:");
        for t in threads(p) {
            let st = fs::read_to_string(format!("/proc/{p}/task/{t}/status")).unwrap_or_default();
            s.ctx_voluntary += field(&st, "voluntary_ctxt_switches:");
            s.ctx_forced += field(&st, "nonvoluntary_ctxt_switches:");
            let ss =
                fs::read_to_string(format!("/proc/{p}/task/{t}/schedstat")).unwrap_or_default();
            let mut times = ss.split_whitespace().map_while(|v| v.parse::<f64>().ok());
            s.ran += times.next().unwrap_or(0.0) / 1e9;
            s.runq_wait += times.next().unwrap_or(0.0) / 1e9;
        }
    }
    if let Some((u, k)) = cpu(std::process::id()) {
        s.self_user = u;
        s.self_sys = k;
    }
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let v: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or("")
        .split_whitespace()
        .skip(1)
        .map(|x| x.parse::<f64>().unwrap_or(0.0) / tick())
        .collect();
    if v.len() >= 8 {
        s.machine_busy = v[0] + v[1] + v[2] + v[5] + v[6];
        s.machine_steal = v[7];
    }
    let mem = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    s.mem_avail_kib = field(&mem, "MemAvailable:");
    s
}

pub fn round(v: f64, digits: i32) -> f64 {
    let m = 10f64.powi(digits);
    (v * m).round() / m
}

/// Returns user and system time between two snapshots.
///
/// The total is exact; its division follows the ticks.
fn spent(a: &Snap, b: &Snap) -> (f64, f64) {
    let (user, sys) = (b.user - a.user, b.sys - a.sys);
    let (ticks, exact) = (user + sys, b.ran - a.ran);
    if ticks <= 0.0 {
        return (exact.max(0.0), 0.0);
    }
    // The time of a thread that ended meanwhile is missing.
    let ended = exact < ticks - 0.05;
    let scale = if ended { 1.0 } else { exact / ticks };
    (user * scale, sys * scale)
}

/// CPU time of the server between two snapshots, per unit of work and as a share of one core.
pub fn server(a: &Snap, b: &Snap, secs: f64, units: u64, unit: &str) -> Value {
    let (u, k) = spent(a, b);
    let n = units.max(1) as f64;
    json!({
        (format!("cpu_us_per_{unit}")): round((u + k) * 1e6 / n, 3),
        (format!("user_us_per_{unit}")): round(u * 1e6 / n, 3),
        (format!("sys_us_per_{unit}")): round(k * 1e6 / n, 3),
        "cpu_s": round(u + k, 2),
        "util_pct": round((u + k) / secs * 100.0, 1),
        "sys_share_pct": round(k / (u + k).max(1e-9) * 100.0, 1),
        "runq_wait_pct": round((b.runq_wait - a.runq_wait) / secs * 100.0, 1),
        "ctx_voluntary": b.ctx_voluntary - a.ctx_voluntary.min(b.ctx_voluntary),
        "ctx_forced": b.ctx_forced - a.ctx_forced.min(b.ctx_forced),
        "rss_kib": b.rss_kib,
    })
}

/// CPU usage of this process and of the rest of the machine.
pub fn around(a: &Snap, b: &Snap, secs: f64) -> Value {
    let own = b.self_user + b.self_sys - a.self_user - a.self_sys;
    let server = b.user + b.sys - a.user - a.sys;
    let busy = b.machine_busy - a.machine_busy;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    json!({
        "loadgen_util_pct": round(own / secs * 100.0, 1),
        "other_cpu_pct_of_core": round((busy - own - server).max(0.0) / secs * 100.0, 1),
        "steal_pct_of_core": round((b.machine_steal - a.machine_steal) / secs * 100.0, 1),
        "loadavg1": load.split(' ').next().and_then(|v| v.parse::<f64>().ok()),
    })
}

pub fn mem_avail_used(a: &Snap, b: &Snap) -> i64 {
    a.mem_avail_kib as i64 - b.mem_avail_kib as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_exact_unless_a_thread_took_it_away() {
        let before = Snap::default();
        let after = |user, sys, ran| Snap {
            user,
            sys,
            ran,
            ..Snap::default()
        };
        assert_eq!(spent(&before, &after(0.5, 0.25, 0.9375)), (0.625, 0.3125));
        assert_eq!(spent(&before, &after(0.5, 0.25, 0.5)), (0.5, 0.25));
        assert_eq!(spent(&before, &after(0.0, 0.0, 0.004)), (0.004, 0.0));
    }
}
