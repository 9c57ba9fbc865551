//! CAA records that keep the CA from issuing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::txt::with_alias;
use crate::caa::{CaaExpected, Forbidden};
use crate::proof::Method;

/// CAA records that allow none of the ways (RFC 8659).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaaForbids {
    /// The name that has them.
    pub name: String,
    /// Where its CNAMEs lead.
    pub alias: Option<String>,
    /// Who said so.
    pub server: String,
    /// What they forbid …
    pub why: Forbidden,
    /// … by this way.
    pub method: Method,
    /// What they would have to allow.
    pub expected: CaaExpected,
}

impl fmt::Display for CaaForbids {
    /// Which record, what it says, at which server, what to change.
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
