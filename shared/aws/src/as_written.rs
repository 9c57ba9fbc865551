//! Raw XML around the SDK: as it was read, as the SDK would write a configuration, and what is sent instead.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::config::http::HttpRequest;
use aws_sdk_cloudfront::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_cloudfront::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_cloudfront::error::BoxError;
use aws_sdk_cloudfront::types::DistributionConfig;
use aws_smithy_types::body::SdkBody;

/// Keeps the body of a response.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer(Kept);

/// Keeps the body of a request, and ends the call before it is signed or sent.
#[derive(Debug, Clone, Default)]
struct Unsent(Kept);

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Option<String>>>);

impl Kept {
    fn keep(&self, body: &SdkBody) {
        let text = body.bytes().and_then(|bytes| std::str::from_utf8(bytes).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text.map(str::to_owned);
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Answer {
    /// The body; `None` when there was no response, or it was not text.
    pub(crate) fn body(&self) -> Option<String> {
        self.0.take()
    }
}

impl Intercept for Answer {
    fn name(&self) -> &'static str {
        "cdn-broker answer as read"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.keep(context.response().body());
        Ok(())
    }
}

impl Intercept for Unsent {
    fn name(&self) -> &'static str {
        "cdn-broker request as written"
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.keep(context.request().body());
        Err("this call is not to be sent".into())
    }
}

/// The configuration as the SDK writes it in `UpdateDistribution`; nothing is sent. The SDK offers no other access to
/// its serializer.
pub(crate) async fn written(client: &Client, config: DistributionConfig) -> Option<String> {
    let unsent = Unsent::default();
    let call = client.update_distribution().id("none").distribution_config(config);
    let _ended_by_us = call.customize().interceptor(unsent.clone()).send().await;
    unsent.0.take()
}

/// Replaces the SDK's body with another one.
pub(crate) fn replace_body(request: &mut HttpRequest, body: String) {
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}
