//! What a browser keeps of a sign-in. The names' prefix has browsers send it to this host only, by TLS, and take it from nobody else
//! (RFC 6265bis §4.1.3.2, `__Host-`); no script reads it; and requests that other sites make lack it, but for links to a page (`Lax`).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, HeaderValue, header};

/// A number at random, which the browser keeps until it is closed: what is begun in one browser can't be ended in another.
pub(super) const BROWSER: &str = "__Host-cdn-broker-browser";
/// Of each instance's cookie, so that several pages can be open.
const SESSION: &str = "__Host-cdn-broker-";
/// How many bytes of a digest tell instances apart.
const DISTINCT: usize = 8;

/// The name of the cookie of an instance's page.
pub(super) fn of_page(platform: &str, instance: &str) -> String {
    let whose = digest(&SHA256, format!("{platform}\n{instance}").as_bytes());
    let hash = whose.as_ref().iter().take(DISTINCT).map(|byte| format!("{byte:02x}"));
    format!("{SESSION}{}", hash.collect::<String>())
}

/// What the browser sends under this name.
pub(super) fn sent<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(known, value)| (known == name).then_some(value))
}

/// Has the browser keep it: for so long, or until it is closed. Names and values are made here, and need no encoding.
pub(super) fn kept(name: &str, value: &str, lasts: Option<Duration>) -> Option<HeaderValue> {
    let lasts = lasts.map_or_else(String::new, |lasts| format!("; Max-Age={}", lasts.as_secs()));
    HeaderValue::try_from(format!("{name}={value}; Path=/{lasts}; Secure; HttpOnly; SameSite=Lax")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; __Host-cdn-broker-browser=x=y;b=2"),
        );
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("c=3;broken; __Host-cdn-broker-browser=later"),
        );
        headers.append(header::COOKIE, HeaderValue::from_bytes(b"\xff=4").unwrap());
        assert_eq!(sent(&headers, BROWSER), Some("x=y"));
        assert_eq!((sent(&headers, "b"), sent(&headers, "c")), (Some("2"), Some("3")));
        for other in ["", "broken", "A", "browser", "__Host-cdn-broker-"] {
            assert_eq!(sent(&headers, other), None, "{other}");
        }
        assert_eq!(sent(&HeaderMap::new(), BROWSER), None);
    }

    #[test]
    fn each_instance_has_its_own_and_nobody_else_gets_it() {
        let name = of_page("cf-eu", "i1");
        assert_eq!(name.len(), SESSION.len() + 16);
        assert_ne!(name, of_page("cf-eu", "i2"));
        assert_ne!(name, of_page("cf-us", "i1"));
        assert_eq!(
            kept("__Host-a", "v", Some(Duration::from_secs(600))).unwrap(),
            "__Host-a=v; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            kept("__Host-a", "v", None).unwrap(),
            "__Host-a=v; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        assert!(kept("__Host-a", "v\r\nSet-Cookie: a=b", None).is_none());
    }
}
