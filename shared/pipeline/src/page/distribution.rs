//! The distribution: where the domains lead, and what it is set to.

use super::Page;
use super::names::Name;
use super::settings_in_words::{Setting, in_words};
use crate::operation::{OperationKind, OperationState};
use crate::status::View;
use crate::status::notes::{self, Then};
use crate::status::words::capitalized;
use crate::step::StepKind;

/// The distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// Whether all edges have it, as far as that is known.
    pub deployed: Option<String>,
    /// What its name is good for now.
    pub then: Option<String>,
    /// The domains that lead there, or are to lead there.
    pub aliases: Vec<Alias>,
    /// Its settings in words.
    pub settings: Vec<Setting>,
}

/// A domain that leads to the distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The domain.
    pub name: Name,
    /// CloudFront's name of the distribution.
    pub target: String,
}

impl Page {
    /// The distribution of the instance.
    pub fn distribution(&self) -> Distribution {
        let view = &self.status;
        let is_running = view.state == OperationState::Running;
        Distribution {
            aliases: aliases(view),
            deployed: self.deployed(),
            then: Then::of(view)
                .filter(|_| is_running && view.kind != OperationKind::Deprovision)
                .map(|then| match then {
                    Then::Point(target) => format!("{} {target} {}", notes::POINT, notes::ONCE_IT_SUCCEEDED),
                    Then::NotYet => notes::NOT_YET.join(" "),
                }),
            settings: in_words(&self.facts.settings),
        }
    }

    fn deployed(&self) -> Option<String> {
        let mut steps = [Some(&self.status), self.renewal.as_ref()]
            .into_iter()
            .flatten()
            .filter(|view| view.state == OperationState::Running)
            .flat_map(|view| &view.steps);
        if steps.any(|step| step.kind == StepKind::AwaitDeployment) {
            return Some(capitalized(StepKind::AwaitDeployment.doing()) + ".");
        }
        let is_done = self.status.state == OperationState::Succeeded && self.renewal.is_none();
        is_done.then(|| "Deployed: every edge has its settings.".to_owned())
    }
}

/// Nothing is to lead to what is being deleted, or was never completed.
fn aliases(view: &View) -> Vec<Alias> {
    let is_of_use = match (view.kind, view.state) {
        (OperationKind::Deprovision, _) => false,
        (OperationKind::Provision, state) => matches!(state, OperationState::Running | OperationState::Succeeded),
        (OperationKind::Update | OperationKind::Renew, _) => true,
    };
    let Some(target) = view.distribution_domain.as_ref().filter(|_| is_of_use) else {
        return Vec::new();
    };
    let ours = view.domains.iter().filter(|domain| domain.lost_at.is_none());
    ours.map(|domain| Alias {
        name: Name::of(&domain.domain),
        target: target.clone(),
    })
    .collect()
}
