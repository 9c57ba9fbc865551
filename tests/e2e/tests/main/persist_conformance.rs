//! What counts as a set-once record here is what a CA takes. A table of records is shown to Pebble itself, and judged by this service;
//! the third judge, Let's Encrypt's, is read from its source (boulder 2d00c8e27919, `va/dns_persist.go` and `core/util.go`; both have a
//! record's text from miekg/dns, which writes `\009` for a tab and `\195\169` for an é). What is in place here is so for both CAs.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use instant_acme::{Account, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder};
use pipeline::proof::dns_persist01::{PersistExpected, judge};
use stack::{Dns, Handle, Options};
use time::OffsetDateTime;
use tokio::task::JoinSet;

use crate::world::{PATIENCE, domain};

/// What the challenge names (the stack's `caaIdentities`).
const ISSUER: &str = "pebble.test";

/// Records at one name, and who takes them.
struct Row {
    /// `ISSUER`, `ACCOUNT`, `PAST`, `SOON` (in ten minutes) and `LATER` (in a day) stand for what they are.
    records: &'static [&'static str],
    wildcard: bool,
    pebble: bool,
    boulder: bool,
    ours: bool,
}

/// All take it, or nobody does.
const fn all(verdict: bool, records: &'static [&'static str]) -> Row {
    by(verdict, verdict, verdict, records)
}

const fn by(pebble: bool, boulder: bool, ours: bool, records: &'static [&'static str]) -> Row {
    Row {
        records,
        wildcard: false,
        pebble,
        boulder,
        ours,
    }
}

/// For `*.<domain>`.
const fn wildcard(verdict: bool, records: &'static [&'static str]) -> Row {
    Row {
        wildcard: true,
        ..all(verdict, records)
    }
}

const TABLE: &[Row] = &[
    // Blanks.
    all(true, &["ISSUER;accounturi=ACCOUNT"]),
    all(true, &["ISSUER; accounturi=ACCOUNT"]),
    all(true, &["  ISSUER  ;  accounturi =  ACCOUNT  "]),
    all(false, &["ISSUER accounturi=ACCOUNT"]),
    all(false, &["ISSUER;\taccounturi=ACCOUNT"]),
    all(false, &["ISSUER;accounturi=ACCOUNT;x=a b"]),
    // The CA's domain.
    by(false, true, false, &["Pebble.TEST;accounturi=ACCOUNT"]),
    by(false, true, false, &["ISSUER.;accounturi=ACCOUNT"]),
    all(false, &["other.test;accounturi=ACCOUNT"]),
    all(false, &[";accounturi=ACCOUNT"]),
    all(false, &["\"ISSUER;accounturi=ACCOUNT\""]),
    // The account.
    all(true, &["ISSUER;AccountURI=ACCOUNT"]),
    all(false, &["ISSUER;accounturi=ACCOUNT/"]),
    all(false, &["ISSUER;accounturi=ACCOUNT9"]),
    all(false, &["ISSUER;accounturi="]),
    all(false, &["ISSUER;accounturi"]),
    all(false, &["ISSUER"]),
    // Parameters.
    all(false, &["ISSUER;accounturi=ACCOUNT;"]),
    all(false, &["ISSUER;;accounturi=ACCOUNT"]),
    all(false, &["ISSUER;accounturi=ACCOUNT;accounturi=ACCOUNT"]),
    by(false, true, false, &["ISSUER;accounturi=ACCOUNT;x=1;X=2"]),
    all(true, &["ISSUER;x-y=;accounturi=ACCOUNT;later=a=b"]),
    all(true, &["ISSUER;accounturi=ACCOUNT;x=\"q\""]),
    all(false, &["ISSUER;accounturi=ACCOUNT;x"]),
    all(false, &["ISSUER;accounturi=ACCOUNT;=x"]),
    // Not the grammar's, and both CAs take them.
    by(true, true, false, &["ISSUER;accounturi=ACCOUNT;x_y=1"]),
    by(true, true, false, &["ISSUER;accounturi=ACCOUNT;x=é"]),
    // Its end.
    all(true, &["ISSUER;accounturi=ACCOUNT;persistUntil=LATER"]),
    all(true, &["ISSUER;accounturi=ACCOUNT;PERSISTUNTIL=000LATER"]),
    all(false, &["ISSUER;accounturi=ACCOUNT;persistUntil=PAST"]),
    by(true, true, false, &["ISSUER;accounturi=ACCOUNT;persistUntil=SOON"]),
    by(true, true, false, &["ISSUER;accounturi=ACCOUNT;persistUntil=+LATER"]),
    all(true, &["ISSUER;accounturi=ACCOUNT;persistUntil=253402300799"]),
    by(
        true,
        true,
        false,
        &["ISSUER;accounturi=ACCOUNT;persistUntil=253402300800"],
    ),
    all(false, &["ISSUER;accounturi=ACCOUNT;persistUntil=9223372036854775807"]),
    all(false, &["ISSUER;accounturi=ACCOUNT;persistUntil=99999999999999999999"]),
    all(false, &["ISSUER;accounturi=ACCOUNT;persistUntil=2099-01-01"]),
    all(false, &["ISSUER;accounturi=ACCOUNT;persistUntil="]),
    // Wildcards.
    wildcard(false, &["ISSUER;accounturi=ACCOUNT"]),
    wildcard(true, &["ISSUER;accounturi=ACCOUNT;policy=wildcard"]),
    wildcard(true, &["ISSUER;accounturi=ACCOUNT;Policy=WildCard"]),
    wildcard(false, &["ISSUER;accounturi=ACCOUNT;policy=wildcards"]),
    wildcard(false, &["ISSUER;accounturi=ACCOUNT;policy=wildcard;policy=wildcard"]),
    all(true, &["ISSUER;accounturi=ACCOUNT;policy=none"]),
    // Several at one name.
    all(
        true,
        &[
            "other.test;accounturi=x",
            "v=spf1 -all",
            "ISSUER;",
            "ISSUER;accounturi=ACCOUNT9",
            "ISSUER;accounturi=ACCOUNT",
        ],
    ),
    all(false, &["other.test;accounturi=ACCOUNT", "ISSUER;accounturi=ACCOUNT9"]),
];

