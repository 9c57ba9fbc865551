//! International names that can be mistaken for others (UTS 39, Unicode Security Mechanisms).

use unicode_security::{MixedScript as _, RestrictionLevel, RestrictionLevelDetection as _, skeleton};

/// Why a name can be mistaken for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookalike {
    /// A label mixes scripts that no language writes together (UTS 39 §5.2: it is not "highly restrictive").
    MixedScripts,
    /// The letters of a label look like `a` to `z` (UTS 39 §4: its skeleton is ASCII, and the label isn't).
    PlainLetters,
}

impl Lookalike {
    /// Of a name as people write it. It judges each label alone: labels of different scripts are usual.
    pub(super) fn of(unicode: &str) -> Option<Self> {
        unicode.split('.').find_map(of_label)
    }

    /// In words.
    pub fn says(self) -> &'static str {
        match self {
            Self::MixedScripts => "mixes letters of several scripts, so it can be mistaken for another name",
            Self::PlainLetters => "looks like a name of the letters a to z, so it can be mistaken for that one",
        }
    }
}

fn of_label(label: &str) -> Option<Lookalike> {
    if label.is_ascii() {
        return None;
    }
    // A rare letter alone makes a label "unrestricted"; it is no mixture.
    let is_mixed = !label.is_single_script() && !label.check_restriction_level(RestrictionLevel::HighlyRestrictive);
    if is_mixed {
        return Some(Lookalike::MixedScripts);
    }
    skeleton(label).all(|c| c.is_ascii()).then_some(Lookalike::PlainLetters)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UTS 39, the examples of §4 (whole-script and mixed-script confusables) and of §5.1, in lower case as in DNS.
    #[test]
    fn the_examples_of_the_standard_are_judged_as_it_does() {
        for (name, expected) in [
            ("paypal", None),
            // The second and the fifth letter are Cyrillic.
            ("p\u{430}yp\u{430}l", Some(Lookalike::MixedScripts)),
            ("scope", None),
            ("\u{455}\u{441}\u{43e}\u{440}\u{435}", Some(Lookalike::PlainLetters)),
            ("circle", None),
            (
                "\u{441}\u{456}\u{433}\u{441}\u{4cf}\u{435}",
                Some(Lookalike::PlainLetters),
            ),
            ("\u{441}ir\u{441}l\u{435}", Some(Lookalike::MixedScripts)),
            ("circ1e", None),
            ("〆切", None),
            ("ねガ", None),
        ] {
            assert_eq!(Lookalike::of(name), expected, "{name}");
        }
    }

    #[test]
    fn names_as_people_write_them_are_not_marked() {
        for name in [
            "*.bücher.example",
            "www.café.example",
            "москва.example",
            "हिन्दी.example",
            "日本語abc.example",
            "한국.example",
            "ελλάδα.example",
        ] {
            assert_eq!(Lookalike::of(name), None, "{name}");
        }
        assert_eq!(
            Lookalike::of("www.\u{455}\u{441}\u{43e}\u{440}\u{435}.example"),
            Some(Lookalike::PlainLetters),
            "one label is enough"
        );
    }
}
