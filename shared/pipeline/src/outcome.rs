//! The result of one attempt at a step. Creating the outcome is the triage: success, wait, or the end.

use std::time::Duration;

use crate::proof::Method;
use crate::reason::{Reason, Spent};

/// The result of one attempt. What the user is shown and what the operator is shown are two fields, never one string.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The step is accomplished.
    Done(Verdict),
    /// Not yet: retry later.
    Pending {
        /// What is waited for, or what was seen instead.
        waiting_for: Reason,
        /// When to retry, if the peer said so (`Retry-After`); otherwise the schedule decides.
        retry_after: Option<Duration>,
        /// The attempt ran into a time limit because of somebody else's servers: the delay before the next attempt
        /// grows each time.
        slow: bool,
    },
    /// It can't succeed: the operation ends here.
    Failed {
        /// What happened and what to do next, for the user.
        for_user: String,
        /// The cause, for the operator's log.
        cause: String,
        /// The certificate is the cause, so another attempt with the same one would end the same way.
        certificate_is_useless: bool,
    },
}

impl Outcome {
    /// Done, with nothing to add.
    pub const DONE: Self = Self::Done(Verdict::Accomplished);

    /// Done by finding that the order can't lead to a certificate any more, and that no domain is to blame.
    pub fn spent(reason: Spent) -> Self {
        Self::Done(Verdict::OrderSpent {
            reason,
            rejections: Vec::new(),
        })
    }

    /// Not yet; the schedule decides when to retry.
    pub fn pending(waiting_for: impl Into<Reason>) -> Self {
        Self::Pending {
            waiting_for: waiting_for.into(),
            retry_after: None,
            slow: false,
        }
    }

    /// Not yet; the peer said when to retry.
    pub fn pending_for(waiting_for: impl Into<Reason>, retry_after: Option<Duration>) -> Self {
        Self::Pending {
            waiting_for: waiting_for.into(),
            retry_after,
            slow: false,
        }
    }

    /// Not yet, and the attempt ran into a time limit because of somebody else's servers.
    pub fn pending_slow(waiting_for: impl Into<Reason>) -> Self {
        Self::Pending {
            waiting_for: waiting_for.into(),
            retry_after: None,
            slow: true,
        }
    }

    /// The end, with what the user should do and what the operator should know.
    pub fn failed(for_user: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::Failed {
            for_user: for_user.into(),
            cause: cause.into(),
            certificate_is_useless: false,
        }
    }

    /// If this is the end, the certificate is the cause.
    #[must_use]
    pub fn for_the_certificate(mut self) -> Self {
        if let Self::Failed {
            certificate_is_useless, ..
        } = &mut self
        {
            *certificate_is_useless = true;
        }
        self
    }

    /// The outcome's name in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Pending { .. } => "pending",
            Self::Failed { .. } => "failed",
        }
    }
}

/// How a step was accomplished, as the plan and the record need to know it.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// As planned.
    Accomplished,
    /// The domain is ready for the CA's validation, by this challenge type.
    Verified(Method),
    /// The same, by a value that the broker has published, and these other domains of the order are ready by theirs: they were
    /// looked at together.
    VerifiedTogether {
        /// The challenge type of all of them.
        method: Method,
        /// The other domains.
        others: Vec<String>,
    },
    /// The order can't lead to a certificate any more (invalid, expired, forgotten by the CA): place another.
    OrderSpent {
        /// Why.
        reason: Spent,
        /// The domains that the CA rejected, with its own words.
        rejections: Vec<Rejection>,
    },
}

impl Verdict {
    /// The verdict's name in SQL.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accomplished => "accomplished",
            Self::Verified(_) | Self::VerifiedTogether { .. } => "verified",
            Self::OrderSpent { .. } => "order-spent",
        }
    }
}

/// A domain that the CA rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The domain.
    pub domain: String,
    /// The CA's own words (RFC 8555 §6.7 `detail`).
    pub reason: String,
}