#[tokio::test]
async fn a_record_that_is_in_place_here_is_one_that_the_ca_takes() -> anyhow::Result<()> {
    // A CA of its own: on the shared one every order is a service's.
    let stack = Handle::start(Options::infrastructure()).await?;
    let (endpoints, names) = (stack.endpoints(), stack.dns()?);
    let new = NewAccount {
        contact: &[],
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let (account, _) = Account::builder_with_root(&endpoints.acme_ca_pem)?
        .create(&new, endpoints.acme_directory_url.clone(), None)
        .await?;
    let mut asked = JoinSet::new();
    for row in TABLE {
        let (account, dns) = (account.clone(), names.clone());
        asked.spawn(async move { compare(row, &account, &dns).await });
    }
    let mut wrong = Vec::new();
    while let Some(compared) = asked.join_next().await {
        wrong.extend(compared??);
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What is not as the table has it.
async fn compare(row: &Row, account: &Account, dns: &Dns) -> anyhow::Result<Option<String>> {
    let now = OffsetDateTime::now_utc();
    let records: Vec<String> = row
        .records
        .iter()
        .map(|record| filled(record, account.id(), now))
        .collect();
    let expected = PersistExpected {
        issuer_domains: vec![ISSUER.into()],
        account_uri: account.id().into(),
        wildcard: row.wildcard,
    };
    let ours = judge(&records, &expected, now).context("a record")?.is_ok();
    let pebble = asked(row.wildcard, &records, account, dns)
        .await
        .with_context(|| records.join(" | "))?;
    let fair = !row.ours || row.pebble && row.boulder;
    let as_told = (pebble, ours) == (row.pebble, row.ours);
    Ok((!fair || !as_told).then(|| format!("pebble {pebble}, ours {ours}, fair {fair}: {records:?}")))
}

fn filled(record: &str, account: &str, now: OffsetDateTime) -> String {
    let at = |seconds: i64| (now.unix_timestamp() + seconds).to_string();
    record
        .replace("ISSUER", ISSUER)
        .replace("ACCOUNT", account)
        .replace("PAST", &at(-60))
        .replace("SOON", &at(600))
        .replace("LATER", &at(86_400))
}

/// Whether Pebble takes these records at a name of its own.
async fn asked(wildcard: bool, records: &[String], account: &Account, dns: &Dns) -> anyhow::Result<bool> {
    let base = domain("judged");
    for record in records {
        dns.set_txt(&format!("_validation-persist.{base}"), record).await?;
    }
    let name = if wildcard { format!("*.{base}") } else { base };
    let mut order = account.new_order(&NewOrder::new(&[Identifier::Dns(name)])).await?;
    let way = ChallengeType::Unknown("dns-persist-01".to_owned());
    let mut authorizations = order.authorizations();
    let mut authorization = authorizations.next().await.context("an authorization")??;
    let mut challenge = authorization.challenge(way).context("dns-persist-01 is offered")?;
    match challenge.set_ready().await {
        // A CA may have judged before it answers: then the answer is the verdict, and the authorization's status tells it.
        Ok(()) | Err(instant_acme::Error::Api(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        let mut authorizations = order.authorizations();
        let mut authorization = authorizations.next().await.context("an authorization")??;
        match authorization.refresh().await?.status {
            AuthorizationStatus::Valid => return Ok(true),
            AuthorizationStatus::Invalid => return Ok(false),
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    bail!("no verdict")
}
