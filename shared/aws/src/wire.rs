//! Shared by every call to AWS, whatever service it goes to.

use aws_sdk_cloudfront::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_cloudfront::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_cloudfront::error::BoxError;

/// Marks the moments before a call is sent and after its response has arrived.
#[derive(Debug)]
pub(crate) struct Wire;

impl Intercept for Wire {
    fn name(&self) -> &'static str {
        "cdn-broker wire"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        crash_points::call();
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        _context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        crash_points::answer();
        Ok(())
    }
}
