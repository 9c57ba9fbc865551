//! `origin`: where CloudFront fetches from.

use serde_json::{Value, json};

use crate::faults::ParameterError;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::shown;
use crate::update::Update;
use crate::value::host::Host;
use crate::value::public_name;

pub(super) const KEY: Key<Host> = Key::new("origin", "Host name of the origin");

pub(crate) struct Origin;

impl Parameter for Origin {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        let host = request.judge(&[KEY.name], |request| {
            let written = request.get(&KEY).and_then(|host| host.0);
            written.or_else(|| request.default_origin.map(str::to_owned)).ok_or_else(|| {
                ParameterError::new(
                    KEY.name,
                    "it is missing, and this broker has no default; write the host name that CloudFront is to fetch from, such \
                     as \"app.example.com\"",
                )
            })
        });
        if let Some(host) = host {
            can_be_asked(KEY.name, &host, request, parameters);
            parameters.settings.origin = host;
        }
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        Some(json!(parameters.settings.origin))
    }

    fn merge(&self, update: &mut Update<'_>) {
        update.replace(self);
    }
}

/// Whether the origin is the platform's router, named or by default: it needs the Host header and uses HTTPS.
pub(super) fn is_default(request: &Request<'_>, parameters: &Parameters) -> bool {
    request.default_origin == Some(parameters.settings.origin.as_str())
}

/// Whether CloudFront can fetch from a host; a name that the instance already has is not checked.
pub(super) fn can_be_asked(key: &str, host: &String, request: &mut Request<'_>, parameters: &Parameters) {
    if parameters.domains.contains(host) {
        request.refuse(
            key,
            format!(
                "{} is also one of the domains, so CloudFront would fetch from itself; write the name that the origin has \
                 without the CDN",
                shown(host)
            ),
        );
    } else if request.default_origin != Some(host)
        && !request.had(host)
        && let Err(fault) = public_name::can_be_found(host)
    {
        request.refuse(key, fault);
    }
}

#[cfg(feature = "cloudfront")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::DistributionConfig;

    use super::*;
    use crate::cloudfront::origins::{USERS_ORIGIN, find, origins, put_host};
    use crate::cloudfront::{Wanted, default_behavior};
    use crate::parameter::InCloudFront;

    impl InCloudFront for Origin {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            // Replaces the origin that another broker configured, if there is one.
            let target = default_behavior(config)?.target_origin_id.clone();
            put_host(config, USERS_ORIGIN, &wanted.settings.origin, &target)?;
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            Some(json!(origins(config)?.0.domain_name))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let host = &wanted.settings.origin;
            match find(there, USERS_ORIGIN) {
                None => vec![format!("the origin {host} is missing")],
                Some(found) if found.domain_name == *host => Vec::new(),
                Some(found) => vec![format!("the origin is {}, not {host}", found.domain_name)],
            }
        }
    }
}
