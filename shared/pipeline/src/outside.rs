//! The check of an instance's domains from outside: what was seen ([`Facts`]), what is wrong ([`Problem`]), and the form in which it is
//! stored ([`Checked`]). The page's words for it are in [`crate::page`], those for operators in cdnctl.

mod checked;
mod facts;
mod problem;

use std::time::Duration;

pub(crate) use checked::stored;
pub use checked::{Checked, CheckedDomain};
pub use facts::{Answer, Cache, Dns, Facts, Header, Http, Persist, Served, Tls};
pub use problem::{Problem, mend_name};

/// A check can be asked for so long after the last one was.
pub const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// A check takes so long at most.
pub const LONGEST: Duration = Duration::from_secs(10);
/// Whoever has taken a check so long ago, and not done it, is gone.
pub const GONE_AFTER: Duration = Duration::from_secs(30);
/// How often a check is taken: it may be what kills whoever takes it.
pub const MOST_ATTEMPTS: i32 = 3;
/// The most domains of one check. The next check begins at the one after them.
pub const MOST_DOMAINS: usize = 8;
/// The most bytes of a path.
const LONGEST_PATH: usize = 200;

/// Whether it is a path that can be requested at a domain: it begins with a slash, and what is not ASCII in it is percent-encoded.
pub fn is_path(text: &str) -> bool {
    let uri = text.parse::<http::Uri>();
    text.len() <= LONGEST_PATH && text.starts_with('/') && uri.is_ok_and(|uri| uri.authority().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_of_the_domain_alone() {
        for path in ["/", "/headers", "/a/b?c=d&e", "/%C3%BC"] {
            assert!(is_path(path), "{path}");
        }
        let long = format!("/{}", "a".repeat(LONGEST_PATH));
        for other in [
            "",
            "headers",
            "https://elsewhere.example/headers",
            "elsewhere.example:443",
            "*",
            "/a b",
            "/a\r\nHost: b",
            &long,
        ] {
            assert!(!is_path(other), "{other:?}");
        }
    }
}
