//! Why a certificate is revoked.

use crate::step::UnknownName;

/// The reasons that a CA takes from whoever ordered a certificate (RFC 5280 §5.3.1; Let's Encrypt takes these four).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RevocationReason {
    /// Somebody else may have its private key. The CA takes no such key again.
    KeyCompromise,
    /// Another certificate is in its place.
    Superseded,
    /// Its domains are not served any more.
    CessationOfOperation,
    /// Unspecified.
    Unspecified,
}

impl RevocationReason {
    const ALL: [Self; 4] = [
        Self::KeyCompromise,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::Unspecified,
    ];

    /// Its name in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyCompromise => "key-compromise",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation-of-operation",
            Self::Unspecified => "unspecified",
        }
    }
}

impl std::str::FromStr for RevocationReason {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.into_iter().find(|reason| reason.as_str() == name);
        known.ok_or_else(|| UnknownName::new("revocation reason", name))
    }
}
