//! The implementation for tests.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::OnceLock;

use nix::sys::signal::{Signal, raise};

tokio::task_local! {
    static WORK: Work;
}

struct Work {
    kind: &'static str,
    instance: String,
    calls: Cell<u32>,
}

/// Runs a step of this kind, of this instance: the points that it passes carry its name, and its external calls are
/// counted.
pub async fn within<T>(kind: &'static str, instance: &str, work: impl Future<Output = T>) -> T {
    let begun = Work {
        kind,
        instance: instance.to_string(),
        calls: Cell::new(0),
    };
    WORK.scope(begun, work).await
}

/// A crash point: if a test has armed it, the process ends or freezes here.
pub fn at(place: &str) {
    let Some(folder) = folder() else { return };
    let Ok(point) = WORK.try_with(|work| format!("{}@{place}", work.kind)) else {
        return;
    };
    let armed = folder.join(&point);
    let Ok(order) = std::fs::read_to_string(&armed) else {
        return;
    };
    let (order, whose) = order.trim().split_once(' ').unwrap_or((order.trim(), ""));
    if !whose.is_empty() && WORK.try_with(|work| work.instance != whose).unwrap_or(true) {
        return;
    }
    let hit = folder.join(format!("{point}.hit"));
    // The process that renames the file hits the point: others find the file gone.
    if std::fs::rename(&armed, &hit).is_err() || std::fs::write(&hit, std::process::id().to_string()).is_err() {
        return;
    }
    match order {
        "freeze" => drop(raise(Signal::SIGSTOP)),
        "mark" => {}
        "panic" => panic!("as a test wants it"),
        "hang" => loop {
            std::thread::park();
        },
        _ => std::process::abort(),
    }
}

/// An external call is about to be made; calls are numbered within their attempt.
pub fn call() {
    let number = WORK.try_with(|work| {
        work.calls.set(work.calls.get() + 1);
        work.calls.get()
    });
    if let Ok(number) = number {
        at(&format!("call-{number}"));
    }
}

/// Its response has arrived, and it may have taken effect: nothing of it is recorded yet.
pub fn answer() {
    if let Ok(number) = WORK.try_with(|work| work.calls.get()) {
        at(&format!("answer-{number}"));
    }
}

fn folder() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER
        .get_or_init(|| std::env::var_os("CRASH_POINTS").map(PathBuf::from))
        .as_ref()
}
