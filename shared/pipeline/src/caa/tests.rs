use proptest::prelude::*;

use super::*;

const ACCOUNT: &str = "https://ca.example/acct/1";
const METHOD: Method = Method::Dns01;

fn expected(wildcard: bool) -> CaaExpected {
    CaaExpected {
        identities: vec!["ca.example".into(), "alias.example".into()],
        account_uri: ACCOUNT.into(),
        wildcard,
    }
}

/// A record in presentation format: `0 issue ca.example`.
fn record(text: &str) -> Property {
    let mut parts = text.splitn(3, ' ');
    let flags: u8 = parts.next().unwrap().parse().unwrap();
    Property {
        critical: flags & 128 != 0,
        tag: parts.next().unwrap().to_owned(),
        value: parts.next().unwrap_or_default().as_bytes().to_vec(),
    }
}

/// The text shown to the user about records at `example.com`; nothing when they allow issuance.
fn told(records: &[&str], wildcard: bool) -> Option<String> {
    let records: Vec<Property> = records.iter().map(|text| record(text)).collect();
    let expected = expected(wildcard);
    let why = judge(&records, &expected, METHOD).err()?;
    let remedy = why.remedy("example.com", &expected, METHOD);
    Some(format!("{}: {remedy}", why.seen(METHOD)))
}

#[test]
fn records_that_allow_us() {
    let both = format!("0 issue ca.example; accounturi={ACCOUNT}; validationmethods=http-01,dns-01");
    let table: &[&[&str]] = &[
        &[],
        &["0 issue ca.example"],
        &["0 ISSUE \tCA.Example ;"],
        &["0 issue alias.example"],
        &["128 issue ca.example"],
        &["0 issue ;", "0 issue ca.example"],
        &["0 issue other.example", "0 issue ca.example"],
        &["0 issue %%%%%", "0 issue ca.example"],
        // Says nothing about certificates without a wildcard.
        &["0 issuewild other.example"],
        &["0 issuewild ;", "0 iodef mailto:a@example.com"],
        // Properties that a CA may know are left to it; flags other than 128 mean nothing.
        &["128 iodef mailto:a@example.com", "128 contactemail a@example.com"],
        &["0 tbs unknown", "1 tbs unknown"],
        // Parameters.
        &[both.as_str()],
        &["0 issue ca.example; validationmethods=dns-01"],
        &["0 issue ca.example; validationmethods=ca-own,dns-01"],
        &["0 issue ca.example; something=else; something=more"],
        &[
            "0 issue ca.example; accounturi=https://ca.example/acct/9",
            "0 issue ca.example",
        ],
    ];
    for records in table {
        assert_eq!(told(records, false), None, "{records:?}");
    }
}

#[test]
fn records_that_do_not() {
    let dns01 = "add CAA example.com 0 issue \"ca.example;validationmethods=dns-01\"";
    let account = format!("add CAA example.com 0 issue \"ca.example;accounturi={ACCOUNT}\"");
    let both = format!("add CAA example.com 0 issue \"ca.example;accounturi={ACCOUNT};validationmethods=dns-01\"");
    let ours_by_http = format!("0 issue ca.example; accounturi={ACCOUNT}; validationmethods=http-01");
    let plain = "add CAA example.com 0 issue \"ca.example\"";
    let table: &[(&[&str], &str, &str)] = &[
        (&["0 issue other.example"], "allows only \"other.example\"", plain),
        (
            &[
                "0 issue a.example",
                "0 issue ;",
                "0 issue b.example; x=y",
                "0 issue a.example",
            ],
            "allows only \"a.example\", \"b.example\"",
            plain,
        ),
        (
            &[
                "0 issue a.a",
                "0 issue b.b",
                "0 issue c.c",
                "0 issue d.d",
                "0 issue e.e",
            ],
            "allows only \"a.a\", \"b.b\", \"c.c\", 2 more",
            plain,
        ),
        (&["0 issue ;"], "allows no CA (issue \";\")", plain),
        (&["0 issue"], "allows no CA (issue \";\")", plain),
        (&["0 issue ; accounturi=x"], "allows no CA (issue \";\")", plain),
        (
            &["0 issue ;", "0 issue %%%%%"],
            "has issue \"%%%%%\", which can't be read (\"%%%%%\" is no domain of a CA) and so allows no CA",
            plain,
        ),
        (
            &["0 issue other.example", "0 issue ca.example; x"],
            "has issue \"ca.example; x\", which can't be read (\"x\" is no tag=value) and so allows no CA",
            plain,
        ),
        (&["0 issue not-ca.example"], "allows only \"not-ca.example\"", plain),
        (&["0 issue sub.ca.example"], "allows only \"sub.ca.example\"", plain),
        (
            &[
                "0 issue other.example",
                "0 issue ca.example; accounturi=https://ca.example/acct/9",
            ],
            "allows \"ca.example\" only for the account https://ca.example/acct/9 (accounturi)",
            account.as_str(),
        ),
        (
            &["0 issue ca.example; accounturi=https://CA.example/acct/1"],
            "allows \"ca.example\" only for the account https://CA.example/acct/1 (accounturi)",
            account.as_str(),
        ),
        (
            &["0 issue ca.example; accounturi=a; AccountURI=b"],
            "allows \"ca.example\" only for the account a, b (accounturi)",
            account.as_str(),
        ),
        (
            &["0 issue ca.example; validationmethods=http-01,tls-alpn-01"],
            "allows \"ca.example\" only by http-01,tls-alpn-01 (validationmethods), not by dns-01",
            dns01,
        ),
        (
            &["0 issue ca.example; validationmethods=dns-01,"],
            "allows \"ca.example\" only by dns-01, (validationmethods), not by dns-01",
            dns01,
        ),
        (
            &[ours_by_http.as_str(), "0 issue ca.example; accounturi=x"],
            "allows \"ca.example\" only by http-01 (validationmethods), not by dns-01",
            both.as_str(),
        ),
        (
            &["0 issue ca.example", "128 tbs unknown"],
            "has the critical property tbs, and a CA that doesn't know it may not issue",
            "remove it, or set its flags to 0",
        ),
    ];
    for (records, seen, remedy) in table {
        assert_eq!(told(records, false), Some(format!("{seen}: {remedy}")), "{records:?}");
    }
}

