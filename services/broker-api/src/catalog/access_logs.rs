//! `settings.access_logs` of a plan. What CloudFront would later refuse for every instance is refused at startup.

use std::net::Ipv4Addr;

use parameters::shown;
use pipeline::AccessLogs;

use operator_file::Object;

/// The longest name of a bucket with `.s3.<region>.amazonaws.com`, with room for future regions.
const MOST_BUCKET: usize = 128;
/// S3 accepts names of 1,024 bytes: this leaves enough for the instance's id and CloudFront's own part.
const MOST_PREFIX: usize = 255;
const EXAMPLE: &str = "cdn-logs";

pub(super) fn access_logs(settings: &Object<'_>) -> Result<Option<AccessLogs>, String> {
    let Some(logs) = settings.object("access_logs")? else {
        return Ok(None);
    };
    logs.only(&["bucket", "prefix", "include_cookies"])?;
    Ok(Some(AccessLogs {
        bucket: bucket(&logs)?,
        prefix: prefix(&logs)?,
        include_cookies: logs.flag("include_cookies")?.unwrap_or(false),
    }))
}

/// CloudFront API reference, LoggingConfig: "The Amazon S3 bucket to store the access logs in, for example,
/// amzn-s3-demo-bucket.s3.amazonaws.com". It accepts the regional name, too (aws-cdk issue 10512).
fn bucket(logs: &Object<'_>) -> Result<String, String> {
    let given = logs.needed_text("bucket", MOST_BUCKET)?;
    if bucket_of(given).is_some_and(is_bucket_name) {
        return Ok(given.to_string());
    }
    // Usually the plain name, or the `s3://` address that the AWS command line uses.
    let name = given.strip_prefix("s3://").unwrap_or(given).trim_end_matches('/');
    let name = if is_bucket_name(name) && !name.ends_with(".amazonaws.com") {
        name
    } else {
        EXAMPLE
    };
    Err(format!(
        "{}: {} is not the domain name of an S3 bucket; write it as {name}.s3.amazonaws.com, or with the region as \
         {name}.s3.eu-west-1.amazonaws.com",
        logs.at("bucket"),
        shown(given)
    ))
}

/// The bucket's name in its domain name.
fn bucket_of(domain: &str) -> Option<&str> {
    let rest = domain.strip_suffix(".amazonaws.com")?;
    if let Some(name) = rest.strip_suffix(".s3") {
        return Some(name);
    }
    let (rest, region) = rest.rsplit_once('.')?;
    is_region(region).then(|| rest.strip_suffix(".s3")).flatten()
}

/// `eu-west-1`, `us-gov-east-1`: words, then a number.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [words @ .., number] = parts.as_slice() else {
        return false;
    };
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.len() >= 2
        && words.iter().all(is_word)
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !number.is_empty()
}

/// S3 user guide, "General purpose bucket naming rules". Access points and directory buckets can't receive logs.
fn is_bucket_name(name: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
        && ends(name.bytes().next())
        && ends(name.bytes().last())
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !["-s3alias", "--ols-s3", "--x-s3"].iter().any(|end| name.ends_with(end))
}

/// S3 user guide, "Naming Amazon S3 objects": the safe characters.
fn prefix(logs: &Object<'_>) -> Result<String, String> {
    let Some(given) = logs.text("prefix", MOST_PREFIX)? else {
        return Ok(String::new());
    };
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.*'()/".contains(&byte);
    if given.bytes().all(safe) && !given.starts_with('/') {
        return Ok(given.to_string());
    }
    Err(format!(
        "{}: {} doesn't begin the name of a log; write letters, digits and !-_.*'()/, not a / first, such as cdn/ \
         (the instance's id is appended)",
        logs.at("prefix"),
        shown(given)
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<Option<AccessLogs>, String> {
        let settings = json!({"access_logs": value});
        access_logs(&Object::of("settings", &settings).unwrap())
    }

    #[test]
    fn buckets_are_named_by_their_domain() {
        for bucket in [
            "cdn-logs.s3.amazonaws.com",
            "cdn-logs.s3.eu-west-1.amazonaws.com",
            "logs.example.com.s3.amazonaws.com",
            "a.s3.s3.us-gov-east-1.amazonaws.com",
        ] {
            let logs = read(json!({"bucket": bucket})).unwrap().unwrap();
            assert_eq!(
                (logs.bucket.as_str(), logs.prefix.as_str(), logs.include_cookies),
                (bucket, "", false)
            );
        }
        assert_eq!(read(json!(null)), Ok(None));
        let all = json!({"bucket": "cdn-logs.s3.amazonaws.com", "prefix": "cdn/", "include_cookies": true});
        assert!(
            read(all)
                .unwrap()
                .is_some_and(|logs| logs.prefix == "cdn/" && logs.include_cookies)
        );
    }

    #[test]
    fn what_is_no_bucket_is_refused_with_what_to_write() {
        for (bucket, write) in [
            ("my-logs", "my-logs.s3.amazonaws.com"),
            ("s3://my-logs/", "my-logs.s3.amazonaws.com"),
            ("https://cdn-logs.s3.amazonaws.com", "cdn-logs.s3.amazonaws.com"),
            ("arn:aws:s3:::cdn-logs", "cdn-logs.s3.amazonaws.com"),
            (
                "cdn-logs.s3-website-eu-west-1.amazonaws.com",
                "cdn-logs.s3.amazonaws.com",
            ),
            ("cdn-logs.s3-eu-west-1.amazonaws.com", "cdn-logs.s3.amazonaws.com"),
            ("cdn-logs.s3.somewhere.amazonaws.com", "cdn-logs.s3.amazonaws.com"),
            ("s3.amazonaws.com", "cdn-logs.s3.amazonaws.com"),
            ("CDN-logs.s3.amazonaws.com", "cdn-logs.s3.amazonaws.com"),
            ("a.s3.amazonaws.com", "cdn-logs.s3.amazonaws.com"),
            ("-logs.s3.amazonaws.com", "cdn-logs.s3.amazonaws.com"),
            ("a..b.s3.amazonaws.com", "cdn-logs.s3.amazonaws.com"),
            ("10.0.0.1.s3.amazonaws.com", "cdn-logs.s3.amazonaws.com"),
            ("logs-s3alias.s3.amazonaws.com", "cdn-logs.s3.amazonaws.com"),
        ] {
            let error = read(json!({"bucket": bucket})).unwrap_err();
            assert!(error.starts_with("settings.access_logs.bucket: "), "{bucket}: {error}");
            assert!(error.contains(&format!("write it as {write},")), "{bucket}: {error}");
        }
    }

    #[test]
    fn the_rest_is_looked_at_as_well() {
        let with = |key: &str, value: Value| {
            let mut logs = json!({"bucket": "cdn-logs.s3.amazonaws.com"});
            logs[key] = value;
            read(logs).unwrap_err()
        };
        assert_eq!(
            read(json!({})).unwrap_err(),
            "settings.access_logs.bucket: it is missing"
        );
        assert!(
            read(json!("cdn-logs.s3.amazonaws.com"))
                .unwrap_err()
                .contains("a string is not an object")
        );
        assert!(with("prefix", json!("/cdn")).contains("such as cdn/"));
        assert!(with("prefix", json!("{instance}/")).contains("is appended"));
        assert!(with("include_cookies", json!("yes")).contains("neither true nor false"));
        assert!(with("buket", json!("x")).contains("did you mean \"bucket\"?"));
    }
}
