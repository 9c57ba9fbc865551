//! The external dependencies of this service, checked by calls that change nothing.

mod delegation;

use std::time::Duration;

use doctor::{Check, Finding};
use instant_acme::Error;
use pipeline::proof::dns_persist01::{Form, announced};
use pipeline::proof::{Challenge, Challenges, Method};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use store::{DatabaseArgs, KeyRing, Sealed, SharedSettings, Store, StoreError};
use telemetry::with_causes;

use crate::acme_args::AcmeArgs;
use crate::ca_settings::CaSettings;
use crate::client::acme_client::{AcmeClient, Exchange};
use crate::client::directory::{self, Directory};
use crate::client::registration;
use crate::client::words::{clean, said, short_type};
use crate::settings::Settings;

const CA: &str = "ACME CA";
const ACCOUNT: &str = "ACME account";
const SET_ONCE: Method = Method::DnsPersist01;
/// The time limit for a directory, a nonce and one signed request.
const LIMIT: Duration = Duration::from_secs(20);

/// The checks, in the order of the report.
pub(crate) fn checks(settings: &Settings, shared: &SharedSettings) -> Vec<Check> {
    let worker = &settings.worker;
    let (acme, delegation) = (settings.acme.clone(), settings.delegation.is_set());
    let (database, ring) = (worker.database.clone(), settings.sealing.key_ring().ok());
    vec![
        store::check_database(&worker.database, "certificate-issuer"),
        store::check_shared_settings(&worker.database, Some(shared)),
        messaging::check_rabbitmq(&worker.amqp, "certificate-issuer"),
        store::check_seals(&worker.database, &settings.sealing, Sealed::AccountKeys),
        Check::several(CA, async move { ask(&acme, delegation, &database, ring).await }).within(LIMIT),
        delegation::check(&settings.delegation),
    ]
}

async fn ask(acme: &AcmeArgs, delegation: bool, database: &DatabaseArgs, ring: Option<KeyRing>) -> Vec<Finding> {
    let cas = match acme.cas(delegation) {
        Ok(cas) => cas,
        Err(error) => return vec![unusable(error.to_string())],
    };
    let asked = cas.iter().map(|ca| ask_one(ca, database, ring.as_ref()));
    futures_util::future::join_all(asked).await.concat()
}

fn unusable(text: String) -> Finding {
    Finding::fail(CA, "a setting can't be used", text)
}

async fn ask_one(ca: &CaSettings, database: &DatabaseArgs, ring: Option<&KeyRing>) -> Vec<Finding> {
    let client = match AcmeClient::new(ca.roots.as_deref()) {
        Ok(client) => client,
        Err(error) => return vec![unusable(format!("{}: {error:#}", ca.name))],
    };
    let exchange = client.exchange();
    let url = &ca.directory_url;
    let directory = match directory::fetch(&exchange, url).await {
        Ok(directory) => directory,
        Err(error) => return vec![unreached(url, &error)],
    };
    let mut findings = offers(url, &directory.json, ca.profile.as_deref(), ca.external.is_some());
    findings.push(set_once(&directory, url, database).await);
    findings.push(account(&exchange, &directory, url, database, ring).await);
    findings
}

/// Which form of the records that are set once the CA requires.
async fn set_once(directory: &Directory, url: &str, database: &DatabaseArgs) -> Finding {
    let mut args = database.clone();
    args.database_pool_size = 1;
    let offered = async { Store::new(&args, "certificate-issuer doctor")?.offered_last(url).await };
    match offered.await {
        Ok(offered) => form(offered.as_ref(), announced(directory.meta())),
        Err(error) => Finding::skip(SET_ONCE.as_str(), format!("not known: {}", with_causes(&error))),
    }
}

