//! The CNAMEs by which an old broker's tenants have delegated their challenges: which of them are relied on, and whether DNS
//! has them.

use futures_util::{StreamExt as _, stream};
use pipeline::domain::{LONGEST_NAME, zone_name};
use pipeline::proof::Dns01;
use probe::Names;
use serde::Serialize;
use store::{Inheritable, Store, Whose};

use crate::CommandError;
use crate::shown;

/// The number of names that are looked up concurrently.
const AT_ONCE: usize = 8;

/// The challenges of a distribution's domains, delegated to a zone.
#[derive(Debug, Serialize)]
pub(super) struct Delegation {
    pub(super) zone: String,
    /// Whether an order of this broker has offered a name in the zone already.
    in_use: bool,
    cnames: Vec<Cname>,
}

/// A CNAME that the CA has to find.
#[derive(Debug, Serialize)]
struct Cname {
    name: String,
    target: String,
    /// The tenant has proved the domain by this target before, so it isn't the old broker's.
    own: bool,
    #[serde(flatten)]
    found: Found,
}

/// What DNS has.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "found", rename_all = "kebab-case")]
enum Found {
    There,
    Elsewhere { leads_to: String },
    Missing,
    Unknown { why: String },
}

/// A zone's name, for clap.
pub(super) fn zone(text: &str) -> Result<String, String> {
    zone_name(text).ok_or_else(|| "a DNS zone has a name such as acme.platform.example".to_owned())
}

impl Delegation {
    /// What the tenant of a distribution with these aliases would inherit.
    ///
    /// # Errors
    /// When a name is another tenant's already, or can't exist; when the database can't be queried.
    pub(super) async fn of(
        store: &Store,
        names: Option<&Names>,
        (tenant, zone): (&str, &str),
        aliases: &[String],
    ) -> Result<Self, CommandError> {
        let inheritable = store.inheritable_targets(tenant, zone, aliases).await?;
        if let Some(obstacle) = inheritable.iter().find_map(obstacle) {
            return Err(CommandError::Refused(obstacle));
        }
        let cnames = stream::iter(inheritable)
            .map(|one| Cname::looked_up(names, one))
            .buffered(AT_ONCE)
            .collect()
            .await;
        Ok(Self {
            zone: zone.to_owned(),
            in_use: store.has_offered_delegation(zone).await?,
            cnames,
        })
    }

    /// For people.
    pub(super) fn text(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "Its challenges stay delegated to {} (certificate-issuer's DELEGATION_ZONE), by CNAMEs that the CA has to find:",
            self.zone
        )];
        lines.extend(self.cnames.iter().map(Cname::text));
        if !self.in_use {
            lines.push(format!(
                "  No order of this broker has offered a name in {} yet: is it certificate-issuer's DELEGATION_ZONE?",
                self.zone
            ));
        }
        lines
    }
}

fn obstacle(one: &Inheritable) -> Option<String> {
    let target = &one.target;
    match &one.whose {
        Whose::Anothers(tenant) => Some(format!(
            "{target} can't be taken over: it is a target of the organization {}, and is never given to another. Without \
             --delegation-zone the status shows other CNAMEs",
            shown::plain(tenant)
        )),
        Whose::OldBrokers | Whose::Own if target.len() > LONGEST_NAME => Some(format!(
            "{target} can't be taken over: it is longer than a name in DNS may be. Without --delegation-zone the status \
             shows other CNAMEs"
        )),
        Whose::OldBrokers | Whose::Own => None,
    }
}

impl Cname {
    async fn looked_up(names: Option<&Names>, one: Inheritable) -> Self {
        let name = Dns01::name(&one.domain);
        let found = match names {
            Some(names) => judge(names.aliases(&name).await, &one.target),
            None => Found::Unknown {
                why: "there is no resolver here: name one by --resolver".to_owned(),
            },
        };
        Self {
            name,
            target: one.target,
            own: one.whose == Whose::Own,
            found,
        }
    }

    fn text(&self) -> String {
        let found = match &self.found {
            Found::There => "is there".to_owned(),
            Found::Missing => "is not there: the tenant has to set it".to_owned(),
            Found::Elsewhere { leads_to } => {
                format!(
                    "leads to {} instead: the tenant has to change it",
                    shown::plain(leads_to)
                )
            }
            Found::Unknown { why } => format!("can't be looked up ({}): look for it yourself", shown::plain(why)),
        };
        let own = match self.own {
            true => " (the organization's own target, which has proved the domain, not the old broker's)",
            false => "",
        };
        format!("  {} CNAME {}{own} {found}", self.name, self.target)
    }
}

/// The CNAMEs that lead on from a name, and why they were not followed to their end, if so.
fn judge((chain, broken): (Vec<String>, Option<String>), target: &str) -> Found {
    match (chain.last(), broken) {
        _ if chain.iter().any(|alias| alias.eq_ignore_ascii_case(target)) => Found::There,
        (_, Some(why)) => Found::Unknown { why },
        (Some(last), None) => Found::Elsewhere { leads_to: last.clone() },
        (None, None) => Found::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cname_is_there_elsewhere_missing_or_not_known() {
        let chain = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let target = "_acme-challenge.www.example.com.acme.example";
        let broken = || Some("SERVFAIL".to_owned());
        let elsewhere = Found::Elsewhere {
            leads_to: "other.example".to_owned(),
        };
        let unknown = Found::Unknown {
            why: "SERVFAIL".to_owned(),
        };
        for (chain, broken, found) in [
            (chain(&[target]), None, Found::There),
            (chain(&["central.example.com", target]), None, Found::There),
            (chain(&[target]), broken(), Found::There),
            (chain(&["other.example"]), None, elsewhere),
            (chain(&[]), None, Found::Missing),
            (chain(&["other.example"]), broken(), unknown),
        ] {
            assert_eq!(judge((chain, broken), target), found);
        }
    }
}
