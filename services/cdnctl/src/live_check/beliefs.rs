//! The assumptions about AWS ("beliefs"). docs/aws-rules.md names these in its table of beliefs, in the same words.

use serde::{Deserialize, Serialize};

/// A belief.
#[derive(Debug)]
pub(super) struct Belief {
    pub(super) id: &'static str,
    pub(super) words: &'static str,
}

pub(super) const FUNCTION: &Belief = &Belief {
    id: "function",
    words: "Function creation under the shipped policy: made, published and deleted",
};
pub(super) const P256: &Belief = &Belief {
    id: "p256",
    words: "A P-256 key in IAM: CloudFront accepts its certificate",
};
pub(super) const TWO_CHANGES: &Belief = &Belief {
    id: "two-certificate-changes",
    words: "Two certificate changes within a minute: both are accepted",
};
pub(super) const WEB_ACL: &Belief = &Belief {
    id: "web-acl",
    words: "An update with a web ACL: accepted under the shipped policy",
};
pub(super) const DEPLOYMENT: &Belief = &Belief {
    id: "deployment",
    words: "Deployment times: a change is deployed within 30 minutes",
};
pub(super) const ALIAS: &Belief = &Belief {
    id: "alias",
    words: "How long an alias stays taken after a deletion: it is free at once",
};
pub(super) const VISIBLE: &Belief = &Belief {
    id: "visible",
    words: "How long a new certificate is not visible: less than 15 minutes",
};
pub(super) const TRUSTED: &Belief = &Belief {
    id: "trusted-ca",
    words: "Certificates of a CA that browsers do not trust: CloudFront refuses them",
};
pub(super) const DELETABLE: &Belief = &Belief {
    id: "delete-conflict",
    words: "How long IAM keeps a certificate after its distribution was deleted: it can be deleted at once",
};

/// All beliefs, in the order of the report.
pub(super) const ALL: [&Belief; 9] = [
    FUNCTION,
    P256,
    TWO_CHANGES,
    WEB_ACL,
    DEPLOYMENT,
    ALIAS,
    VISIBLE,
    TRUSTED,
    DELETABLE,
];

/// What an observation says about a belief.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    NotSeen,
    Confirmed,
    Refuted,
}

impl Verdict {
    /// Confirmed if it holds.
    pub(super) fn of(holds: bool) -> Self {
        if holds { Self::Confirmed } else { Self::Refuted }
    }

    /// The text in the report.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NotSeen => "not seen",
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
        }
    }
}

/// The observations about a belief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) verdict: Verdict,
    pub(super) observed: Vec<String>,
}

impl Seen {
    /// Adds an observation. A refuted belief stays refuted.
    pub(super) fn add(&mut self, verdict: Verdict, observed: String) {
        self.verdict = self.verdict.max(verdict);
        if !self.observed.contains(&observed) {
            self.observed.push(observed);
        }
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            verdict: Verdict::NotSeen,
            observed: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refuted_once_stays_refuted() {
        let mut seen = Seen::default();
        for (verdict, becomes) in [
            (Verdict::NotSeen, Verdict::NotSeen),
            (Verdict::Confirmed, Verdict::Confirmed),
            (Verdict::Refuted, Verdict::Refuted),
            (Verdict::Confirmed, Verdict::Refuted),
        ] {
            seen.add(verdict, "said".to_owned());
            assert_eq!(seen.verdict, becomes);
        }
        assert_eq!(seen.observed, ["said"]);
    }

    #[test]
    fn no_id_is_there_twice() {
        let ids: std::collections::BTreeSet<_> = ALL.iter().map(|belief| belief.id).collect();
        assert_eq!(ids.len(), ALL.len());
    }

    #[test]
    fn the_rules_name_each_in_these_words() {
        let rules = include_str!("../../../../docs/aws-rules.md");
        for belief in ALL {
            assert!(rules.contains(&format!("| {} |", belief.words)), "{}", belief.words);
        }
    }
}
