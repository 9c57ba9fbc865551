//! What a tenant needs for the lifetime of the instance. A platform keeps an operation's last description only until
//! the instance is renamed or updated, and no other part of a response reaches its user (`cf service --params`).

use pipeline::proof::{Tenancy, ToSet};
use serde_json::{Map, Value, json};
use store::{InstanceView, Proof};

/// Where to point the domains, the expiry of the certificate, and how each domain was validated.
pub(crate) fn status(instance: &InstanceView, proofs: &[Proof], responder: &str) -> Value {
    let names: Vec<&str> = proofs.iter().map(|proof| proof.domain.as_str()).collect();
    let tenancy = Tenancy {
        tenant: &instance.tenant,
        domains: &names,
    };
    let proved_by: Map<String, Value> = proofs
        .iter()
        .filter_map(|proof| Some((proof.domain.clone(), record(proof, &tenancy, responder)?)))
        .collect();
    json!({
        "cname_target": instance.distribution_domain,
        "certificate_valid_until": instance.certificate_not_after.map(|until| until.date().to_string()),
        "proved_by": proved_by,
    })
}

/// The record that was set, and whether the next certificate needs it.
fn record(proof: &Proof, tenancy: &Tenancy<'_>, responder: &str) -> Option<Value> {
    let challenge = proof.challenges.as_ref()?.get(proof.method)?;
    let (way, keep) = (proof.method.as_str(), proof.method.is_kept());
    Some(match challenge.to_set(&proof.domain, tenancy) {
        ToSet::Txt { name, value } => json!({"way": way, "keep": keep, "type": "TXT", "name": name, "value": value}),
        ToSet::Cname { name, target } => {
            json!({"way": way, "keep": keep, "type": "CNAME", "name": name, "value": target})
        }
        ToSet::Redirect(redirect) => {
            json!({"way": way, "keep": keep, "redirect": redirect.from(), "to": redirect.to(responder)})
        }
    })
}

#[cfg(test)]
mod tests {
    use pipeline::InstanceSettings;
    use pipeline::proof::dns_persist01::Form;
    use pipeline::proof::{Challenge, Challenges, Dns01, DnsPersist01, Http01, Method};

    use super::*;

    fn instance() -> InstanceView {
        InstanceView {
            service_id: "s".into(),
            plan_id: "p".into(),
            request: Value::Null,
            settings: serde_json::from_value::<InstanceSettings>(json!({})).unwrap(),
            distribution_domain: Some("d111111abcdef8.cloudfront.net".into()),
            tenant: "o1".into(),
            operation_kind: "provision".into(),
            operation_state: "succeeded".into(),
            renewal_in_trouble: None,
            certificate_not_after: None,
        }
    }

    #[test]
    fn where_to_point_and_what_to_keep_is_told_record_by_record() {
        let challenges = Challenges::from_iter([
            Challenge::DnsPersist01(DnsPersist01 {
                form: Form::AccountUrl,
                issuer_domains: vec!["letsencrypt.org".into()],
                account_uris: "https://ca.example/acct/1".into(),
            }),
            Challenge::Dns01(Dns01 { value: "gfj9Xq".into() }),
            Challenge::Http01(Http01 {
                token: "tok".into(),
                key_authorization: "tok.thumb".into(),
            }),
        ]);
        let proof = |domain: &str, method: Method| Proof {
            domain: domain.into(),
            method,
            challenges: Some(challenges.clone()),
        };
        let proofs = [
            proof("*.example.com", Method::DnsPersist01),
            proof("www.example.net", Method::Dns01),
            proof("www.example.org", Method::Http01),
        ];
        let told = status(&instance(), &proofs, "https://broker.example");
        let expected = json!({
            "cname_target": "d111111abcdef8.cloudfront.net",
            "certificate_valid_until": null,
            "proved_by": {
                "*.example.com": {
                    "way": "dns-persist-01", "keep": true, "type": "TXT", "name": "_validation-persist.example.com",
                    "value": "letsencrypt.org;accounturi=https://ca.example/acct/1;policy=wildcard",
                },
                "www.example.net": {
                    "way": "dns-01", "keep": false, "type": "TXT", "name": "_acme-challenge.www.example.net", "value": "gfj9Xq",
                },
                "www.example.org": {
                    "way": "http-01", "keep": true,
                    "redirect": "http://www.example.org/.well-known/acme-challenge/*",
                    "to": "https://broker.example/acme/o1/.well-known/acme-challenge/*",
                },
            },
        });
        assert_eq!(told, expected);
    }
}
