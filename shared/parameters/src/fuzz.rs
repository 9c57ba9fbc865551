//! Arbitrary parameters: accepted in one form, or refused with a message (docs/fuzzing.md).

use std::net::IpAddr;

use idna::AsciiDenyList;
use idna::uts46::{Hyphens, Uts46};
use pipeline::domain::{covers, without_wildcard};
use pipeline::instance::Cookies;
use pipeline::managed::{CACHE, Managed, ORIGIN_REQUEST, RESPONSE_HEADERS};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::known::KNOWN;
use crate::registry::forward_headers::MOST as MOST_HEADERS;
use crate::value::url_path::MOST as MOST_PATH;
use crate::*;

/// No user input makes a description longer: for one fault the input is shown at most three times, 80 characters each,
/// and an escaped character takes up to ten; of several faults no more are named than fit.
const MOST_OF_DESCRIPTION: usize = 4100;

/// Characters that are invisible in a text, or reverse its direction.
const INVISIBLE: &[char] = &[
    '\u{ad}',
    '\u{61c}',
    '\u{180e}',
    '\u{200b}',
    '\u{200e}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202a}',
    '\u{202e}',
    '\u{2060}',
    '\u{2066}',
    '\u{2069}',
    '\u{feff}',
    '\u{fff9}',
    '\u{e0001}',
    '\u{e0041}',
];

fn harmless(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(text.len() <= MOST_OF_DESCRIPTION, "{} bytes", text.len());
    prop_assert!(
        !text.contains(char::is_control) && !text.contains(INVISIBLE),
        "{:?}",
        text
    );
    Ok(())
}

/// Text with everything that a terminal, a database or a parser might fail on.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        any::<char>(),
        prop::sample::select(INVISIBLE),
        prop::sample::select(vec![
            '\0', '\u{1b}', '\n', '\u{7f}', '\u{9b}', '"', '\'', '\\', '%', '*', ',', '/'
        ]),
    ];
    prop::collection::vec(odd, 0..100).prop_map(|chars| chars.into_iter().collect())
}

/// Names, from valid ones to those that only look valid.
fn name() -> impl Strategy<Value = String> {
    let label = prop_oneof![
        4 => "[a-zA-Z0-9]{1,8}(-[a-z0-9]{1,5})?",
        1 => "[a-zA-Z0-9-]{0,66}",
        1 => "xn--[a-z0-9-]{0,12}",
        1 => "[äöüßéςşİıſﬁ½①ＡＢ１２。．例え테스트א0-9]{1,6}",
        1 => any::<String>(),
        1 => prop::sample::select(vec!["*", "＊", "_acme", "127", "0x7f", "0177", "１２７", "\u{ad}", "\u{200d}", "a\u{200c}b", " ", "-"])
            .prop_map(str::to_string),
    ];
    let dot = prop::sample::select(vec![".", ".", ".", ".", "。", "．", "｡", "..", ""]);
    let top = prop::sample::select(vec![
        "com",
        "example",
        "de",
        "C",
        "1",
        "xn--p1ai",
        "рф",
        "テスト",
        "",
        "com.",
        "co-m",
    ]);
    let fixed = prop::sample::select(vec![
        "127.0.0.1",
        "[::1]",
        "::ffff:169.254.169.254",
        "0x7f.1",
        "2130706433",
        "https://u:p@www.example.com:8443/x?y#z",
        "localhost",
        "www.example.com:443",
        "１６９．２５４．１６９．２５４",
        "u@www.example.com",
        "*.example.com",
    ]);
    prop_oneof![
        8 => (prop::collection::vec((label, dot), 0..6), top).prop_map(|(labels, top)| {
            labels.into_iter().map(|(label, dot)| format!("{label}{dot}")).collect::<String>() + top
        }),
        1 => fixed.prop_map(str::to_string),
        1 => odd_text(),
    ]
}

