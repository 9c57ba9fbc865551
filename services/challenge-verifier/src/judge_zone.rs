//! What is to be said about the name servers of a zone of the broker's own.

use doctor::Finding;

use crate::dns::{Authority, DnsProblem};

/// A CA that finds no value looks again soon; so long its resolver may still remember that there was none.
const LONGEST_ABSENCE: u32 = 60;

/// Judges what was found of the zone's name servers ([`crate::dns::Dns::authority`]).
pub fn judge_zone(about: &str, zone: &str, found: &Result<Option<Authority>, DnsProblem>) -> Finding {
    match found {
        Ok(Some(authority)) => judge(about, zone, authority),
        Ok(None) => Finding::ok(
            about,
            format!(
                "{zone} is no zone of its own but part of the one above it, to which the broker must write then \
                 (RFC2136_ZONE, ROUTE53_ZONE_ID)"
            ),
        ),
        Err(problem) => not_delegated(about, zone, problem),
    }
}

fn not_delegated(about: &str, zone: &str, problem: &DnsProblem) -> Finding {
    Finding::fail(
        about,
        format!("the name servers of {zone} can't be found: {problem}"),
        "let the zone above it name them (NS records), with their addresses (glue)",
    )
}

fn judge(about: &str, zone: &str, authority: &Authority) -> Finding {
    let servers = authority.servers.join(", ");
    if let Some((_, problem)) = authority.left_out.first() {
        if authority.servers.is_empty() {
            return not_delegated(about, zone, problem);
        }
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

    fn at_two() -> Authority {
        Authority {
            servers: vec!["ns1.example".to_owned(), "ns2.example".to_owned()],
            left_out: Vec::new(),
            remembered_absence: 5,
        }
    }

    #[test]
    fn a_server_that_is_missing_and_a_long_memory_are_reported() {
        let good = at_two();
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
            found.state() == State::Fail && found.text().contains("repair that server"),
            "{found}"
        );
        let nobodys = Authority {
            servers: Vec::new(),
            ..lame
        };
        let found = judge("DNS delegation", "acme.example", &nobodys);
        assert!(
            found.state() == State::Fail && found.text().contains("let the zone above it name them"),
            "{found}"
        );
    }

    #[test]
    fn a_zone_with_servers_that_have_it_is_found_at_each_of_them() {
        let found = judge_zone("DNS delegation", "acme.example", &Ok(Some(at_two())));
        assert_eq!(
            found.to_string(),
            "ok    DNS delegation  acme.example is found, at ns1.example, ns2.example"
        );
    }

    #[test]
    fn a_name_that_is_no_zone_of_its_own_is_part_of_the_zone_above_it() {
        let found = judge_zone("DNS delegation", "acme.example", &Ok(None));
        assert_eq!(
            found.to_string(),
            "ok    DNS delegation  acme.example is no zone of its own but part of the one above it, to which the broker must \
             write then (RFC2136_ZONE, ROUTE53_ZONE_ID)"
        );
    }

    #[test]
    fn servers_that_can_not_be_found_are_a_failure_that_says_where_to_name_them() {
        let problem = DnsProblem::Code {
            code: "SERVFAIL".to_owned(),
            server: "192.0.2.53".to_owned(),
            why: None,
        };
        let found = judge_zone("DNS delegation", "acme.example", &Err(problem));
        assert_eq!(
            found.to_string(),
            "FAIL  DNS delegation  the name servers of acme.example can't be found: SERVFAIL from 192.0.2.53: \
             let the zone above it name them (NS records), with their addresses (glue)"
        );
    }
}
