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
}

/// Reads both ends.
pub fn compare(start: &[(String, Option<u64>)], end: &[(String, Option<u64>)]) -> Vec<Memory> {
    start
        .iter()
        .map(|(process, start)| Memory {
            process: process.clone(),
            start: *start,
            end: end.iter().find(|(name, _)| name == process).and_then(|(_, kib)| *kib),
        })
        .collect()
}

/// KiB by process.
pub fn read(endpoints: &Endpoints) -> Vec<(String, Option<u64>)> {
    endpoints
        .processes
        .iter()
        .map(|process| (process.name.clone(), process.pid.and_then(resident)))
        .collect()
}

fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
