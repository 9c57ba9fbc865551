//! renewalInfo (RFC 9773 §4): when the CA suggests to renew a certificate. An unauthenticated GET; instant-acme's
//! implementation requires an account.

use std::time::Duration;

use http::Request;
use instant_acme::{BodyWrapper, CertificateIdentifier, Error};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::client::acme_client::Exchange;
use crate::client::words::clean;

/// The CA's suggestion.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RenewalInfo {
    pub(crate) start: OffsetDateTime,
    pub(crate) end: OffsetDateTime,
    /// A page that explains the suggestion, for the operator.
    pub(crate) explanation: Option<String>,
    /// `Retry-After`.
    pub(crate) again: Option<Duration>,
}

/// The certificate's unique identifier (§4.1); `None` when it has no authority key identifier, and therefore none.
pub(crate) fn identifier(chain_pem: &str) -> Option<CertificateIdentifier<'static>> {
    let leaf = CertificateDer::from_pem_slice(chain_pem.as_bytes()).ok()?;
    Some(CertificateIdentifier::try_from(&leaf).ok()?.into_owned())
}

/// Requests the renewal information.
///
/// # Errors
/// The error of the CA or of the connection to it; a certificate without an identifier.
pub(crate) async fn ask(exchange: &Exchange, url: &str, chain_pem: &str) -> Result<RenewalInfo, Error> {
    let identifier = identifier(chain_pem).ok_or(Error::Str("the certificate has no identifier"))?;
    let uri = format!("{}/{identifier}", url.trim_end_matches('/'));
    let answer = exchange
        .send(Request::builder().uri(uri).body(BodyWrapper::default())?)
        .await?;
    read(&answer.json(), exchange.retry_after()).ok_or(Error::Str("no suggestedWindow in the CA's renewalInfo"))
}

fn read(json: &Value, again: Option<Duration>) -> Option<RenewalInfo> {
    let moment = |name: &str| OffsetDateTime::parse(json.pointer(name)?.as_str()?, &Rfc3339).ok();
    Some(RenewalInfo {
        start: moment("/suggestedWindow/start")?,
        end: moment("/suggestedWindow/end")?,
        explanation: json.get("explanationURL").and_then(Value::as_str).map(clean),
        again,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_window_is_read_and_anything_else_is_none() {
        let window = json!({"start": "2027-01-02T04:00:00Z", "end": "2027-01-03T04:00:00+01:00"});
        let info = read(
            &json!({"suggestedWindow": window, "explanationURL": "https://ca.example/why"}),
            None,
        )
        .unwrap();
        assert_eq!(info.start, datetime!(2027-01-02 4:00 UTC));
        assert_eq!(info.end, datetime!(2027-01-03 3:00 UTC));
        assert_eq!(info.explanation.as_deref(), Some("https://ca.example/why"));
        for bad in [
            json!({}),
            json!({"suggestedWindow": {"start": "soon", "end": 7}}),
            json!("x"),
        ] {
            assert_eq!(read(&bad, None), None, "{bad}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_identifier() {
        assert!(identifier("").is_none());
        assert!(identifier("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_none());
    }
}
