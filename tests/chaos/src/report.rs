//! The report as a table.

use std::fmt::Write as _;

use crate::facts::Seen;
use crate::memory::Memory;
use crate::verdict::Line;

/// Most ids that are named per line.
const MOST_NAMED: usize = 12;
const WIDTH: usize = 72;

/// The table, and the number of broken promises.
pub fn table(title: &str, lines: &[Line], seen: &Seen, memory: &[Memory]) -> (String, usize) {
    let mut text = format!("\n{title}\n");
    let mut row = |what: &str, value: &str, mark: &str| {
        let what: String = if what.chars().count() > 180 {
            what.chars().take(179).chain(['…']).collect()
        } else {
            what.to_owned()
        };
        let _ = writeln!(text, "  {what:WIDTH$} {value:>10}  {mark}");
    };
    for (kind, count) in &seen.faults {
        row(&format!("fault: {kind}"), &count.to_string(), "");
    }
    for (what, count) in &seen.unmade {
        row(&format!("fault not made: {what}"), &count.to_string(), "");
    }
    for (request, count) in &seen.requests {
        row(&format!("request: {request}"), &count.to_string(), "");
    }
    for line in lines {
        let mark = match line.kept {
            None => "",
            Some(true) => "ok",
            Some(false) => "BROKEN",
        };
        row(&line.what, &line.value, mark);
        if line.kept != Some(true) {
            for one in line.which.iter().take(MOST_NAMED) {
                row(&format!("    {one}"), "", "");
            }
            if let Some(more @ 1..) = line.which.len().checked_sub(MOST_NAMED) {
                row(&format!("    and {more} more"), "", "");
            }
        }
    }
    for one in memory {
        row(
            &format!("memory: {} (MiB at the start, at the end, at most)", one.process),
            &format!("{}, {}, {}", mib(one.start), mib(one.end), mib(one.peak)),
            "",
        );
    }
    let broken = lines.iter().filter(|line| line.kept == Some(false)).count();
    let _ = writeln!(
        text,
        "{}",
        match broken {
            0 => "every promise was kept".to_owned(),
            1 => "1 promise is BROKEN".to_owned(),
            many => format!("{many} promises are BROKEN"),
        }
    );
    (text, broken)
}

fn mib(kib: Option<u64>) -> String {
    kib.map_or("-".to_owned(), |kib| (kib / 1024).to_string())
}
