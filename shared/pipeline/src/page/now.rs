//! What an operation does now, and who has to act.

use super::facts::{Facts, OperationFacts};
use super::stages::{Stage, stages};
use crate::operation::{OperationKind, OperationState};
use crate::status::{View, Whose, notes, situation};

/// An operation as the page shows it first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Now {
    /// Who has to act.
    pub whose: Whose,
    /// What is waited for. The first line is that of the status text.
    pub says: Vec<String>,
    /// After what is said: the name to which the domains are to be pointed.
    pub target: Option<String>,
    /// What else is to be said.
    pub notes: Vec<String>,
    /// Its stages.
    pub stages: Vec<Stage>,
}

impl Now {
    /// `operation` is the one that the view is of.
    pub(super) fn of(view: &View, operation: Option<&OperationFacts>, facts: &Facts) -> Self {
        let situation = situation(view);
        let notes = match (view.state, view.kind) {
            (_, OperationKind::Deprovision) | (OperationState::Failed | OperationState::Superseded, _) => Vec::new(),
            (OperationState::Running, _) => notes::notes(view, !situation.needy.is_empty()),
            (OperationState::Succeeded, _) => notes::renewal(view).into_iter().collect(),
        };
        let is_ready = view.state == OperationState::Succeeded && view.kind != OperationKind::Deprovision;
        Self {
            whose: situation.whose,
            says: situation.says,
            target: view.distribution_domain.clone().filter(|_| is_ready),
            notes,
            stages: operation.map_or_else(Vec::new, |operation| stages(operation, facts, view.now)),
        }
    }

    /// Who has to act, in a few words.
    pub fn whose_move(&self) -> &'static str {
        match self.whose {
            Whose::Yours => "Your move",
            Whose::Brokers => "In progress",
            // The word for which the sentences tell users to wait.
            Whose::Done => "Succeeded",
            Whose::Failed => "Failed",
            Whose::GivenUp => "Given up",
        }
    }

    /// Its name in the style sheet.
    pub fn name(&self) -> &'static str {
        match self.whose {
            Whose::Yours => "yours",
            Whose::Brokers => "progress",
            Whose::Done => "done",
            Whose::Failed => "failed",
            Whose::GivenUp => "given-up",
        }
    }
}
