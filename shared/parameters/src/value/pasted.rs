//! Characters that get into a name by copy and paste and that are invisible or mistaken for others. IDNA would drop
//! some of them (UTS #46 "ignored"); others would result in a different name (`my–shop` with a dash is not `my-shop`);
//! so they are reported instead.

use idna::AsciiDenyList;
use idna::uts46::{Hyphens, Uts46};

use crate::shown;

/// Reports such a character, if the name contains one: which, where, and the name without it, if `read` accepts that.
pub(crate) fn fault(text: &str, read: impl FnOnce(&str) -> Result<String, String>) -> Option<String> {
    let what = first(text)?;
    let meant: String = text.chars().filter_map(instead).collect();
    let right = match read(&meant) {
        Ok(name) => format!("write {}", shown(&name)),
        Err(_) => "type the name again by hand".to_owned(),
    };
    Some(format!("{} has {what}; {right}", shown(text)))
}

/// The first such character and its position.
pub(crate) fn first(text: &str) -> Option<String> {
    let (at, c) = text.chars().enumerate().find(|(_, c)| instead(*c) != Some(*c))?;
    Some(format!(
        "{} (U+{:04X}) as character {}",
        called(c),
        u32::from(c),
        at + 1
    ))
}

/// The character that was probably meant: the character itself unless it is one of those here, a hyphen for a dash,
/// nothing for the rest.
fn instead(c: char) -> Option<char> {
    match c {
        _ if c.is_ascii() => Some(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        _ if called(c) != OTHER || is_ignored(c) => None,
        _ => Some(c),
    }
}

/// Characters that have no name of their own here.
const OTHER: &str = "an invisible character";

/// Unicode's name, in lower case.
fn called(c: char) -> &'static str {
    match c {
        '\u{a0}' => "a no-break space",
        '\u{ab}' => "a left-pointing double angle quotation mark",
        '\u{ad}' => "a soft hyphen",
        '\u{b4}' => "an acute accent",
        '\u{bb}' => "a right-pointing double angle quotation mark",
        '\u{2007}' => "a figure space",
        '\u{200b}' => "a zero width space",
        '\u{200e}' => "a left-to-right mark",
        '\u{200f}' => "a right-to-left mark",
        '\u{2010}' => "a hyphen that is not the keyboard's",
        '\u{2011}' => "a non-breaking hyphen",
        '\u{2012}' => "a figure dash",
        '\u{2013}' => "an en dash",
        '\u{2014}' => "an em dash",
        '\u{2015}' => "a horizontal bar",
        '\u{2018}' => "a left single quotation mark",
        '\u{2019}' => "a right single quotation mark",
        '\u{201a}' => "a single low-9 quotation mark",
        '\u{201b}' => "a single high-reversed-9 quotation mark",
        '\u{201c}' => "a left double quotation mark",
        '\u{201d}' => "a right double quotation mark",
        '\u{201e}' => "a double low-9 quotation mark",
        '\u{201f}' => "a double high-reversed-9 quotation mark",
        '\u{202f}' => "a narrow no-break space",
        '\u{2032}' => "a prime",
        '\u{2033}' => "a double prime",
        '\u{2039}' => "a single left-pointing angle quotation mark",
        '\u{203a}' => "a single right-pointing angle quotation mark",
        '\u{2060}' => "a word joiner",
        '\u{2212}' => "a minus sign",
        '\u{3000}' => "an ideographic space",
        '\u{feff}' => "a zero width no-break space",
        _ => OTHER,
    }
}

/// Whether UTS #46 drops it. The selectors that keyboards add after emoji are left to UTS #46.
fn is_ignored(c: char) -> bool {
    let mut bytes = [0; 4];
    let text = c.encode_utf8(&mut bytes);
    let (mapped, read) = Uts46::new().to_unicode(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    read.is_ok() && mapped.is_empty() && !('\u{fe00}'..='\u{fe0f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host_name;

    #[test]
    fn the_character_is_named_with_its_place_and_the_name_that_was_meant() {
        for (text, says) in [
            (
                "www.exa\u{200b}mple.com",
                "a zero width space (U+200B) as character 8; write \"www.example.com\"",
            ),
            (
                "\u{feff}www.example.com",
                "a zero width no-break space (U+FEFF) as character 1; write \"www.example.com\"",
            ),
            (
                "“www.example.com”",
                "a left double quotation mark (U+201C) as character 1; write \"www.example.com\"",
            ),
            (
                "www.example.com\u{a0}",
                "a no-break space (U+00A0) as character 16; write \"www.example.com\"",
            ),
            (
                "my–shop.example.com",
                "an en dash (U+2013) as character 3; write \"my-shop.example.com\"",
            ),
            (
                "so\u{ad}ft.example.com",
                "a soft hyphen (U+00AD) as character 3; write \"soft.example.com\"",
            ),
            (
                "a\u{34f}b.example.com",
                "an invisible character (U+034F) as character 2; write \"ab.example.com\"",
            ),
            (
                "“https://www.example.com”",
                "as character 1; type the name again by hand",
            ),
        ] {
            let why = host_name(text).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn letters_of_the_world_are_left_to_idna() {
        for text in [
            "bücher.example.com",
            "例え.example.com",
            "ＷＷＷ.example.com",
            "❤\u{fe0f}.example.com",
            "نامه\u{200c}ای.example.com",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }
}
