//! A span and metrics for every call to AWS.

use std::sync::{Mutex, PoisonError};

use aws_sdk_cloudfront::config::interceptors::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_cloudfront::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_cloudfront::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use telemetry::Call;

/// Reports how each call of a client ended; for [`aws_sdk_cloudfront::config::Builder::interceptor`] and the like. It has
/// the service's name.
#[derive(Debug)]
pub struct Calls(pub &'static str);

/// The call in progress.
#[derive(Debug)]
struct OnItsWay(Mutex<Option<Call>>);

impl Storable for OnItsWay {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "cdn-broker calls"
    }

    // Not `read_before_execution`, in which a client's interceptors run before the operation's name is set.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map_or("unknown", Metadata::name).to_owned();
        let call = Call::begin(self.0, operation);
        config.interceptor_state().store_put(OnItsWay(Mutex::new(Some(call))));
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(OnItsWay(call)) = config.load::<OnItsWay>() else {
            return Ok(());
        };
        let Some(call) = call.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        match (context.response(), context.output_or_error()) {
            (Some(answer), _) => call.ended(&answer.status().as_u16().to_string()),
            (None, Some(Err(error))) if error.is_timeout_error() => call.ended("timeout"),
            (None, _) => call.ended("lost"),
        }
        Ok(())
    }
}
