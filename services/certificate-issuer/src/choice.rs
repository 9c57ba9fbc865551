//! At which CA an order is placed. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline::Outcome;
use pipeline::reason::{CaReason, Reason, Request};
use store::{CaTrouble, Circumstances};
use worker::Stop;

/// A CA that is known to take no orders is asked again after this time, or after that of the fallback if it is shorter.
const ASKED_AGAIN: Duration = Duration::from_secs(300);

/// A CA that may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its place among all CAs.
    pub(crate) ca: usize,
    /// The plan prefers another one.
    pub(crate) fallback: bool,
}

/// A CA, as far as the choice needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// Its name in plans.
    pub(crate) name: &'a str,
    /// The URL of its directory.
    pub(crate) url: &'a str,
    /// All tenants share an account.
    pub(crate) one_account: bool,
}

/// The CAs that may be asked for an order, in this order. `all`: the preferred first; `plan`: the names that the plan lists
/// (none: all). Empty: none of the plan's CAs is there.
///
/// A record that names the account at one CA proves nothing to another one, and at a CA with one account for all tenants
/// only their own records count: elsewhere a tenant would have to act. So the order stays where it can be proved, until the
/// certificate is about to expire.
pub(crate) fn candidates(
    all: &[Known<'_>],
    plan: &[String],
    circumstances: &Circumstances,
    troubles: &BTreeMap<String, CaTrouble>,
    fallback_after: Duration,
) -> Vec<Candidate> {
    let listed: Vec<usize> = match plan {
        [] => (0..all.len()).collect(),
        names => names
            .iter()
            .filter_map(|name| all.iter().position(|known| known.name == name))
            .collect(),
    };
    let is_forbidden = |ca: usize| circumstances.forbidden.iter().any(|url| url == all[ca].url);
    let is_provable = |ca: usize| circumstances.urgent || circumstances.told_apart || !all[ca].one_account;
    let candidates = listed.iter().enumerate().map(|(place, ca)| Candidate {
        ca: *ca,
        fallback: place > 0,
    });
    let (mut chosen, none): (Vec<_>, Vec<_>) =
        candidates.partition(|candidate| !is_forbidden(candidate.ca) && is_provable(candidate.ca));
    if chosen.is_empty() {
        chosen = none;
    }
    let is_bound = |candidate: &Candidate| circumstances.bound_to.as_deref() == Some(all[candidate.ca].url);
    if !circumstances.urgent && chosen.iter().any(is_bound) {
        chosen.retain(is_bound);
    }
    let takes_none = |candidate: &Candidate| {
        troubles
            .get(all[candidate.ca].url)
            .is_some_and(|trouble| trouble.since >= fallback_after && trouble.last < ASKED_AGAIN.min(fallback_after))
    };
    // Stable: those that are known to take no orders come last, and the one with a record in place first.
    chosen.sort_by_key(|candidate| (takes_none(candidate), !is_bound(candidate)));
    chosen
}

/// What the failure to place an order at one CA means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The next CA would answer the same, or must not be asked.
    Final,
    /// The CA takes no orders at all now.
    TakesNone,
    /// The CA takes this one after that time only.
    TakesItIn(Duration),
    /// A CA that was asked in place of another one doesn't want the order: that decides nothing.
    NotThere,
}

