//! Which records an instance's domains need: for each the way that is set once, or else this order's value.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Data, RecordSet};
use crate::operation::{OperationKind, OperationState};
use crate::page::{Page, ProofFacts};
use crate::proof::{Method, Tenancy, ToSet};
use crate::status::{DomainView, View};

impl Page {
    /// The records of all domains that can be proved by one, by name.
    pub fn records(&self) -> Vec<RecordSet> {
        let view = self.proving();
        if view.kind == OperationKind::Deprovision {
            return Vec::new();
        }
        let names = view.names();
        let tenancy = view.tenancy(&names);
        let mut records = BTreeMap::new();
        for domain in view.domains.iter().filter(|domain| domain.lost_at.is_none()) {
            let earlier = self.facts.proofs.iter().find(|proof| proof.domain == domain.domain);
            if let Some(set) = record(view, domain, earlier, &tenancy) {
                add(&mut records, set);
            }
        }
        let records = records.into_iter();
        records.map(|(name, data)| RecordSet { name, data }).collect()
    }
}

/// The first record of those that are set once, what proves the domain before the others; or else, as long as the order matters, of those
/// for it. A redirect is none.
fn record(view: &View, domain: &DomainView, earlier: Option<&ProofFacts>, tenancy: &Tenancy<'_>) -> Option<ToSet> {
    let is_running = view.state == OperationState::Running;
    let (mut set_once, for_this_order): (Vec<Method>, Vec<Method>) =
        Method::ALL.into_iter().partition(|method| method.outlasts_its_order());
    let proved_by = domain.method.or_else(|| Some(earlier?.method));
    set_once.sort_by_key(|method| Some(*method) != proved_by);
    let set_once = set_once
        .into_iter()
        .filter_map(|method| domain.challenge(method).or_else(|| earlier?.challenge(method)));
    let for_this_order = for_this_order
        .into_iter()
        .filter(|_| is_running)
        .filter_map(|method| domain.challenge(method));
    set_once
        .chain(for_this_order)
        .map(|challenge| challenge.to_set(&domain.domain, tenancy))
        .find(|set| !matches!(set, ToSet::Redirect(_)))
}

/// A wildcard shares its parent's names: what both need stands there once.
fn add(records: &mut BTreeMap<String, Data>, set: ToSet) {
    let (name, data) = match set {
        ToSet::Txt { name, value } => (name, Data::Txt(vec![value])),
        ToSet::Cname { name, target } => (name, Data::Cname(target)),
        ToSet::Redirect(_) => return,
    };
    match records.entry(name) {
        Entry::Vacant(place) => {
            place.insert(data);
        }
        Entry::Occupied(mut there) => match (there.get_mut(), data) {
            (Data::Txt(values), Data::Txt(more)) => {
                for value in more {
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
            }
            // A CNAME has no other record beside it.
            (Data::Cname(_), _) => {}
            (values, cname) => *values = cname,
        },
    }
}
