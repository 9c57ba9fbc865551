//! The tenant's page as facts and sentences, without markup. It is made of the same view as the status text, and where the text
//! has a sentence for something, the page has that one; what stands beside it (steps, certificates, earlier operations) is in
//! [`Facts`].

mod certificate;
mod changes;
mod check;
mod distribution;
mod domains;
mod facts;
mod history;
mod lookalike;
mod names;
mod now;
mod outside;
mod proof;
mod settings_in_words;
mod stages;
mod standing;
mod to_set;
mod usual;

pub use certificate::{EarlierCertificate, Life, Validity};
pub use changes::{Change, Requested, changes};
pub use check::Check;
pub use distribution::{Alias, Distribution};
pub use domains::{DomainGroup, DomainRow, Seen};
pub use facts::{
    CertificateFacts, ClaimFacts, Facts, LookFacts, NewsFacts, OperationFacts, OutsideFacts, ProofFacts, StageFacts,
    UsualFacts,
};
pub use history::{Attempt, HistoryRow};
pub use lookalike::Lookalike;
pub use names::Name;
pub use now::Now;
pub use outside::{OutsideCheck, OutsideDomain, OutsideSeen};
pub use proof::Proof;
pub use settings_in_words::Setting;
pub use stages::{Stage, StageState};
pub use standing::{Group, Standing};
pub use to_set::{RecordRow, Way};

use crate::operation::{OperationKind, OperationState};
use crate::status::{View, moment};

/// Everything that the page of an instance is made of.
#[derive(Debug, Clone)]
pub struct Page {
    /// The newest operation that a platform asked for: what its user reads in the status.
    pub status: View,
    /// The renewal that runs or failed, which no platform sees.
    pub renewal: Option<View>,
    /// What stands beside it.
    pub facts: Facts,
}

impl Page {
    /// What the page is about: the domains, or the first of several.
    pub fn title(&self) -> String {
        match self.status.domains.as_slice() {
            [] => "Your CDN service".to_owned(),
            [only] => only.domain.clone(),
            [first, more @ ..] => format!("{} and {} more", first.domain, more.len()),
        }
    }

    /// When all of it was read.
    pub fn read_at(&self) -> String {
        moment(self.status.now)
    }

    /// The operation in which the domains are proved now, or were last: no renewal runs beside what a platform asked for.
    pub fn proving(&self) -> &View {
        let renewal = self.relevant_renewal();
        renewal
            .filter(|_| self.status.state != OperationState::Running)
            .unwrap_or(&self.status)
    }

    /// What the newest operation does, and who has to act.
    pub fn now(&self) -> Now {
        let mut asked = self.facts.operations.iter();
        let operation = asked.find(|operation| operation.kind != OperationKind::Renew);
        Now::of(&self.status, operation, &self.facts)
    }

    /// The same for the renewal.
    pub fn renewal_now(&self) -> Option<Now> {
        let view = self.relevant_renewal()?;
        let mut all = self.facts.operations.iter();
        let operation = all.find(|operation| Some(operation.id) == self.facts.renewal);
        Some(Now::of(view, operation, &self.facts))
    }

    /// Nothing is renewed any more once the service is to be deleted.
    fn relevant_renewal(&self) -> Option<&View> {
        let renewal = self.renewal.as_ref();
        renewal.filter(|_| self.status.kind != OperationKind::Deprovision)
    }
}

#[cfg(test)]
mod tests;
