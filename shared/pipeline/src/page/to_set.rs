//! What may be set for a domain: each way with its record, name and value apart.

use super::facts::ProofFacts;
use crate::proof::{Challenge, Method, ToSet};
use crate::status::{DomainView, View, ways};

/// A record or a redirect, for copying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// `TXT`, `CNAME` or `redirect`.
    pub kind: &'static str,
    /// Its name; for a redirect, the address that is redirected.
    pub name: String,
    /// Its value, without quotes; for a redirect, where it leads.
    pub value: String,
}

/// One way to prove a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What it is good for; empty where a sentence before it says so.
    pub heading: String,
    /// What is to be set.
    pub record: RecordRow,
}

impl RecordRow {
    /// What its name is called.
    pub fn name_label(&self) -> &'static str {
        match self.kind {
            "redirect" => "From",
            _ => "Name",
        }
    }

    /// What its value is called.
    pub fn value_label(&self) -> &'static str {
        match self.kind {
            "redirect" => "To",
            _ => "Value",
        }
    }

    /// `responder` is the public address of broker-api, for http-01.
    pub(super) fn of(set: ToSet, responder: &str) -> Self {
        match set {
            ToSet::Txt { name, value } => Self {
                kind: "TXT",
                name,
                value,
            },
            ToSet::Cname { name, target } => Self {
                kind: "CNAME",
                name,
                value: target,
            },
            ToSet::Redirect(redirect) => Self {
                kind: "redirect",
                name: redirect.from(),
                value: redirect.to(responder),
            },
        }
    }
}

/// Every way that is offered for a domain, those that are set once first.
pub(super) fn offered(view: &View, domain: &DomainView, responder: &str) -> Vec<Way> {
    let challenges = Method::ALL.into_iter().filter_map(|method| domain.challenge(method));
    listed(view, domain, challenges, responder)
}

/// Those that are good for every order: of this operation, or else of the one in which the domain was last proved.
pub(super) fn set_once(view: &View, domain: &DomainView, earlier: Option<&ProofFacts>, responder: &str) -> Vec<Way> {
    let methods = Method::ALL.into_iter().filter(|method| method.outlasts_its_order());
    let challenges = methods.filter_map(|method| domain.challenge(method).or_else(|| earlier?.challenge(method)));
    listed(view, domain, challenges, responder)
}

fn listed<'c>(
    view: &View,
    domain: &DomainView,
    challenges: impl Iterator<Item = &'c Challenge>,
    responder: &str,
) -> Vec<Way> {
    let names = view.names();
    let tenancy = view.tenancy(&names);
    challenges
        .enumerate()
        .map(|(at, challenge)| Way {
            heading: ways::heading(challenge.method().heading(false), at == 0),
            record: RecordRow::of(challenge.to_set(&domain.domain, &tenancy), responder),
        })
        .collect()
}
