//! The plan: which step follows which. A pure function of an operation's steps, so that it can be evaluated again after
//! any crash with the same result; the database's unique key over (operation, kind, subject, round) does the rest.

use time::OffsetDateTime;

use crate::operation::OperationKind;
use crate::step::{StepKind, StepState};

/// What the plan needs to know about an operation.
#[derive(Debug, Clone)]
pub struct Situation {
    /// The operation's kind.
    pub operation: OperationKind,
    /// The instance's domains; for an update, the domains it will have.
    pub domains: Vec<Domain>,
    /// For an update: the certificate in use doesn't cover the domains, expires soon, or one of them is not proved.
    pub new_certificate: bool,
    /// The instance is to have a CloudFront function, or one may have been created for it.
    pub function: bool,
    /// The instance has a distribution that another broker created.
    pub adopted: bool,
    /// Some domains of the current round's order are delegated, or may be: the broker publishes values in its own zone.
    pub delegated: bool,
    /// Every step so far.
    pub steps: Vec<Step>,
}

/// A domain as the plan sees it.
#[derive(Debug, Clone)]
pub struct Domain {
    /// The name.
    pub domain: String,
    /// The CA has a valid authorization for it in the order of the current round, or has issued already: nothing to verify.
    pub authorized: bool,
    /// The CA rejected it; not to be tried before this time.
    pub held_until: Option<OffsetDateTime>,
}

/// A step as the plan sees it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The step's kind.
    pub kind: StepKind,
    /// The domain for `verify-challenge`; empty otherwise.
    pub subject: String,
    /// The number of the order: every step that works on an order carries it, from 1.
    pub round: i32,
    /// The step's state.
    pub state: StepState,
    /// It is done, but only by finding that its order can't be used any more.
    pub order_spent: bool,
}

/// A step that the plan wants to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The step's kind.
    pub kind: StepKind,
    /// The domain for `verify-challenge`; empty otherwise.
    pub subject: String,
    /// Number of the order it works on.
    pub round: i32,
    /// Its initial state.
    pub born: Born,
}

/// A step's initial state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Born {
    /// Due at once.
    Due,
    /// Due at that time.
    Held(OffsetDateTime),
    /// Nothing to do.
    Done,
}

impl Born {
    /// Until when it is held.
    pub fn held_until(self) -> Option<OffsetDateTime> {
        match self {
            Self::Held(until) => Some(until),
            Self::Due | Self::Done => None,
        }
    }
}

/// What should happen next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Next {
    /// Steps to insert.
    pub steps: Vec<Planned>,
    /// Waiting steps of rounds below this one are to be cancelled.
    pub cancel_rounds_below: i32,
    /// Every step of the plan is done.
    pub succeeded: bool,
}

/// The steps that work on a certificate, in sequence, once every domain of the round is verified.
const CERTIFICATE: [StepKind; 4] = [
    StepKind::AnswerChallenges,
    StepKind::AwaitValidation,
    StepKind::FinalizeOrder,
    StepKind::UploadCertificate,
];

/// The steps of a provision after the certificate: nothing is created in CloudFront for names that nobody proved, and
/// the distribution is created with aliases and certificate at once.
const CREATE: [StepKind; 2] = [StepKind::CreateDistribution, StepKind::AwaitDeployment];

/// The steps of a provision that has taken over a distribution, after the certificate: everything is changed in one
/// write.
const TAKE_OVER: [StepKind; 2] = [StepKind::ConfigureDistribution, StepKind::AwaitDeployment];

/// The steps of an update, with or without a new certificate: before the first of these nothing that serves is touched.
/// A certificate that is replaced, or that an earlier update left behind, is removed last, when no edge uses it any
/// more; so is a function, and a function that stays gets a new target only when every edge knows that target.
const CHANGE: [StepKind; 4] = [
    StepKind::ConfigureDistribution,
    StepKind::AwaitDeployment,
    StepKind::SettleFunction,
    StepKind::RetireCertificates,
];

impl StepKind {
    /// Whether CloudFront has already been given an update's configuration when this step runs.
    pub fn follows_configuration(self) -> bool {
        CHANGE[1..].contains(&self)
    }
}

/// The steps of a renewal after the certificate: nothing else of the distribution is touched.
const REPLACE: [StepKind; 3] = [
    StepKind::AttachCertificate,
    StepKind::AwaitDeployment,
    StepKind::RetireCertificates,
];

/// The steps of a deprovision, in sequence.
const DEPROVISION: [StepKind; 5] = [
    StepKind::DisableDistribution,
    StepKind::AwaitDeployment,
    StepKind::DeleteDistribution,
    StepKind::SettleFunction,
    StepKind::RetireCertificates,
];

/// Every step that an operation may have; each order has those of the first row.
const ALL: [&[StepKind]; 7] = [
    &[
        StepKind::PlaceOrder,
        StepKind::PublishChallenges,
        StepKind::VerifyChallenge,
    ],
    &CERTIFICATE,
    &CREATE,
    &TAKE_OVER,
    &CHANGE,
    &REPLACE,
    &DEPROVISION,
];

// A step that no operation would ever have doesn't compile.
const _: () = {
    let mut at = 0;
    while at < StepKind::ALL.len() {
        assert!(is_planned(StepKind::ALL[at]), "a step is in no plan");
        at += 1;
    }
};

