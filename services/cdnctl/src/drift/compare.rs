//! What differs. Pure.

use aws::{FAILOVER_ORIGIN, USERS_ORIGIN};
use aws_sdk_cloudfront::types::{DistributionConfig, Origin, OriginProtocolPolicy};
use store::operator::Told;

/// What CloudFront has otherwise than it was told, each in a sentence. `there`: none, when the distribution is gone.
pub(super) fn differences(told: &Told, there: Option<&DistributionConfig>) -> Vec<String> {
    let Some(there) = there else {
        return vec!["the distribution is gone".to_owned()];
    };
    if told.going {
        return if there.enabled {
            vec!["it is enabled, though its removal was begun".to_owned()]
        } else {
            Vec::new()
        };
    }
    let mut all = Vec::new();
    if !there.enabled {
        all.push("it is disabled".to_owned());
    }
    aliases(told, there, &mut all);
    certificate(told, there, &mut all);
    let settings = &told.settings;
    let wanted = Some((
        settings.origin.as_str(),
        settings.path.as_str(),
        settings.insecure_origin,
    ));
    origin("the origin", wanted, find(there, USERS_ORIGIN), &mut all);
    let wanted = settings
        .failover_origin
        .as_deref()
        .map(|host| (host, settings.path.as_str(), settings.insecure_origin));
    origin("the failover origin", wanted, find(there, FAILOVER_ORIGIN), &mut all);
    all
}

/// They are told together with the certificate, so there are none before.
fn aliases(told: &Told, there: &DistributionConfig, all: &mut Vec<String>) {
    let wanted: &[String] = if told.iam_id.is_some() { &told.domains } else { &[] };
    let found: Vec<&String> = there.aliases.iter().flat_map(|aliases| aliases.items()).collect();
    for missing in wanted.iter().filter(|domain| !found.contains(domain)) {
        all.push(format!("the alias {missing} is missing"));
    }
    for more in found.iter().filter(|domain| !wanted.contains(domain)) {
        all.push(format!("the alias {more} is not the broker's"));
    }
}

fn certificate(told: &Told, there: &DistributionConfig, all: &mut Vec<String>) {
    let viewer = there.viewer_certificate.as_ref();
    let found = viewer.and_then(|viewer| viewer.iam_certificate_id.as_deref());
    // Somebody may have attached one of ACM by hand.
    let acm = viewer.and_then(|viewer| viewer.acm_certificate_arn.as_deref());
    match (told.iam_id.as_deref(), found.or(acm)) {
        (wanted, found) if wanted == found => {}
        (Some(wanted), Some(found)) => all.push(format!("its certificate is {found}, not {wanted}")),
        (Some(wanted), None) => all.push(format!("it has no certificate, not {wanted}")),
        (None, found) => all.push(format!(
            "it has the certificate {}, and should have none yet",
            found.unwrap_or("?")
        )),
    }
}

fn find<'c>(there: &'c DistributionConfig, id: &str) -> Option<&'c Origin> {
    let mut all = there.origins.iter().flat_map(|origins| &origins.items);
    all.find(|origin| origin.id == id)
}

/// `wanted`: host, path, and whether it is fetched from by plain HTTP.
fn origin(what: &str, wanted: Option<(&str, &str, bool)>, found: Option<&Origin>, all: &mut Vec<String>) {
    let (host, path, insecure, found) = match (wanted, found) {
        (None, None) => return,
        (None, Some(found)) => {
            all.push(format!("{what} is {}, and there should be none", found.domain_name));
            return;
        }
        (Some((host, ..)), None) => {
            all.push(format!("{what} {host} is missing"));
            return;
        }
        (Some((host, path, insecure)), Some(found)) => (host, path, insecure, found),
    };
    if found.domain_name != host {
        all.push(format!("{what} is {}, not {host}", found.domain_name));
    }
    let there = found.origin_path.as_deref().unwrap_or_default();
    if there != path {
        all.push(format!("the path at {what} is {there:?}, not {path:?}"));
    }
    let wanted = if insecure {
        OriginProtocolPolicy::HttpOnly
    } else {
        OriginProtocolPolicy::HttpsOnly
    };
    match found
        .custom_origin_config
        .as_ref()
        .map(|custom| &custom.origin_protocol_policy)
    {
        Some(there) if *there == wanted => {}
        Some(there) => all.push(format!("{what} is fetched from by {there}, not {wanted}")),
        None => all.push(format!("{what} is a bucket")),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::types::{Aliases, CustomOriginConfig, Origins, ViewerCertificate};
    use pipeline::Settings;

    use super::*;

    fn told() -> Told {
        Told {
            instance: "i".into(),
            distribution_id: "E1".into(),
            settings: Settings {
                origin: "origin.example".into(),
                path: "/app".into(),
                ..Settings::default()
            },
            domains: vec!["a.example".into(), "b.example".into()],
            iam_id: Some("ASCA1".into()),
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
        assert!(differences(&told(), Some(&there)).is_empty());
        let new = Told { iam_id: None, ..told() };
        let there = super::tests::there(&[], None, vec![origin_at(USERS_ORIGIN, "origin.example")]);
        assert!(
            differences(&new, Some(&there)).is_empty(),
            "no aliases before the certificate"
        );
    }

    #[test]
    fn each_difference_is_told() {
        assert_eq!(differences(&told(), None), ["the distribution is gone"]);
        let mut there = there(
            &["a.example", "c.example"],
            Some("ASCA2"),
            vec![
                origin_at(USERS_ORIGIN, "other.example"),
                origin_at(FAILOVER_ORIGIN, "f.example"),
            ],
        );
        there.enabled = false;
        let mut wanted = told();
        wanted.settings.path = String::new();
        wanted.settings.insecure_origin = true;
        assert_eq!(
            differences(&wanted, Some(&there)),
            [
                "it is disabled",
                "the alias b.example is missing",
                "the alias c.example is not the broker's",
                "its certificate is ASCA2, not ASCA1",
                "the origin is other.example, not origin.example",
                "the path at the origin is \"/app\", not \"\"",
                "the origin is fetched from by https-only, not http-only",
                "the failover origin is f.example, and there should be none",
            ]
        );
        let going = Told { going: true, ..told() };
        assert!(differences(&going, Some(&there)).is_empty());
        there.enabled = true;
        assert_eq!(differences(&going, Some(&there)).len(), 1);
    }
}
