//! What a tenant needs for as long as the instance is there: a platform keeps an operation's last description only
//! until it is renamed or updated, and nothing else of an answer reaches its user (`cf service --params`).

use pipeline::domain::{
    CHALLENGE_PATH, dns01_record_name, needs_wildcard_policy, persist_record_name, persist_record_value,
    responder_prefix,
};
use pipeline::outcome::Method;
use serde_json::{Map, Value, json};
use store::{InstanceView, Proof};

/// Where to point the domains, until when the certificate is valid, and what proved each domain.
pub(crate) fn status(instance: &InstanceView, proofs: &[Proof], responder: &str) -> Value {
    let names: Vec<&str> = proofs.iter().map(|proof| proof.domain.as_str()).collect();
    let proved_by: Map<String, Value> = proofs
        .iter()
        .filter_map(|proof| {
            Some((
                proof.domain.clone(),
                record(proof, &names, &instance.tenant, responder)?,
            ))
        })
        .collect();
    json!({
        "cname_target": instance.distribution_domain,
        "certificate_valid_until": instance.certificate_not_after.map(|until| until.date().to_string()),
        "proved_by": proved_by,
    })
}

/// What was set, and whether the next certificate needs it.
fn record(proof: &Proof, names: &[&str], tenant: &str, responder: &str) -> Option<Value> {
    let domain = &proof.domain;
    let way = proof.method.as_str();
    Some(match proof.method {
        Method::DnsPersist01 => {
            let (issuer, account) = proof.standing.as_ref()?;
            let wildcard = needs_wildcard_policy(domain, names.iter().copied());
            json!({
                "way": way, "keep": true, "type": "TXT",
                "name": persist_record_name(domain), "value": persist_record_value(issuer, account, wildcard),
            })
        }
        Method::Dns01 => json!({
            "way": way, "keep": false, "type": "TXT",
            "name": dns01_record_name(domain), "value": proof.dns01_value.as_ref()?,
        }),
        Method::Http01 => json!({
            "way": way, "keep": true,
            "redirect": format!("http://{domain}{CHALLENGE_PATH}*"),
            "to": format!("{responder}{}*", responder_prefix(tenant)),
        }),
    })
}

#[cfg(test)]
mod tests {
    use pipeline::Settings;

    use super::*;

    fn instance() -> InstanceView {
        InstanceView {
            service_id: "s".into(),
            plan_id: "p".into(),
            request: Value::Null,
            settings: serde_json::from_value::<Settings>(json!({})).unwrap(),
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
        let proof = |domain: &str, method: Method| Proof {
            domain: domain.into(),
            method,
            standing: Some(("letsencrypt.org".into(), "https://ca.example/acct/1".into())),
            dns01_value: Some("gfj9Xq".into()),
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
