//! The two ways by DNS: a TXT record that every name server has to have, and that a resolver gives out.

use pipeline::persist::{self, PersistExpected};
use pipeline::reason::{LookupFailure, Says, Seen, Spread, Txt, WrongTxt};
use time::OffsetDateTime;

use super::{Prober, spread};
use crate::dns::{TxtSeen, Wildcard};
use crate::{Method, Way, shown};

/// As many of the TXT values at one name as the user gets to see.
const MOST_VALUES: usize = 3;

/// What a name's TXT records are worth.
enum Judged {
    Good(Says),
    Wrong(WrongTxt),
    /// None of them has to do with the way.
    Unrelated,
}

impl Prober {
    pub(super) async fn persist_way(&self, domain: &str, wanted: &PersistExpected, now: OffsetDateTime) -> Seen {
        let judge = |texts: &[Vec<u8>]| match persist::judge(texts, wanted, now) {
            Some(Ok(())) => Judged::Good(Says::Trusts(wanted.account_uri.to_string())),
            Some(Err(mismatch)) => Judged::Wrong(WrongTxt::Persist {
                mismatch,
                expected: wanted.clone(),
            }),
            None => Judged::Unrelated,
        };
        self.txt_way(&Way::record_name(Method::DnsPersist01, domain), judge)
            .await
    }

    pub(super) async fn dns01_way(&self, domain: &str, wanted: &str) -> Seen {
        let judge = |texts: &[Vec<u8>]| match texts.iter().any(|text| text == wanted.as_bytes()) {
            true => Judged::Good(Says::AsExpected),
            false => Judged::Wrong(WrongTxt::Value {
                found: texts.iter().take(MOST_VALUES).map(|text| shown::plain(text)).collect(),
                more: texts.len().saturating_sub(MOST_VALUES),
                expected: wanted.to_owned(),
            }),
        };
        self.txt_way(&Way::record_name(Method::Dns01, domain), judge).await
    }

    async fn txt_way(&self, name: &str, judge: impl Fn(&[Vec<u8>]) -> Judged) -> Seen {
        let good = |texts: &[Vec<u8>]| matches!(judge(texts), Judged::Good(_));
        let found = match self.dns.txt(name, good).await {
            Ok(found) => found,
            Err(failure) => return self.no_record(name, failure).await,
        };
        let alias = found.alias.clone();
        let spread = spread::of(&found, good);
        let judged = found.answers.iter().filter_map(|answer| match &answer.seen {
            TxtSeen::Texts(texts) => Some((answer.server.as_str(), judge(texts))),
            TxtSeen::Alias(_) | TxtSeen::Denied(_) => None,
        });
        let mut wrong = None;
        for (server, judged) in judged {
            match judged {
                Judged::Good(says) => {
                    let found = self.spread_way(name, says, spread).await;
                    return Seen::Txt { alias, found };
                }
                Judged::Wrong(text) if wrong.is_none() => wrong = Some((server, text)),
                Judged::Wrong(_) | Judged::Unrelated => {}
            }
        }
        let found = match (self.wildcard(name, alias.as_deref()).await, wrong) {
            (Some(wildcard), _) => Txt::Wildcard(wildcard),
            (None, Some((server, wrong))) => Txt::Wrong {
                wrong,
                server: server.to_owned(),
            },
            (None, None) => Txt::Unrelated {
                servers: spread.servers(),
            },
        };
        Seen::Txt { alias, found }
    }

    /// At least one server has it.
    async fn spread_way(&self, name: &str, says: Says, spread: Spread) -> Txt {
        if !spread.is_everywhere() {
            return Txt::NotEverywhere { says, spread };
        }
        match self.dns.withheld(name).await {
            None => Txt::InPlace { says, spread },
            Some(problem) => Txt::Withheld { says, spread, problem },
        }
    }

    async fn no_record(&self, name: &str, failure: LookupFailure) -> Seen {
        let LookupFailure { alias, problem } = failure;
        let found = match self.wildcard(name, alias.as_deref()).await {
            Some(wildcard) => Txt::Wildcard(wildcard),
            None => Txt::Absent { problem },
        };
        Seen::Txt { alias, found }
    }

    async fn wildcard(&self, name: &str, alias: Option<&str>) -> Option<Wildcard> {
        alias?;
        self.dns.wildcard(name).await
    }
}
