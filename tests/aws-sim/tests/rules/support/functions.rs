//! Functions, and configurations that use them.

use aws_sdk_cloudfront::primitives::Blob;
use aws_sdk_cloudfront::types::{
    DistributionConfig, EventType, FunctionAssociation, FunctionAssociations, FunctionConfig, FunctionRuntime,
};

use super::World;
use super::configs::{default_behaviour, minimal};

/// Forwards every request unchanged.
pub(crate) const THROUGH: &str = "function handler(event) { return event.request; }";

/// The configuration of every function here.
pub(crate) fn config() -> FunctionConfig {
    FunctionConfig::builder()
        .comment("")
        .runtime(FunctionRuntime::CloudfrontJs20)
        .build()
        .unwrap()
}

/// A configuration whose default behaviour has these functions.
pub(crate) fn using(reference: &str, functions: &[(&str, EventType)]) -> DistributionConfig {
    let mut config = minimal(reference);
    associate(&mut config, functions);
    config
}

/// Associates the default behaviour with these functions.
pub(crate) fn associate(config: &mut DistributionConfig, functions: &[(&str, EventType)]) {
    let items = functions.iter().map(|(arn, event)| {
        FunctionAssociation::builder()
            .function_arn(*arn)
            .event_type(event.clone())
            .build()
            .unwrap()
    });
    let items = items.collect::<Vec<_>>();
    default_behaviour(config).function_associations = Some(
        FunctionAssociations::builder()
            .quantity(items.len() as i32)
            .set_items((!items.is_empty()).then_some(items))
            .build()
            .unwrap(),
    );
}

impl World {
    /// Creates a function; returns its ETag.
    pub(crate) async fn function(&self, name: &str, code: &str) -> String {
        let made = self
            .cloudfront
            .create_function()
            .name(name)
            .function_config(config())
            .function_code(Blob::new(code));
        made.send().await.unwrap().e_tag.unwrap()
    }

    /// Publishes the function; returns its ARN.
    pub(crate) async fn publish(&self, name: &str, etag: &str) -> String {
        let published = self.cloudfront.publish_function().name(name).if_match(etag);
        let summary = published.send().await.unwrap().function_summary.unwrap();
        summary.function_metadata.unwrap().function_arn
    }

    /// Creates and publishes a function; returns its ARN.
    pub(crate) async fn published(&self, name: &str, code: &str) -> String {
        let etag = self.function(name, code).await;
        self.publish(name, &etag).await
    }
}
