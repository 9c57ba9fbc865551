//! What it was measured on.

use std::process::Command;

use time::OffsetDateTime;

use crate::form::Form;

/// Processor, memory, kernel, commit, date and form, in one line. What can't be found is left out.
pub(crate) fn line(form: &Form) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let mut known = vec![OffsetDateTime::now_utc().date().to_string()];
    known.extend(commit().map(|commit| format!("commit {commit}")));
    known.push(match value(&read("/proc/cpuinfo"), "model name") {
        Some(model) => format!("{processors} processors ({model})"),
        None => format!("{processors} processors"),
    });
    known.extend(
        value(&read("/proc/meminfo"), "MemTotal").and_then(|total| mebibytes(&total).map(|mib| format!("{mib} MiB"))),
    );
    known.push(format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()));
    known.push(format!("{} form, {} rounds", form.pick("long", "short"), form.rounds()));
    format!("Measured {}.", known.join(", "))
}

fn commit() -> Option<String> {
    let output = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// The value of the first line `name : value`.
fn value(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim().to_owned())
    })
}

/// Of a text such as `8123456 kB`.
fn mebibytes(text: &str) -> Option<u64> {
    let kib: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_name() {
        let text = "MemFree: 1 kB\nMemTotal:       8388608 kB\nmodel name\t: Some CPU @ 2.0: GHz\n";
        assert_eq!(value(text, "MemTotal").and_then(|total| mebibytes(&total)), Some(8192));
        assert_eq!(value(text, "model name").as_deref(), Some("Some CPU @ 2.0: GHz"));
        assert_eq!(value(text, "Mem"), None);
    }
}
