//! Records AWS' response to each call. Of a request only the operation's name is used: it may contain a private key.

use std::fmt;
use std::sync::Arc;

use aws_sdk_cloudfront::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_cloudfront::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_cloudfront::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use roxmltree::Document;

use crate::words::{shown, without_accounts};

/// A response of AWS, without request id and without account numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The service that was called.
    pub service: &'static str,
    /// The operation, by its AWS name.
    pub action: String,
    /// HTTP status; `None` when there was no response.
    pub status: Option<u16>,
    /// AWS' error code.
    pub code: Option<String>,
    /// AWS' message, shortened.
    pub message: Option<String>,
    /// The version in the response.
    pub etag: Option<String>,
}

/// Called for each response.
pub type Watcher = Arc<dyn Fn(Answered) + Send + Sync>;

/// Reports to the watcher how each call of a client ended.
pub(crate) struct Watch {
    service: &'static str,
    watcher: Watcher,
}

impl Watch {
    pub(crate) fn new(service: &'static str, watcher: Watcher) -> Self {
        Self { service, watcher }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("service", &self.service).finish()
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "cdn-broker watch"
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let refused = response.filter(|response| !response.status().is_success());
        let body = refused.and_then(|response| std::str::from_utf8(response.body().bytes()?).ok());
        let (code, message) = body.map(of_error).unwrap_or_default();
        (self.watcher)(Answered {
            service: self.service,
            action: config.load::<Metadata>().map_or("unknown", Metadata::name).to_owned(),
            status: response.map(|response| response.status().as_u16()),
            code,
            message,
            etag: response.and_then(|response| response.headers().get("etag").map(str::to_owned)),
        });
        Ok(())
    }
}

/// Code and message of an error's body: CloudFront and IAM write both in elements of these names.
fn of_error(body: &str) -> (Option<String>, Option<String>) {
    let Ok(document) = Document::parse(body) else {
        return (None, None);
    };
    let text = |name| {
        let element = document.descendants().find(|node| node.tag_name().name() == name)?;
        Some(shown(&without_accounts(element.text()?)))
    };
    (text("Code"), text("Message"))
}

#[cfg(test)]
mod tests {
    use super::of_error;

    #[test]
    fn an_error_is_told_without_ids() {
        let body = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>AccessDenied</Code>\
             <Message>User: arn:aws:iam::123456789012:user/x may not</Message></Error><RequestId>7a62c49f</RequestId></ErrorResponse>";
        let (code, message) = of_error(body);
        assert_eq!(code.as_deref(), Some("AccessDenied"));
        assert_eq!(message.as_deref(), Some("User: arn:aws:iam::…:user/x may not"));
        assert_eq!(of_error("<html>"), (None, None));
    }
}
