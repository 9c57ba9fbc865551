//! What is answered in place of a page. There is one 404, byte for byte, so that nobody learns from it whether an instance exists, or
//! whether a link was ever good.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use store::StoreError;

/// When to ask again, in seconds.
const RETRY_AFTER: u64 = 10;

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The link is malformed, forged, replaced, revoked or expired, or its instance is removed or unknown, or nothing is below it by
    /// that name; or whoever has signed in may not see the instance.
    NotFound,
    /// Pages are only read.
    NoSuchMethod,
    /// A form that is not from the page itself, or too old, or can't be read.
    Foreign,
    /// A form of somebody who may look at the instance, and no more.
    OnlyManagers,
    /// A sign-in that is over, for what can't be led to another one.
    SignedOut,
    /// A sign-in that was not begun in this browser, or too long ago, or was declined, or whose code is used up.
    NotSignedIn,
    /// The platform doesn't say who comes, or what they may see.
    Silent,
    /// The client asks too often.
    TooMany,
    /// Too many pages are being read.
    Busy,
    /// Too many pages are open that show changes by themselves.
    Crowded,
    /// The database doesn't answer.
    Unavailable,
    /// The broker can't read its own records.
    Broken,
}

impl Refusal {
    fn told(self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "There is no page at this address. Its link may have been replaced or revoked, or was not used for long. `cf update-service \
                 NAME -c '{}'`, then `cf service NAME`, show the one that is good now; the broker's operator has it, too (`cdnctl link`).\n",
            ),
            Self::NoSuchMethod => (StatusCode::METHOD_NOT_ALLOWED, "This address is only read (GET).\n"),
            Self::Foreign => (
                StatusCode::FORBIDDEN,
                "This was not sent by the page itself, or the page was over an hour old. Nothing was done. Open the page again, and press \
                 the button there.\n",
            ),
            Self::OnlyManagers => (
                StatusCode::FORBIDDEN,
                "You may look at this service, and not change it: so says the platform. Nothing was done. Whoever may update the service can \
                 press the button.\n",
            ),
            Self::SignedOut => (
                StatusCode::FORBIDDEN,
                "The platform has to be asked again what you may see. Nothing was done. Reload the page.\n",
            ),
            Self::NotSignedIn => (
                StatusCode::FORBIDDEN,
                "You are not signed in: this sign-in was declined, was used already, was begun in another browser, or took too long. Open the \
                 service's page again; `cf service NAME` shows its address. Your browser has to keep this site's cookies.\n",
            ),
            Self::Silent => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The platform does not say now who you are, or what you may see. Try again in a moment. `cf service NAME` shows the status, \
                 too.\n",
            ),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests from your address. Try again in a moment.\n",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many pages are being read. Try again in a moment.\n",
            ),
            Self::Crowded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many pages are open that show changes by themselves. Reload the page to see what is new.\n",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The broker's database does not answer. Try again in a moment.\n",
            ),
            Self::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The broker can't read its own records of this instance; its operator finds the cause in the log.\n",
            ),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = telemetry::with_causes(&error), "the database failed");
        match error.is_transient() {
            true => Self::Unavailable,
            false => Self::Broken,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.told().into_response();
        if matches!(
            self,
            Self::TooMany | Self::Busy | Self::Crowded | Self::Unavailable | Self::Silent
        ) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_in_place_of_a_page() {
        let all = [
            Refusal::NotFound,
            Refusal::NoSuchMethod,
            Refusal::Foreign,
            Refusal::OnlyManagers,
            Refusal::SignedOut,
            Refusal::NotSignedIn,
            Refusal::Silent,
            Refusal::TooMany,
            Refusal::Busy,
            Refusal::Crowded,
            Refusal::Unavailable,
            Refusal::Broken,
        ];
        let told: String = all
            .map(|refusal| {
                let (status, text) = refusal.told();
                format!("{} {text}", status.as_u16())
            })
            .concat();
        insta::assert_snapshot!(told, @r"
        404 There is no page at this address. Its link may have been replaced or revoked, or was not used for long. `cf update-service NAME -c '{}'`, then `cf service NAME`, show the one that is good now; the broker's operator has it, too (`cdnctl link`).
        405 This address is only read (GET).
        403 This was not sent by the page itself, or the page was over an hour old. Nothing was done. Open the page again, and press the button there.
        403 You may look at this service, and not change it: so says the platform. Nothing was done. Whoever may update the service can press the button.
        403 The platform has to be asked again what you may see. Nothing was done. Reload the page.
        403 You are not signed in: this sign-in was declined, was used already, was begun in another browser, or took too long. Open the service's page again; `cf service NAME` shows its address. Your browser has to keep this site's cookies.
        503 The platform does not say now who you are, or what you may see. Try again in a moment. `cf service NAME` shows the status, too.
        429 Too many requests from your address. Try again in a moment.
        503 Too many pages are being read. Try again in a moment.
        503 Too many pages are open that show changes by themselves. Reload the page to see what is new.
        503 The broker's database does not answer. Try again in a moment.
        500 The broker can't read its own records of this instance; its operator finds the cause in the log.
        ");
    }
}
