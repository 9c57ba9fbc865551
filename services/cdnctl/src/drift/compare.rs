//! The differences. Pure.

use aws::CloudFrontCertificate;
use aws_sdk_cloudfront::types::DistributionConfig;
use certificate_store::Reference;
use parameters::Parameters;
use store::operator::Configured;

/// The differences between CloudFront's configuration and the expected one, one sentence each. `there`: `None` when the
/// distribution is gone.
pub(super) fn differences(configured: &Configured, there: Option<&DistributionConfig>) -> Vec<String> {
    let Some(there) = there else {
        return vec!["the distribution is gone".to_owned()];
    };
    if configured.going {
        return if there.enabled {
            vec!["it is enabled, though its removal has begun".to_owned()]
        } else {
            Vec::new()
        };
    }
    let mut all = Vec::new();
    if !there.enabled {
        all.push("it is disabled".to_owned());
    }
    match configured.certificate.as_ref().map(Reference::read).transpose() {
        Ok(wanted) => all.extend(certificate(wanted.and_then(|it| it.in_cloudfront), there)),
        Err(unknown) => all.push(format!("its certificate is not compared: {unknown}")),
    }
    // The aliases are set together with the certificate, so before that there are none.
    let domains = configured.certificate.as_ref().map(|_| configured.domains.clone());
    let wanted = Parameters {
        domains: domains.unwrap_or_default(),
        settings: configured.settings.clone(),
        notify: None,
    };
    all.extend(parameters::cloudfront::differences(&wanted, there));
    all
}

fn certificate(wanted: Option<CloudFrontCertificate>, there: &DistributionConfig) -> Option<String> {
    // Somebody may have attached a certificate of another store by hand.
    let found = there.viewer_certificate.as_ref().and_then(CloudFrontCertificate::of);
    match (&wanted, &found) {
        (wanted, found) if wanted == found => None,
        (Some(wanted), Some(found)) => Some(format!("its certificate is {}, not {}", found.id(), wanted.id())),
        (Some(wanted), None) => Some(format!("it has no certificate, not {}", wanted.id())),
        (None, found) => Some(format!(
            "it has the certificate {}, and should have none yet",
            found.as_ref().map_or("?", |found| found.id())
        )),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::types::{
        Aliases, CustomOriginConfig, Origin, OriginProtocolPolicy, Origins, ViewerCertificate,
    };
    use parameters::cloudfront::origins::{FAILOVER_ORIGIN, USERS_ORIGIN};
    use pipeline::InstanceSettings;
    use serde_json::json;

    use super::*;

    fn configured() -> Configured {
        Configured {
            instance: "i".into(),
            distribution_id: "E1".into(),
            settings: InstanceSettings {
                origin: "origin.example".into(),
                path: "/app".into(),
                ..InstanceSettings::default()
            },
            domains: vec!["a.example".into(), "b.example".into()],
            certificate: Some(
                json!({"store": "iam", "name": "cdn-broker-1", "in_cloudfront": {"iam_certificate_id": "ASCA1"}}),
            ),
            at_work: None,
            going: false,
        }
    }

    fn origin_at(id: &str, host: &str) -> Origin {
        let custom = CustomOriginConfig::builder()
            .http_port(80)
            .https_port(443)
            .origin_protocol_policy(OriginProtocolPolicy::HttpsOnly)
            .build()
            .unwrap();
        let origin = Origin::builder().id(id).domain_name(host).origin_path("/app");
        origin.custom_origin_config(custom).build().unwrap()
    }

    fn there(aliases: &[&str], certificate: Option<&str>, origins: Vec<Origin>) -> DistributionConfig {
        let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        DistributionConfig::builder()
            .caller_reference("i")
            .comment("")
            .enabled(true)
            .aliases(Aliases::builder().quantity(0).set_items(Some(aliases)).build().unwrap())
            .viewer_certificate(
                ViewerCertificate::builder()
                    .set_iam_certificate_id(certificate.map(str::to_owned))
                    .build(),
            )
            .origins(Origins::builder().quantity(1).set_items(Some(origins)).build().unwrap())
            .default_cache_behavior(
                aws_sdk_cloudfront::types::DefaultCacheBehavior::builder()
                    .target_origin_id(USERS_ORIGIN)
                    .viewer_protocol_policy(aws_sdk_cloudfront::types::ViewerProtocolPolicy::RedirectToHttps)
                    .build()
                    .unwrap(),
            )
            .build()
            .unwrap()
    }

    #[test]
    fn as_it_was_told_differs_in_nothing_whatever_the_order() {
        let there = there(
            &["b.example", "a.example"],
            Some("ASCA1"),
            vec![origin_at(USERS_ORIGIN, "origin.example")],
        );
        assert!(differences(&configured(), Some(&there)).is_empty());
        let new = Configured {
            certificate: None,
            ..configured()
        };
        let there = super::tests::there(&[], None, vec![origin_at(USERS_ORIGIN, "origin.example")]);
        assert!(
            differences(&new, Some(&there)).is_empty(),
            "no aliases before the certificate"
        );
    }

    #[test]
    fn each_difference_is_told() {
        assert_eq!(differences(&configured(), None), ["the distribution is gone"]);
        let mut there = there(
            &["a.example", "c.example"],
            Some("ASCA2"),
            vec![
                origin_at(USERS_ORIGIN, "other.example"),
                origin_at(FAILOVER_ORIGIN, "f.example"),
            ],
        );
        there.enabled = false;
        let mut wanted = configured();
        wanted.settings.path = String::new();
        wanted.settings.insecure_origin = true;
        assert_eq!(
            differences(&wanted, Some(&there)),
            [
                "it is disabled",
                "its certificate is ASCA2, not ASCA1",
                "the alias b.example is missing",
                "the alias c.example is not the broker's",
                "the origin is other.example, not origin.example",
                "the failover origin is f.example, and there should be none",
                "the path at the origin is \"/app\", not \"\"",
                "the origin is fetched from by https-only, not http-only",
            ]
        );
        let going = Configured {
            going: true,
            ..configured()
        };
        assert!(differences(&going, Some(&there)).is_empty());
        there.enabled = true;
        assert_eq!(differences(&going, Some(&there)).len(), 1);
    }
}