const fn is_planned(kind: StepKind) -> bool {
    let mut plan = 0;
    while plan < ALL.len() {
        let mut at = 0;
        while at < ALL[plan].len() {
            if ALL[plan][at] as u8 == kind as u8 {
                return true;
            }
            at += 1;
        }
        plan += 1;
    }
    false
}

/// What follows from the situation. A second call without a change in between plans nothing new.
pub fn next(situation: &Situation) -> Next {
    let shape = Shape {
        new_certificate: situation.new_certificate,
        function: situation.function,
        adopted: situation.adopted,
    };
    match course(situation.operation, shape) {
        (true, with_it) => certify(situation, with_it),
        (false, kinds) => in_sequence(situation, kinds, 0, Next::default()),
    }
}

/// What the steps of an operation depend on beside its kind: see [`Situation`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "see Situation")]
pub struct Shape {
    pub new_certificate: bool,
    pub function: bool,
    pub adopted: bool,
}

/// Whether the operation gets a certificate, and the steps after that.
fn course(operation: OperationKind, shape: Shape) -> (bool, &'static [StepKind]) {
    match operation {
        OperationKind::Provision if shape.adopted => (true, &TAKE_OVER),
        OperationKind::Provision => (true, &CREATE),
        OperationKind::Update => (shape.new_certificate, &CHANGE),
        OperationKind::Deprovision => (false, &DEPROVISION),
        OperationKind::Renew => (true, &REPLACE),
    }
}

/// The kinds of steps from an operation's beginning to its end, if its first order leads to a certificate; without what runs
/// beside them.
pub fn path(operation: OperationKind, shape: Shape) -> Vec<StepKind> {
    let (certified, with_it) = course(operation, shape);
    let order = [StepKind::PlaceOrder, StepKind::VerifyChallenge];
    let certificate = order.into_iter().chain(CERTIFICATE).filter(|_| certified);
    certificate
        .chain(with_it.iter().copied())
        .filter(|kind| is_due(*kind, shape.function))
        .collect()
}

/// A new certificate, from the order on, and then the steps `with_it`.
fn certify(situation: &Situation, with_it: &[StepKind]) -> Next {
    let mut next = Next::default();
    let newest = situation
        .steps
        .iter()
        .filter(|step| step.kind == StepKind::PlaceOrder)
        .map(|step| step.round)
        .max();
    let Some(round) = newest else {
        next.steps.push(due(StepKind::PlaceOrder, 1));
        return next;
    };
    next.cancel_rounds_below = round;
    if situation
        .steps
        .iter()
        .any(|step| step.round == round && step.order_spent)
    {
        next.steps.push(due(StepKind::PlaceOrder, round + 1));
        next.cancel_rounds_below = round + 1;
        return next;
    }
    if !is_done(situation, StepKind::PlaceOrder, round) {
        return next;
    }
    // Nothing waits for it but the probes that see its result: a domain may be proved in another way.
    let to_prove = situation.domains.iter().any(|domain| !domain.authorized);
    if situation.delegated && to_prove && find(situation, StepKind::PublishChallenges, round).is_none() {
        next.steps.push(due(StepKind::PublishChallenges, round));
    }
    if all_verified(situation, round, &mut next.steps) {
        in_sequence(situation, CERTIFICATE.iter().chain(with_it), round, next)
    } else {
        next
    }
}

/// Whether every domain is proved in this round; plans the verifications that are not planned yet.
fn all_verified(situation: &Situation, round: i32, planned: &mut Vec<Planned>) -> bool {
    let mut all_verified = true;
    for domain in &situation.domains {
        let step = situation.steps.iter().find(|step| {
            step.kind == StepKind::VerifyChallenge && step.round == round && step.subject == domain.domain
        });
        match step {
            Some(step) => all_verified &= step.state == StepState::Done,
            None => {
                all_verified &= domain.authorized;
                planned.push(Planned {
                    kind: StepKind::VerifyChallenge,
                    subject: domain.domain.clone(),
                    round,
                    born: match (domain.authorized, domain.held_until) {
                        (true, _) => Born::Done,
                        (false, Some(time)) => Born::Held(time),
                        (false, None) => Born::Due,
                    },
                });
            }
        }
    }
    all_verified
}

/// Plans the first of the steps that is not planned yet, once all before it are done.
fn in_sequence<'k>(
    situation: &Situation,
    kinds: impl IntoIterator<Item = &'k StepKind>,
    round: i32,
    mut next: Next,
) -> Next {
    let due_at_all = |kind: &StepKind| is_due(*kind, situation.function);
    for kind in kinds.into_iter().copied().filter(due_at_all) {
        match find(situation, kind, round) {
            Some(step) if step.state == StepState::Done => {}
            Some(_) => return next,
            None => {
                next.steps.push(due(kind, round));
                return next;
            }
        }
    }
    next.succeeded = true;
    next
}

/// Most instances never have a function.
fn is_due(kind: StepKind, function: bool) -> bool {
    kind != StepKind::SettleFunction || function
}

fn due(kind: StepKind, round: i32) -> Planned {
    Planned {
        kind,
        subject: String::new(),
        round,
        born: Born::Due,
    }
}

fn find(situation: &Situation, kind: StepKind, round: i32) -> Option<&Step> {
    situation
        .steps
        .iter()
        .find(|step| step.kind == kind && step.round == round)
}

fn is_done(situation: &Situation, kind: StepKind, round: i32) -> bool {
    find(situation, kind, round).is_some_and(|step| step.state == StepState::Done)
}

#[cfg(test)]
mod tests;
