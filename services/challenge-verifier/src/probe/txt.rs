//! The two ways by DNS: a TXT record that every name server has to have, and that a resolver gives out.

use pipeline::persist::{self, PersistExpected};
use time::OffsetDateTime;

use super::spread::Spread;
use super::{Prober, Way, in_place, not_in_place, record_name, subject, with_alias};
use crate::dns::{LookupFailure, Problem, TxtSeen, Wildcard};
use crate::{Method, shown};

/// As many of the TXT values at one name as the user gets to see.
const MOST_VALUES: usize = 3;

/// What a name's TXT records are worth; the texts stand behind the record's name.
enum Judged {
    Good(String),
    Wrong(String),
    /// None of them has to do with the way.
    Unrelated,
}

impl Prober {
    pub(super) async fn persist_way(&self, domain: &str, wanted: &PersistExpected, now: OffsetDateTime) -> Way {
        let judge = |texts: &[Vec<u8>]| match persist::judge(texts, wanted, now) {
            Some(Ok(())) => Judged::Good(format!("trusts {}", wanted.account_uri)),
            Some(Err(mismatch)) => Judged::Wrong(mismatch.explain(wanted)),
            None => Judged::Unrelated,
        };
        self.txt_way(Method::DnsPersist01, domain, judge).await
    }

    pub(super) async fn dns01_way(&self, domain: &str, wanted: &str) -> Way {
        let judge = |texts: &[Vec<u8>]| match texts.iter().any(|text| text == wanted.as_bytes()) {
            true => Judged::Good("is as expected".to_owned()),
            false => Judged::Wrong(format!("is {}, expected \"{wanted}\"", values(texts))),
        };
        self.txt_way(Method::Dns01, domain, judge).await
    }

    async fn txt_way(&self, method: Method, domain: &str, judge: impl Fn(&[Vec<u8>]) -> Judged) -> Way {
        let (name, record) = (record_name(method, domain), subject(method, domain));
        let good = |texts: &[Vec<u8>]| matches!(judge(texts), Judged::Good(_));
        let found = match self.dns.txt(&name, good).await {
            Ok(found) => found,
            Err(failure) => return self.no_record(method, &name, &record, &failure).await,
        };
        let aliased = with_alias(&record, found.alias.as_deref());
        let spread = Spread::of(&found, good);
        let judged = found.answers.iter().filter_map(|answer| match &answer.seen {
            TxtSeen::Texts(texts) => Some((answer.server.as_str(), judge(texts))),
            TxtSeen::Alias(_) | TxtSeen::Denied(_) => None,
        });
        let mut wrong = None;
        for (server, judged) in judged {
            match judged {
                Judged::Good(text) => {
                    return self
                        .spread_way(method, &name, format!("{aliased} {text}"), &spread)
                        .await;
                }
                Judged::Wrong(text) if wrong.is_none() => wrong = Some((server, text)),
                Judged::Wrong(_) | Judged::Unrelated => {}
            }
        }
        if let Some(wildcard) = self.wildcard(&name, found.alias.as_deref()).await {
            return not_in_place(method, made_by(&wildcard, &name, &record), false);
        }
        match wrong {
            Some((server, text)) => not_in_place(method, format!("{aliased} {text} (at {server})"), true),
            None => not_in_place(
                method,
                format!("{aliased}: no TXT record at {}", spread.servers()),
                false,
            ),
        }
    }

    /// At least one server has it.
    async fn spread_way(&self, method: Method, name: &str, seen: String, spread: &Spread) -> Way {
        if !spread.is_everywhere() {
            return not_in_place(method, format!("{seen} {}", spread.text()), true);
        }
        let seen = format!("{seen} ({})", spread.text());
        match self.dns.withheld(name).await {
            None => in_place(method, seen),
            Some(problem) => not_in_place(method, format!("{seen}, but {problem}"), true),
        }
    }

    /// A CNAME that leads nowhere has been set on purpose, unless it is a wildcard's, so it is told first.
    async fn no_record(&self, method: Method, name: &str, record: &str, failure: &LookupFailure) -> Way {
        if let Some(wildcard) = self.wildcard(name, failure.alias.as_deref()).await {
            return not_in_place(method, made_by(&wildcard, name, record), false);
        }
        let problem = &failure.problem;
        let set = failure.alias.is_some() || matches!(problem, Problem::Loop { .. } | Problem::TooMany { .. });
        let relevant = set || matches!(problem, Problem::Dnssec { .. });
        let record = with_alias(record, failure.alias.as_deref());
        not_in_place(method, format!("{record}: {problem}"), relevant)
    }

    async fn wildcard(&self, name: &str, alias: Option<&str>) -> Option<Wildcard> {
        alias?;
        self.dns.wildcard(name).await
    }
}

/// A name that has a record, or has one below it, is no wildcard's any more (RFC 4592 §2.2.2): so the domain itself may
/// lose what it has from the wildcard.
fn made_by(wildcard: &Wildcard, name: &str, record: &str) -> String {
    let Wildcard { owner, target, parent } = wildcard;
    let mut text = format!(
        "{record}: the wildcard {owner} (CNAME to {target}) answers for it; a TXT record at {name} itself ends that"
    );
    if let Some((_, domain)) = name.split_once('.').filter(|(_, domain)| domain != parent) {
        text.push_str(&format!(
            ", and {domain} then needs a CNAME to {target} of its own, since {owner} no longer answers for it either"
        ));
    }
    text
}

fn values(texts: &[Vec<u8>]) -> String {
    let mut values: Vec<String> = texts.iter().take(MOST_VALUES).map(|text| shown::quoted(text)).collect();
    if let more @ 1.. = texts.len().saturating_sub(MOST_VALUES) {
        values.push(format!("{more} more"));
    }
    values.join(", ")
}