#[test]
fn a_wildcard_is_a_matter_of_issuewild_if_there_is_any() {
    let wild = "add CAA example.com 0 issuewild \"ca.example\"";
    let table: &[(&[&str], Option<String>)] = &[
        (&["0 issuewild ca.example", "0 issue ;"], None),
        (&["0 issue ca.example"], None),
        (&["0 iodef mailto:a@example.com"], None),
        (
            &["0 issue ca.example", "0 issuewild ;"],
            Some(format!("allows no CA a wildcard (issuewild \";\"): {wild}")),
        ),
        (
            &["0 issue ca.example", "0 IssueWild other.example"],
            Some(format!("allows a wildcard only to \"other.example\": {wild}")),
        ),
        (
            // An issuewild would take wildcards away from the other CA.
            &["0 issue other.example"],
            Some("allows only \"other.example\": add CAA example.com 0 issue \"ca.example\"".to_owned()),
        ),
    ];
    for (records, expected) in table {
        assert_eq!(&told(records, true), expected, "{records:?}");
    }
}

/// The suggested addition suffices, whatever records exist.
fn mended(records: &[Property], wildcard: bool) -> Result<(), TestCaseError> {
    let expected = expected(wildcard);
    let Err(why) = judge(records, &expected, METHOD) else {
        return Ok(());
    };
    let seen = why.seen(METHOD);
    prop_assert!(seen.len() < 800 && !seen.contains(char::is_control), "{:?}", seen);
    let remedy = why.remedy("example.com", &expected, METHOD);
    let Some(added) = remedy.strip_prefix("add CAA example.com ") else {
        prop_assert!(matches!(why, Forbidden::Critical { .. }), "{}", remedy);
        return Ok(());
    };
    let added = record(&added.replace('"', ""));
    let all: Vec<Property> = records.iter().cloned().chain([added]).collect();
    prop_assert_eq!(judge(&all, &expected, METHOD), Ok(()));
    Ok(())
}

fn any_record() -> impl Strategy<Value = Property> {
    let tag = prop_oneof![
        "issue",
        "issuewild",
        "Issue",
        "iodef",
        "[a-z0-9]{1,15}",
        any::<String>()
    ];
    let near = "[ \t]?(ca\\.example|alias\\.example|other\\.example)[ ]?(; ?(accounturi|validationmethods)=[a-z0-9,:/.-]{0,30} ?){0,3}";
    let value = prop_oneof![
        2 => crate::issue_value::reference::text(),
        2 => near.prop_map(String::into_bytes),
    ];
    (prop::bool::weighted(0.1), tag, value).prop_map(|(critical, tag, value)| Property { critical, tag, value })
}

proptest! {
    #[test]
    fn whatever_the_records_say_what_is_told_is_short_and_mends_it(
        records in prop::collection::vec(any_record(), 0..5),
        wildcard in any::<bool>(),
    ) {
        mended(&records, wildcard)?;
    }
}
