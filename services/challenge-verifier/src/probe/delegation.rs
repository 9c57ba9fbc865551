//! dns-01 by delegation: a CNAME that every name server of the domain must have, and at its target a TXT record of the
//! broker's own.

use pipeline::proof::Judged;
use pipeline::reason::{Delegation, DnsProblem, Seen, Spread, Txt};

use super::{Prober, spread};
use crate::dns::{Near, TxtRecords, TxtSeen};

impl Prober {
    pub(super) async fn delegation(
        &self,
        name: &str,
        target: &str,
        only_by_cname: bool,
        near: Option<&Near>,
        judge: impl Fn(&[Vec<u8>]) -> Judged + Send + Sync,
    ) -> Seen {
        let good = |texts: &[Vec<u8>]| matches!(judge(texts), Judged::Good(_));
        let (first, found) = self.dns.txt_and_first_hop(name, near, good).await;
        let seen = self.txt_seen(name, found, judge).await;
        let Seen::Txt { alias, found } = seen else { return seen };
        let target = target.to_owned();
        Seen::Delegation(match alias {
            Some(end) if end.eq_ignore_ascii_case(&target) => Delegation::Leads {
                cname: cname(&first, &target),
                target,
                value: Box::new(found),
            },
            Some(_) if matches!(found, Txt::Wildcard(_)) => Delegation::Missing {
                target,
                found: Box::new(found),
            },
            Some(found) => Delegation::Elsewhere {
                anothers_target: are_siblings(&found, &target),
                target,
                found,
            },
            // The value itself may stand there, without a CNAME.
            None if !only_by_cname
                && matches!(
                    found,
                    Txt::InPlace { .. } | Txt::NotEverywhere { .. } | Txt::Withheld { .. }
                ) =>
            {
                return Seen::Txt { alias: None, found };
            }
            None => Delegation::Missing {
                target,
                found: Box::new(without_cname(found)),
            },
        })
    }
}

/// A server that has no TXT record at the name has no CNAME there either.
fn without_cname(found: Txt) -> Txt {
    match found {
        Txt::Absent {
            problem: DnsProblem::NoRecord { server, .. },
        } => Txt::Absent {
            problem: DnsProblem::NoRecord {
                kind: "CNAME".to_owned(),
                server,
            },
        },
        other => other,
    }
}

/// The servers that have the CNAME: to the target or, where other CNAMEs are on the way, to the first of them.
fn cname(first: &TxtRecords, target: &str) -> Spread {
    let aliases = || {
        first.answers.iter().filter_map(|answer| match &answer.seen {
            TxtSeen::Alias(alias) => Some(alias.as_str()),
            TxtSeen::Texts(_) | TxtSeen::Denied(_) => None,
        })
    };
    let wanted = match aliases().find(|alias| alias.eq_ignore_ascii_case(target)) {
        None => aliases().next(),
        direct => direct,
    };
    spread::of(
        first,
        |seen| matches!(seen, TxtSeen::Alias(alias) if wanted.is_some_and(|wanted| alias.eq_ignore_ascii_case(wanted))),
    )
}

/// Whether two names differ in their first labels only.
fn are_siblings(one: &str, other: &str) -> bool {
    match (one.split_once('.'), other.split_once('.')) {
        (Some((_, one)), Some((_, other))) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}
