//! Which headers, cookies or query strings are forwarded.

use crate::access::matches;
use crate::cloudfront::policies::Pass;

/// A rule over names; names are compared case-insensitively and may contain wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// None passes.
    Nothing,
    /// All pass.
    All,
    /// All except these pass.
    AllExcept(Vec<String>),
    /// Only these pass.
    Only(Vec<String>),
}

impl Rule {
    /// Whether a name passes.
    pub fn passes(&self, name: &str) -> bool {
        let named = |names: &[String]| {
            let name = name.to_ascii_lowercase();
            names
                .iter()
                .any(|pattern| matches(&pattern.to_ascii_lowercase(), &name))
        };
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::AllExcept(names) => !named(names),
            Self::Only(names) => named(names),
        }
    }

    /// The pairs of a `Cookie` header or a query string that pass, joined again; `None` when none is left.
    pub fn filter(&self, text: &str, separator: &str) -> Option<String> {
        let kept = text
            .split(separator.trim())
            .map(str::trim)
            .filter(|pair| !pair.is_empty() && self.passes(pair.split('=').next().unwrap_or_default()))
            .collect::<Vec<_>>();
        (!kept.is_empty()).then(|| kept.join(separator))
    }
}

impl From<Pass> for Rule {
    fn from(pass: Pass) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        match pass {
            Pass::Nothing => Self::Nothing,
            Pass::All => Self::All,
            Pass::AllExcept(names) => Self::AllExcept(owned(names)),
            Pass::Only(names) => Self::Only(owned(names)),
        }
    }
}
