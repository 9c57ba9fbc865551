//! How far a record has spread among the name servers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::DnsProblem;
use crate::shown;

/// The name servers that have a record, those that don't, and those that can't be queried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// By name.
    pub have: Vec<String>,
    /// Those that answer but don't have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Behind>,
    /// Names, and what keeps each from answering.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<(String, DnsProblem)>,
}

/// A server that has something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// Its name.
    pub server: String,
    /// What it has.
    pub instead: Instead,
    /// The address, if another address of the server has the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<std::net::IpAddr>,
}

/// What a server has instead of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Instead {
    /// Another text, formatted by [`shown::plain`]; none: an empty set.
    Text(Option<String>),
    /// A CNAME.
    Alias(String),
    /// No record.
    Denied(DnsProblem),
}

impl Spread {
    /// Whether every server that answers has it.
    pub fn is_everywhere(&self) -> bool {
        !self.have.is_empty() && self.behind.is_empty()
    }

    /// The names of all servers that answer.
    pub fn servers(&self) -> String {
        let behind = self.behind.iter().map(|behind| &behind.server);
        shown::few(self.have.iter().chain(behind).cloned())
    }
}

impl fmt::Display for Spread {
    /// Where the record is, and where it isn't.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.have.len() + self.behind.len() + self.left_out.len();
        match self.have.as_slice() {
            [only] if all == 1 => write!(f, "at {only}")?,
            have if have.len() == all => write!(f, "at all {all} name servers")?,
            have => write!(f, "at {} of {all} name servers", have.len())?,
        }
        if !self.behind.is_empty() {
            let behind = self.behind.iter().map(ToString::to_string);
            write!(f, "; not yet at {}", shown::few(behind))?;
        }
        if !self.left_out.is_empty() {
            let why = self.left_out.iter().map(|(_, problem)| problem.to_string());
            write!(f, "; left out: {}", shown::few(why))?;
        }
        Ok(())
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            instead,
            address,
        } = self;
        match address {
            Some(address) => write!(f, "{server} ({instead} at {address})"),
            None => write!(f, "{server} ({instead})"),
        }
    }
}

impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(Some(text)) => write!(f, "it has \"{text}\""),
            Self::Text(None) => f.write_str("it has no text"),
            Self::Alias(target) => write!(f, "it has a CNAME to {target}"),
            Self::Denied(problem) => f.write_str(&problem.denied()),
        }
    }
}
