//! Follows aliases (CNAMEs) from name to name, with a limit and without loops.

use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::answer::Reply;
use super::{DnsProblem, Links, LookupFailure};
use crate::shown;

/// More consecutive aliases than this are considered a mistake.
pub(super) const MOST_ALIASES: usize = 8;

/// The names passed so far; the last one is to be queried.
#[derive(Debug)]
pub(super) struct Chain {
    kind: RecordType,
    names: Vec<Name>,
}

/// The successful end of a chain.
#[derive(Debug)]
pub(super) struct End {
    pub(super) alias: Option<String>,
    pub(super) data: Vec<RData>,
    pub(super) server: String,
}

impl Chain {
    pub(super) fn new(name: Name, kind: RecordType) -> Self {
        Self {
            kind,
            names: vec![name],
        }
    }

    /// The name to query next.
    pub(super) fn current(&self) -> Name {
        self.names.last().cloned().unwrap_or_default()
    }

    /// Processes a reply for [`Self::current`]: returns the end, or `None` when there is a next name to query.
    pub(super) fn take(&mut self, server: String, reply: Reply) -> Result<Option<End>, LookupFailure> {
        match reply {
            Reply::Records { aliases, data } => {
                self.extend(aliases)?;
                Ok(Some(End {
                    alias: self.alias(),
                    data,
                    server,
                }))
            }
            Reply::Aliases(aliases) => self.extend(aliases).map(|()| None),
            Reply::NoSuchName => Err(self.failed(DnsProblem::NoSuchName { server })),
            Reply::NoRecord => Err(self.failed(DnsProblem::NoRecord {
                kind: self.kind.to_string(),
                server,
            })),
            Reply::Referral { zone, .. } => Err(self.failed(DnsProblem::Lame {
                server,
                zone: shown::name(&zone),
            })),
        }
    }

    /// The error at the current name.
    pub(super) fn failed(&self, problem: DnsProblem) -> LookupFailure {
        LookupFailure {
            alias: self.alias(),
            problem,
        }
    }

    fn extend(&mut self, aliases: Vec<Name>) -> Result<(), LookupFailure> {
        for name in aliases {
            if self.names.contains(&name) {
                return Err(self.failed(DnsProblem::Loop {
                    name: shown::name(&name),
                }));
            }
            self.names.push(name);
            if self.names.len() > MOST_ALIASES + 1 {
                return Err(self.failed(DnsProblem::TooMany {
                    what: Links::Cnames,
                    limit: MOST_ALIASES,
                }));
            }
        }
        Ok(())
    }

    fn alias(&self) -> Option<String> {
        (self.names.len() > 1).then(|| shown::name(&self.current()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    #[test]
    fn loops_and_endless_chains_end() {
        let mut chain = Chain::new(name("a.test."), RecordType::TXT);
        assert!(
            chain
                .take("ns".into(), Reply::Aliases(vec![name("b.test.")]))
                .unwrap()
                .is_none()
        );
        let failure = chain
            .take("ns".into(), Reply::Aliases(vec![name("A.test.")]))
            .unwrap_err();
        assert_eq!(failure.problem, DnsProblem::Loop { name: "a.test".into() });

        let mut chain = Chain::new(name("a.test."), RecordType::TXT);
        let many = (0..20).map(|n| name(&format!("n{n}.test."))).collect();
        let failure = chain.take("ns".into(), Reply::Aliases(many)).unwrap_err();
        assert_eq!(
            failure.problem,
            DnsProblem::TooMany {
                what: Links::Cnames,
                limit: MOST_ALIASES
            }
        );
    }
}
