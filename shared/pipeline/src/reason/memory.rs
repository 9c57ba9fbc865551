//! What a look leaves to the glances after it, which ask one server each whether everything is as it was, and which looks they may confirm.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Delegation, Look, Seen, Way};

/// Where a look found its answers; not the answers, since it is their end that is waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The servers that answered, by the name that they were asked for.
    pub zones: BTreeMap<String, Asked>,
    /// The web servers' addresses, by host.
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
}

/// Servers of one zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The zone's name.
    pub apex: String,
    /// One address of each at which it answered, in the order in which they are asked by turns.
    pub servers: Vec<IpAddr>,
}

impl Look {
    /// Nothing is set, and each way was answered so plainly that one server's word is enough that it still isn't.
    pub fn is_certain_absence(&self) -> bool {
        self.is_plain_absence() && self.settles_ms.is_none() && self.ways.iter().all(Way::is_certainly_absent)
    }

    /// Without what only the glances after it need: none follows.
    #[must_use]
    pub fn without_memory(self) -> Self {
        Self { memory: None, ..self }
    }
}

impl Way {
    fn is_certainly_absent(&self) -> bool {
        match &self.seen {
            Seen::Txt { alias, found } => found.is_certainly_absent(alias.as_deref()),
            Seen::Delegation(Delegation::Missing { found, .. }) => found.is_certainly_absent(None),
            Seen::HttpFailure(failure) => failure.is_certain(),
            Seen::NoAnswer { .. } | Seen::Delegation(_) | Seen::HttpInPlace(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proof::{Method, Place};
    use crate::reason::examples::{absent, absent_by_http, in_place, slow, with_caa, with_memory, wrong};
    use crate::reason::{DnsProblem, HttpProblem, Reason, Txt, Wildcard, stored};

    const DOMAIN: &str = "www.example.com";

    fn server() -> String {
        "ns1.example.net".to_owned()
    }

    fn txt(alias: Option<&str>, found: Txt) -> Look {
        let mut look = absent(DOMAIN);
        look.ways[0].seen = Seen::Txt {
            alias: alias.map(str::to_owned),
            found,
        };
        look
    }

    fn failed(problem: DnsProblem) -> Look {
        txt(None, Txt::Absent { problem })
    }

    fn delegation(found: Txt) -> Look {
        let target = "x7k2.acme.example".to_owned();
        let found = Box::new(found);
        let mut look = absent(DOMAIN);
        look.ways.push(Way {
            method: Method::DelegatedDns01,
            place: Place::Cname(format!("_acme-challenge.{DOMAIN}")),
            seen: Seen::Delegation(Delegation::Missing { target, found }),
        });
        look
    }

    fn no_record() -> DnsProblem {
        DnsProblem::NoRecord {
            kind: "TXT".to_owned(),
            server: server(),
        }
    }

    fn wildcard() -> Txt {
        Txt::Wildcard(Wildcard {
            owner: "*.example.com".to_owned(),
            target: "d111.cloudfront.net".to_owned(),
            parent: "example.com".to_owned(),
        })
    }

    fn with_code(code: &str) -> DnsProblem {
        DnsProblem::Code {
            code: code.to_owned(),
            server: server(),
            why: None,
        }
    }

    fn answers(status: u16) -> HttpProblem {
        HttpProblem::Status {
            status,
            address: "192.0.2.1".parse().unwrap(),
        }
    }

    #[test]
    fn only_a_certain_absence_may_be_confirmed() {
        let servers = server();
        for look in [
            absent(DOMAIN),
            failed(no_record()),
            txt(None, Txt::Unrelated { servers }),
            txt(Some("d111.cloudfront.net"), wildcard()),
            delegation(Txt::Absent { problem: no_record() }),
            delegation(wildcard()),
            absent_by_http(DOMAIN, answers(404)),
        ] {
            assert!(look.is_certain_absence(), "{look}");
        }
        let servers = server();
        let other_zone = DnsProblem::OtherZone {
            server: server(),
            zone: "www.example.com".to_owned(),
            other: "example.com".to_owned(),
        };
        let cname_to_nothing = || Txt::Absent { problem: no_record() };
        let contested = Look {
            contested: true,
            ..absent(DOMAIN)
        };
        let settles = Look {
            settles_ms: Some(1),
            ..absent(DOMAIN)
        };
        let mut no_answer = absent(DOMAIN);
        no_answer.ways[0].seen = Seen::NoAnswer {
            within: std::time::Duration::from_secs(30),
        };
        let other_client = HttpProblem::Body {
            address: "192.0.2.1".parse().unwrap(),
            body: "token.other".to_owned(),
            other_account: true,
            expected: "token.thumb".to_owned(),
        };
        let without_result = HttpProblem::Slow {
            address: None,
            after: std::time::Duration::from_secs(10),
        };
        for look in [
            Look::default(),
            wrong(DOMAIN, "abc", "xyz"),
            in_place(DOMAIN, Method::Dns01),
            with_caa(absent(DOMAIN)),
            slow(DOMAIN),
            contested,
            settles,
            no_answer,
            failed(with_code("SERVFAIL")),
            failed(with_code("REFUSED")),
            failed(other_zone),
            failed(DnsProblem::Garbled { server: server() }),
            txt(Some("validation.example.net"), cname_to_nothing()),
            txt(Some("validation.example.net"), Txt::Unrelated { servers }),
            delegation(Txt::Absent {
                problem: with_code("SERVFAIL"),
            }),
            absent_by_http(DOMAIN, other_client),
            absent_by_http(DOMAIN, without_result),
        ] {
            assert!(!look.is_certain_absence(), "{look}");
        }
    }

    #[test]
    fn a_memory_reads_back_and_is_not_shown() {
        #[derive(Serialize)]
        struct Shown(#[serde(with = "stored")] Option<Reason>);

        let reason = Reason::from(with_memory(absent(DOMAIN)));
        let written = stored::write(&reason).unwrap();
        let memory = json!({
            "zones": {"_validation-persist.www.example.com": {
                "apex": "example.com.", "servers": ["192.0.2.53", "2001:db8::53"],
            }},
            "hosts": {"www.example.com": ["192.0.2.1"]},
        });
        assert_eq!(written["memory"], memory);
        assert_eq!(written["v"], 1);
        assert_eq!(stored::read(written.clone()), reason);
        let mut shown = serde_json::to_value(Shown(Some(reason.clone()))).unwrap();
        assert_eq!(shown["memory"], json!(null));
        assert_eq!(reason.to_string(), Reason::from(absent(DOMAIN)).to_string());

        // What an earlier program wrote, and what this one shows, is the same without it.
        let facts = shown.as_object_mut().unwrap();
        facts.remove("text");
        let mut forgotten = written;
        forgotten.as_object_mut().unwrap().remove("memory");
        assert_eq!(shown, forgotten);
        assert_eq!(stored::read(forgotten), Reason::from(absent(DOMAIN)));
    }
}
