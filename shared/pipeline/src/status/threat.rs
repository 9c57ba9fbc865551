//! What threatens a domain that the instance has or had: another instance that proves it, or a proof that is gone.

use time::OffsetDateTime;

use super::words::moment;
use super::{DomainView, View};
use crate::proof::ToSet;
use crate::reason::Reason;

/// What is to be told of a domain even when no operation is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threat {
    /// It moved to another instance.
    Lost(OffsetDateTime),
    /// It moves there, unless something proves it for this one.
    Moves(OffsetDateTime),
    /// Nothing is lost yet, but the next renewal waits for the tenant.
    ProofGone(OffsetDateTime),
}

impl Threat {
    /// The one that matters most; mostly there is none.
    pub(crate) fn of(domain: &DomainView) -> Option<Self> {
        let lost = domain.lost_at.map(Self::Lost);
        let moves = || domain.loses_at.map(Self::Moves);
        let gone = || domain.proof_gone_at.map(Self::ProofGone);
        lost.or_else(moves).or_else(gone)
    }

    /// In words; the records are to follow.
    pub(crate) fn said(self, domain: &DomainView) -> String {
        let name = &domain.domain;
        match self {
            Self::Lost(at) => format!(
                "{name} was proved by another service instance and has belonged to it since {}: leave {name} out of \
                 this one's domains.",
                moment(at)
            ),
            Self::Moves(at) => format!(
                "Another service instance has proved {name}, and nothing proves it for this one any more: it moves \
                 there at {}. To keep it, set one of these:",
                moment(at)
            ),
            Self::ProofGone(since) => {
                let seen = domain.proof_seen.as_ref().map(Reason::to_string).unwrap_or_default();
                format!(
                    "Nothing proves {name} any more since {}: {}. Its certificate can't be renewed like this. Set one of these:",
                    moment(since),
                    seen.trim_end_matches('.')
                )
            }
        }
    }

    /// The records of which any one averts it.
    pub(crate) fn remedies(self, view: &View, domain: &DomainView) -> Vec<ToSet> {
        match self {
            Self::Lost(_) => Vec::new(),
            Self::Moves(_) => {
                let alias = Self::alias(view, domain);
                alias.into_iter().chain(view.set_once(domain)).collect()
            }
            Self::ProofGone(_) => view.set_once(domain),
        }
    }

    /// What keeps a domain without any proof: it leads to the instance's distribution.
    pub(crate) fn alias(view: &View, domain: &DomainView) -> Option<ToSet> {
        let target = view.distribution_domain.clone()?;
        let name = domain.domain.clone();
        Some(ToSet::Cname { name, target })
    }
}
