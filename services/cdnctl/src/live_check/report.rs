//! The final report: each belief, and what is left.

use serde::Serialize;

use super::beliefs::{ALL, Seen, Verdict};
use super::clean_up::Left;
use super::state::{Done, State};
use crate::{shown, table};

/// The whole report.
#[derive(Debug, Serialize)]
pub(super) struct Report<'s> {
    run: &'s str,
    domain: &'s str,
    acme_directory_url: &'s str,
    steps: &'s [Done],
    beliefs: Vec<Line>,
    /// Why the check did not complete.
    ended: Option<&'s str>,
    left: Vec<Left>,
}

/// A belief, and the observations about it.
#[derive(Debug, Serialize)]
struct Line {
    id: &'static str,
    belief: &'static str,
    #[serde(flatten)]
    seen: Seen,
}

impl<'s> Report<'s> {
    pub(super) fn new(state: &'s State, left: Vec<Left>) -> Self {
        let line = |belief: &&'static super::beliefs::Belief| Line {
            id: belief.id,
            belief: belief.words,
            seen: state.seen.get(belief.id).cloned().unwrap_or_default(),
        };
        Self {
            run: &state.run,
            domain: &state.domain,
            acme_directory_url: &state.acme_directory_url,
            steps: &state.done,
            beliefs: ALL.iter().map(line).collect(),
            ended: state.ended.as_deref(),
            left,
        }
    }

    /// Whether the check completed. A refuted belief is a result as well.
    pub(super) fn is_whole(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether nothing is left.
    pub(super) fn is_clean(&self) -> bool {
        self.left.is_empty()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let rows: Vec<_> = self.beliefs.iter().map(row).collect();
        let mut lines = table::lines(["BELIEF", "VERDICT", "OBSERVED"], &rows);
        if let Some(why) = self.ended {
            lines.extend([String::new(), format!("It did not complete: {}", shown::clean(why))]);
        }
        lines.push(String::new());
        match self.left.as_slice() {
            [] => lines.push("Nothing is left in AWS.".to_owned()),
            left => {
                lines.push("Left in AWS (--resume tries again, and these commands by hand):".to_owned());
                for left in left {
                    lines.push(format!("  {}: {}", left.what, shown::clean(&left.why)));
                    lines.push(format!("    {}", left.command));
                }
            }
        }
        lines
    }
}

fn row(line: &Line) -> [String; 3] {
    let observed = match (line.seen.verdict, line.seen.observed.as_slice()) {
        (Verdict::NotSeen, []) => shown::none(),
        (_, observed) => shown::clean(&observed.join("; ")),
    };
    [line.belief.to_owned(), line.seen.verdict.words().to_owned(), observed]
}
