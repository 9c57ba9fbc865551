//! Resident memory of the stack's processes.

use stack::Endpoints;

/// One process.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Its name.
    pub process: String,
    /// KiB when the run began.
    pub start: Option<u64>,
    /// KiB when it ended; another process by then if it was killed.
    pub end: Option<u64>,
    /// The most that the process which is there at the end ever had, in KiB.
    pub peak: Option<u64>,
}

/// A process, with what it has now and what it had at most, in KiB.
type Reading = (String, Option<Sizes>);

/// In KiB.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    now: u64,
    peak: u64,
}

/// Reads both ends.
pub fn compare(start: &[Reading], end: &[Reading]) -> Vec<Memory> {
    start
        .iter()
        .map(|(process, start)| {
            let end = end
                .iter()
                .find(|(name, _)| name == process)
                .and_then(|(_, sizes)| *sizes);
            Memory {
                process: process.clone(),
                start: start.map(|sizes| sizes.now),
                end: end.map(|sizes| sizes.now),
                peak: end.map(|sizes| sizes.peak),
            }
        })
        .collect()
}

/// By process.
pub fn read(endpoints: &Endpoints) -> Vec<Reading> {
    endpoints
        .processes
        .iter()
        .map(|process| (process.name.clone(), process.pid.and_then(resident)))
        .collect()
}

fn resident(pid: u32) -> Option<Sizes> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Sizes {
        now: kib("VmRSS:")?,
        peak: kib("VmHWM:")?,
    })
}
