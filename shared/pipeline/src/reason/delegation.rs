//! What was seen of a CNAME by which a tenant delegates a domain's dns-01 challenges to the broker.

use serde::{Deserialize, Serialize};

use super::{Spread, Txt};

/// What was seen of the CNAME, and of the value at its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "delegation", rename_all = "kebab-case")]
pub enum Delegation {
    /// The CNAME leads to the domain's target.
    Leads {
        /// The target.
        target: String,
        /// The domain's name servers that have the CNAME.
        cname: Spread,
        /// What is at the target.
        value: Box<Txt>,
    },
    /// It leads to another name.
    Elsewhere {
        /// Where it should lead.
        target: String,
        /// Where it leads.
        found: String,
        /// That is a name in the broker's zone as well: another domain's or another tenant's target.
        anothers_target: bool,
    },
    /// There is no CNAME.
    Missing {
        /// Where it should lead.
        target: String,
        /// What is at the name.
        found: Box<Txt>,
    },
}

impl Delegation {
    /// Whether the CA would find the value.
    pub(super) fn is_in_place(&self) -> bool {
        match self {
            Self::Leads { cname, value, .. } => cname.is_everywhere() && matches!(**value, Txt::InPlace { .. }),
            Self::Elsewhere { .. } | Self::Missing { .. } => false,
        }
    }

    /// The tenant has done their part: the rest is the broker's.
    pub(super) fn waits_for_the_broker(&self) -> bool {
        match self {
            Self::Leads { cname, .. } => cname.is_everywhere() && !self.is_in_place(),
            Self::Elsewhere { .. } | Self::Missing { .. } => false,
        }
    }

    /// The broker's name servers that have yet to get the value, which others have.
    pub(super) fn lagging(&self) -> Vec<&str> {
        match self {
            Self::Leads { value, .. } => match &**value {
                Txt::NotEverywhere { spread, .. } => {
                    spread.behind.iter().map(|behind| behind.server.as_str()).collect()
                }
                _ => Vec::new(),
            },
            Self::Elsewhere { .. } | Self::Missing { .. } => Vec::new(),
        }
    }

    /// Whether the CNAME shows that the tenant controls the domain, whatever the state of an order's value.
    pub(super) fn shows_control(&self) -> bool {
        matches!(self, Self::Leads { cname, .. } if !cname.have.is_empty())
    }

    /// Whether the value is in the broker's zone, and has to wait from now on.
    pub(super) fn wait_for_replicas(&mut self) -> bool {
        if let Self::Leads { value, .. } = self
            && let Txt::InPlace { says, spread } = &**value
        {
            **value = Txt::NotEverywhere {
                says: says.clone(),
                spread: spread.clone(),
            };
            return true;
        }
        false
    }

    pub(super) fn control(&self, name: &str) -> String {
        match self {
            Self::Leads { target, cname, .. } => format!("CNAME {name} leads to {target} {}", in_brackets(cname)),
            Self::Elsewhere { .. } | Self::Missing { .. } => self.text(name),
        }
    }

    /// It is certain that there is no correct CNAME.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Leads { .. } => false,
            Self::Elsewhere { .. } => true,
            Self::Missing { found, .. } => found.is_gone(),
        }
    }

    pub(super) fn is_begun(&self) -> bool {
        match self {
            Self::Leads { .. } | Self::Elsewhere { .. } => true,
            Self::Missing { found, .. } => found.is_begun(None),
        }
    }

    pub(super) fn text(&self, name: &str) -> String {
        match self {
            Self::Leads { cname, value, .. } => {
                let leads = self.control(name);
                match &**value {
                    _ if !cname.is_everywhere() => leads,
                    Txt::InPlace { spread, .. } => format!("{leads}, where this order's value is ({spread})"),
                    Txt::Withheld { problem, .. } => format!("{leads}, where this order's value is, but {problem}"),
                    Txt::NotEverywhere { spread, .. } => {
                        format!("{leads}; the broker's value is there {spread}: nothing for you to do")
                    }
                    Txt::Wrong { .. } | Txt::Unrelated { .. } | Txt::Wildcard(_) | Txt::Absent { .. } => {
                        format!("{leads}; the broker has yet to publish its value there: nothing for you to do")
                    }
                }
            }
            Self::Elsewhere {
                target,
                found,
                anothers_target,
            } => {
                let whose = match anothers_target {
                    true => ", the target of another domain or of another organization",
                    false => "",
                };
                format!("CNAME {name} leads to {found}{whose}: let it lead to {target}")
            }
            Self::Missing { target, found } => match &**found {
                Txt::Absent { problem } => format!("CNAME {name}: {problem}"),
                Txt::Wildcard(wildcard) => wildcard.text(name, &format!("CNAME {name}"), "CNAME"),
                other => format!("{}; a CNAME to {target} must take its place", other.text(name, None)),
            },
        }
    }
}

