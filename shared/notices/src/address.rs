//! A mail address. It doesn't print itself: what people and logs see is its shortened form.

use std::fmt;

/// The longest local part (RFC 5321 §4.5.3.1.1).
const MOST_LOCAL: usize = 64;
/// The longest address: a path has at most 256 octets, two of them angle brackets (RFC 5321 §4.5.3.1.3).
const MOST: usize = 254;

/// An address `local@domain`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(String);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shortened())
    }
}

impl Address {
    /// Of a local part and a domain's name, which is ASCII and in lower case. `None`: the local part is none, or the whole is too long.
    pub fn new(local: &str, domain: &str) -> Option<Self> {
        let address = format!("{local}@{domain}");
        (is_local_part(local) && address.len() <= MOST).then_some(Self(address))
    }

    /// The whole address.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// For people and logs.
    pub fn shortened(&self) -> String {
        shortened(&self.0)
    }
}

/// Whether it is a local part without quotes, in ASCII: `Dot-string` (RFC 5321 §4.1.2).
pub fn is_local_part(text: &str) -> bool {
    // RFC 5322 §3.2.3, `atext`.
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.len() <= MOST_LOCAL
        && text
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// An address as people see it who need not know it: `o…s@example.com`.
pub fn shortened(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or(("", address));
    let mut characters = local.chars();
    match (characters.next(), characters.next_back()) {
        // Of three characters or fewer, two would be nearly all.
        (Some(first), Some(last)) if local.chars().count() > 3 => format!("{first}…{last}@{domain}"),
        (Some(first), _) => format!("{first}…@{domain}"),
        _ => format!("…@{domain}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_not_the_address() {
        for (address, short) in [
            ("operators@example.com", "o…s@example.com"),
            ("ops@example.com", "o…@example.com"),
            ("a@example.com", "a…@example.com"),
            ("four@example.com", "f…r@example.com"),
            ("no address", "…@no address"),
        ] {
            assert_eq!(shortened(address), short);
        }
        let address = Address::new("operators", "example.com").unwrap();
        assert_eq!(format!("{address:?}"), "o…s@example.com");
        assert_eq!(address.expose(), "operators@example.com");
    }

    #[test]
    fn a_local_part_is_dots_and_atoms() {
        for good in [
            "a",
            "first.last",
            "a+tag",
            "o'brien",
            "x_y-z",
            "user%relay",
            &"a".repeat(64),
        ] {
            assert!(is_local_part(good), "{good}");
        }
        for bad in [
            "",
            ".a",
            "a.",
            "a..b",
            "a b",
            "\"a\"",
            "a@b",
            "a\r\nRCPT TO",
            "<a",
            "ä",
            "a,b",
            "a\0",
            &"a".repeat(65),
        ] {
            assert!(!is_local_part(bad), "{bad:?}");
            assert!(Address::new(bad, "example.com").is_none(), "{bad:?}");
        }
        let domain = format!("{}.example.com", "a".repeat(180));
        assert!(Address::new(&"a".repeat(64), &domain).is_none(), "too long as a whole");
    }
}
