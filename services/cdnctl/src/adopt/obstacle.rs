//! Why a distribution can't become an instance. Pure.

use aws_sdk_cloudfront::types::DistributionConfig;
use parameters::cloudfront::aliases;
use parameters::cloudfront::origins::origins;
use pipeline::domain::redundant;

/// The first obstacle, if any.
pub(super) fn of(config: &DistributionConfig) -> Option<String> {
    if !config.enabled {
        return Some("it is disabled".to_owned());
    }
    let aliases = aliases(config);
    if aliases.is_empty() {
        return Some("it has no aliases, so a new service is as good".to_owned());
    }
    if let Some((wildcard, below)) = redundant(&aliases).next() {
        return Some(format!(
            "its aliases have {below} beside {wildcard}, and no certificate holds both; remove one first"
        ));
    }
    let origins = origins(config);
    let Some((origin, _)) = &origins else {
        return Some("its default behavior has no origin".to_owned());
    };
    if origin.custom_origin_config.is_none() {
        return Some(format!(
            "its origin {} is a bucket, and parameters name web servers only",
            origin.domain_name
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::changes::tests::distribution;
    use super::*;

    #[test]
    fn what_no_parameters_could_make_is_refused() {
        let refused = |change: fn(&mut DistributionConfig)| {
            let mut config = distribution(&["www.example.com", "example.com"]);
            change(&mut config);
            of(&config).unwrap_or_default()
        };
        assert_eq!(refused(|_| {}), "");
        assert!(refused(|config| config.enabled = false).contains("disabled"));
        assert!(refused(|config| config.aliases = None).contains("no aliases"));
        assert!(
            refused(|config| config.aliases = distribution(&["*.example.com", "www.example.com"]).aliases)
                .contains("www.example.com beside *.example.com")
        );
        assert!(refused(|config| config.default_cache_behavior = None).contains("no origin"));
        let bucket = |config: &mut DistributionConfig| {
            config.origins.as_mut().unwrap().items[0].custom_origin_config = None;
        };
        assert!(refused(bucket).contains("is a bucket"));
    }
}
