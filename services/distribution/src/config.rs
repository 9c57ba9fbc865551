//! The distribution's configuration, as a pure function of the instance and the settings. `parameters` applies what a
//! user can set; this module adds the parts of the broker and the plan.

mod challenges;
mod logging;

use aws::COMMENT_PREFIX;
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{
    Aliases, CustomErrorResponses, DistributionConfig, PriceClass, ViewerCertificate, ViewerProtocolPolicy,
};
use parameters::cloudfront::{Wanted, default_behavior, put};
use store::Instance;
use worker::Responder;

pub(crate) use logging::switch_off;

use crate::redirect;
use crate::short_digest::short_digest;

/// CloudFront's longest comment, in characters (service model).
const LONGEST_COMMENT: usize = 128;

/// The comment by which an instance's distribution is found in a list.
pub(crate) fn comment(instance: &str) -> String {
    let whole = format!("{COMMENT_PREFIX}{instance}");
    if whole.chars().count() <= LONGEST_COMMENT {
        return whole;
    }
    let hash = short_digest(instance);
    let begin: String = whole.chars().take(LONGEST_COMMENT - 1 - hash.len()).collect();
    format!("{begin}~{hash}")
}

/// The desired configuration of an instance, except aliases and certificate, which `aws::Viewer` sets together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Configuration<'c> {
    pub(crate) instance: &'c Instance,
    pub(crate) responder: &'c Responder,
    /// Set by the operator.
    pub(crate) price_class: &'c PriceClass,
    /// The ARN of the redirect function, if one is needed.
    pub(crate) function: Option<&'c str>,
}

impl Configuration<'_> {
    /// The configuration of a new distribution.
    pub(crate) fn new_config(&self) -> Result<DistributionConfig, BuildError> {
        let mut config = DistributionConfig::builder()
            .caller_reference(&self.instance.id)
            .comment("")
            .enabled(true)
            .aliases(Aliases::builder().quantity(0).build()?)
            .viewer_certificate(
                ViewerCertificate::builder()
                    .cloud_front_default_certificate(true)
                    .build(),
            )
            .custom_error_responses(CustomErrorResponses::builder().quantity(0).build()?)
            .build()?;
        self.put_into(&mut config)?;
        Ok(config)
    }

    /// Applies everything that the broker manages to a configuration. `UpdateDistribution` replaces the whole
    /// configuration, so the current one is read, changed and written back: settings that others (or a newer AWS) made
    /// are preserved. `Enabled` is controlled by the operator: a user whose distribution was disabled by hand must not
    /// be able to enable it.
    pub(crate) fn put_into(&self, config: &mut DistributionConfig) -> Result<(), BuildError> {
        let Self { instance, .. } = self;
        config.comment = comment(&instance.id);
        config.is_ipv6_enabled = Some(true);
        default_behavior(config)?.viewer_protocol_policy = ViewerProtocolPolicy::RedirectToHttps;
        let wanted = Wanted {
            settings: &instance.settings,
            price_class: self.price_class,
            function_name: &redirect::name(&instance.id),
            function: self.function,
        };
        put(&wanted, config)?;
        challenges::put(config, self.responder, &instance.tenant)?;
        logging::put(config, instance.settings.access_logs.as_ref(), &instance.id);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
