//! The challenge file, fetched from real web servers on loopback.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod support;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use challenge_verifier::dns::Dns;
use challenge_verifier::http01::{Http01, HttpInPlace};
use challenge_verifier::{DnsServer, ProbeSettings};
use support::names::{Servers, Zone};
use support::web::{Manner, Web, ok, redirect, status};
use support::{PATIENT, SHORT, settings};

const RESOLVER: &str = "127.0.0.53";
const DOMAIN: &str = "www.example.test";
const PATH: &str = "/.well-known/acme-challenge/tok";

fn names() -> Zone {
    Zone::new(".")
        .a(DOMAIN, "127.0.0.1")
        .a("other.test", "127.0.0.1")
        .a("metadata.test", "169.254.169.254")
        .aaaa("both.test", "::1")
        .a("both.test", "127.0.0.1")
        .a("two.test", "127.0.0.1")
        .a("two.test", "127.0.0.7")
}

struct Stage {
    names: Servers,
    settings: ProbeSettings,
}

impl Stage {
    async fn new(web: &Web) -> Self {
        let names = Servers::start([(RESOLVER, names())]).await;
        let settings = ProbeSettings {
            dns_resolver: DnsServer(Some(names.at(RESOLVER))),
            http01_port: web.address.port(),
            ..settings()
        };
        Self { names, settings }
    }

    async fn check_at(&self, domain: &str) -> Result<String, String> {
        let dns = Dns::new(&self.settings).unwrap();
        let expected = pipeline::proof::Http01 {
            token: "tok".into(),
            key_authorization: "tok.thumb".into(),
        };
        let result = Http01::new(&self.settings)
            .unwrap()
            .check(&dns, domain, &expected)
            .await;
        result
            .map(|seen| addresses(&seen))
            .map_err(|failure| failure.to_string())
    }

    async fn check(&self) -> Result<String, String> {
        self.check_at(DOMAIN).await
    }
}

async fn check(manner: Manner) -> Result<String, String> {
    let web = Web::start(move |_, _| manner.clone()).await;
    Stage::new(&web).await.check().await
}

fn addresses(seen: &HttpInPlace) -> String {
    let addresses: Vec<String> = seen.addresses.iter().map(ToString::to_string).collect();
    addresses.join(", ")
}

fn err<T>(text: &str) -> Result<T, String> {
    Err(text.to_owned())
}

#[tokio::test]
async fn the_right_body_is_in_place_whatever_white_space_ends_it() {
    assert_eq!(check(ok("tok.thumb")).await, Ok("127.0.0.1".into()));
    assert_eq!(check(ok("tok.thumb \r\n\t\n")).await, Ok("127.0.0.1".into()));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntok.\r\n5\r\nthumb\r\n0\r\n\r\n";
    assert_eq!(check(Manner::Say(chunked.into())).await, Ok("127.0.0.1".into()));
}

#[tokio::test]
async fn the_request_is_the_cas() {
    let web = Web::start(|_, _| ok("tok.thumb")).await;
    Stage::new(&web).await.check().await.unwrap();
    assert_eq!(*web.asked.lock().unwrap(), [format!("{DOMAIN} {PATH}")]);
}

