//! Where a domain stands, in two words, and with which others it is listed.

use crate::operation::{OperationKind, OperationState};
use crate::status::{DomainView, Threat, View, is_in_place, is_plain_absence, is_proved, waits_for_the_broker};
use crate::step::StepState;

/// Where a domain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is set yet.
    NothingFound,
    /// Something is set, but wrong or not everywhere.
    NotInPlace,
    /// The CA rejected it.
    Rejected,
    /// It is proved, but its CAA records forbid the CA to issue.
    CaaForbids,
    /// Nothing proves it any more.
    ProofGone,
    /// It is about to move to another instance.
    Moves,
    /// It moved to another instance.
    Lost,
    /// The operation ended without a proof.
    NotProved,
    /// The order is being placed.
    Ordering,
    /// The proof is in place, and time has to pass.
    InPlace,
    /// The proof is in place, and the domain is about to move here.
    Arrives,
    /// The CNAME is in place, and the broker's value is not there yet.
    Publishing,
    /// The service is being deleted.
    BeingRemoved,
    /// The service could not be deleted.
    NotRemoved,
    /// It is verified in this operation.
    Verified,
    /// The service serves it.
    Served,
}

/// Domains that are listed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Their tenant has to act.
    NeedsYou,
    /// Others are at work.
    InProgress,
    /// Nothing is left to do.
    Verified,
}

impl Standing {
    /// `is_needy`: the operation waits for its tenant; `has`: the instance has the domain.
    pub(super) fn of(view: &View, domain: &DomainView, is_needy: bool, has: bool) -> Self {
        match threat(view, domain) {
            Some(Threat::Lost(_)) => Self::Lost,
            _ if is_needy => of_needy(domain),
            Some(Threat::Moves(_)) => Self::Moves,
            Some(Threat::ProofGone(_)) => Self::ProofGone,
            None if view.kind == OperationKind::Deprovision => match view.state {
                OperationState::Failed => Self::NotRemoved,
                OperationState::Running | OperationState::Succeeded | OperationState::Superseded => Self::BeingRemoved,
            },
            None => match view.state {
                OperationState::Running => at_work(domain, has),
                OperationState::Succeeded => Self::Served,
                OperationState::Failed | OperationState::Superseded => ended(domain, has),
            },
        }
    }

    /// In two words or so.
    pub fn label(self) -> &'static str {
        match self {
            Self::NothingFound => "Nothing found yet",
            Self::NotInPlace => "Not in place",
            Self::Rejected => "Rejected by the CA",
            Self::CaaForbids => "CAA records forbid it",
            Self::ProofGone => "Proof gone",
            Self::Moves => "About to leave",
            Self::Lost => "Left",
            Self::NotProved => "Not proved",
            Self::Ordering => "Being ordered",
            Self::InPlace => "In place",
            Self::Arrives => "In place, about to arrive",
            Self::Publishing => "CNAME in place",
            Self::BeingRemoved => "Being removed",
            Self::NotRemoved => "Not removed",
            Self::Verified => "Verified",
            Self::Served => "Served",
        }
    }

    /// With which others it is listed.
    pub fn group(self) -> Group {
        match self {
            Self::NothingFound
            | Self::NotInPlace
            | Self::Rejected
            | Self::CaaForbids
            | Self::ProofGone
            | Self::Moves
            | Self::Lost
            | Self::NotProved
            | Self::NotRemoved => Group::NeedsYou,
            Self::Ordering | Self::InPlace | Self::Arrives | Self::Publishing | Self::BeingRemoved => Group::InProgress,
            Self::Verified | Self::Served => Group::Verified,
        }
    }

    /// Whether what the operation saw last tells why: what it saw of other domains may be years old.
    pub(super) fn follows_from_what_was_seen(self) -> bool {
        match self {
            Self::NothingFound
            | Self::NotInPlace
            | Self::Rejected
            | Self::CaaForbids
            | Self::NotProved
            | Self::InPlace
            | Self::Arrives
            | Self::Publishing => true,
            Self::ProofGone
            | Self::Moves
            | Self::Lost
            | Self::Ordering
            | Self::BeingRemoved
            | Self::NotRemoved
            | Self::Verified
            | Self::Served => false,
        }
    }
}

impl Group {
    /// All, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::NeedsYou, Self::InProgress, Self::Verified];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::NeedsYou => "Needs you",
            Self::InProgress => "In progress",
            Self::Verified => "Verified",
        }
    }

    /// Its name in addresses and in the style sheet.
    pub fn name(self) -> &'static str {
        match self {
            Self::NeedsYou => "needs-you",
            Self::InProgress => "in-progress",
            Self::Verified => "verified",
        }
    }
}

/// What threatens the domain, as far as it is to be told: once the service is to be deleted nothing is, and what an operation sees of
/// a proof while it runs is newer than what was seen of it between certificates.
pub(super) fn threat(view: &View, domain: &DomainView) -> Option<Threat> {
    let is_looked_at = view.state == OperationState::Running && domain.step_state.is_some();
    Threat::of(domain).filter(|threat| match threat {
        _ if view.kind == OperationKind::Deprovision => false,
        Threat::Lost(_) | Threat::Moves(_) => true,
        Threat::ProofGone(_) => !is_looked_at,
    })
}

fn of_needy(domain: &DomainView) -> Standing {
    if is_proved(domain) {
        Standing::CaaForbids
    } else if domain.ca_said.is_some() {
        Standing::Rejected
    } else if is_plain_absence(domain) {
        Standing::NothingFound
    } else {
        Standing::NotInPlace
    }
}

/// A domain of an operation that runs, and doesn't wait for its tenant.
fn at_work(domain: &DomainView, has: bool) -> Standing {
    match domain.step_state {
        Some(StepState::Done) => Standing::Verified,
        Some(_) if domain.wins_at.is_some() => Standing::Arrives,
        Some(_) if waits_for_the_broker(domain) => Standing::Publishing,
        Some(_) => Standing::InPlace,
        None if has => Standing::Served,
        None => Standing::Ordering,
    }
}

/// A domain of an operation that came to nothing, perhaps because of another domain.
fn ended(domain: &DomainView, has: bool) -> Standing {
    match domain.step_state {
        Some(StepState::Done) => Standing::Verified,
        None if has => Standing::Served,
        Some(StepState::Cancelled) if has && (is_in_place(domain) || waits_for_the_broker(domain)) => Standing::Served,
        _ => Standing::NotProved,
    }
}
