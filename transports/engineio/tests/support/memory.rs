//! What the process holds.

/// Resident memory in bytes, where the system tells.
pub fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// How much more that is than before; nought where the system does not tell.
pub fn grown(before: Option<usize>) -> usize {
    let (Some(before), Some(now)) = (before, resident()) else {
        return 0;
    };
    now.saturating_sub(before)
}