#[tokio::test]
async fn wrong_answers_are_shown() {
    assert_eq!(check(status("404 Not Found")).await, err("HTTP 404 from 127.0.0.1"));
    assert_eq!(check(status("503 Sorry")).await, err("HTTP 503 from 127.0.0.1"));
    assert_eq!(check(status("303 See Other")).await, err("HTTP 303 from 127.0.0.1"));
    assert_eq!(
        check(ok("tok.else")).await,
        err("HTTP 200 from 127.0.0.1 with \"tok.else\", expected \"tok.thumb\"")
    );
    assert_eq!(
        check(ok(" tok.thumb")).await,
        err("HTTP 200 from 127.0.0.1 with \" tok.thumb\", expected \"tok.thumb\"")
    );
    assert_eq!(
        check(ok("\x1b[2J<html>\n")).await,
        err(r#"HTTP 200 from 127.0.0.1 with "\x1b[2J<html>\n", expected "tok.thumb""#)
    );
    let nonsense = check(Manner::Say("SSH-2.0-OpenSSH\r\n".into())).await.unwrap_err();
    assert!(nonsense.starts_with("no HTTP answer from 127.0.0.1:"), "{nonsense}");
}

#[tokio::test]
async fn redirects_are_followed_to_names_on_allowed_ports() {
    let web = Web::start(|host, path| match (host, path) {
        (DOMAIN, PATH) => redirect("http://other.test/acme/x?y=z"),
        ("other.test", "/acme/x?y=z") => redirect("../final"),
        ("other.test", "/final") => ok("tok.thumb"),
        _ => status("404 Not Found"),
    })
    .await;
    assert_eq!(Stage::new(&web).await.check().await, Ok("127.0.0.1".into()));

    let away = Web::start(|host, _| match host {
        DOMAIN => redirect("http://other.test/page"),
        _ => status("404 Not Found"),
    })
    .await;
    assert_eq!(
        Stage::new(&away).await.check().await,
        err("HTTP 404 from 127.0.0.1 (redirected to http://other.test/page)")
    );
}

#[tokio::test]
async fn certificates_are_not_checked_on_the_way() {
    let tls = Web::start_tls(|_, _| ok("tok.thumb")).await;
    let web = Web::start(|host, path| redirect(&format!("https://{host}{path}"))).await;
    let mut stage = Stage::new(&web).await;
    stage.settings.http01_tls_port = tls.address.port();
    assert_eq!(stage.check().await, Ok("127.0.0.1".into()));
    assert_eq!(*tls.asked.lock().unwrap(), [format!("{DOMAIN} {PATH}")]);
}

#[tokio::test]
async fn redirects_that_a_ca_refuses_are_refused() {
    let prefix = "HTTP 302 from 127.0.0.1, a redirect that is not followed";
    for (location, why) in [
        (
            "http://other.test:8080/",
            "it leads to port 8080, only 80 and 443 are allowed",
        ),
        (
            "http://127.0.0.1/",
            "it leads to the address 127.0.0.1, only names are allowed",
        ),
        (
            "ftp://other.test/",
            "it leads to ftp:, only http: and https: are allowed",
        ),
        (
            PATH,
            "it leads back to http://www.example.test/.well-known/acme-challenge/tok",
        ),
    ] {
        assert_eq!(check(redirect(location)).await, err(&format!("{prefix}: {why}")));
    }
    assert_eq!(
        check(status("302 Found")).await,
        err(&format!("{prefix}: it has no Location"))
    );
}

#[tokio::test]
async fn loops_and_endless_redirects_end() {
    let loops = Web::start(|_, path| redirect(if path == "/b" { "/a" } else { "/b" })).await;
    let said = Stage::new(&loops).await.check().await.unwrap_err();
    assert!(said.contains("it leads back to http://www.example.test/b"), "{said}");

    let endless = Web::start(|_, path| redirect(&format!("{path}x"))).await;
    let said = Stage::new(&endless).await.check().await.unwrap_err();
    assert!(said.contains("it is the 11th in a row"), "{said}");
    assert_eq!(endless.asked.lock().unwrap().len(), 11);
}

#[tokio::test]
async fn a_redirect_to_the_metadata_service_is_not_followed_even_where_private_addresses_are() {
    let said = check(redirect("http://metadata.test/latest/meta-data/")).await;
    assert_eq!(
        said,
        err("metadata.test has no public address (redirected to \
             http://metadata.test/latest/meta-data/)")
    );
}

#[tokio::test]
async fn private_addresses_are_not_connected_to_unless_allowed() {
    let web = Web::start(|_, _| ok("tok.thumb")).await;
    let mut stage = Stage::new(&web).await;
    stage.settings.allow_private_addresses = false;
    assert_eq!(stage.check().await, err("www.example.test has no public address"));
    assert!(web.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn names_without_addresses_are_told() {
    let web = Web::start(|_, _| ok("tok.thumb")).await;
    let stage = Stage::new(&web).await;
    let server = stage.names.at(RESOLVER);
    assert_eq!(
        stage.check_at("missing.test").await,
        err(&format!("missing.test: no such name (NXDOMAIN) at {server}"))
    );
}

/// The CA uses any address; only a dead IPv6 one is skipped, as in boulder.
#[tokio::test]
async fn every_address_has_to_have_it() {
    let good = Web::start(|_, _| ok("tok.thumb")).await;
    let stage = Stage::new(&good).await;
    let port = good.address.port();
    let url = Http01::new(&stage.settings).unwrap();
    let dns = Dns::new(&stage.settings).unwrap();
    let expected = pipeline::proof::Http01 {
        token: "tok".into(),
        key_authorization: "tok.thumb".into(),
    };
    // Nothing listens on ::1 yet.
    let seen = url.check(&dns, "both.test", &expected).await.unwrap();
    assert_eq!(
        seen.to_string(),
        format!(
            "HTTP 200 from 127.0.0.1 with the key authorization; left out: no HTTP answer from [::1]:{port} (connection \
             refused)"
        )
    );
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let _other = Web::start_at(&format!("[::1]:{port}"), move |_, _| match is_mended.load(Relaxed) {
        true => ok("tok.thumb"),
        false => status("404 Not Found"),
    })
    .await;
    assert_eq!(
        stage.check_at("both.test").await,
        err("the key authorization is at 127.0.0.1, but not yet everywhere: HTTP 404 from ::1")
    );
    mended.store(true, Relaxed);
    assert_eq!(stage.check_at("both.test").await, Ok("127.0.0.1, ::1".into()));
    // Two IPv4 addresses, and nothing listens on one of them: the CA has no fallback.
    assert_eq!(
        stage.check_at("two.test").await,
        err(&format!(
            "the key authorization is at 127.0.0.1, but not yet everywhere: no HTTP answer from 127.0.0.7:{port} (connection \
             refused)"
        ))
    );
}

#[tokio::test]
async fn every_address_that_a_redirect_leads_to_has_to_have_it() {
    let web = Web::start(|host, _| match host {
        DOMAIN => redirect("http://two.test/x"),
        _ => ok("tok.thumb"),
    })
    .await;
    let port = web.address.port();
    assert_eq!(
        Stage::new(&web).await.check().await,
        err(&format!(
            "the key authorization is at 127.0.0.1, but not yet everywhere: no HTTP answer from 127.0.0.7:{port} (connection \
             refused) (redirected to http://two.test/x)"
        ))
    );
}

/// A name's owner could list many addresses and have each redirect to many more.
#[tokio::test]
async fn a_look_makes_few_requests() {
    let web = Web::start_at("0.0.0.0:0", |_, path| redirect(&format!("{path}{}", path.len()))).await;
    let mut zone = Zone::new(".");
    for n in 1..=40 {
        zone = zone.a(DOMAIN, &format!("127.0.2.{n}"));
    }
    let names = Servers::start([(RESOLVER, zone)]).await;
    let mut stage = Stage::new(&web).await;
    stage.settings.dns_resolver = DnsServer(Some(names.at(RESOLVER)));
    let said = stage.check().await.unwrap_err();
    assert!(said.contains("more than 32 addresses and redirects"), "{said}");
    assert!(web.asked.lock().unwrap().len() <= 32);
}

#[tokio::test]
async fn a_closed_port_is_told() {
    let web = Web::start(|_, _| ok("")).await;
    let mut stage = Stage::new(&web).await;
    // Port 1 of an unused address.
    stage.settings.http01_port = 1;
    assert_eq!(
        stage.check().await,
        err("no HTTP answer from 127.0.0.1:1 (connection refused)")
    );
}

#[tokio::test]
async fn servers_that_never_finish_are_left_in_time() {
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    for manner in [
        Manner::Nothing,
        Manner::Drip(head.into()),
        Manner::Drip("HTTP/1.1 200 OK\r\nX: ".into()),
    ] {
        let web = Web::start(move |_, _| manner.clone()).await;
        let mut stage = Stage::new(&web).await;
        stage.settings.http_timeout = SHORT;
        let begun = Instant::now();
        assert_eq!(
            stage.check().await,
            err("no complete HTTP answer from 127.0.0.1 within 200 ms")
        );
        assert!(begun.elapsed() < PATIENT / 2);
    }
}

#[tokio::test]
async fn giant_bodies_and_heads_are_not_read() {
    let body = check(Manner::Pour("HTTP/1.1 200 OK\r\n\r\n".into())).await;
    assert_eq!(
        body,
        err("HTTP 200 from 127.0.0.1 with more than 128 bytes, expected \"tok.thumb\"")
    );
    let head = check(Manner::Pour("HTTP/1.1 200 OK\r\nX: ".into())).await.unwrap_err();
    assert!(head.starts_with("no HTTP answer from 127.0.0.1:"), "{head}");
}
