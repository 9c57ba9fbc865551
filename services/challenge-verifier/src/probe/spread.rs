//! How many of the queried name servers have a record.

use pipeline::reason::{Behind, Instead, Spread};

use crate::dns::{TxtAnswer, TxtRecords, TxtSeen};
use crate::shown;

/// A server has the record when it returns it at each of its addresses that responds.
pub(super) fn of(found: &TxtRecords, good: impl Fn(&TxtSeen) -> bool) -> Spread {
    let has = |answer: &TxtAnswer| good(&answer.seen);
    let mut spread = Spread {
        left_out: found.left_out.clone(),
        ..Spread::default()
    };
    for (index, answer) in found.answers.iter().enumerate() {
        let server = &answer.server;
        if found.answers[..index].iter().any(|earlier| &earlier.server == server) {
            continue;
        }
        let same = || found.answers[index..].iter().filter(|other| &other.server == server);
        match same().find(|answer| !has(answer)) {
            None => spread.have.push(server.clone()),
            Some(lacks) => spread.behind.push(Behind {
                server: server.clone(),
                instead: instead(&lacks.seen),
                address: same().any(has).then_some(lacks.address),
            }),
        }
    }
    spread
}

fn instead(seen: &TxtSeen) -> Instead {
    match seen {
        TxtSeen::Texts(texts) => Instead::Text(texts.first().map(|text| shown::plain(text))),
        TxtSeen::Alias(target) => Instead::Alias(target.clone()),
        TxtSeen::Denied(problem) => Instead::Denied(problem.clone()),
    }
}
