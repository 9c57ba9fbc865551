//! Signature Version 4: recomputes the caller's signature and compares it.
//!
//! Source: AWS General Reference, "Create a signed AWS API request".

use aws_lc_rs::{constant_time, digest, hmac};
use http::request::Parts;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::access::AccessKey;
use crate::error::{Answer, ApiError};
use crate::ids::hex;
use crate::percent;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Verifies the signature and returns the key that made it. All services are global: the scope is us-east-1.
pub fn verify<'a>(parts: &Parts, body: &[u8], service: &str, keys: &'a [AccessKey]) -> Answer<&'a AccessKey> {
    let header = header(parts, "authorization").ok_or_else(|| {
        ApiError::new(
            "MissingAuthenticationToken",
            403,
            "Request is missing Authentication Token",
        )
    })?;
    let fields = header
        .strip_prefix(ALGORITHM)
        .ok_or_else(|| incomplete("unsupported algorithm"))?;
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
            .ok_or_else(|| incomplete(&format!("Authorization header requires '{name}' parameter")))
    };
    let credential = field("Credential")?;
    let signed_headers = field("SignedHeaders")?;
    let signature = field("Signature")?;

    let (key_id, scope) = credential
        .split_once('/')
        .ok_or_else(|| incomplete("malformed Credential"))?;
    let key = keys.iter().find(|key| key.id == key_id).ok_or_else(|| {
        ApiError::new(
            "InvalidClientTokenId",
            403,
            "The security token included in the request is invalid.",
        )
    })?;
    let (date, region) = date_and_region(scope, service)?;
    let amz_date = self::header(parts, "x-amz-date").ok_or_else(|| incomplete("X-Amz-Date is required"))?;
    check_clock(amz_date)?;
    if !amz_date.starts_with(date) {
        return Err(mismatch(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date",
        ));
    }
    if !signed_headers.split(';').any(|name| name == "host") {
        return Err(mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization."));
    }

    let request = canonical_request(parts, body, signed_headers)?;
    let to_sign = format!(
        "{ALGORITHM}\n{amz_date}\n{scope}\n{}",
        hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref())
    );
    let derived = [date, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{}", key.secret).into_bytes(), |key, part| {
            sign(&key, part.as_bytes())
        });
    let expected = hex(&sign(&derived, to_sign.as_bytes()));
    if constant_time::verify_slices_are_equal(expected.as_bytes(), signature.as_bytes()).is_err() {
        return Err(mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method. Consult the service documentation for details.",
        ));
    }
    Ok(key)
}

/// What a credential's scope names, which has to be of this service and of the region of global services.
fn date_and_region<'s>(scope: &'s str, service: &str) -> Answer<(&'s str, &'s str)> {
    let [date, region, scope_service, "aws4_request"] = scope.split('/').collect::<Vec<_>>()[..] else {
        return Err(incomplete("malformed credential scope"));
    };
    if region != "us-east-1" {
        return Err(mismatch(&format!(
            "Credential should be scoped to a valid region, not '{region}'. "
        )));
    }
    if scope_service != service {
        return Err(mismatch(&format!(
            "Credential should be scoped to correct service: '{service}'. "
        )));
    }
    Ok((date, region))
}

fn canonical_request(parts: &Parts, body: &[u8], signed_headers: &str) -> Answer<String> {
    let path = parts
        .uri
        .path()
        .split('/')
        .map(percent::encode)
        .collect::<Vec<_>>()
        .join("/");
    let mut query = percent::pairs(parts.uri.query().unwrap_or_default(), false)
        .iter()
        .map(|(name, value)| (percent::encode(name), percent::encode(value)))
        .collect::<Vec<_>>();
    query.sort();
    let query = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&");
    let mut headers = String::new();
    for name in signed_headers.split(';') {
        let values = parts
            .headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect::<Vec<_>>();
        if values.is_empty() {
            return Err(mismatch(&format!("signed header '{name}' is not in the request")));
        }
        let values = values
            .iter()
            .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "));
        headers.push_str(&format!("{name}:{}\n", values.collect::<Vec<_>>().join(",")));
    }
    let payload = hex(digest::digest(&digest::SHA256, body).as_ref());
    if let Some(claimed) = header(parts, "x-amz-content-sha256")
        && claimed != payload
    {
        return Err(mismatch("x-amz-content-sha256 does not match the body"));
    }
    Ok(format!(
        "{}\n{path}\n{query}\n{headers}\n{signed_headers}\n{payload}",
        parts.method
    ))
}

fn check_clock(amz_date: &str) -> Answer<()> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let signed = PrimitiveDateTime::parse(amz_date, &format).map_err(|_| incomplete("malformed X-Amz-Date"))?;
    let age = OffsetDateTime::now_utc() - signed.assume_utc();
    if age.abs() > time::Duration::minutes(15) {
        return Err(mismatch(&format!(
            "Signature expired: {amz_date} is not within 15 minutes of the current time"
        )));
    }
    Ok(())
}

fn sign(key: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data)
        .as_ref()
        .to_vec()
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

fn incomplete(message: &str) -> ApiError {
    ApiError::new("IncompleteSignature", 400, message)
}

fn mismatch(message: &str) -> ApiError {
    ApiError::new("SignatureDoesNotMatch", 403, message)
}
