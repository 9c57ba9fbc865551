//! How far a record has come among the name servers.

use crate::dns::{TxtAnswer, TxtRecords, TxtSeen};
use crate::shown;

/// The name servers that have a record, those that don't, and those that can't be asked.
#[derive(Debug)]
pub(super) struct Spread {
    have: Vec<String>,
    /// With what each has instead.
    behind: Vec<(String, String)>,
    /// With what keeps each from answering.
    left_out: Vec<(String, String)>,
}

impl Spread {
    /// A server has the record when it has it at each of its addresses that answers.
    pub(super) fn of(found: &TxtRecords, good: impl Fn(&[Vec<u8>]) -> bool) -> Self {
        let has = |answer: &TxtAnswer| matches!(&answer.seen, TxtSeen::Texts(texts) if good(texts));
        let mut spread = Self {
            have: Vec::new(),
            behind: Vec::new(),
            left_out: Vec::new(),
        };
        for (index, answer) in found.answers.iter().enumerate() {
            let server = &answer.server;
            if found.answers[..index].iter().any(|earlier| &earlier.server == server) {
                continue;
            }
            let same = || found.answers[index..].iter().filter(|other| &other.server == server);
            match same().find(|answer| !has(answer)) {
                None => spread.have.push(server.clone()),
                Some(lacks) if same().any(has) => {
                    let seen = format!("{} at {}", instead(&lacks.seen), lacks.address);
                    spread.behind.push((server.clone(), seen));
                }
                Some(lacks) => spread.behind.push((server.clone(), instead(&lacks.seen))),
            }
        }
        let left_out = found.left_out.iter();
        spread.left_out = left_out
            .map(|(server, why)| (server.clone(), why.to_string()))
            .collect();
        spread
    }

    pub(super) fn is_everywhere(&self) -> bool {
        !self.have.is_empty() && self.behind.is_empty()
    }

    /// Every server that answers.
    pub(super) fn servers(&self) -> String {
        let behind = self.behind.iter().map(|(server, _)| server);
        shown::few(self.have.iter().chain(behind).cloned())
    }

    /// Where the record is, and where it isn't.
    pub(super) fn text(&self) -> String {
        let all = self.have.len() + self.behind.len() + self.left_out.len();
        let mut text = match self.have.as_slice() {
            [only] if all == 1 => format!("at {only}"),
            have if have.len() == all => format!("at all {all} name servers"),
            have => format!("at {} of {all} name servers", have.len()),
        };
        if !self.behind.is_empty() {
            let behind = self.behind.iter().map(|(server, seen)| format!("{server} ({seen})"));
            text.push_str(&format!("; not yet at {}", shown::few(behind)));
        }
        if !self.left_out.is_empty() {
            let why = self.left_out.iter().map(|(_, why)| why.clone());
            text.push_str(&format!("; left out: {}", shown::few(why)));
        }
        text
    }
}

fn instead(seen: &TxtSeen) -> String {
    match seen {
        TxtSeen::Texts(texts) => match texts.first() {
            Some(text) => format!("it has {}", shown::quoted(text)),
            None => "it has no text".to_owned(),
        },
        TxtSeen::Alias(target) => format!("it has a CNAME to {target}"),
        TxtSeen::Denied(problem) => problem.denied(),
    }
}
