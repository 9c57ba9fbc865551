//! What a test program that doesn't end is doing: its tests that still run, its threads, and its children.

use std::fs;

/// The tests that libtest has told to run for long, and whose end it has not.
pub(crate) fn unended(log: &str) -> Vec<&str> {
    let told = log.lines().filter_map(|line| {
        line.strip_prefix("test ")?
            .strip_suffix(" has been running for over 60 seconds")
    });
    told.filter(|test| !log.contains(&format!("test {test} ... ")))
        .collect()
}

/// The threads, named after tests in their first 15 characters, and the children; empty where the process is gone.
pub(crate) fn alive(pid: u32) -> String {
    let threads: Vec<String> = names(&format!("/proc/{pid}/task"))
        .into_iter()
        .filter_map(|thread| fs::read_to_string(format!("/proc/{pid}/task/{thread}/comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect();
    let children: Vec<String> = names("/proc")
        .into_iter()
        .filter(|other| parent(other) == Some(pid))
        .filter_map(|child| Some(format!("{child}: {}", command(&child)?)))
        .collect();
    format!("threads: {}\nchildren:\n{}", threads.join(", "), children.join("\n"))
}

fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// `/proc/PID/stat`: the fourth field, counted from after the name, which may hold anything.
fn parent(pid: &str) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

/// The first words of the command; arguments may be long.
fn command(pid: &str) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = String::from_utf8_lossy(&line).replace('\0', " ");
    Some(words.chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn tests_without_an_end_are_known_from_what_libtest_prints() {
        let log = "test a::slow has been running for over 60 seconds\ntest b::hangs has been running for over 60 seconds\n\
                   test c::fast ... ok\ntest a::slow ... ok\n";
        assert_eq!(unended(log), ["b::hangs"]);
    }

    #[test]
    fn a_test_that_hangs_and_what_it_waits_for_are_named() {
        let mut child = std::process::Command::new("sleep").arg("3600").spawn().unwrap();
        let command = format!("{}: sleep 3600", child.id());
        let is_named = |told: &str| told.contains(&command);
        // spawn() returns when the child's old memory is gone, a moment before its command can be read.
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut told = alive(std::process::id());
        while !is_named(&told) && Instant::now() < deadline {
            told = alive(std::process::id());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(told.contains("alive::tests::"), "{told}");
        assert!(is_named(&told), "{told}");
    }
}
