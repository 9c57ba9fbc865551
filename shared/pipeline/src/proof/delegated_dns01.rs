//! dns-01 by delegation: the tenant sets one CNAME, once, from `_acme-challenge` to a name in the broker's own zone, and
//! the broker writes each order's value there (RFC 8555 §8.4; CAs follow CNAMEs). It works at every CA that has dns-01.

use serde::{Deserialize, Serialize};

use super::{ChallengeType, Dns01, LookFor, Method, Offered, Place, Tenancy, ToSet};

/// The data of a dns-01 challenge that is delegated to the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegatedDns01 {
    /// The name in the broker's zone to which this tenant's CNAME for this domain leads.
    pub target: String,
    /// This order's value, which the broker writes there.
    pub value: String,
    /// Other tenants have the same value, since all share the account: it counts only where the CNAME leads to the target.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_by_cname: bool,
}

impl ChallengeType for DelegatedDns01 {
    const ACME_TYPE: &'static str = "dns-01";
    const MADE_WITH_THE_KEY: bool = true;
    /// The CNAME does; the value is the broker's matter.
    const OUTLASTS_ITS_ORDER: bool = true;
    const KEPT: bool = true;
    const NAMES_THE_ACCOUNT: bool = false;
    const NAMES_THE_TENANT: bool = true;

    fn heading(_wildcards: bool) -> &'static str {
        "by a CNAME, set once, good for every later certificate:"
    }

    fn read(offered: &Offered<'_>) -> Option<Result<Self, String>> {
        let target = offered.delegation?.to_owned();
        let Dns01 { value } = Dns01::of(offered, Method::DelegatedDns01)?;
        Some(Ok(Self {
            target,
            value,
            only_by_cname: false,
        }))
    }

    fn relies_on_the_accounts_url(&self) -> bool {
        false
    }

    fn place(&self, domain: &str) -> Place {
        Place::Cname(Dns01::name(domain))
    }

    fn to_set(&self, domain: &str, _tenancy: &Tenancy<'_>) -> ToSet {
        ToSet::Cname {
            name: self.place(domain).into_name(),
            target: self.target.clone(),
        }
    }

    fn look_for(&self, _domain: &str) -> LookFor<'_> {
        LookFor::Delegation {
            target: &self.target,
            only_by_cname: self.only_by_cname,
            judge: Box::new(|texts, _now| Dns01::judge(&self.value, texts)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::proof::{Account, Challenges};

    fn offered(delegation: Option<&str>) -> Challenges {
        let authorization = json!({ "challenges": [{"type": "dns-01", "token": "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ"}] });
        Challenges::read(&Offered {
            authorization: &authorization,
            meta: &Value::Null,
            domain: "*.example.com",
            account: Account {
                url: "https://ca.example/acct/1",
                thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
                earlier_thumbprints: &[],
            },
            delegation,
        })
    }

    #[test]
    fn a_wildcard_is_delegated_at_its_parents_name_and_dns_01_is_not_offered_beside() {
        let challenges = offered(Some("x7k2.acme.example"));
        let methods: Vec<Method> = challenges.iter().map(super::super::Challenge::method).collect();
        assert_eq!(methods, [Method::DelegatedDns01], "both would need the same name");
        let tenancy = Tenancy {
            tenant: "org-1",
            domains: &["*.example.com"],
        };
        let expected = ToSet::Cname {
            name: "_acme-challenge.example.com".to_owned(),
            target: "x7k2.acme.example".to_owned(),
        };
        let challenge = challenges.get(Method::DelegatedDns01).unwrap();
        assert_eq!(challenge.to_set("*.example.com", &tenancy), expected);
        assert_eq!(
            challenges.get(Method::DelegatedDns01).unwrap().method().acme_type(),
            "dns-01"
        );
    }

    #[test]
    fn without_a_zone_dns_01_is_offered_as_ever() {
        let methods: Vec<Method> = offered(None).iter().map(super::super::Challenge::method).collect();
        assert_eq!(methods, [Method::Dns01]);
    }
}
