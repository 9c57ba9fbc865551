//! The story: three ways to prove a domain (the set-once record, a CNAME to the broker's zone, a redirect), one mistake, HTTPS at
//! the end, and nothing left behind.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use customer::{Answer, Browser, Platform, status};
use serde_json::{Value, json};
use stack::{Dns, Handle};

use crate::afresh;
use crate::screen::{Live, heading, line, quote, typed};
use crate::timing;

/// Proved by a CNAME to the broker's zone, which is set wrong at first; by this order's TXT record where the broker has no zone
/// (docker compose). Sorts first, so that the status shows it among a hundred.
const WRONG_FIRST: &str = "api.example.com";
/// Answered by HTTP, from the web server that the domain still points at.
const BY_HTTP: &str = "shop.example.com";
/// The set-once record.
const SET_ONCE: &str = "www.example.com";
const PATIENCE: Duration = Duration::from_secs(120);

/// Who takes part.
struct Scene<'h> {
    handle: &'h Handle,
    platform: Platform,
    dns: Dns,
    browser: Browser,
    /// The instance.
    id: String,
    domains: Vec<String>,
}

pub(crate) async fn run(handle: &Handle, count: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    let endpoints = handle.endpoints();
    let scene = Scene::set(handle, count).await?;
    let told = request(&scene).await?;
    set_once(&scene, &told).await?;
    mistype(&scene, &told).await?;
    prove_by_http(&scene, &told).await?;
    let last_record = Instant::now();
    let last_record_at = timing::database_clock(endpoints).await?;
    let work_before = timing::work_done(endpoints).await?;

    heading("Nothing more to do for the tenant");
    let done = follow(&scene.platform, &scene.id, count).await?;
    quote(done.description());

    let to_https = visit(&scene, last_record).await?;
    proved_by_cname(&scene).await?;

    heading("Where the time went");
    timing::print(endpoints, &scene.id, last_record_at, to_https, &work_before).await?;

    delete(&scene).await?;
    heading(&format!("Done in {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

impl<'h> Scene<'h> {
    async fn set(handle: &'h Handle, count: usize) -> anyhow::Result<Self> {
        let endpoints = handle.endpoints();
        let platform = Platform::new(
            &endpoints.broker_url,
            &endpoints.broker_username,
            &endpoints.broker_password,
        )?;
        let dns = Dns::new(&endpoints.dns_management_url)?;
        let browser = Browser::new(&endpoints.pebble_root_pem, endpoints.edge_http, endpoints.edge_https)?;
        let mut domains = vec![SET_ONCE.to_string(), WRONG_FIRST.to_string(), BY_HTTP.to_string()];
        domains.extend((4..=count).map(|i| format!("site-{i:03}.example.com")));
        let id = afresh::begin(&platform, &dns, &domains).await?;
        // shop.example.com still points at the customer's old web server.
        dns.add_a(BY_HTTP, &[&endpoints.origin_addr.ip().to_string()]).await?;
        Ok(Self {
            handle,
            platform,
            dns,
            browser,
            id,
            domains,
        })
    }
}

/// Requests the instance. Returns the first status that says which records to set.
async fn request(scene: &Scene<'_>) -> anyhow::Result<Answer> {
    let Scene {
        platform, id, domains, ..
    } = scene;
    let count = domains.len();
    // An organization of its own: what the CA has verified for another demo must not shorten this one.
    let organization = format!("demo-{}", std::time::UNIX_EPOCH.elapsed()?.as_millis());

    heading(&format!("A tenant asks for a CDN with {count} domains"));
    let shown = if count > 3 {
        format!("{}, … ({count} in all)", domains[..3].join("\",\""))
    } else {
        domains.join("\",\"")
    };
    typed(&format!(
        "cf create-service cdn-route cdn my-cdn -c '{{\"domains\":[\"{shown}\"]}}'"
    ));
    let asked = Instant::now();
    let answer = platform
        .provision(id, &organization, json!({"domains": domains}))
        .await?;
    ensure!(
        answer.status == 202,
        "the broker answered {}: {}",
        answer.status,
        answer.text
    );
    line(&format!(
        "202 Accepted after {} ms; the work continues by itself",
        asked.elapsed().as_millis()
    ));

    if let Some(link) = answer.dashboard_url() {
        line(&format!("its status page, for a browser: {link}"));
    }

    let told = platform
        .poll(id, PATIENCE, "what to set", |answer| {
            status::persist_value(answer.description()).is_some()
                && answer.description().contains("nothing found yet")
                && at_challenge_name(answer.description()).is_some()
        })
        .await?;
    typed("cf service my-cdn");
    quote(told.description());
    Ok(told)
}

/// Sets the set-once record of every domain that is proved by it.
async fn set_once(scene: &Scene<'_>, told: &Answer) -> anyhow::Result<()> {
    let Scene { dns, domains, .. } = scene;
    let count = domains.len();
    heading(&format!("{SET_ONCE}: the record that is set once and lasts for ever"));
    let persist = status::persist_value(told.description()).context("no set-once record in the status")?;
    typed(&format!("set TXT _validation-persist.{SET_ONCE} \"{persist}\""));
    for domain in domains
        .iter()
        .filter(|domain| *domain != WRONG_FIRST && *domain != BY_HTTP)
    {
        dns.set_txt(&format!("_validation-persist.{domain}"), &persist).await?;
    }
    if count > 3 {
        line(&format!("and the same for {} more", count - 3));
    }
    Ok(())
}

/// What the status asks for at `_acme-challenge`: the type of the record, and its value.
fn at_challenge_name(description: &str) -> Option<(&'static str, String)> {
    match status::cname_target(description, WRONG_FIRST) {
        Some(target) => Some(("CNAME", target)),
        None => Some(("TXT", status::dns01_value(description, WRONG_FIRST)?)),
    }
}

/// Sets a wrong value, and corrects it with what the status says. Fails when a broker with a zone asks for anything but a CNAME.
async fn mistype(scene: &Scene<'_>, told: &Answer) -> anyhow::Result<()> {
    const MISTAKE: &str = "a-typing-mistake.example.net";
    let Scene { platform, dns, id, .. } = scene;
    let name = format!("_acme-challenge.{WRONG_FIRST}");
    let (kind, right) = at_challenge_name(told.description()).context("nothing to set there in the status")?;
    ensure!(
        kind == "CNAME" || scene.handle.endpoints().delegation.is_none(),
        "the broker has a zone of its own, but its status asks for a {kind} record at {name}:\n{}",
        told.description()
    );
    let set = async |value: &str| match kind {
        "CNAME" => {
            typed(&format!("set CNAME {name} {value}"));
            dns.set_cname(&name, value).await
        }
        _ => {
            typed(&format!("set TXT {name} \"{value}\""));
            dns.clear_txt(&name).await?;
            dns.set_txt(&name, value).await
        }
    };
    heading(&match kind {
        "CNAME" => format!("{WRONG_FIRST}: a CNAME that is set once, mistyped at first"),
        _ => format!("{WRONG_FIRST}: this order's TXT record, mistyped at first"),
    });
    set(MISTAKE).await?;
    let wrong = platform
        .poll(id, PATIENCE, "the wrong value in the status", |answer| {
            answer.description().contains("a-typing-mistake")
        })
        .await?;
    typed("cf service my-cdn");
    quote(&status::about(wrong.description(), WRONG_FIRST).join("\n"));
    set(&right).await
}

/// Redirects the CA from the old web server to the broker.
async fn prove_by_http(scene: &Scene<'_>, told: &Answer) -> anyhow::Result<()> {
    heading(&format!(
        "{BY_HTTP}: no DNS record, its old web server redirects the CA to the broker"
    ));
    let target = status::redirect_target(told.description()).context("no redirect in the status")?;
    typed(&format!(
        "redirect http://{BY_HTTP}/.well-known/acme-challenge/* to {target}*"
    ));
    scene.handle.redirect(BY_HTTP, Some(&target)).await?;
    Ok(())
}

/// Visits every domain, and one that is not the tenant's. Returns how long after the last record all of them served.
async fn visit(scene: &Scene<'_>, last_record: Instant) -> anyhow::Result<Duration> {
    let Scene {
        dns, browser, domains, ..
    } = scene;
    let count = domains.len();
    heading("HTTPS, through the edge, verified against the CA's root");
    for domain in domains {
        dns.add_a(domain, &["127.0.0.1"]).await?;
    }
    let mut serial = String::new();
    for (at, domain) in domains.iter().enumerate() {
        let visit = browser
            .https(domain, "/hello")
            .await
            .with_context(|| format!("https://{domain}"))?;
        ensure!(visit.status == 200, "https://{domain} answered {}", visit.status);
        ensure!(
            visit.names.contains(domain),
            "the certificate of {domain} is for {:?}",
            visit.names
        );
        serial.clone_from(&visit.serial);
        if at < 3 {
            let (from, until) = visit.validity.context("no certificate")?;
            line(&format!(
                "https://{domain}/hello → {} {} | names {} | {} to {} | {}",
                visit.status,
                visit.header("x-cache").unwrap_or("-"),
                visit.names.len(),
                from.date(),
                until.date(),
                visit.issuer
            ));
        }
    }
    let to_https = last_record.elapsed();
    line(&format!(
        "{count} of {count} domains serve HTTPS with certificate {serial}"
    ));
    let redirect = browser.http(&domains[0], "/").await?;
    line(&format!(
        "http://{}/ → {} {}",
        domains[0],
        redirect.status,
        redirect.header("location").unwrap_or("-")
    ));
    let stranger = browser
        .https_with_host(&domains[0], "stranger.example.net", "/")
        .await?;
    line(&format!(
        "a stranger's Host → {} ({})",
        stranger.status,
        stranger.header("x-cache").unwrap_or("-")
    ));
    ensure!(stranger.status == 403, "a stranger's Host must be refused");
    Ok(to_https)
}

/// Fails unless the CNAME has proved its domain, where the broker has a zone; the status no longer tells.
async fn proved_by_cname(scene: &Scene<'_>) -> anyhow::Result<()> {
    let endpoints = scene.handle.endpoints();
    if endpoints.delegation.is_none() {
        return Ok(());
    }
    let row = endpoints
        .database()
        .await?
        .query_one(
            "select string_agg(distinct s.method, ', ') from steps s join operations o on o.id = s.operation_id \
             where o.instance_id = $1 and s.kind = 'verify-challenge' and s.subject = $2",
            &[&scene.id, &WRONG_FIRST],
        )
        .await?;
    let methods: Option<String> = row.try_get(0)?;
    ensure!(
        methods.as_deref() == Some("delegated-dns-01"),
        "{WRONG_FIRST} should be proved by its CNAME (delegated-dns-01), and was by {methods:?}"
    );
    line(&format!(
        "{WRONG_FIRST} was proved by its CNAME to the broker's zone (delegated-dns-01)"
    ));
    Ok(())
}

/// Deletes the instance, of which nothing is left in AWS.
async fn delete(scene: &Scene<'_>) -> anyhow::Result<()> {
    let Scene { platform, id, .. } = scene;
    heading("The tenant has enough");
    typed("cf delete-service my-cdn");
    let answer = platform.deprovision(id).await?;
    ensure!(
        answer.status == 202,
        "the broker answered {}: {}",
        answer.status,
        answer.text
    );
    let live = RefCell::new(Live::new());
    platform
        .poll(id, PATIENCE, "the end of the deprovision", |answer| {
            live.borrow_mut()
                .show(answer.description().lines().next().unwrap_or_default());
            answer.state() == "succeeded"
        })
        .await?;
    live.into_inner().end();
    let state: Value = reqwest::get(format!("{}/state", scene.handle.endpoints().aws_admin_url))
        .await?
        .json()
        .await?;
    let of_this = |thing: &&Value| thing["tags"].to_string().contains(id);
    let left = |what: &str| {
        state[what]
            .as_array()
            .map_or(0, |all| all.iter().filter(of_this).count())
    };
    line(&format!(
        "left in AWS: {} distributions, {} certificates",
        left("distributions"),
        left("certificates")
    ));
    ensure!(
        left("distributions") == 0 && left("certificates") == 0,
        "something is left in AWS: {state}"
    );
    Ok(())
}

/// Shows the progress until the instance is ready.
async fn follow(platform: &Platform, id: &str, count: usize) -> anyhow::Result<Answer> {
    let live = RefCell::new(Live::new());
    let done = platform
        .poll(id, PATIENCE, "success", |answer| {
            let text = answer.description();
            let verified = match verified(text) {
                Some(n) => n,
                None if text.starts_with("Waiting for you") => 0,
                None => count,
            };
            let first = text.lines().next().unwrap_or_default();
            live.borrow_mut()
                .show(&format!("verified {verified}/{count} | {first}"));
            answer.state() == "succeeded"
        })
        .await?;
    live.into_inner().end();
    Ok(done)
}

/// The count in "Verified, 2 of 3: …".
fn verified(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("\nVerified, ")?;
    rest.split_once(' ')?.0.parse().ok()
}
