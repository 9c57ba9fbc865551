//! The commands of a running stack: JSON lines on its standard input, each answered by one on its standard output.

use serde::{Deserialize, Serialize};

use crate::endpoints::Endpoints;
use crate::options::Peer;

/// A command.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "cmd", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Sends a signal to a process (its whole group). After `KILL`, `TERM` and `QUIT` the answer is sent when the
    /// process has ended.
    Kill {
        /// The process.
        name: String,
        /// The signal.
        signal: Signal,
    },
    /// Starts a process that isn't running, on the same ports and folders, and waits until it is ready.
    Start {
        /// The process.
        name: String,
        /// False: don't wait. The work that follows a process's start (PostgreSQL's database, Pebble's new root) is
        /// then not done.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        wait: bool,
    },
    /// Stops a process gracefully and starts it again.
    Restart {
        /// The process.
        name: String,
    },
    /// Adjusts a proxy; omitted fields stay unchanged.
    Proxy {
        /// The process whose link to the peer is adjusted; `None`: the proxy that all processes share.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        process: Option<String>,
        /// The peer.
        peer: Peer,
        /// Round trip to add, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        latency_ms: Option<u64>,
        /// True: close all connections and refuse new ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cut: Option<bool>,
        /// True: connections stay open and are accepted, but no byte passes until it is false again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        black_hole: Option<bool>,
    },
    /// Answers with fresh [`Endpoints`] (process ids change when processes restart).
    Endpoints,
    /// Stops everything; the answer is sent before that.
    Stop,
}

/// A signal for [`Command::Kill`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Signal {
    Kill,
    Term,
    Stop,
    Cont,
    /// PostgreSQL's immediate shutdown.
    Quit,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_yes(value: &bool) -> bool {
    *value
}

/// The answer to a [`Command`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it succeeded.
    pub ok: bool,
    /// The reason for a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The process id after a start or restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// For [`Command::Endpoints`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Box<Endpoints>>,
}
