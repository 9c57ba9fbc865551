//! `failover_origin`: the host that is used when the origin is unreachable, too slow or answers 5xx.

use serde_json::{Value, json};

use super::origin;
use crate::faults::ParameterError;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::shown;
use crate::update::Update;
use crate::value::host::Host;

const KEY: Key<Host> = Key::new(
    "failover_origin",
    "Host name that is asked when the origin is unreachable, too slow or answers 5xx",
);

pub(crate) struct FailoverOrigin;

impl Parameter for FailoverOrigin {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        let host = request.judge(&[KEY.name], |request| {
            let host = request.get(&KEY).and_then(|host| host.0);
            match host {
                // There would be no other host to fail over to.
                Some(host) if host == parameters.settings.origin => Err(ParameterError::new(
                    KEY.name,
                    format!("{} is the origin itself; write another host", shown(&host)),
                )),
                host => Ok(host),
            }
        });
        if let Some(Some(host)) = host
            && !parameters.settings.origin.is_empty()
        {
            origin::can_be_asked(KEY.name, &host, request, parameters);
            parameters.settings.failover_origin = Some(host);
        }
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        parameters.settings.failover_origin.as_ref().map(|host| json!(host))
    }

    fn merge(&self, update: &mut Update<'_>) {
        update.replace(self);
    }
}

/// Developer guide, "Optimize high availability with CloudFront origin failover".
#[cfg(feature = "cloudfront")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::{
        DistributionConfig, Method, OriginGroup, OriginGroupFailoverCriteria, OriginGroupMember, OriginGroupMembers,
        OriginGroups, StatusCodes,
    };

    use super::*;
    use crate::cloudfront::methods::put_methods;
    use crate::cloudfront::origins::{FAILOVER_ORIGIN, USERS_ORIGIN, find, origins, put_host, remove};
    use crate::cloudfront::{Wanted, default_behavior, quantity};
    use crate::parameter::InCloudFront;

    const GROUP: &str = "origin-with-failover";
    /// Errors of the origin, not of the request. Unreachable and too slow are always included.
    const ON: [i32; 4] = [500, 502, 503, 504];
    const READS: [Method; 3] = [Method::Get, Method::Head, Method::Options];
    const ALL_METHODS: [Method; 7] = [
        Method::Get,
        Method::Head,
        Method::Options,
        Method::Put,
        Method::Patch,
        Method::Post,
        Method::Delete,
    ];

    impl InCloudFront for FailoverOrigin {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            let failover = wanted.settings.failover_origin.as_deref();
            match failover {
                Some(host) => put_host(config, FAILOVER_ORIGIN, host, USERS_ORIGIN).map(drop)?,
                None => remove(config, FAILOVER_ORIGIN),
            }
            put_group(&mut config.origin_groups, failover.is_some())?;
            let behavior = default_behavior(config)?;
            let target = if failover.is_some() { GROUP } else { USERS_ORIGIN };
            target.clone_into(&mut behavior.target_origin_id);
            // CloudFront allows no other methods for an origin group: it could not send a body twice.
            let methods = if failover.is_some() { &READS[..] } else { &ALL_METHODS };
            put_methods(&mut behavior.allowed_methods, methods)
        }

        fn adopt(&self, config: &DistributionConfig, changes: &mut Vec<String>) -> Option<Value> {
            let behavior = config.default_cache_behavior.as_ref();
            let methods = behavior.and_then(|behavior| behavior.allowed_methods.as_ref());
            if behavior.is_some() && !methods.is_some_and(|methods| methods.items.contains(&Method::Post)) {
                changes.push("every method is passed to the origin, POST and DELETE too".to_owned());
            }
            let (_, failover) = origins(config)?;
            Some(json!(failover?.domain_name))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let one = match (&wanted.settings.failover_origin, find(there, FAILOVER_ORIGIN)) {
                (None, None) => return Vec::new(),
                (Some(host), Some(found)) if found.domain_name == *host => return Vec::new(),
                (None, Some(found)) => {
                    format!("the failover origin is {}, and there should be none", found.domain_name)
                }
                (Some(host), None) => format!("the failover origin {host} is missing"),
                (Some(host), Some(found)) => format!("the failover origin is {}, not {host}", found.domain_name),
            };
            vec![one]
        }
    }

    /// Groups of other owners are preserved, as is anything that a newer AWS put into ours.
    fn put_group(groups: &mut Option<OriginGroups>, wanted: bool) -> Result<(), BuildError> {
        let mut all = groups.as_ref().map(|all| all.items().to_vec()).unwrap_or_default();
        let at = all.iter().position(|group| group.id == GROUP);
        let ours = group()?;
        match at {
            Some(at) if wanted && all[at].members == ours.members => return Ok(()),
            None if !wanted => return Ok(()),
            Some(at) => drop(all.remove(at)),
            None => {}
        }
        all.extend(wanted.then_some(ours));
        *groups = Some(
            OriginGroups::builder()
                .quantity(quantity(&all))
                .set_items((!all.is_empty()).then_some(all))
                .build()?,
        );
        Ok(())
    }

    fn group() -> Result<OriginGroup, BuildError> {
        let member = |id| OriginGroupMember::builder().origin_id(id).build();
        OriginGroup::builder()
            .id(GROUP)
            .members(
                OriginGroupMembers::builder()
                    .quantity(2)
                    .items(member(USERS_ORIGIN)?)
                    .items(member(FAILOVER_ORIGIN)?)
                    .build()?,
            )
            .failover_criteria(
                OriginGroupFailoverCriteria::builder()
                    .status_codes(
                        StatusCodes::builder()
                            .quantity(quantity(&ON))
                            .set_items(Some(ON.to_vec()))
                            .build()?,
                    )
                    .build(),
            )
            .build()
    }
}
