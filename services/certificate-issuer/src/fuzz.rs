//! Arbitrary responses of a CA: parsed or reported, never a panic, never a text that controls a terminal
//! (docs/fuzzing.md).

use bytes::Bytes;
use http::StatusCode;
use http::header::{DATE, HeaderMap, HeaderValue, LINK, RETRY_AFTER};
use instant_acme::Error;
use pipeline::issue_value::is_normalized;
use pipeline::proof::{Account, Challenge, Challenges, Method, Offered};
use pipeline::reason::Request;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::certificate::check;
use crate::chain::{alternates, is_issued_by};
use crate::client::acme_client::{Answer, problem, retry_after};
use crate::client::directory::Directory;
use crate::client::triage::{Trouble, triage};
use crate::client::words::{cause, clean, per_domain, said};

const KINDS: &[&str] = &[
    "",
    "rateLimited",
    "badNonce",
    "orderNotReady",
    "accountDoesNotExist",
    "rejectedIdentifier",
    "caa",
    "malformed",
    "x\u{1b}",
];

fn odd_text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        any::<char>(),
        prop::sample::select(vec![
            '\0',
            '\u{1b}',
            '\n',
            '\u{9b}',
            '\u{61c}',
            '\u{202e}',
            '\u{2060}',
            '\u{ad}',
            '.',
            ' ',
            '\u{e0041}'
        ]),
    ];
    prop_oneof![
        4 => prop::collection::vec(odd, 0..30).prop_map(|chars| chars.into_iter().collect()),
        1 => (any::<char>(), 0_usize..5000).prop_map(|(c, times)| c.to_string().repeat(times)),
        1 => "\\.{0,3} ?",
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        odd_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(odd_text(), inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

/// A problem document (RFC 8555 §6.7), exactly or almost valid.
fn problem_document() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![
        prop::sample::select(KINDS).prop_map(|kind| json!(format!("urn:ietf:params:acme:error:{kind}"))),
        anything(),
    ];
    let detail = prop_oneof![3 => odd_text().prop_map(Value::from), 1 => anything()];
    let identifier = prop_oneof![
        odd_text().prop_map(|value| json!({"type": "dns", "value": value})),
        "[A-Za-z0-9.*-]{1,20}".prop_map(|value| json!({"type": "dns", "value": value})),
        anything(),
    ];
    let subproblem = (kind.clone(), detail.clone(), identifier)
        .prop_map(|(kind, detail, identifier)| json!({"type": kind, "detail": detail, "identifier": identifier}));
    let fields = (
        kind,
        detail,
        prop::collection::vec(subproblem, 0..4),
        prop::collection::vec(any::<bool>(), 4),
    );
    fields.prop_map(|(kind, detail, subproblems, there)| {
        let all = [
            ("type", kind),
            ("detail", detail),
            ("subproblems", json!(subproblems)),
            ("status", json!(400)),
        ];
        let kept = all.into_iter().zip(there).filter(|(_, there)| *there);
        Value::Object(Map::from_iter(kept.map(|((key, value), _)| (key.to_string(), value))))
    })
}

fn harmless(text: &str, most: usize) -> Result<(), TestCaseError> {
    let hides = [
        '\u{ad}',
        '\u{61c}',
        '\u{202e}',
        '\u{2060}',
        '\u{200b}',
        '\u{2066}',
        '\u{feff}',
        '\u{e0041}',
    ];
    prop_assert!(text.chars().count() <= most, "{} characters", text.chars().count());
    prop_assert!(!text.contains(char::is_control) && !text.contains(hides), "{:?}", text);
    Ok(())
}

/// A text of 300 characters, each escaped at most as `\u{10ffff}`, and the type likewise.
const MOST: usize = 6100;

proptest! {
    #[test]
    fn links_lead_to_addresses_or_nowhere(
        values in prop::collection::vec("([<>;,\"= a-z:/]|<https://ca/|>;rel=\"alternate\"|, ?<){0,12}", 0..4),
        chain in ".{0,60}",
    ) {
        let mut headers = HeaderMap::new();
        for value in values.iter().filter_map(|value| HeaderValue::from_str(value).ok()) {
            headers.append(LINK, value);
        }
        for url in alternates(&headers) {
            prop_assert!(url.starts_with("https://") && !url.contains(['<', '>']), "{:?} of {:?}", url, values);
        }
        is_issued_by(&chain, "Root");
    }

    #[test]
    fn a_refusal_is_understood(
        status in 100_u16..1000,
        body in prop_oneof![
            4 => problem_document().prop_map(|document| document.to_string().into_bytes()),
            1 => anything().prop_map(|json| json.to_string().into_bytes()),
            1 => prop::collection::vec(any::<u8>(), 0..200),
        ],
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers: HeaderMap::new(), body: Bytes::from(body) };
        let problem = problem(&answer);
        let words = said(&problem);
        prop_assert!(!words.is_empty(), "{:?}", problem);
        harmless(&words, MOST)?;
        harmless(&cause(Request::PlaceOrder, &problem), 40_100)?;
        for rejection in per_domain(&problem) {
            prop_assert!(rejection.domain.len() <= 255 && rejection.domain.is_ascii() && !rejection.domain.contains(|c: char| c.is_ascii_control() || c == ' '), "{:?}", rejection);
            prop_assert!(!rejection.reason.is_empty());
            harmless(&rejection.reason, MOST)?;
        }
        match triage(&Error::Api(problem), None, Request::PlaceOrder) {
            Trouble::Later { why, .. } => harmless(&why.to_string(), MOST + 200)?,
            // Only a CA's answer to the request itself is permanent.
            Trouble::Refused(_) | Trouble::Gone => prop_assert!(status.is_client_error(), "{}", status),
            Trouble::AccountUnknown => {}
            Trouble::Ours(why) => prop_assert!(false, "{}", why),
        }
    }

    #[test]
    fn the_cas_words_are_short_and_harmless(text in odd_text()) {
        harmless(&clean(&text), 3001)?;
    }

    #[test]
    fn a_directory_is_read_or_refused(
        json in anything(), new_nonce in anything(), new_account in odd_text(), identities in anything(),
        many in prop::collection::vec(prop_oneof![odd_text(), "[A-Za-z.]{1,9}"], 0..40), listed in any::<bool>(),
    ) {
        prop_assert!(Directory::read(json.clone()).is_none_or(|_| json.is_object()));
        let identities = if listed { json!(many) } else { identities };
        let told = json!({"newNonce": new_nonce, "newAccount": new_account, "newOrder": new_account, "meta": {"caaIdentities": identities.clone()}});
        if let Some(directory) = Directory::read(told) {
            names(&directory.caa_identities)?;
        }
        for member in ["issuer-domain-names", "issuerDomainNames"] {
            let answer = json!({"challenges": [{"type": "dns-persist-01", member: identities.clone()}]});
            for meta in [json!({}), json!({"accountHashPrefix": "https://ca.example/h/"})] {
                let read = Challenges::read(&offered(&answer, &meta));
                if let Some(Challenge::DnsPersist01(challenge)) = read.get(Method::DnsPersist01) {
                    names(&challenge.issuer_domains)?;
                    prop_assert!(challenge.issuer_domains.iter().all(|name| is_normalized(name)), "{:?}", challenge);
                }
            }
        }
    }

    #[test]
    fn an_authorization_is_read_or_offers_nothing(answer in anything(), challenges in anything(), token in prop_oneof![
        "[A-Za-z0-9_-]{1,200}", odd_text(),
    ]) {
        let listed = json!({"challenges": [{"type": "http-01", "token": token}, {"type": "dns-01"}]});
        for answer in [answer, json!({"challenges": challenges}), listed] {
            let meta = json!({"accountHashPrefix": "https://ca.example/h/"});
            let read = Challenges::read(&offered(&answer, &meta));
            for (_, why) in read.unusable() {
                harmless(why, 1000)?;
            }
            if let Some(Challenge::Http01(challenge)) = read.get(Method::Http01) {
                let token = &challenge.token;
                let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                prop_assert!((1..=128).contains(&token.len()) && token.bytes().all(base64url), "{}", token);
                prop_assert_eq!(&challenge.key_authorization, &format!("{token}.thumb"));
            }
            if let Some(Challenge::Dns01(challenge)) = read.get(Method::Dns01) {
                prop_assert_eq!(challenge.value.len(), 43);
            }
        }
    }

    #[test]
    fn a_wait_is_read_or_ignored(value in prop_oneof![
        "[0-9]{1,22}", "[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4,6} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
        "(Fri|Mon), 0[1-9] (Jan|Dec) [0-9]{4} [012][0-9]:[0-5][0-9]:[0-5][0-9] GMT", "[ -~]{0,40}",
    ]) {
        let now = HeaderValue::from_static("Fri, 31 Dec 1999 23:59:00 GMT");
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(&value).unwrap()), (DATE, now)]);
        retry_after(&headers);
    }

    #[test]
    fn a_chain_is_read_or_refused(pem in pem()) {
        let key = KEY.get_or_init(|| crate::certificate::new_key(pipeline::instance::KeyType::EcdsaP256).unwrap());
        let flaw = check(&pem, &["a.example".to_string()], key, OffsetDateTime::now_utc());
        // Nobody else has the key.
        prop_assert!(flaw.is_err());
        harmless(&flaw.unwrap_err().to_string(), 3400)?;
    }
}

