//! How much memory a process may take.

use std::{fs, path::Path};

/// The limit where the system does not tell one: 1 GiB.
const UNKNOWN: usize = 1 << 30;

/// Returns the memory limit of this process, in bytes.
///
/// On Linux that is the least of the machine's memory, the limits of the process's control groups
/// (versions 1 and 2, parents included) and its limits of address space and data (`ulimit -v`,
/// `ulimit -d`). Elsewhere it is 1 GiB.
#[must_use]
pub fn memory_limit() -> usize {
    limit_under(Path::new("/"))
}

/// The limit as the files below `root` tell it.
fn limit_under(root: &Path) -> usize {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let machine = machine(&read("proc/meminfo"));
    let own = process(&read("proc/self/limits"));
    let groups = read("proc/self/cgroup");
    let groups = groups.lines().filter_map(|line| group(root, line));
    let least = machine.into_iter().chain(own).chain(groups).min();
    let least = least.filter(|bytes| *bytes > 0).unwrap_or(UNKNOWN as u64);
    usize::try_from(least).unwrap_or(usize::MAX)
}

/// `MemTotal` of `/proc/meminfo`, which is in KiB.
fn machine(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

/// The lower of the soft limits of address space and data in `/proc/self/limits`.
fn process(text: &str) -> Option<u64> {
    let soft = |line: &str| {
        let rest = line
            .strip_prefix("Max address space")
            .or_else(|| line.strip_prefix("Max data size"))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    text.lines().filter_map(soft).min()
}

/// The limit of one line of `/proc/self/cgroup`: `ID:CONTROLLERS:PATH`, with no controllers in
/// version 2. A group has no more memory than its parents, so that the least of all counts.
fn group(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let (mount, file) = if controllers.is_empty() {
        ("sys/fs/cgroup", "memory.max")
    } else if controllers.split(',').any(|name| name == "memory") {
        ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
    } else {
        return None;
    };
    let mount = root.join(mount);
    // In a namespace of its own the path may lead out of what is mounted.
    let inside = Path::new(path.trim_start_matches('/'));
    let inside = if inside.iter().any(|part| part == "..") {
        Path::new("")
    } else {
        inside
    };
    inside
        .ancestors()
        .filter_map(|folder| fs::read_to_string(mount.join(folder).join(file)).ok())
        .filter_map(|text| text.trim().parse().ok())
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: usize = 1 << 30;

    /// A root folder with these files.
    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_least_of_machine_and_groups_counts() {
        let meminfo = (
            "proc/meminfo",
            "MemTotal:        8388608 kB\nMemFree: 1 kB\n",
        );
        let alone = root(&[meminfo]);
        assert_eq!(limit_under(alone.path()), 8 * GIB);

        let second = root(&[
            meminfo,
            ("proc/self/cgroup", "0::/pods/mine\n"),
            ("sys/fs/cgroup/pods/mine/memory.max", "max\n"),
            ("sys/fs/cgroup/pods/memory.max", "2147483648\n"),
        ]);
        assert_eq!(limit_under(second.path()), 2 * GIB);

        let first = root(&[
            meminfo,
            ("proc/self/cgroup", "7:cpu,cpuacct:/a\n4:memory:/a\n0::/\n"),
            ("sys/fs/cgroup/cpu/a/memory.limit_in_bytes", "1\n"),
            (
                "sys/fs/cgroup/memory/a/memory.limit_in_bytes",
                "1073741824\n",
            ),
            (
                "sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
        ]);
        assert_eq!(limit_under(first.path()), GIB);
    }

    #[test]
    fn a_group_outside_of_its_namespace_is_read_at_the_mount() {
        let outside = root(&[
            ("proc/self/cgroup", "0::/../../other\n"),
            ("sys/fs/cgroup/memory.max", "1048576\n"),
            ("other/memory.max", "1\n"),
        ]);
        assert_eq!(limit_under(outside.path()), 1 << 20);
    }

    #[test]
    fn limits_of_the_process_count() {
        let limited = root(&[
            ("proc/meminfo", "MemTotal: 8388608 kB\n"),
            (
                "proc/self/limits",
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max data size             unlimited            unlimited            bytes     \n\
                 Max address space         536870912            unlimited            bytes     \n",
            ),
        ]);
        assert_eq!(limit_under(limited.path()), GIB / 2);
    }

    #[test]
    fn nonsense_and_nothing_give_the_default() {
        for text in [
            "",
            "MemTotal: lots",
            "MemTotal: 0 kB",
            "MemTotal: 99999999999999999999 kB",
        ] {
            let odd = root(&[
                ("proc/meminfo", text),
                ("proc/self/cgroup", "garbage\n0::\n4:memory\n"),
                ("sys/fs/cgroup/memory.max", "-1\n"),
            ]);
            assert_eq!(limit_under(odd.path()), UNKNOWN, "{text:?}");
        }
        assert!(memory_limit() > 0);
    }
}
