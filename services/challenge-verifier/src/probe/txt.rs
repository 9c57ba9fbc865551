//! The methods by DNS: a TXT record that every name server must have, and that a resolver returns.

use pipeline::proof::Judged;
use pipeline::reason::{LookupFailure, Says, Seen, Spread, Txt};

use super::{Prober, spread};
use crate::dns::{Near, TxtRecords, TxtSeen, Wildcard};

impl Prober {
    pub(super) async fn txt(&self, name: &str, near: Option<&Near>, judge: impl Fn(&[Vec<u8>]) -> Judged) -> Seen {
        let found = self
            .dns
            .txt(name, near, |texts| matches!(judge(texts), Judged::Good(_)))
            .await;
        self.txt_seen(name, found, judge).await
    }

    pub(super) async fn txt_seen(
        &self,
        name: &str,
        found: Result<TxtRecords, LookupFailure>,
        judge: impl Fn(&[Vec<u8>]) -> Judged,
    ) -> Seen {
        let found = match found {
            Ok(found) => found,
            Err(failure) => return self.no_record(name, failure).await,
        };
        let alias = found.alias.clone();
        let spread = spread::of(
            &found,
            |seen| matches!(seen, TxtSeen::Texts(texts) if matches!(judge(texts), Judged::Good(_))),
        );
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