/// Classifies it.
pub(crate) fn meaning(stop: &Stop, fallback: bool) -> Meaning {
    let outcome = match stop {
        Stop::Outcome(outcome) => outcome,
        Stop::Error(_) => return Meaning::Final,
    };
    match outcome {
        Outcome::Failed { .. } if fallback => Meaning::NotThere,
        Outcome::Pending {
            waiting_for: Reason::Ca(reason),
            retry_after,
            ..
        } => match reason {
            // A directory that isn't there.
            CaReason::Unknown {
                request: Request::Directory,
            }
            | CaReason::NoAnswer { .. }
            | CaReason::Unreadable { .. }
            | CaReason::Unreachable { .. }
            | CaReason::Fault { .. }
            | CaReason::NoOrdersThere => Meaning::TakesNone,
            CaReason::Limits { .. } | CaReason::OwnLimit { .. } => {
                retry_after.map_or(Meaning::Final, Meaning::TakesItIn)
            }
            CaReason::WantsOperator { .. } | CaReason::AccountRefused { .. } if fallback => Meaning::NotThere,
            _ => Meaning::Final,
        },
        _ => Meaning::Final,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 3] = [
        ("le", "https://le/dir"),
        ("zerossl", "https://z/dir"),
        ("google", "https://g/dir"),
    ];
    const HOUR: Duration = Duration::from_secs(3600);

    fn free() -> Circumstances {
        Circumstances {
            bound_to: None,
            told_apart: true,
            urgent: false,
            forbidden: Vec::new(),
        }
    }

    fn chosen(plan: &[&str], known: &Circumstances, troubles: &[(&str, u64, u64)]) -> Vec<(&'static str, bool)> {
        let plan: Vec<String> = plan.iter().map(|name| (*name).to_owned()).collect();
        let troubles = troubles.iter().map(|(url, since, last)| {
            let trouble = CaTrouble {
                since: Duration::from_secs(*since),
                last: Duration::from_secs(*last),
            };
            ((*url).to_owned(), trouble)
        });
        let all = ALL.map(|(name, url)| Known {
            name,
            url,
            one_account: name == "google",
        });
        candidates(&all, &plan, known, &troubles.collect(), HOUR)
            .into_iter()
            .map(|candidate| (ALL[candidate.ca].0, candidate.fallback))
            .collect()
    }

    #[test]
    fn the_plan_decides_which_and_in_which_order() {
        assert_eq!(
            chosen(&[], &free(), &[]),
            [("le", false), ("zerossl", true), ("google", true)]
        );
        assert_eq!(
            chosen(&["zerossl", "le"], &free(), &[]),
            [("zerossl", false), ("le", true)]
        );
        assert_eq!(chosen(&["gone", "google"], &free(), &[]), [("google", false)]);
        assert!(chosen(&["gone"], &free(), &[]).is_empty());
    }

    #[test]
    fn a_ca_that_has_taken_no_orders_for_long_comes_last_and_is_asked_now_and_then() {
        let first = |since, last| chosen(&[], &free(), &[("https://le/dir", since, last)])[0].0;
        assert_eq!(first(3600, 10), "zerossl");
        assert_eq!(first(3599, 10), "le", "not for long enough");
        assert_eq!(first(7200, 300), "le", "it may have recovered");
        let after = chosen(&[], &free(), &[("https://le/dir", 7200, 10)]);
        assert_eq!(after, [("zerossl", true), ("google", true), ("le", false)]);
    }

    #[test]
    fn a_record_that_names_an_account_keeps_the_order_at_its_ca() {
        let mut known = Circumstances {
            bound_to: Some("https://z/dir".into()),
            ..free()
        };
        let away = [("https://z/dir", 7200, 10)];
        assert_eq!(chosen(&[], &known, &away), [("zerossl", true)]);
        assert_eq!(chosen(&["le"], &known, &[]), [("le", false)], "not a CA of the plan");
        known.forbidden = vec!["https://z/dir".into()];
        assert_eq!(chosen(&[], &known, &[])[0], ("le", false), "CAA records are in the way");
        known.forbidden.clear();
        known.urgent = true;
        assert_eq!(
            chosen(&[], &known, &[])[..2],
            [("zerossl", true), ("le", false)],
            "its record is in place"
        );
        assert_eq!(chosen(&[], &known, &away)[0], ("le", false));
        known.urgent = false;
        known.bound_to = Some("https://removed/dir".into());
        assert_eq!(chosen(&[], &known, &[])[0], ("le", false));
    }

    #[test]
    fn where_tenants_share_an_account_only_what_differs_among_them_is_relied_on() {
        let mut known = Circumstances {
            told_apart: false,
            ..free()
        };
        assert_eq!(chosen(&[], &known, &[]), [("le", false), ("zerossl", true)]);
        assert_eq!(
            chosen(&["google"], &known, &[]),
            [("google", false)],
            "there is no other"
        );
        known.urgent = true;
        assert_eq!(chosen(&[], &known, &[]).len(), 3);
    }

    #[test]
    fn a_ca_that_caa_records_forbid_is_left_out_unless_all_are_forbidden() {
        let mut known = Circumstances {
            forbidden: vec!["https://z/dir".into()],
            ..free()
        };
        assert_eq!(chosen(&[], &known, &[]), [("le", false), ("google", true)]);
        known.forbidden = ALL.map(|(_, url)| url.to_owned()).to_vec();
        assert_eq!(chosen(&[], &known, &[]).len(), 3);
    }

    #[test]
    fn another_ca_helps_where_it_may_answer_otherwise() {
        let request = Request::PlaceOrder;
        let pending = |reason: CaReason, after: Option<u64>| {
            Stop::from(Outcome::pending_for(reason, after.map(Duration::from_secs)))
        };
        let said = || "its words".to_owned();
        assert_eq!(
            meaning(&pending(CaReason::Unreachable { request }, None), false),
            Meaning::TakesNone
        );
        assert_eq!(
            meaning(&pending(CaReason::Fault { request, said: said() }, Some(5)), true),
            Meaning::TakesNone
        );
        let limits = |after| pending(CaReason::Limits { request, said: said() }, after);
        assert_eq!(meaning(&limits(Some(7200)), false), Meaning::TakesItIn(HOUR * 2));
        assert_eq!(
            meaning(&limits(None), false),
            Meaning::Final,
            "the schedule's delay is short"
        );
        let failed = || Stop::from(Outcome::failed("no", "no"));
        assert_eq!(meaning(&failed(), false), Meaning::Final);
        assert_eq!(
            meaning(&failed(), true),
            Meaning::NotThere,
            "the preferred one is only away"
        );
        let operator = || pending(CaReason::WantsOperator { request, said: said() }, None);
        assert_eq!(meaning(&operator(), false), Meaning::Final);
        assert_eq!(meaning(&operator(), true), Meaning::NotThere);
        assert_eq!(meaning(&pending(CaReason::KeyChanging, None), true), Meaning::Final);
    }
}
