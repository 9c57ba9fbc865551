//! The redirect function: its name and its code, both pure.

use aws::FUNCTION_PREFIX;

use crate::short_digest::short_digest;

/// How long browsers may cache a redirect, in seconds. Otherwise they would keep a 301 for ever, even after it was
/// reversed.
const REMEMBERED: u32 = 3600;

/// The function's name, one for each instance: ids may be longer than the 64 characters of a name, and contain other
/// characters.
pub(crate) fn name(instance: &str) -> String {
    format!("{FUNCTION_PREFIX}{}", short_digest(instance))
}

/// The code, for `cloudfront-js-2.0` at `viewer-request`. `target` is a canonical host name, so it can't terminate the
/// string literal that it is placed in.
///
/// Source: developer guide, "CloudFront Functions event structure" (`uri` is as the viewer sent it) and "General helper
/// methods" (`rawQueryString`: undefined without `?`).
pub(crate) fn code(target: &str) -> String {
    format!(
        "\
// Made by cdn-broker, which puts back what is changed here. Every host but one is redirected to that one.
var TARGET = '{target}';

function handler(event) {{
    var request = event.request;
    var host = request.headers.host ? request.headers.host.value : '';
    if (host.toLowerCase().replace(/:[0-9]*$/, '') === TARGET) {{
        return request;
    }}
    var query = request.rawQueryString();
    return {{
        statusCode: 301,
        statusDescription: 'Moved Permanently',
        headers: {{
            'location': {{ value: 'https://' + TARGET + request.uri + (query === undefined ? '' : '?' + query) }},
            'cache-control': {{ value: 'max-age={REMEMBERED}' }}
        }}
    }};
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instance_has_a_name_of_its_own_that_cloudfront_takes() {
        let ids = [
            "0a1b2c3d-instance".to_string(),
            "x".repeat(255),
            format!("{}y", "x".repeat(254)),
            "ü/ä €".to_string(),
            String::new(),
        ];
        let names: Vec<String> = ids.iter().map(|id| name(id)).collect();
        for (index, one) in names.iter().enumerate() {
            let taken = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            assert!(one.len() <= 64 && one.bytes().all(taken), "{one}");
            assert!(!names[index + 1..].contains(one), "{one}");
        }
        assert_eq!(name(&ids[0]), names[0], "the same at each attempt");
        assert_eq!(names[0], "cdn-broker-403d1a74f06359f18985edee25c44cb4");
    }

    #[test]
    fn the_code_names_the_target_once_and_fits() {
        let longest = format!("{}.com", "a".repeat(249));
        let code = code(&longest);
        assert_eq!(code.matches(&longest).count(), 1);
        assert!(code.len() <= 10 * 1024, "CloudFront's quota");
        assert_ne!(code, super::code("www.example.com"));
    }
}