fn in_brackets(cname: &Spread) -> String {
    match cname.is_everywhere() {
        true => format!("({cname})"),
        false => cname.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::{Behind, DnsProblem, Instead, Says};

    const NAME: &str = "_acme-challenge.www.example.com";

    fn at(have: &[&str], behind: &[&str]) -> Spread {
        Spread {
            have: have.iter().map(|server| (*server).to_owned()).collect(),
            behind: behind
                .iter()
                .map(|server| Behind {
                    server: (*server).to_owned(),
                    instead: Instead::Denied(DnsProblem::NoSuchName {
                        server: (*server).to_owned(),
                    }),
                    address: None,
                })
                .collect(),
            left_out: Vec::new(),
        }
    }

    fn leads(cname: Spread, value: Txt) -> Delegation {
        Delegation::Leads {
            target: "x7k2.acme.example".to_owned(),
            cname,
            value: Box::new(value),
        }
    }

    fn absent() -> Txt {
        Txt::Absent {
            problem: DnsProblem::NoSuchName {
                server: "ns.acme.example".to_owned(),
            },
        }
    }

    #[test]
    fn the_tenants_part_and_the_brokers_are_told_apart() {
        let published = Txt::InPlace {
            says: Says::AsExpected,
            spread: at(&["ns.acme.example"], &[]),
        };
        let all = || at(&["ns1.example.com", "ns2.example.com"], &[]);
        let some = || at(&["ns1.example.com"], &["ns2.example.com"]);

        let done = leads(all(), published.clone());
        assert!(done.is_in_place() && !done.waits_for_the_broker() && done.shows_control());
        assert_eq!(
            done.text(NAME),
            "CNAME _acme-challenge.www.example.com leads to x7k2.acme.example (at all 2 name servers), where this order's \
             value is (at ns.acme.example)"
        );

        let unpublished = leads(all(), absent());
        assert!(!unpublished.is_in_place() && unpublished.waits_for_the_broker() && unpublished.shows_control());
        assert!(unpublished.text(NAME).ends_with("nothing for you to do"));

        assert!(unpublished.lagging().is_empty());
        let spreading = leads(
            all(),
            Txt::NotEverywhere {
                says: Says::AsExpected,
                spread: at(&["ns1.acme.example"], &["ns2.acme.example"]),
            },
        );
        assert!(spreading.waits_for_the_broker());
        assert_eq!(spreading.lagging(), ["ns2.acme.example"]);

        let lagging = leads(some(), published);
        assert!(!lagging.is_in_place() && !lagging.waits_for_the_broker() && lagging.shows_control());
        assert_eq!(
            lagging.text(NAME),
            "CNAME _acme-challenge.www.example.com leads to x7k2.acme.example at 1 of 2 name servers; not yet at \
             ns2.example.com (no such name)"
        );
    }

    #[test]
    fn a_cname_that_leads_elsewhere_or_is_missing_says_where_it_should_lead() {
        let elsewhere = Delegation::Elsewhere {
            target: "x7k2.acme.example".to_owned(),
            found: "b9q1.acme.example".to_owned(),
            anothers_target: true,
        };
        assert!(!elsewhere.shows_control() && elsewhere.is_begun());
        assert_eq!(
            elsewhere.text(NAME),
            "CNAME _acme-challenge.www.example.com leads to b9q1.acme.example, the target of another domain or of another \
             organization: let it lead to x7k2.acme.example"
        );
        let missing = Delegation::Missing {
            target: "x7k2.acme.example".to_owned(),
            found: Box::new(absent()),
        };
        assert!(!missing.is_begun());
        assert_eq!(
            missing.text(NAME),
            "CNAME _acme-challenge.www.example.com: no such name (NXDOMAIN) at ns.acme.example"
        );
    }

    #[test]
    fn every_form_reads_back() {
        for one in [
            leads(at(&["a"], &["b"]), absent()),
            Delegation::Elsewhere {
                target: "a".to_owned(),
                found: "b".to_owned(),
                anothers_target: false,
            },
        ] {
            let written = serde_json::to_value(&one).unwrap();
            assert_eq!(serde_json::from_value::<Delegation>(written).unwrap(), one);
        }
    }
}