/// Arbitrary JSON, sometimes with plausible names and texts.
pub(crate) fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        odd_text().prop_map(Value::from),
        name().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(odd_text(), inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

fn names() -> impl Strategy<Value = Value> {
    let names = prop::collection::vec(name(), 0..4);
    (names, any::<bool>()).prop_map(|(names, listed)| if listed { json!(names) } else { json!(names.join(", ")) })
}

fn notify() -> impl Strategy<Value = Value> {
    let mail = prop::collection::vec("[a-zA-Z.+ ]{0,5}@?[a-z]{1,5}\\.example", 0..7);
    let events = prop::collection::vec("done|failed|domain|replaced|todo", 0..4);
    (mail, events, any::<bool>()).prop_map(|(mail, events, listed)| match listed {
        true => json!({"mail": mail, "events": events}),
        false => json!({"mail": mail.join(", ")}),
    })
}

/// Edge settings that are valid or nearly so.
fn edge() -> impl Strategy<Value = (&'static str, Value)> {
    let names = |policies: &[Managed]| {
        let mut names: Vec<&str> = policies.iter().map(|policy| policy.name).collect();
        names.push("Managed-Nothing");
        prop::sample::select(names).prop_map(Value::from)
    };
    let pages = prop::collection::btree_map("[345][01][0-9]", "/?[a-z/%.]{0,9}", 0..3);
    prop_oneof![
        (Just("cache_policy"), names(&CACHE)),
        (Just("origin_request_policy"), names(&ORIGIN_REQUEST)),
        (Just("response_headers_policy"), names(&RESPONSE_HEADERS)),
        (Just("default_ttl"), (-1_i64..40_000_000).prop_map(Value::from)),
        (Just("error_responses"), pages.prop_map(|pages| json!(pages))),
        (
            Just("price_class"),
            "PriceClass_(100|200|All|None)".prop_map(Value::from)
        ),
        (
            prop::sample::select(vec!["hsts", "compress", "http3"]),
            any::<bool>().prop_map(Value::from)
        ),
        (Just("notify"), notify()),
        (
            prop::sample::select(vec!["failover_origin", "redirect_to"]),
            name().prop_map(Value::from)
        ),
    ]
}

/// Parameters that are valid or nearly so.
pub(crate) fn nearly() -> impl Strategy<Value = Value> {
    let path = prop_oneof![
        "(/[a-z0-9%._~-]{0,9}){0,4}",
        "(/%[0-9a-fA-F]{2}){1,3}",
        odd_text(),
        "(/a{50}){4,7}"
    ];
    let tokens = || {
        prop_oneof![
            4 => prop::collection::vec("[A-Za-z-]{3,9}", 0..9).prop_map(Value::from),
            4 => "([A-Za-z-]{3,9}, ?){0,9}[A-Za-z-]{3,9}".prop_map(Value::from),
            1 => prop::collection::vec("[A-Za-z*-]{0,9}", 0..12).prop_map(Value::from),
            1 => prop::sample::select(vec!["*", ""]).prop_map(Value::from),
        ]
    };
    let field = prop_oneof![
        (Just("path"), path.prop_map(Value::from)),
        (prop::sample::select(vec!["forward_headers", "headers"]), tokens()),
        (prop::sample::select(vec!["forward_cookies", "cookies"]), tokens()),
        (Just("insecure_origin"), any::<bool>().prop_map(Value::from)),
        (Just("domains"), names()),
        edge(),
        (Just("origin"), name().prop_map(Value::from)),
        (prop::sample::select(KNOWN.clone()), anything()),
    ];
    let good = prop_oneof![
        "[a-z]{1,9}(\\.[a-z]{1,9}){1,3}".prop_map(Value::from),
        prop::collection::vec("[a-zäß]{1,9}\\.example\\.com", 1..9).prop_map(Value::from),
        prop::collection::vec("(\\*\\.)?[ab]\\.(a\\.)?example\\.com", 1..4).prop_map(Value::from),
    ];
    let fields = prop::collection::vec(field, 0..4);
    (good, "[a-z]{1,5}\\.origin\\.example\\.com", fields).prop_map(|(domains, origin, fields)| {
        let mut object = Map::new();
        object.insert("domains".into(), domains);
        object.insert("origin".into(), origin.into());
        object.extend(fields.into_iter().map(|(key, value)| (key.to_string(), value)));
        Value::Object(object)
    })
}

/// Accepted in a form that is accepted again unchanged; or refused with a text that begins with the wrong key.
fn taken_or_told(parameters: &Value, default_origin: Option<&str>) -> Result<(), TestCaseError> {
    match parse(Some(parameters), default_origin) {
        Ok(parsed) => {
            for domain in &parsed.domains {
                strict(without_wildcard(domain))?;
            }
            prop_assert!((1..=MOST_DOMAINS).contains(&parsed.domains.len()));
            prop_assert!(parsed.domains.is_sorted() && parsed.domains.windows(2).all(|pair| pair[0] != pair[1]));
            let others = |domain| parsed.domains.iter().filter(move |other| *other != domain);
            prop_assert!(
                parsed
                    .domains
                    .iter()
                    .all(|domain| !others(domain).any(|other| covers(domain, other)))
            );
            let settings = &parsed.settings;
            strict(&settings.origin)?;
            settings.redirect_to.as_deref().map_or(Ok(()), strict)?;
            prop_assert!(settings.path.len() <= MOST_PATH && settings.path.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(settings.path.is_empty() || (settings.path.starts_with('/') && !settings.path.ends_with('/')));
            prop_assert!(settings.forward_headers.len() <= MOST_HEADERS);
            if let Cookies::Only(cookies) = &settings.forward_cookies {
                prop_assert!(cookies.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", cookies);
            }
            prop_assert!(settings.forward_headers.windows(2).all(|pair| pair[0] < pair[1]));
            let normalised = parsed.normalised();
            // Who is told is not among that.
            let notify = None;
            let normal = Parameters { notify, ..parsed };
            prop_assert_eq!(parse(Some(&normalised), default_origin), Ok(normal), "{}", normalised);
        }
        Err(error) => {
            let text = error.to_string();
            harmless(&text)?;
            let named = text.split_once(": ").map(|(key, _)| key);
            let key = named.filter(|key| *key == "parameters" || KNOWN.contains(key));
            prop_assert!(key.is_some(), "{}", text);
            prop_assert!(text.ends_with('.'), "{}", text);
        }
    }
    Ok(())
}

/// RFC 1035, RFC 1123 and RFC 5890, implemented a second time.
fn strict(host: &str) -> Result<(), TestCaseError> {
    prop_assert!(host.len() <= 253, "{}", host);
    let labels: Vec<&str> = host.split('.').collect();
    prop_assert!(labels.len() >= 2, "{}", host);
    for label in &labels {
        let ldh = label
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let ends = !label.starts_with('-') && !label.ends_with('-');
        prop_assert!(ldh && ends && (1..=63).contains(&label.len()), "{}", host);
    }
    let top = labels.last().copied().unwrap_or_default();
    prop_assert!(
        top.starts_with("xn--") || top.bytes().all(|byte| byte.is_ascii_lowercase()),
        "{}",
        host
    );
    prop_assert!(host.parse::<IpAddr>().is_err(), "{}", host);
    Ok(())
}

proptest! {
    #[test]
    fn a_name_is_taken_in_its_one_form(text in name()) {
        match host_name(&text) {
            Ok(host) => {
                strict(&host)?;
                prop_assert_eq!(host_name(&host), Ok(host.clone()));
                prop_assert_eq!(host_name(&host.to_uppercase()), Ok(host.clone()));
                prop_assert_eq!(host_name(&format!(" {host}. ")), Ok(host.clone()));
                let (unicode, read) = Uts46::new().to_unicode(host.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
                prop_assert!(read.is_ok(), "{}", host);
                prop_assert_eq!(host_name(&unicode), Ok(host.clone()), "{}", unicode);
            }
            Err(why) => harmless(&why)?,
        }
    }

    #[test]
    fn any_text_as_a_name_is_taken_or_told(text in any::<String>()) {
        match host_name(&text) {
            Ok(host) => strict(&host)?,
            Err(why) => harmless(&why)?,
        }
    }

    #[test]
    fn an_address_is_never_a_name(address in any::<IpAddr>(), port in any::<Option<u16>>()) {
        let mut forms = vec![address.to_string(), format!("[{address}]"), format!("{address}.")];
        if let IpAddr::V4(v4) = address {
            let [a, b, c, d] = v4.octets();
            forms.extend([
                v4.to_bits().to_string(),
                format!("{:#x}", v4.to_bits()),
                format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
                format!("{a:#o}.{b:#o}.{c:#o}.{d:#o}").replace("0o", "0"),
                format!("{a}.{}", u32::from_be_bytes([0, b, c, d])),
                format!("{a}。{b}．{c}｡{d}"),
                format!("::ffff:{v4}"),
                format!("64:ff9b::{v4}"),
            ]);
        }
        for form in forms {
            prop_assert!(host_name(&form).is_err(), "{}", form);
            if let Some(port) = port {
                prop_assert!(host_name(&format!("{form}:{port}")).is_err(), "{}:{}", form, port);
            }
        }
    }

    #[test]
    fn any_json_is_taken_or_told(parameters in anything(), default in any::<bool>()) {
        taken_or_told(&parameters, default.then_some("router.example.net"))?;
    }

    #[test]
    fn what_is_nearly_right_is_taken_or_told(parameters in nearly(), default in any::<bool>()) {
        taken_or_told(&parameters, default.then_some("router.example.net"))?;
    }

    #[test]
    fn what_is_shown_is_short_and_harmless(text in odd_text(), value in anything()) {
        for shown in [shown(&text), shown_json(&value), shown_json(&json!([text])), shown_json(&json!({ text.as_str(): 1 }))] {
            harmless(&shown)?;
            prop_assert!(shown.chars().count() <= 80 * 10 + 20, "{}", shown);
        }
    }

    #[test]
    fn the_same_update_twice_is_the_same_as_once(first in nearly(), given in nearly(), keep in any::<u32>(), default in any::<bool>()) {
        let default_origin = default.then_some("router.example.net");
        let Ok(first) = parse(Some(&first), default_origin) else { return Ok(()) };
        // Some of the keys, some of them null.
        let given: Map<String, Value> = given
            .as_object()
            .into_iter()
            .flatten()
            .enumerate()
            .filter(|(at, _)| keep >> at & 1 == 1)
            .map(|(at, (key, value))| (key.clone(), if keep >> (16 + at) & 1 == 1 { Value::Null } else { value.clone() }))
            .collect();
        let given = Value::Object(given);
        match update(&first.normalised(), Some(&given), default_origin) {
            Ok((once, _)) => {
                let twice = update(&once.normalised(), Some(&given), default_origin);
                prop_assert_eq!(twice.map(|(twice, _)| twice), Ok(once), "{}", given);
            }
            Err(error) => harmless(&error.to_string())?,
        }
    }
}
