//! What the person sees.

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

/// A heading.
pub(crate) fn heading(text: &str) {
    println!("\n\x1b[1m== {text}\x1b[0m");
}

/// A line of the story.
pub(crate) fn line(text: &str) {
    println!("   {text}");
}

/// What somebody types.
pub(crate) fn typed(text: &str) {
    println!("   \x1b[36m$ {text}\x1b[0m");
}

/// A block of text as `cf service` would show it.
pub(crate) fn quote(text: &str) {
    for line in text.lines() {
        println!("   \x1b[2m|\x1b[0m {line}");
    }
}

/// One line that is written over while things go on; on a pipe, a line for each change.
pub(crate) struct Live {
    begun: Instant,
    last: String,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            last: String::new(),
        }
    }

    pub(crate) fn show(&mut self, text: &str) {
        let elapsed = self.begun.elapsed().as_secs_f64();
        if std::io::stdout().is_terminal() {
            print!("\r\x1b[K   [{elapsed:5.1} s] {text}");
            let _ = std::io::stdout().flush();
        } else if text != self.last {
            println!("   [{elapsed:5.1} s] {text}");
        }
        self.last = text.to_string();
    }

    pub(crate) fn end(self) {
        if std::io::stdout().is_terminal() {
            println!();
        }
    }
}