fn form(offered: Option<&Challenges>, announced: bool) -> Finding {
    let name = SET_ONCE.as_str();
    let Some(offered) = offered else {
        return match announced {
            true => Finding::ok(
                name,
                "announced by the directory as of draft -02; no order has shown it yet",
            ),
            false => Finding::ok(name, "not known before the first order"),
        };
    };
    if let Some((_, problem)) = offered.unusable().find(|(method, _)| *method == SET_ONCE) {
        return Finding::warn(
            name,
            format!(
                "the CA's newest order offers it in a form that is not known here: {}",
                clean(problem)
            ),
            "look for a newer cdn-broker; until then tenants are shown the other ways only",
        );
    }
    let Some(Challenge::DnsPersist01(challenge)) = offered.get(SET_ONCE) else {
        return Finding::ok(name, "not offered by the newest order");
    };
    match challenge.form {
        Form::Hashed => Finding::ok(
            name,
            "as of draft -02: records have a digest with the account's key, another one for each domain",
        ),
        Form::AccountUrl => Finding::ok(
            name,
            "as of draft -01: records have the account's URL, and outlast a change of its key",
        ),
    }
}

fn unreached(url: &str, error: &Error) -> Finding {
    let (what, to_do) = match error {
        Error::Api(problem) => (
            format!("{url} answers: {}", said(problem)),
            "ACME_DIRECTORY_URL has to be the directory itself; else check the CA's status page",
        ),
        Error::Other(cause) => match tls::Problem::find(cause.as_ref()) {
            Some(problem) => (
                format!("no TLS to {url}: {problem}"),
                "trusted are the system's CAs and those in ACME_CA_ROOTS",
            ),
            None => (
                format!("{url} can't be reached: {}", with_causes(cause.as_ref())),
                "check that this machine reaches it (https), and that ACME_DIRECTORY_URL is right",
            ),
        },
        other => (
            format!("{url} is no ACME directory: {other}"),
            "set ACME_DIRECTORY_URL to the CA's directory",
        ),
    };
    Finding::fail(CA, what, to_do)
}

/// Whether the directory offers what the settings need (RFC 8555 §7.1.1, draft-ietf-acme-profiles).
fn offers(url: &str, directory: &Value, profile: Option<&str>, bound: bool) -> Vec<Finding> {
    let meta = |name: &str| directory.get("meta").and_then(|meta| meta.get(name));
    let terms = match meta("termsOfService").and_then(Value::as_str) {
        Some(terms) => format!("its terms of service, agreed to with each account: {}", clean(terms)),
        None => "no terms of service".to_string(),
    };
    let mut findings = vec![Finding::ok(CA, format!("{url}, TLS verified; {terms}"))];
    if meta("externalAccountRequired").and_then(Value::as_bool) == Some(true) && !bound {
        findings.push(Finding::fail(
            CA,
            "it wants accounts to be bound to one that you have there",
            "set ACME_EAB_KID and ACME_EAB_HMAC_KEY to what it gave you",
        ));
    }
    let offered: Vec<String> = meta("profiles")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|profiles| profiles.keys())
        .map(|name| clean(name))
        .collect();
    let listed = match offered.is_empty() {
        true => "none".to_string(),
        false => offered.join(", "),
    };
    findings.push(match profile {
        None => Finding::ok("ACME profile", format!("the CA's default (offered: {listed})")),
        Some(profile) if offered.iter().any(|name| name == profile) => Finding::ok("ACME profile", profile),
        Some(profile) => Finding::fail(
            "ACME profile",
            format!("the CA does not offer {profile:?}, but: {listed}"),
            "set ACME_PROFILE to one of them, or leave it unset",
        ),
    });
    findings
}

/// Whether the CA knows one of our accounts by its key.
async fn account(
    exchange: &Exchange,
    directory: &Directory,
    url: &str,
    database: &DatabaseArgs,
    ring: Option<&KeyRing>,
) -> Finding {
    let Some(ring) = ring else {
        return Finding::skip(ACCOUNT, "not tried without SEALING_KEYS");
    };
    let mut args = database.clone();
    args.database_pool_size = 1;
    let stored = async {
        Store::new(&args, "certificate-issuer doctor")?
            .newest_account(ring, url)
            .await
    };
    let stored = match stored.await {
        Ok(Some(stored)) => stored,
        Ok(None) => return Finding::ok(ACCOUNT, "none yet at this CA: a tenant's first order registers one"),
        Err(StoreError::Sealing(_)) => return Finding::skip(ACCOUNT, "not tried: SEALING_KEYS doesn't open its key"),
        Err(error) => return Finding::skip(ACCOUNT, format!("not tried: {}", with_causes(&error))),
    };
    let known = registration::find(exchange, directory, stored.key.expose_secret()).await;
    judged(known, stored.account_uri.as_deref().unwrap_or_default())
}

