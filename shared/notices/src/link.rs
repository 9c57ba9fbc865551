//! The links in letters. Whoever has one acts for the address that it was sent to.

use uuid::Uuid;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To confirm that notices may be sent.
    Confirm,
    /// To get no more of them.
    Leave,
}

impl Purpose {
    const ALL: [Self; 2] = [Self::Confirm, Self::Leave];

    /// In a token, and in what is signed.
    pub(crate) fn letter(self) -> &'static str {
        match self {
            Self::Confirm => "c",
            Self::Leave => "l",
        }
    }

    pub(crate) fn of(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.letter() == letter)
    }
}

/// A link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// Whom the letter was for.
    pub recipient: Uuid,
    /// How often the recipient was asked when it was written.
    pub generation: i32,
}

/// The path of a link, from the root. A token needs no encoding.
pub fn path(token: &str) -> String {
    format!("/notify/{token}")
}
