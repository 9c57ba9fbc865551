//! CAA records that forbid the CA to issue.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::txt::with_alias;
use crate::caa::{CaaExpected, Forbidden};
use crate::proof::Method;

/// CAA records that allow none of the challenge types (RFC 8659).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaaForbids {
    /// The name that has them.
    pub name: String,
    /// The target of its CNAMEs.
    pub alias: Option<String>,
    /// The server that answered.
    pub server: String,
    /// What they forbid …
    pub why: Forbidden,
    /// … for this challenge type.
    pub method: Method,
    /// What they would have to allow.
    pub expected: CaaExpected,
}

impl fmt::Display for CaaForbids {
    /// Which record, its content, the server, and what to change.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = with_alias(&format!("CAA {}", self.name), self.alias.as_deref());
        let owner = self.alias.as_ref().unwrap_or(&self.name);
        write!(
            f,
            "{record} {} (at {}): {}",
            self.why.seen(self.method),
            self.server,
            self.why.remedy(owner, &self.expected, self.method)
        )
    }
}
