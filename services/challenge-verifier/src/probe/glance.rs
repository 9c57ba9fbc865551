//! Between two looks at everything: whether the one server that is asked for each record still says what the last look saw.

use futures_util::future::try_join_all;
use pipeline::proof::{Challenge, Http01, Judged, LookFor};
use pipeline::reason::{Delegation, HttpFailure, Memory, Seen, Txt};
use pipeline::turn::Turn;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::Prober;
use crate::dns::TxtSeen;
use crate::{Expected, Look, Way};

/// What a glance found. It names nothing that was seen, so that nothing can be proved by it, nor told to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glance {
    /// Whatever was asked was answered as before.
    Same,
    /// Something wasn't, so that everything has to be looked at. The text is for the operator.
    Changed(&'static str),
}

const OTHER_WAYS: &str = "other ways to prove the domain are offered";

/// The inputs of a glance.
#[derive(Clone, Copy)]
struct Around<'g> {
    domain: &'g str,
    memory: &'g Memory,
    turn: Turn,
    now: OffsetDateTime,
}

impl Prober {
    /// Asks one server for each TXT record that `before` found absent, and requests the challenge file of one address.
    /// Which ones is a matter of `turn`. Takes no longer than [`Self::shortest_limit`].
    pub async fn glance(&self, expected: &Expected, before: &Look, turn: Turn, now: OffsetDateTime) -> Glance {
        let glance = match timeout(self.shortest_limit, self.differs(expected, before, turn, now)).await {
            Ok(Ok(())) => Glance::Same,
            Ok(Err(what)) => Glance::Changed(what),
            Err(_elapsed) => Glance::Changed("there was no answer in time"),
        };
        tracing::debug!(domain = expected.domain, ?glance, "glanced at");
        glance
    }

    async fn differs(
        &self,
        expected: &Expected,
        before: &Look,
        turn: Turn,
        now: OffsetDateTime,
    ) -> Result<(), &'static str> {
        let memory = before.memory.as_ref().ok_or("nothing is remembered")?;
        // Such a look alone has a memory. But what is confirmed is told again as it was, so this doesn't depend on who stored it.
        if !before.is_certain_absence() {
            return Err("something was there before");
        }
        if expected.challenges.iter().len() != before.ways.len() {
            return Err(OTHER_WAYS);
        }
        let domain = expected.domain.as_str();
        let around = Around {
            domain,
            memory,
            turn,
            now,
        };
        let mut ways = Vec::new();
        for (slot, (challenge, way)) in expected.challenges.iter().zip(&before.ways).enumerate() {
            if challenge.method() != way.method || challenge.place(domain) != way.place {
                return Err(OTHER_WAYS);
            }
            ways.push(self.way_differs(challenge, way, slot, around));
        }
        try_join_all(ways).await.map(drop)
    }

    async fn way_differs(
        &self,
        challenge: &Challenge,
        before: &Way,
        slot: usize,
        around: Around<'_>,
    ) -> Result<(), &'static str> {
        let name = before.place.name();
        match (challenge.look_for(around.domain), &before.seen) {
            (LookFor::Txt(judge), Seen::Txt { found, .. }) => {
                let judge = |texts: &[Vec<u8>]| judge(texts, around.now);
                self.txt_differs(name, found, slot, around, judge).await
            }
            (
                LookFor::Delegation { target, judge, .. },
                Seen::Delegation(Delegation::Missing { target: wanted, found }),
            ) if target == wanted => {
                let judge = |texts: &[Vec<u8>]| judge(texts, around.now);
                self.txt_differs(name, found, slot, around, judge).await
            }
            (LookFor::File(wanted), Seen::HttpFailure(failure)) => self.file_differs(failure, wanted, around).await,
            _ => Err(OTHER_WAYS),
        }
    }

    async fn txt_differs(
        &self,
        name: &str,
        before: &Txt,
        slot: usize,
        around: Around<'_>,
        judge: impl Fn(&[Vec<u8>]) -> Judged + Send + Sync,
    ) -> Result<(), &'static str> {
        let asked = around.memory.zones.get(name);
        let seen = match self.dns.one_txt(name, asked, around.turn, slot).await {
            Ok(seen) => seen,
            Err(problem) => {
                tracing::debug!(%name, %problem, "no server can be asked in a glance");
                return Err("no server answers for the name as before");
            }
        };
        let is_same = match (before, &seen) {
            // NXDOMAIN or not: servers of one zone differ in that.
            (Txt::Absent { .. }, TxtSeen::Denied(_)) => true,
            (Txt::Unrelated { .. }, TxtSeen::Texts(texts)) => judge(texts) == Judged::Unrelated,
            (Txt::Wildcard(wildcard), TxtSeen::Alias(target)) => target.eq_ignore_ascii_case(&wildcard.target),
            _ => false,
        };
        is_same.then_some(()).ok_or("a name server answers something else")
    }

    async fn file_differs(
        &self,
        before: &HttpFailure,
        wanted: &Http01,
        around: Around<'_>,
    ) -> Result<(), &'static str> {
        let Around {
            domain, memory, turn, ..
        } = around;
        // Without an address there is nothing but the name to look at.
        if !memory.hosts.contains_key(domain) && !turn.resolves() {
            return Ok(());
        }
        match self.http01.glance(&self.dns, &memory.hosts, turn, domain, wanted).await {
            Err(failure) if before.is_confirmed_by(&failure) => Ok(()),
            _ => Err("the web server answers something else"),
        }
    }
}
