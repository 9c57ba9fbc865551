//! A second parser of the grammar, rule by rule as in RFC 8659 §4.2, to compare with (docs/fuzzing.md).

use proptest::prelude::*;

use super::*;

/// The rest of the text after a rule.
type Rest<'t> = &'t [u8];

fn wsp(mut text: Rest<'_>) -> Rest<'_> {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

/// `(ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT))`, greedily.
fn label(text: Rest<'_>) -> Option<(&[u8], Rest<'_>)> {
    let run = text
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
        .count();
    let end = text[..run].iter().rposition(|byte| *byte != b'-')? + 1;
    (text[0] != b'-').then_some((&text[..end], &text[end..]))
}

/// `parameter = tag *WSP "=" *WSP value`, and the white space after it.
fn parameter(text: Rest<'_>) -> Option<((String, String), Rest<'_>)> {
    let (tag, rest) = label(text)?;
    let rest = wsp(wsp(rest).strip_prefix(b"=")?);
    let end = rest
        .iter()
        .take_while(|byte| matches!(byte, 0x21..=0x3a | 0x3c..=0x7e))
        .count();
    let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(((string(tag).to_lowercase(), string(&rest[..end])), wsp(&rest[end..])))
}

/// The issuer, empty when there is none, and the parameters of an `issue-value`, tags in lower case.
pub(crate) fn issue_value(text: Rest<'_>) -> Option<(String, Vec<(String, String)>)> {
    let begin = wsp(text);
    let mut rest = begin;
    if let Some((_, behind)) = label(begin) {
        rest = behind;
        while let Some(dot) = rest.strip_prefix(b".") {
            (_, rest) = label(dot)?;
        }
    }
    let issuer = String::from_utf8_lossy(&begin[..begin.len() - rest.len()]).into_owned();
    let mut parameters = Vec::new();
    rest = wsp(rest);
    if rest.first() == Some(&b';') && wsp(&rest[1..]).is_empty() {
        return Some((issuer, parameters));
    }
    while let Some(after) = rest.strip_prefix(b";") {
        let (one, behind) = parameter(wsp(after))?;
        parameters.push(one);
        rest = behind;
    }
    rest.is_empty().then_some((issuer, parameters))
}

/// Texts that are valid issue-values or nearly so.
pub(crate) fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "[ \t]{0,2}(ca\\.example|a-b\\.1|x|-x|x-|a\\.\\.b|accounturi|AccountURI|policy|persistUntil|t-)[ \t]{0,2}",
        6 => "[;=. \t]",
        3 => "(wildcard|WildCard|https://ca\\.example/acct/1|=|[0-9]{1,22}|[!-~]{0,9})",
        1 => any::<String>(),
    ]
    .prop_map(String::into_bytes);
    let right = "[ \t]?[a-z]{1,4}(-+[a-z0-9]{1,3})?\\.example[ \t]{0,2}(;[ \t]?(accounturi|policy|persistuntil|x)[ \t]?=[ \t]?[!-:<-~]{0,9}[ \t]?){0,4}(;? ?accounturi=x)?;?"
        .prop_map(String::into_bytes);
    prop_oneof![
        4 => prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat()),
        4 => right,
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #[test]
    fn a_value_is_what_the_grammar_says(text in text()) {
        let read = IssueValue::parse(&text);
        let ours = read.as_ref().ok().map(|value| {
            let parameters = value.parameters.iter().map(|(tag, value)| (tag.to_lowercase(), value.to_string()));
            (value.issuer.unwrap_or_default().to_string(), parameters.collect::<Vec<_>>())
        });
        prop_assert_eq!(ours, issue_value(&text), "{:?}", String::from_utf8_lossy(&text));
        if let Err(malformed) = read {
            let why = malformed.syntax.to_string();
            prop_assert!(why.len() < 400 && !why.contains(char::is_control), "{:?}", why);
        }
    }
}
