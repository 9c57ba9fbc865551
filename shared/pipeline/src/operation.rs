//! Operations: what Cloud Controller asked for and polls with `last_operation`; and renewals, of which it knows nothing.

use crate::step::UnknownName;

/// What an operation does to its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationKind {
    /// Make the distribution, get the certificate, serve the domains.
    Provision,
    /// Change settings or domains of what serves.
    Update,
    /// Take everything away again.
    Deprovision,
    /// Replace the certificate in time. Nobody asked for it, no platform sees it, and whatever a user asks for goes first.
    Renew,
}

impl OperationKind {
    /// Every kind there is.
    pub const ALL: [Self; 4] = [Self::Provision, Self::Update, Self::Deprovision, Self::Renew];

    /// The one name of this kind: in SQL, metrics and the OSBAPI `operation` string.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Update => "update",
            Self::Deprovision => "deprovision",
            Self::Renew => "renew",
        }
    }

    /// What the user does once the reason of a failure is mended.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Provision => "Delete this service with `cf delete-service`, and create it again once that is mended.",
            Self::Update => "Nothing was changed; once that is mended, `cf update-service` again.",
            Self::Deprovision => "Once that is mended, delete this service again.",
            Self::Renew => "The certificate in use stays, and another is tried for by itself.",
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

/// How far an operation is. Only `Running` may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationState {
    /// Steps are waiting or at work.
    Running,
    /// Every step of the plan is done.
    Succeeded,
    /// A step failed for good; the reason is kept for the user.
    Failed,
    /// A deprovision took over, which takes away what it had begun; or, of a renewal, an update, which goes on with it.
    Superseded,
}

impl OperationState {
    /// The one name of this state, as in SQL.
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
