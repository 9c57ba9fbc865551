//! A wildcard whose CNAME answers for a name (RFC 4592).

use hickory_resolver::proto::rr::rdata::CNAME;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::answer::Reply;
use super::{Dns, Wildcard, parse};
use crate::shown;

/// The most names above a name that are checked for the wildcard.
const MOST_ANCESTORS: usize = 6;

impl Dns {
    /// The wildcard that the CNAME at `name` comes from; `None` when the CNAME is a record of the name itself, or can't
    /// be attributed.
    ///
    /// No response says that it was synthesized from a wildcard. But the wildcard can be queried by its own name (RFC
    /// 4592 §2.1.1), and then leads to the same target. So does `*.` of each name between the two, for which it answers
    /// as well: the uppermost that does so is the wildcard.
    pub async fn wildcard(&self, name: &str) -> Option<Wildcard> {
        let name = parse(name).ok()?;
        let target = self.alias_of(&name).await?;
        let mut wildcard = None;
        for depth in (1..name.iter().len()).rev().take(MOST_ANCESTORS) {
            let parent = name.trim_to(depth);
            let owner = parent.prepend_label("*").ok()?;
            if self.alias_of(&owner).await.as_ref() != Some(&target) {
                break;
            }
            wildcard = Some(Wildcard {
                owner: shown::name(&owner),
                target: shown::name(&target),
                parent: shown::name(&parent),
            });
        }
        wildcard
    }

    async fn alias_of(&self, name: &Name) -> Option<Name> {
        let kind = RecordType::CNAME;
        let asked = match self.fixed {
            true => self.ask_resolver(name, kind).await,
            false => self.ask_authority(name, kind).await,
        };
        match asked.ok()?.1 {
            Reply::Records { aliases, data } if aliases.is_empty() => data.into_iter().find_map(|data| match data {
                RData::CNAME(CNAME(target)) => Some(target),
                _ => None,
            }),
            _ => None,
        }
    }
}
