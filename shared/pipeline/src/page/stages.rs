//! Where an operation is on its way: a stage for each kind of step, in the order of the plan.

use time::OffsetDateTime;

use super::facts::{Facts, OperationFacts, StageFacts};
use super::usual::usually;
use crate::operation::OperationState;
use crate::plan::{self, Shape};
use crate::shown::lasting;
use crate::status::words::capitalized;
use crate::status::working::doing;
use crate::step::StepKind;

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What is done in it.
    pub what: String,
    /// How far it is.
    pub state: StageState,
    /// How many of several are done.
    pub count: Option<String>,
    /// How long it took, or how long it has been going on.
    pub time: Option<String>,
    /// How long it usually takes.
    pub usual: Option<String>,
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageState {
    /// Done.
    Done,
    /// At work, or waiting.
    Now,
    /// It comes later.
    Later,
    /// It failed, and the operation with it.
    Failed,
    /// It was given up, or isn't needed any more.
    Dropped,
    /// The operation ended before it.
    NotReached,
}

impl StageState {
    /// In a word or two.
    pub fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Now => "now",
            Self::Later => "later",
            Self::Failed => "failed",
            Self::Dropped => "not needed any more",
            Self::NotReached => "not reached",
        }
    }

    /// Its name in the style sheet.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Now => "now",
            Self::Failed => "failed",
            Self::Later | Self::Dropped | Self::NotReached => "later",
        }
    }

    /// Whether it took its time, or will.
    fn is_measured(self) -> bool {
        matches!(self, Self::Done | Self::Now | Self::Later)
    }

    /// Whether it is the one at which the operation is.
    pub fn is_current(self) -> bool {
        self == Self::Now
    }
}

/// The stages of an operation, those that are not reached included.
pub(super) fn stages(operation: &OperationFacts, facts: &Facts, now: OffsetDateTime) -> Vec<Stage> {
    let shape = Shape {
        new_certificate: operation.new_certificate,
        function: operation.function,
        adopted: facts.adopted,
    };
    order(plan::path(operation.kind, shape), &operation.stages)
        .into_iter()
        .map(|kind| stage(kind, operation, facts, now))
        .collect()
}

/// The plan's order, with what runs beside it after the step that began it: an operation of another version may have other steps.
fn order(path: Vec<StepKind>, there: &[StageFacts]) -> Vec<StepKind> {
    let mut order = path;
    let mut after = 0;
    for stage in there {
        match order.iter().position(|kind| *kind == stage.kind) {
            Some(at) => after = after.max(at + 1),
            None => {
                order.insert(after, stage.kind);
                after += 1;
            }
        }
    }
    order
}

fn stage(kind: StepKind, operation: &OperationFacts, facts: &Facts, now: OffsetDateTime) -> Stage {
    let there = operation.stages.iter().find(|stage| stage.kind == kind);
    let state = state(there, operation.state);
    Stage {
        what: capitalized(doing(kind, operation.kind)),
        state,
        count: there
            .filter(|stage| stage.count > 1)
            .map(|stage| format!("{} of {}", stage.done, stage.count)),
        time: there.and_then(|stage| time(stage, state, now)),
        usual: usually(&facts.usual, operation.kind, kind).filter(|_| state.is_measured()),
    }
}

fn state(there: Option<&StageFacts>, operation: OperationState) -> StageState {
    match there {
        Some(stage) if stage.failed > 0 => StageState::Failed,
        Some(stage) if stage.waiting > 0 => StageState::Now,
        Some(stage) if stage.done == stage.count => StageState::Done,
        Some(_) => StageState::Dropped,
        None if operation == OperationState::Running => StageState::Later,
        None => StageState::NotReached,
    }
}

fn time(stage: &StageFacts, state: StageState, now: OffsetDateTime) -> Option<String> {
    match (state, stage.ended_at) {
        (StageState::Now, _) => Some(format!("for {} so far", lasting(now - stage.begun_at))),
        (StageState::Done | StageState::Failed, Some(ended)) => {
            Some(format!("took {}", lasting(ended - stage.begun_at)))
        }
        _ => None,
    }
}
