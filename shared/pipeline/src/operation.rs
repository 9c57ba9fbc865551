//! Operations: what Cloud Controller requests and polls with `last_operation`; and renewals, which it does not see.

use crate::step::UnknownName;

/// What an operation does to its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationKind {
    /// Create the distribution, get the certificate, serve the domains.
    Provision,
    /// Change settings or domains of an instance that serves.
    Update,
    /// Remove everything.
    Deprovision,
    /// Replace the certificate in time. It has no requester, no platform sees it, and every user's request takes
    /// precedence.
    Renew,
}

impl OperationKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Provision, Self::Update, Self::Deprovision, Self::Renew];

    /// The kind's only name: in SQL, metrics and the OSBAPI `operation` string.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Update => "update",
            Self::Deprovision => "deprovision",
            Self::Renew => "renew",
        }
    }

    /// What the user should do once the cause of a failure is fixed.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Provision => "Delete this service with `cf delete-service`, and create it again once that is fixed.",
            Self::Update => "Nothing was changed; once that is fixed, `cf update-service` again.",
            Self::Deprovision => "Once that is fixed, delete this service again.",
            Self::Renew => "The certificate in use stays, and renewal is tried again automatically.",
        }
    }
}

impl std::str::FromStr for OperationKind {
    type Err = UnknownName;
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "provision" => Ok(Self::Provision),
            "update" => Ok(Self::Update),
            "deprovision" => Ok(Self::Deprovision),
            "renew" => Ok(Self::Renew),
            other => Err(UnknownName::new("operation kind", other)),
        }
    }
}

/// The state of an operation. Only `Running` may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationState {
    /// Steps are waiting or being attempted.
    Running,
    /// Every step of the plan is done.
    Succeeded,
    /// A step failed for good; the reason is kept for the user.
    Failed,
    /// A deprovision took over, which removes what the operation had created; or, for a renewal, an update, which
    /// continues it.
    Superseded,
}

impl OperationState {
    /// The state's only name, as in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }
}

impl std::str::FromStr for OperationState {
    type Err = UnknownName;
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "running" => Ok(Self::Running),
            "succeeded" => Ok(Self::Succeeded),
            "failed" => Ok(Self::Failed),
            "superseded" => Ok(Self::Superseded),
            other => Err(UnknownName::new("operation state", other)),
        }
    }
}
