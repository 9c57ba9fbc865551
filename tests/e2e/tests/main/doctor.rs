//! The doctor: with everything in place all five are content; what is wrong is named in a line, with what to do, and no
//! secret is in any of them.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use customer::{Platform, status};
use serde_json::json;
use stack::{Endpoints, Handle, Options};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::world::{PATIENCE, domain, organization};

const PROCESSES: [(&str, &str); 5] = [
    ("broker-api", "broker-api"),
    ("distribution", "distribution-1"),
    ("challenge-verifier", "challenge-verifier-1"),
    ("certificate-issuer", "certificate-issuer-1"),
    ("cert-installer", "cert-installer-1"),
];

/// What a doctor said.
struct Said {
    code: Option<i32>,
    lines: Vec<String>,
}

impl Said {
    fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The one line that begins like this.
    fn line(&self, begin: &str) -> &str {
        let mut found = self.lines.iter().filter(|line| line.starts_with(begin));
        let line = found
            .next()
            .unwrap_or_else(|| panic!("no {begin:?} in\n{}", self.text()));
        assert!(found.next().is_none(), "{begin:?} twice in\n{}", self.text());
        line
    }

    /// Everything else is as it should be.
    fn only_fails(&self, about: &[&str]) {
        for line in self.lines.iter().filter(|line| line.starts_with("FAIL")) {
            assert!(about.iter().any(|about| line.contains(about)), "{line}");
        }
        assert_eq!(self.code, Some(1), "{}", self.text());
    }
}

struct Clinic {
    stack: Handle,
    secrets: Vec<String>,
}

impl Clinic {
    async fn open(options: Options) -> anyhow::Result<Self> {
        let stack = Handle::start(options).await?;
        let e = stack.endpoints();
        let mut secrets = vec![e.broker_password.clone()];
        secrets.push(
            e.database_url
                .split([':', '@'])
                .nth(2)
                .context("a password")?
                .to_owned(),
        );
        secrets.extend(
            e.sealing_keys
                .split(',')
                .filter_map(|entry| Some(entry.split_once(':')?.1.to_owned())),
        );
        secrets.extend(e.aws_keys.values().map(|key| key.secret.clone()));
        assert!(secrets.iter().all(|secret| secret.len() > 6), "secrets are known");
        Ok(Self { stack, secrets })
    }

