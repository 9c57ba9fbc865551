//! International names in both forms: as they are in DNS, and as people write them.

use super::lookalike::Lookalike;
use crate::domain::wildcard_of;

/// A domain's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// As it is in DNS.
    pub ascii: String,
    /// As people write it, if that differs.
    pub unicode: Option<String>,
    /// Why the second form can be mistaken for another name.
    pub lookalike: Option<Lookalike>,
}

impl Name {
    /// Both forms of a domain.
    pub fn of(domain: &str) -> Self {
        let unicode = unicode(domain);
        Self {
            ascii: domain.to_owned(),
            lookalike: unicode.as_deref().and_then(Lookalike::of),
            unicode,
        }
    }
}

/// Nothing for a name that has no valid second form, or one with characters that can't be seen: it is shown as it is in DNS, where it
/// can't be mistaken.
fn unicode(domain: &str) -> Option<String> {
    let (star, rest) = match wildcard_of(domain) {
        Some(parent) => ("*.", parent),
        None => ("", domain),
    };
    if !rest.split('.').any(|label| label.starts_with("xn--")) {
        return None;
    }
    let (unicode, valid) = idna::domain_to_unicode(rest);
    let is_visible = unicode.escape_debug().eq(unicode.chars());
    (valid.is_ok() && unicode != rest && is_visible).then(|| format!("{star}{unicode}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_international_name_has_two_forms_and_others_have_one() {
        for (ascii, unicode) in [
            ("www.example.com", None),
            ("www.xn--bcher-kva.example", Some("www.bücher.example")),
            ("*.xn--bcher-kva.example", Some("*.bücher.example")),
            ("xn--j2bd4cyah0f.example", Some("हिन्दी.example")),
            // A joiner that nobody sees.
            ("xn--mgba3gch31f060k.example", None),
            ("xn--a.example", None),
            ("<img>.example", None),
        ] {
            let name = Name::of(ascii);
            assert_eq!((name.ascii.as_str(), name.unicode.as_deref()), (ascii, unicode));
            assert_eq!(name.lookalike, None, "{ascii}");
        }
    }

    #[test]
    fn a_name_that_can_be_mistaken_is_marked() {
        // "scope" in Cyrillic letters.
        let name = Name::of("*.xn--e1argc3h.example");
        assert_eq!(name.lookalike, Some(Lookalike::PlainLetters), "{name:?}");
    }
}