fn judged(known: Result<String, Error>, stored: &str) -> Finding {
    match known {
        Ok(url) if url == stored => Finding::ok(ACCOUNT, format!("the CA knows the newest, {}", clean(&url))),
        Ok(url) => Finding::warn(
            ACCOUNT,
            format!("the CA knows the newest as {}, not as {}", clean(&url), clean(stored)),
            "nothing, if the CA changed its addresses; its domains' dns-persist-01 records name the old one",
        ),
        Err(Error::Api(problem)) => match short_type(problem.r#type.as_deref()) {
            Some("accountDoesNotExist") => Finding::warn(
                ACCOUNT,
                format!("the CA does not know the newest, {}", clean(stored)),
                "nothing, if it is a test CA that lost its accounts: accounts are registered again when they are \
                 needed",
            ),
            _ => Finding::fail(
                ACCOUNT,
                format!("the CA refuses the newest, {}: {}", clean(stored), said(&problem)),
                "ask the CA about this account; ACME_EAB_KID must be that of the account that yours are bound to",
            ),
        },
        Err(error) => Finding::warn(ACCOUNT, format!("not known: {error}"), "run the doctor again"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(meta: Value, profile: Option<&str>, bound: bool) -> String {
        let findings = offers("https://ca.example/dir", &json!({ "meta": meta }), profile, bound);
        findings.iter().map(|finding| format!("{finding}\n")).collect()
    }

    #[test]
    fn what_the_ca_does_not_offer_or_wants_besides_is_told() {
        let meta =
            json!({ "profiles": { "classic": "…", "tlsserver": "…" }, "termsOfService": "https://ca.example/terms" });
        let well = lines(meta.clone(), Some("tlsserver"), false);
        assert!(
            !well.contains("FAIL") && well.contains("https://ca.example/terms"),
            "{well}"
        );
        assert!(lines(meta.clone(), None, false).contains("(offered: classic, tlsserver)"));
        let other = lines(meta, Some("shortlived"), false);
        assert!(other.contains("FAIL  ACME profile  the CA does not offer \"shortlived\", but: classic, tlsserver: "));
        assert!(lines(json!({}), Some("classic"), false).contains("but: none"));
        let wants = json!({ "externalAccountRequired": true });
        assert!(lines(wants.clone(), None, false).contains("ACME_EAB_KID"));
        assert!(!lines(wants, None, true).contains("FAIL"));
    }

    #[test]
    fn a_form_of_dns_persist_01_that_is_not_known_is_the_operators_to_read() {
        let told = |offered: Option<serde_json::Value>, announced| {
            let offered: Option<Challenges> = offered.map(|offered| serde_json::from_value(offered).unwrap());
            form(offered.as_ref(), announced).to_string()
        };
        let of = |form: &str| {
            let uris = json!({"to_set": "https://ca.example/acct/1", "besides": []});
            let challenge = json!({"form": form, "issuer_domains": ["ca.example"], "account_uris": uris});
            told(Some(json!({"v": 1, "offered": {"dns-persist-01": challenge}})), true)
        };
        let unknown = told(
            Some(json!({"v": 1, "unusable": {"dns-persist-01": "the challenge has neither"}})),
            true,
        );
        assert!(
            unknown.starts_with("warn  dns-persist-01") && unknown.contains("has neither"),
            "{unknown}"
        );
        assert!(of("hashed").contains("draft -02"));
        assert!(of("account-url").contains("outlast a change of its key"));
        assert!(told(Some(json!({"v": 1})), true).contains("not offered"));
        assert!(told(None, true).contains("announced") && told(None, false).contains("first order"));
    }

    #[test]
    fn an_account_that_the_ca_does_not_know_is_no_fault_of_this_service() {
        let refused = |kind: &str| {
            let problem =
                json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": "no", "status": 400 });
            judged(
                Err(Error::Api(serde_json::from_value(problem).unwrap())),
                "https://ca.example/acct/1",
            )
            .to_string()
        };
        assert!(refused("accountDoesNotExist").starts_with("warn"));
        assert!(refused("unauthorized").starts_with("FAIL  ACME account  the CA refuses the newest"));
        let uri = "https://ca.example/acct/1";
        assert!(judged(Ok(uri.into()), uri).to_string().starts_with("ok"));
    }
}
