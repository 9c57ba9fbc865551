//! What is to be said about the name servers of a zone of the broker's own.

use doctor::Finding;

use crate::dns::{Authority, DnsProblem};

/// A CA that finds no value looks again soon; so long its resolver may still remember that there was none.
const LONGEST_ABSENCE: u32 = 60;

/// Judges what was found of the zone's name servers ([`crate::dns::Dns::authority`]).
pub fn judge_zone(about: &str, zone: &str, found: &Result<Option<Authority>, DnsProblem>) -> Finding {
    match found {
        Ok(Some(authority)) => judge(about, zone, authority),
        Ok(None) => Finding::ok(about, format!("{zone} is part of the zone above it")),
        Err(problem) => Finding::fail(
            about,
            format!("the name servers of {zone} can't be found: {problem}"),
            "let the zone above it name them (NS records), with their addresses (glue)",
        ),
    }
}

fn judge(about: &str, zone: &str, authority: &Authority) -> Finding {
    let servers = authority.servers.join(", ");
    if let Some((_, problem)) = authority.left_out.first() {
        return Finding::fail(
            about,
            format!("not every name server of {zone} answers for it: {problem}"),
            "a CA may ask any of them: repair that server, or take it out of the NS records",
        );
    }
    if authority.remembered_absence > LONGEST_ABSENCE {
        return Finding::warn(
            about,
            format!(
                "{zone} at {servers}: resolvers remember for {} s that a name has no value",
                authority.remembered_absence
            ),
            format!("set the last number of its SOA record to at most {LONGEST_ABSENCE}"),
        );
    }
    Finding::ok(about, format!("{zone} is found, at {servers}"))
}

#[cfg(test)]
mod tests {
    use doctor::State;

    use super::*;

    #[test]
    fn a_server_that_is_missing_and_a_long_memory_are_reported() {
        let good = Authority {
            servers: vec!["ns1.example".to_owned(), "ns2.example".to_owned()],
            left_out: Vec::new(),
            remembered_absence: 5,
        };
        assert_eq!(judge("DNS delegation", "acme.example", &good).state(), State::Ok);
        let forgetful = Authority {
            remembered_absence: 3600,
            ..good.clone()
        };
        assert_eq!(judge("DNS delegation", "acme.example", &forgetful).state(), State::Warn);
        let problem = DnsProblem::Lame {
            server: "ns2.example".to_owned(),
            zone: "acme.example".to_owned(),
        };
        let lame = Authority {
            left_out: vec![("ns2.example".to_owned(), problem)],
            ..good
        };
        let found = judge("DNS delegation", "acme.example", &lame);
        assert!(
            found.state() == State::Fail && found.text().contains("ns2.example"),
            "{found}"
        );
    }
}
