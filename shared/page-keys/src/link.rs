//! Where a link leads.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::args::PagesUrl;
use crate::keys::PageKeys;

/// Encoded in a path: all but the unreserved characters (RFC 3986 §2.3).
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of a link, from the root: what is below it begins with this and a slash.
pub fn path(instance: &str, token: &str) -> String {
    format!("/i/{}/{token}", utf8_percent_encode(instance, ENCODED))
}

/// What makes and reads links.
#[derive(Debug, Clone)]
pub struct Links {
    pub(crate) address: PagesUrl,
    pub(crate) keys: PageKeys,
    pub(crate) lifetime: Duration,
}

impl Links {
    /// The instance's link with that number, by the first key.
    pub fn url(&self, instance: &str, number: i32) -> String {
        let token = self.keys.token(instance, number);
        format!("{}{}", self.address, path(instance, &token))
    }

    /// The number of a token that one of the keys has made for this instance.
    pub fn verified(&self, instance: &str, token: &str) -> Option<i32> {
        self.keys.verified(instance, token)
    }

    /// What a form on the page of the instance's link with that number contains, for an hour from `now` (seconds since 1970 by the
    /// database's clock).
    pub fn form_token(&self, instance: &str, number: i32, now: i64) -> String {
        self.keys.form_token(instance, number, now)
    }

    /// Whether one of the keys has made the token for a form on that page, and not too long ago.
    pub fn is_form_token(&self, instance: &str, number: i32, token: &str, now: i64) -> bool {
        self.keys.is_form_token(instance, number, token, now)
    }

    /// Whether a browser that sends from a page names this origin.
    pub fn has_origin(&self, origin: &str) -> bool {
        self.address.origin() == origin
    }

    /// Whether browsers keep the cookies of a sign-in.
    pub fn are_private(&self) -> bool {
        self.address.is_private()
    }

    /// How long a link lasts that nobody uses.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_of_the_path() {
        assert_eq!(path("8b8c5c1e-2f1c", "k1.1.x_-"), "/i/8b8c5c1e-2f1c/k1.1.x_-");
        assert_eq!(path("a/b Ü?#%", "t"), "/i/a%2Fb%20%C3%9C%3F%23%25/t");
    }

    #[test]
    fn a_link_is_made_of_the_address_and_verified_by_its_token() {
        let links = Links {
            address: "https://broker.example.com/".parse().unwrap(),
            keys: PageKeys::parse("k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap(),
            lifetime: Duration::from_secs(86_400),
        };
        let url = links.url("i 1", 3);
        let token = url.strip_prefix("https://broker.example.com/i/i%201/").unwrap();
        assert_eq!(links.verified("i 1", token), Some(3));
        assert!(!format!("{links:?}").contains("AQEB"));
        assert!(links.has_origin("https://broker.example.com"));
        for other in [
            "null",
            "",
            "http://broker.example.com",
            "https://broker.example.com.evil.example",
        ] {
            assert!(!links.has_origin(other), "{other}");
        }
        let form = links.form_token("i 1", 3, 1_000);
        assert!(links.is_form_token("i 1", 3, &form, 1_000) && !links.is_form_token("i 1", 4, &form, 1_000));
    }
}
