//! How many cells this machine computes at a time where nobody says.

use std::fs;
use std::path::Path;

use crate::provenance::cores;

/// As many cells as fit: on CPU one a core, and no more than have their `cell_memory` in [`free_memory`]; elsewhere one a
/// device. At least one, whatever the figures say.
#[must_use]
pub fn default_jobs(devices: &[String], cell_memory: Option<u64>) -> usize {
    jobs(devices, cores(), cell_memory, free_memory())
}

fn jobs(devices: &[String], cores: usize, cell_memory: Option<u64>, free: Option<u64>) -> usize {
    if devices.iter().any(|device| device != "cpu") {
        return devices.len().max(1);
    }
    let fitting = match (free, cell_memory) {
        (Some(free), Some(cell)) if cell > 0 => usize::try_from(free / cell).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    cores.min(fitting).max(1)
}

/// Bytes of memory that may still be used, by the system's own estimate and the limits of this process's control group
/// (a container, a Slurm job); absent where the system does not tell.
#[must_use]
pub fn free_memory() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let available = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = available.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(control_group_memory().map_or(kibibytes * 1024, |limit| limit.min(kibibytes * 1024)))
}

/// What the limits of the control group and of those around it leave (version 2; `max` means no limit).
fn control_group_memory() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    let folder = root.join(own);
    let number = |path: &Path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    // the cache of files counts as used there, though the system takes it back where it is needed
    let cache = |folder: &Path| {
        let statistics = fs::read_to_string(folder.join("memory.stat")).ok()?;
        statistics.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse::<u64>().ok())
    };
    let left = |folder: &Path| {
        let limit = number(&folder.join("memory.max"))?;
        let used = number(&folder.join("memory.current"))?.saturating_sub(cache(folder).unwrap_or(0));
        Some(limit.saturating_sub(used))
    };
    folder.ancestors().take_while(|folder| folder.starts_with(root)).filter_map(left).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn cores_and_memory_limit_what_runs_on_a_cpu() {
        let cpu = ["cpu".to_owned()];
        assert_eq!(jobs(&cpu, 8, None, Some(GIB)), 8);
        assert_eq!(jobs(&cpu, 8, Some(GIB), None), 8);
        assert_eq!(jobs(&cpu, 8, Some(GIB), Some(3 * GIB + 1)), 3);
        assert_eq!(jobs(&cpu, 2, Some(GIB), Some(64 * GIB)), 2);
        assert_eq!(jobs(&cpu, 8, Some(GIB), Some(1)), 1);
    }

    #[test]
    fn elsewhere_a_device_has_one_cell() {
        assert_eq!(jobs(&["cuda:0".to_owned(), "cuda:1".to_owned()], 64, Some(GIB), Some(1)), 2);
        assert_eq!(jobs(&["cuda".to_owned()], 64, None, None), 1);
    }

    #[test]
    fn this_machine_tells_its_memory() {
        if cfg!(target_os = "linux") {
            assert!(free_memory().is_some_and(|bytes| bytes > 1 << 20));
        }
    }
}
