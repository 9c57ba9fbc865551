//! What processes use, by /proc.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;

/// Ticks per second of the times in /proc/PID/stat: the kernel's `USER_HZ`, 100 on x86-64 and ARM.
const TICKS: f64 = 100.0;

/// What /proc/PID/stat tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Of the process, and of its children that have ended.
    ticks: u64,
}

/// All processes at one moment.
pub(crate) struct Processes(BTreeMap<u32, Stat>);

impl Processes {
    /// # Errors
    /// When /proc can't be read.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let entries = std::fs::read_dir("/proc").context("/proc")?.flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // One that has ended meanwhile is left out.
        let stat = |pid: u32| parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
        Ok(Self(pids.filter_map(|pid| Some((pid, stat(pid)?))).collect()))
    }

    /// The CPU time that a process and all below it have used.
    pub(crate) fn cpu_of_tree(&self, root: u32) -> Duration {
        let ticks: u64 = self.tree(root).map(|(_, stat)| stat.ticks).sum();
        Duration::from_secs_f64(ticks as f64 / TICKS)
    }

    /// The resident memory of a process and all below it, in MiB.
    pub(crate) fn resident_mib_of_tree(&self, root: u32) -> f64 {
        // One that has ended meanwhile is left out.
        self.tree(root).filter_map(|(pid, _)| resident_mib(pid).ok()).sum()
    }

    fn tree(&self, root: u32) -> impl Iterator<Item = (u32, Stat)> {
        let all = self.0.iter().map(|(pid, stat)| (*pid, *stat));
        all.filter(move |(pid, _)| self.is_below(*pid, root))
    }

    fn is_below(&self, pid: u32, root: u32) -> bool {
        let mut at = pid;
        // More than any process has above it.
        for _ in 0..64 {
            if at == root {
                return true;
            }
            match self.0.get(&at) {
                Some(stat) if stat.parent != 0 => at = stat.parent,
                _ => return false,
            }
        }
        false
    }
}

/// The program's name is in brackets, and may have any characters.
fn parse(stat: &str) -> Option<Stat> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        // utime, stime, cutime, cstime (proc_pid_stat(5), fields 14 to 17).
        ticks: number(11)? + number(12)? + number(13)? + number(14)?,
    })
}

/// The resident memory of a process, in MiB.
///
/// # Errors
/// When it has ended.
pub(crate) fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line
        .and_then(|line| line.split_whitespace().next())
        .and_then(|kib| kib.parse().ok())
        .with_context(|| format!("process {pid} has no VmRSS"))?;
    Ok(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_started_is_in_the_tree() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let processes = Processes::read().unwrap();
        assert!(processes.tree(std::process::id()).any(|(pid, _)| pid == child.id()));
        assert!(processes.resident_mib_of_tree(child.id()) > 0.0);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_name_with_brackets_and_blanks_is_no_field() {
        let stat = "42 (a) b (c)) S 7 42 42 0 -1 4194304 100 200 0 0 10 20 3 4 20 0 1 0 100 1000 10";
        assert_eq!(parse(stat), Some(Stat { parent: 7, ticks: 37 }));
        assert_eq!(parse("42 (short) S 7"), None);
    }

    #[test]
    fn a_tree_has_what_is_below_it() {
        let stat = |parent, ticks| Stat { parent, ticks };
        let all = Processes(BTreeMap::from([
            (1, stat(0, 1000)),
            (10, stat(1, 100)),
            (11, stat(10, 50)),
            (12, stat(11, 25)),
            (20, stat(1, 500)),
        ]));
        assert_eq!(all.cpu_of_tree(10), Duration::from_millis(1750));
        assert_eq!(all.cpu_of_tree(12), Duration::from_millis(250));
        assert_eq!(all.cpu_of_tree(99), Duration::ZERO);
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(resident_mib(std::process::id()).unwrap() > 0.1);
    }
}