fn offered<'a>(authorization: &'a Value, meta: &'a Value) -> Offered<'a> {
    Offered {
        authorization,
        meta,
        domain: "www.example.com",
        account: Account {
            url: "https://ca.example/acct/1",
            thumbprint: "thumb",
            earlier_thumbprints: &[],
        },
        delegation: None,
    }
}

static KEY: std::sync::OnceLock<secrecy::SecretBox<Vec<u8>>> = std::sync::OnceLock::new();
static OTHERS: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();

/// A real certificate with some of its bytes changed, in PEM that is changed as well.
fn pem() -> impl Strategy<Value = String> {
    let der = OTHERS.get_or_init(|| {
        let names = vec!["a.example".to_string(), "b.example".to_string()];
        rcgen::generate_simple_self_signed(names).unwrap().cert.der().to_vec()
    });
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let changed = changes.prop_map(|changes| {
        use base64::Engine as _;
        let mut der = der.clone();
        for (at, byte) in changes {
            let at = at.index(der.len());
            der[at] = byte;
        }
        let base64 = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
    });
    let noise = prop_oneof![
        "(-----(BEGIN|END) (CERTIFICATE|PRIVATE KEY|[A-Z ]{0,9})-----\n?)?[A-Za-z0-9+/=\n -]{0,80}",
        any::<String>(),
    ];
    (prop::collection::vec(prop_oneof![changed, noise], 0..4)).prop_map(|parts| parts.concat())
}

fn names(domains: &[String]) -> Result<(), TestCaseError> {
    prop_assert!(domains.len() <= 10, "{}", domains.len());
    for domain in domains {
        let ours = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
        prop_assert!(
            (1..=253).contains(&domain.len()) && domain.bytes().all(ours),
            "{:?}",
            domain
        );
    }
    Ok(())
}
