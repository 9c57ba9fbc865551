//! Example probes for tests.

use std::time::Duration;

use super::{
    Asked, CaaForbids, DnsProblem, HttpFailure, HttpProblem, Look, Memory, Reason, Redirected, Says, Seen, Spread, Txt,
    Way, WrongTxt,
};
use crate::caa::{CaaExpected, Forbidden, IssueTag, Miss};
use crate::proof::examples::challenges;
use crate::proof::{Method, Place};

const SERVER: &str = "ns1.example.net";

fn way(domain: &str, method: Method, found: Txt) -> Way {
    let offered = challenges("https://ca.example/acct/123", "gfj9Xq_Rg85nM", domain);
    Way {
        method,
        place: offered.get(method).unwrap().place(domain),
        seen: Seen::Txt { alias: None, found },
    }
}

/// Nothing is set yet.
pub(crate) fn absent(domain: &str) -> Look {
    let problem = DnsProblem::NoSuchName {
        server: SERVER.to_owned(),
    };
    Look {
        ways: vec![way(domain, Method::DnsPersist01, Txt::Absent { problem })],
        ..Look::default()
    }
}

/// Nor is the file, at one address.
pub(crate) fn absent_by_http(domain: &str, problem: HttpProblem) -> Look {
    let mut look = absent(domain);
    look.ways.push(Way {
        method: Method::Http01,
        place: Place::Http(domain.to_owned()),
        seen: Seen::HttpFailure(HttpFailure {
            in_place: Vec::new(),
            wrong: vec![Redirected {
                redirected_to: None,
                problem,
            }],
        }),
    });
    look
}

/// As far as it may be confirmed by glances.
pub(crate) fn with_memory(look: Look) -> Look {
    let asked = Asked {
        apex: "example.com.".to_owned(),
        servers: vec!["192.0.2.53".parse().unwrap(), "2001:db8::53".parse().unwrap()],
    };
    let name = look.ways[0].place.name().to_owned();
    let host = name.trim_start_matches("_validation-persist.").to_owned();
    Look {
        memory: Some(Memory {
            zones: [(name, asked)].into(),
            hosts: [(host, vec!["192.0.2.1".parse().unwrap()])].into(),
        }),
        ..look
    }
}

/// A value other than the order's.
pub(crate) fn wrong(domain: &str, found: &str, expected: &str) -> Look {
    let wrong = WrongTxt::Value {
        found: vec![found.to_owned()],
        more: 0,
        expected: expected.to_owned(),
    };
    let server = SERVER.to_owned();
    Look {
        ways: vec![way(domain, Method::Dns01, Txt::Wrong { wrong, server })],
        ..Look::default()
    }
}

/// The record is in place.
pub(crate) fn in_place(domain: &str, method: Method) -> Look {
    let spread = Spread {
        have: vec![SERVER.to_owned()],
        ..Spread::default()
    };
    let says = Says::AsExpected;
    Look {
        in_place: Some(method),
        ways: vec![way(domain, method, Txt::InPlace { says, spread })],
        ..Look::default()
    }
}

/// The zone's CAA records allow another CA.
pub(crate) fn with_caa(look: Look) -> Look {
    Look {
        forbidden: Some(CaaForbids {
            name: "example.com".to_owned(),
            alias: None,
            server: SERVER.to_owned(),
            why: Forbidden::NotAllowed {
                tag: IssueTag::Issue,
                nearest: Miss::OtherIssuer,
                issuers: vec!["digicert.com".to_owned()],
            },
            method: Method::Dns01,
            expected: CaaExpected {
                identities: vec!["letsencrypt.org".to_owned()],
                account_uri: "https://ca.example/acct/123".to_owned(),
                wildcard: false,
            },
        }),
        ..look
    }
}

/// A server made the probe run into its time limit.
pub(crate) fn slow(domain: &str) -> Look {
    let problem = DnsProblem::Silent {
        server: "192.0.2.1:53".to_owned(),
        after: Duration::from_secs(5),
    };
    Look {
        ways: vec![way(domain, Method::Dns01, Txt::Absent { problem })],
        slow: true,
        ..Look::default()
    }
}

pub(crate) fn seen(look: Look) -> Option<Reason> {
    Some(look.into())
}