    /// A service's doctor, in the environment of its running process with these changes.
    async fn ask(&self, service: &str, changes: &[(&str, &str)]) -> anyhow::Result<Said> {
        let process = PROCESSES
            .iter()
            .find(|(name, _)| *name == service)
            .context("a service")?
            .1;
        let process = self.stack.endpoints().process(process).context("a process")?;
        let begun = Instant::now();
        let run = Command::new(stack::program(service)?)
            .arg("doctor")
            .env_clear()
            .envs(process.environment()?)
            .envs(changes.iter().copied())
            .output();
        let output = timeout(PATIENCE, run).await??;
        assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout)?;
        let changed: Vec<&str> = changes.iter().map(|(name, _)| *name).collect();
        println!("$ {service} doctor  ({})\n{text}", changed.join(", "));
        for secret in self.secrets.iter().chain([&"hunter2-wrong".to_owned()]) {
            assert!(!text.contains(secret.as_str()), "a secret is in\n{text}");
        }
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let states = ["ok    ", "warn  ", "FAIL  ", "skip  "];
        assert!(
            lines
                .iter()
                .all(|line| states.iter().any(|state| line.starts_with(state))),
            "{text}"
        );
        Ok(Said {
            code: output.status.code(),
            lines,
        })
    }

    /// Requests an instance, and sets the record that proves its domain.
    async fn requested(&self, platform: &Platform, id: &str) -> anyhow::Result<()> {
        let name = domain("doctor");
        platform
            .provision(id, &organization(), json!({"domains": [name]}))
            .await?;
        let told = platform
            .poll(id, PATIENCE, "what to set", |answer| {
                status::persist_value(answer.description()).is_some()
            })
            .await?;
        let value = status::persist_value(told.description()).context("a value to set")?;
        let dns = self.stack.dns()?;
        dns.set_txt(&format!("_validation-persist.{name}"), &value).await
    }

    /// Creates an instance.
    async fn provisioned(&self, platform: &Platform, id: &str) -> anyhow::Result<()> {
        self.requested(platform, id).await?;
        platform.succeeded(id, PATIENCE).await?;
        Ok(())
    }

    /// What a process has logged, once these words are in it.
    async fn logged(&self, process: &str, words: &str) -> anyhow::Result<String> {
        let log = &self.stack.endpoints().process(process).context("a process")?.log;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read_to_string(log)?;
            if let Some(line) = text.lines().find(|line| line.contains(words)) {
                return Ok(line.to_owned());
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "never in the log of {process}: {words}\n{text}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn the_doctor_is_content_or_names_what_is_wrong() -> anyhow::Result<()> {
    let clinic = Clinic::open(Options::fast()).await?;
    let e = clinic.stack.endpoints();
    // Of a fresh deployment, too.
    let fresh = clinic.ask("certificate-issuer", &[]).await?;
    assert_eq!(fresh.code, Some(0), "{}", fresh.text());
    assert!(
        fresh.line("ok    ACME account").contains("none yet"),
        "{}",
        fresh.text()
    );
    for (_, process) in PROCESSES {
        clinic.logged(process, "doctor: all is well").await?;
    }

    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let id = "has-a-doctor";
    clinic.provisioned(&platform, id).await?;
    let state = async || {
        let text = reqwest::get(format!("{}/history", e.aws_admin_url))
            .await?
            .text()
            .await?;
        anyhow::Ok(text)
    };
    let before = state().await?;

    // As Cloud Foundry gives them to an app that has them bound.
    let bound = json!({
        "postgres": [{"name": "cdn-db", "credentials": {"uri": e.database_url}}],
        "rabbitmq": [{"name": "cdn-queue", "credentials": {"uri": e.amqp_url}}],
    });
    let bound = [
        ("DATABASE_URL", ""),
        ("AMQP_URL", ""),
        ("VCAP_SERVICES", &bound.to_string()),
    ];
    let said = clinic.ask("challenge-verifier", &bound).await?;
    assert_eq!(said.code, Some(0), "{}", said.text());

    for (service, _) in PROCESSES {
        let said = clinic.ask(service, &[("ACME_RESPONDER_URL", &e.broker_url)]).await?;
        assert_eq!(said.code, Some(0), "{}", said.text());
        // The stack's default origin has a name that only its edge knows; the responder's is another one here.
        let warned = said.lines.iter().filter(|line| line.starts_with("warn"));
        let expected = ["DEFAULT_ORIGIN  origin.cdn.test, port 443", "warn  ACME_RESPONDER_URL"];
        let others: Vec<_> = warned
            .filter(|line| !expected.iter().any(|words| line.contains(words)))
            .collect();
        assert!(others.is_empty(), "{others:?}");
        assert!(said.line("ok    PostgreSQL").contains("schema "), "{}", said.text());
        assert!(
            said.line("ok    RabbitMQ").contains("a message went through"),
            "{}",
            said.text()
        );
        of_its_own(service, &said, e);
    }
    assert_eq!(state().await?, before, "nothing was made and nothing deleted in AWS");

    differing_settings(&clinic).await?;
    wrong_access_keys(&clinic).await?;
    access_keys_of_the_other_service(&clinic).await?;
    wrong_passwords(&clinic).await?;
    other_sealing_keys(&clinic).await?;
    unusable_ca_and_resolver(&clinic).await?;
    let status = platform.deprovision(id).await?.status;
    assert_eq!(status, 202);
    platform.succeeded(id, PATIENCE).await?;
    Ok(())
}

/// What only this service's doctor says, when all is well.
fn of_its_own(service: &str, said: &Said, e: &Endpoints) {
    match service {
        "broker-api" => {
            assert!(said.line("ok    ACME_RESPONDER_URL").contains("responder"));
            let differs = format!(
                "broker-api has {}; distribution has http://broker.cdn.test:",
                e.broker_url
            );
            let line = said.line("warn  ACME_RESPONDER_URL");
            assert!(
                line.contains(&differs) && line.contains("set the same in both"),
                "{line}"
            );
        }
        "distribution" => {
            // The simulator, as AWS may, looks at the input first or last: only what is absent proves a right.
            assert!(
                said.line("skip  cloudfront:CreateDistribution").contains("not refused"),
                "{}",
                said.text()
            );
            assert!(
                said.line("skip  cloudfront:CreateFunction").contains("not refused"),
                "{}",
                said.text()
            );
            said.line("ok    cloudfront:ListTagsForResource");
            // The shipped policy allows both for what has our tag, and the doctor asks for what isn't there.
            said.line("skip  cloudfront:UpdateDistribution");
            said.line("skip  cloudfront:DeleteDistribution");
            for action in ["List", "Describe", "Get", "Update", "Publish", "Delete"] {
                said.line(&format!("ok    cloudfront:{action}Function"));
            }
        }
        "cert-installer" => {
            said.line("ok    SEALING_KEYS  opens");
            assert!(
                said.line("skip  iam:UploadServerCertificate").contains("not refused"),
                "{}",
                said.text()
            );
            let room = said.line("ok    IAM server certificates");
            assert!(
                room.ends_with("the account holds 1 server certificates of at most 20"),
                "{room}"
            );
        }
        "certificate-issuer" => {
            said.line("ok    SEALING_KEYS  opens");
            assert!(
                said.line("ok    ACME account").contains("the CA knows"),
                "{}",
                said.text()
            );
        }
        _ => assert_eq!(said.text().matches("ok    DNS").count(), 2, "{}", said.text()),
    }
}

async fn differing_settings(clinic: &Clinic) -> anyhow::Result<()> {
    let said = clinic
        .ask("cert-installer", &[("MINIMUM_TLS_VERSION", "TLSv1.3_2025")])
        .await?;
    let line = said.line("warn  MINIMUM_TLS_VERSION");
    assert!(
        line.contains("cert-installer has TLSv1.3_2025; distribution has TLSv1.2_2021 since 2"),
        "{line}"
    );
    assert_eq!(said.code, Some(0), "{}", said.text());
    Ok(())
}

async fn wrong_access_keys(clinic: &Clinic) -> anyhow::Result<()> {
    for service in ["distribution", "cert-installer"] {
        let said = clinic
            .ask(service, &[("AWS_SECRET_ACCESS_KEY", "hunter2-wrong")])
            .await?;
        said.only_fails(&["AWS_SECRET_ACCESS_KEY"]);
        assert!(
            said.line("FAIL  AWS").contains("SignatureDoesNotMatch"),
            "{}",
            said.text()
        );
        said.line("ok    RabbitMQ");
        let said = clinic.ask(service, &[("AWS_ACCESS_KEY_ID", "AKIANOBODY")]).await?;
        assert!(
            said.line("FAIL  AWS").contains("set AWS_ACCESS_KEY_ID"),
            "{}",
            said.text()
        );
        let said = clinic.ask(service, &[("AWS_ACCESS_KEY_ID", "")]).await?;
        assert!(said.line("FAIL  AWS").contains("no AWS credentials"), "{}", said.text());
    }
    Ok(())
}

/// Known, and not allowed to do what is this service's.
async fn access_keys_of_the_other_service(clinic: &Clinic) -> anyhow::Result<()> {
    let e = clinic.stack.endpoints();
    let key = |service: &str| e.aws_keys.get(service).context("an access key");
    let other = key("cert-installer")?;
    let changes = [
        ("AWS_ACCESS_KEY_ID", other.id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", &other.secret),
    ];
    let said = clinic.ask("distribution", &changes).await?;
    said.line("ok    AWS");
    said.line("ok    cloudfront:GetDistribution  ");
    said.line("ok    cloudfront:GetDistributionConfig");
    said.line("skip  cloudfront:UpdateDistribution");
    let denied = said.line("FAIL  cloudfront:CreateDistribution");
    assert!(
        denied.contains("AccessDenied") && denied.contains("docs/aws"),
        "{denied}"
    );
    said.line("skip  cloudfront:DeleteDistribution");
    said.line("FAIL  cloudfront:CreateFunction");
    said.only_fails(&["cloudfront:"]);
    let other = key("distribution")?;
    let changes = [
        ("AWS_ACCESS_KEY_ID", other.id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", &other.secret),
    ];
    let said = clinic.ask("cert-installer", &changes).await?;
    for action in ["List", "Get", "Upload", "Delete"] {
        said.line(&format!(
            "FAIL  iam:{action}ServerCertificate{}",
            if action == "List" { "s  " } else { "  " }
        ));
    }
    said.only_fails(&["iam:"]);
    Ok(())
}

async fn wrong_passwords(clinic: &Clinic) -> anyhow::Result<()> {
    let e = clinic.stack.endpoints();
    let password = |url: &str| -> anyhow::Result<String> {
        let password = url.split([':', '@']).nth(2).context("a password")?;
        Ok(url.replacen(&format!(":{password}@"), ":hunter2-wrong@", 1))
    };
    // Its own name is known to the stack's DNS server only.
    let here = ("ACME_RESPONDER_URL", e.broker_url.as_str());
    let said = clinic
        .ask("broker-api", &[here, ("AMQP_URL", &password(&e.amqp_url)?)])
        .await?;
    said.only_fails(&["RabbitMQ"]);
    assert!(
        said.line("FAIL  RabbitMQ").contains("user and password in AMQP_URL"),
        "{}",
        said.text()
    );
    said.line("ok    PostgreSQL");
    let said = clinic
        .ask("broker-api", &[here, ("DATABASE_URL", &password(&e.database_url)?)])
        .await?;
    said.only_fails(&["PostgreSQL"]);
    assert!(
        said.line("FAIL  PostgreSQL").contains("DATABASE_URL"),
        "{}",
        said.text()
    );
    said.line("ok    RabbitMQ");
    Ok(())
}

async fn other_sealing_keys(clinic: &Clinic) -> anyhow::Result<()> {
    let e = clinic.stack.endpoints();
    let id = e.sealing_keys.split(':').next().context("a key's id")?;
    let key = STANDARD.encode([7; 32]);
    for service in ["certificate-issuer", "cert-installer"] {
        for keys in [format!("{id}:{key}"), format!("another:{key}")] {
            let said = clinic.ask(service, &[("SEALING_KEYS", &keys)]).await?;
            said.only_fails(&["SEALING_KEYS"]);
            assert!(
                said.line("FAIL  SEALING_KEYS").contains(&format!("{id:?}")),
                "{}",
                said.text()
            );
            assert!(!said.text().contains(&key), "{}", said.text());
        }
    }

    // One thing that is wrong hides no other.
    let keys = format!("another:{key}");
    let changes = [
        ("SEALING_KEYS", keys.as_str()),
        ("AWS_SECRET_ACCESS_KEY", "hunter2-wrong"),
    ];
    let said = clinic.ask("cert-installer", &changes).await?;
    said.line("FAIL  SEALING_KEYS");
    said.line("FAIL  AWS");
    Ok(())
}

async fn unusable_ca_and_resolver(clinic: &Clinic) -> anyhow::Result<()> {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let nowhere = format!("https://{closed}/dir");
    let said = clinic
        .ask("certificate-issuer", &[("ACME_DIRECTORY_URL", &nowhere)])
        .await?;
    said.only_fails(&["ACME CA"]);
    let said = clinic.ask("certificate-issuer", &[("ACME_CA_ROOTS", "")]).await?;
    assert!(said.line("FAIL  ACME CA").contains("ACME_CA_ROOTS"), "{}", said.text());
    let said = clinic.ask("certificate-issuer", &[("ACME_PROFILE", "no-such")]).await?;
    assert!(
        said.line("FAIL  ACME profile").contains("ACME_PROFILE"),
        "{}",
        said.text()
    );
    let said = clinic
        .ask("challenge-verifier", &[("DNS_RESOLVER", &closed.to_string())])
        .await?;
    assert_eq!(said.text().matches("FAIL  DNS").count(), 2, "{}", said.text());
    said.only_fails(&["DNS"]);
    Ok(())
}

/// Told when the service starts, and not by a failed provision hours later: the operation waits for the operator.
#[tokio::test]
async fn wrong_credentials_are_told_at_the_start_and_operations_wait() -> anyhow::Result<()> {
    let options = Options::fast().with_env("distribution", "AWS_SECRET_ACCESS_KEY", "hunter2-wrong");
    let clinic = Clinic::open(options).await?;
    let line = clinic.logged("distribution-1", "doctor: ").await?;
    assert!(
        line.contains("ERROR") && line.contains("set AWS_SECRET_ACCESS_KEY"),
        "{line}"
    );
    assert!(!line.contains("hunter2-wrong"), "{line}");
    let e = clinic.stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let id = "waits-for-the-operator";
    clinic.requested(&platform, id).await?;
    clinic
        .logged("distribution-1", "\"code\":\"SignatureDoesNotMatch\"")
        .await?;
    let told = platform
        .poll(id, PATIENCE, "who has to act", |answer| {
            answer.description().contains("its operator must fix it")
        })
        .await?;
    assert_eq!(told.body["state"], "in progress", "{}", told.text);
    Ok(())
}

#[tokio::test]
async fn a_form_of_dns_persist_01_that_is_not_known_is_shown_to_no_tenant_and_told_to_the_operator()
-> anyhow::Result<()> {
    // The draft has no capitals in a challenge's names, so whatever this CA follows is something else.
    let clinic = Clinic::open(Options::fast().with_ca_name("Pebble.Test")).await?;
    let e = clinic.stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let (id, name) = ("form-not-known", domain("form"));
    platform
        .provision(id, &organization(), json!({"domains": [name]}))
        .await?;
    let told = platform
        .poll(id, PATIENCE, "what to set", |answer| {
            status::dns01_value(answer.description(), &name).is_some()
        })
        .await?;
    assert_eq!(status::persist_value(told.description()), None, "{}", told.text);
    assert!(status::redirect_target(told.description()).is_some(), "{}", told.text);

    let logged = clinic
        .logged("certificate-issuer-1", "it is not shown to tenants")
        .await?;
    assert!(
        logged.contains("Pebble.Test") && logged.contains("\"WARN\""),
        "{logged}"
    );
    let said = clinic.ask("certificate-issuer", &[]).await?;
    let line = said.line("warn  dns-persist-01");
    assert!(
        line.contains("Pebble.Test") && line.contains("look for a newer cdn-broker"),
        "{line}"
    );
    assert_eq!(said.code, Some(0), "nothing fails: {}", said.text());

    let value = status::dns01_value(told.description(), &name).context("a TXT value")?;
    let record = format!("_acme-challenge.{name}");
    clinic.stack.dns()?.set_txt(&record, &value).await?;
    platform.succeeded(id, PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn the_brokers_own_zone_is_tried_by_changing_nothing_and_what_keeps_it_shut_is_named() -> anyhow::Result<()> {
    let clinic = Clinic::open(Options::fast().with_delegation()).await?;
    let said = clinic.ask("certificate-issuer", &[]).await?;
    assert_eq!(said.code, Some(0), "{}", said.text());
    let content = |said: &Said| {
        said.lines
            .iter()
            .filter(|line| line.starts_with("ok    DNS delegation"))
            .count()
    };
    assert_eq!(content(&said), 2, "writes and lists: {}", said.text());
    let said = clinic.ask("certificate-issuer", &[("DELEGATION_ZONE", "")]).await?;
    assert!(
        said.line("skip  DNS delegation").contains("DELEGATION_ZONE"),
        "{}",
        said.text()
    );

    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let wrong = STANDARD.encode("hunter2-wrong-hunter2-wrong-hunt");
    for (setting, value, says) in [
        ("RFC2136_KEY", wrong.as_str(), "RFC2136_KEY"),
        ("RFC2136_KEY", "not base64", "RFC2136_KEY"),
        ("RFC2136_KEY_NAME", "somebody-else", "RFC2136_KEY_NAME"),
        ("RFC2136_ZONE", "example.com", "a zone above it"),
        ("RFC2136_SERVER", &closed, "reaches it"),
        ("RFC2136_SERVER", "", "RFC2136_SERVER"),
    ] {
        let said = clinic.ask("certificate-issuer", &[(setting, value)]).await?;
        let line = said.line("FAIL  DNS delegation");
        assert!(line.contains(says), "{setting}={value}: {line}");
        said.only_fails(&["DNS delegation"]);
    }
    let said = clinic.ask("challenge-verifier", &[]).await?;
    let line = said.line("skip  DNS delegation");
    assert!(line.contains("DNS_RESOLVER answers for every zone"), "{line}");
    Ok(())
}
