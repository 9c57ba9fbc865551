//! Resident memory of the stack's processes.

use stack::Endpoints;

/// One process.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Its name.
    pub process: String,
    /// KiB when the run began.
    pub start: Option<u64>,
    /// KiB when it ended; of another process if it was killed and restarted.
    pub end: Option<u64>,
    /// The peak of the process that exists at the end, in KiB.
    pub peak: Option<u64>,
}

/// A process with its current and its peak size, in KiB.
type Reading = (String, Option<Sizes>);

/// In KiB.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    now: u64,
    peak: u64,
}

/// Compares the readings of start and end.
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
