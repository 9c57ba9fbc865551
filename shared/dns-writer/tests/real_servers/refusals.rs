//! What a server refuses, and what the operator reads.

use dns_writer::DnsWriter;
use pipeline::reason::DnsWriteProblem;

use crate::client::{Settings, adds, set, values};
use crate::world::{BOTH, BROKER, IN_PARENT, PARENT, Primary, READ_ONLY, STRANGER, ZONE, world};

/// What an update, and a list, are refused with.
async fn refused(settings: &Settings) -> [String; 2] {
    let writer = settings.open().await;
    let change = [adds(&format!("refused.{}", settings.zone), &["x"])];
    let update = writer.apply(&change).await.unwrap_err();
    [update, listed(&*writer).await].map(|problem| match problem {
        DnsWriteProblem::Refused { server, said } => {
            assert_eq!(server, settings.server);
            assert!(!said.contains(&settings.secret), "{said}");
            said
        }
        other => panic!("{settings:?}: {other:?}"),
    })
}

async fn listed(writer: &dyn DnsWriter) -> DnsWriteProblem {
    writer.list().await.unwrap_err()
}

/// Knot doesn't tell a key without rights from one that it doesn't have.
fn assert_names_the_right(server: Primary, said: &[String; 2], key: &str, zone: &str) {
    assert_both_say(
        said,
        &match server {
            Primary::Bind => format!("REFUSED: its policy doesn't let the key {key}"),
            Primary::Knot => {
                format!("NOTAUTH, BADKEY: it has no key {key} of hmac-sha256, or one that may not do this")
            }
        },
    );
    assert!(
        said[0].contains(&format!(
            "change TXT records below {zone} (BIND: update-policy; Knot: acl"
        )),
        "{said:?}"
    );
    assert!(
        said[1].contains(&format!("transfer the zone {zone} (BIND: allow-transfer; Knot: acl")),
        "{said:?}"
    );
}

fn assert_both_say(said: &[String; 2], words: &str) {
    assert!(
        said.iter().all(|said| said.contains(words)),
        "{said:#?} without {words:?}"
    );
}

#[tokio::test]
async fn another_secret() {
    for server in BOTH {
        let settings = Settings {
            secret: STRANGER.secret.to_owned(),
            ..Settings::of(server)
        };
        let words = "NOTAUTH, BADSIG: its key cdn-broker has another secret: set RFC2136_KEY";
        assert_both_say(&refused(&settings).await, words);
    }
}

#[tokio::test]
async fn an_unknown_key() {
    for server in BOTH {
        let settings = Settings {
            key: "nobody".to_owned(),
            ..Settings::of(server)
        };
        assert_both_say(
            &refused(&settings).await,
            "NOTAUTH, BADKEY: it has no key nobody of hmac-sha256",
        );
    }
}

#[tokio::test]
async fn another_algorithm() {
    for server in BOTH {
        let settings = Settings {
            algorithm: "hmac-sha512".to_owned(),
            ..Settings::of(server)
        };
        let words = "BADKEY: it has no key cdn-broker of hmac-sha512";
        assert_both_say(&refused(&settings).await, words);
    }
}

#[tokio::test]
async fn a_key_without_the_right() {
    for server in BOTH {
        let said = refused(&Settings::of(server).with_key(&STRANGER)).await;
        assert_names_the_right(server, &said, STRANGER.name, ZONE);
    }
}

#[tokio::test]
async fn a_zone_that_nobody_may_change() {
    for server in BOTH {
        let settings = Settings {
            zone: READ_ONLY.to_owned(),
            ..Settings::of(server)
        };
        assert_names_the_right(server, &refused(&settings).await, "cdn-broker", READ_ONLY);
    }
}

#[tokio::test]
async fn a_zone_that_is_not_served() {
    for server in BOTH {
        let settings = Settings {
            zone: "elsewhere.example".to_owned(),
            ..Settings::of(server)
        };
        let words = "NOTAUTH: it is not authoritative for the zone elsewhere.example";
        assert_both_say(&refused(&settings).await, words);
    }
}

#[tokio::test]
async fn a_delegation_zone_that_is_not_an_apex() {
    for server in BOTH {
        let settings = Settings {
            zone: IN_PARENT.to_owned(),
            ..Settings::of(server).with_key(&BROKER)
        };
        assert_both_say(&refused(&settings).await, "check RFC2136_SERVER and RFC2136_ZONE");
    }
}

#[tokio::test]
async fn a_secondary_server() {
    let [update, _] = refused(&Settings::at(world().secondary())).await;
    assert_eq!(
        update,
        "NOTIMP: it takes no updates, or is not the zone's primary: check RFC2136_SERVER"
    );
}

#[tokio::test]
async fn a_name_that_is_in_the_zone_but_not_below_the_right_name() {
    for server in BOTH {
        let settings = Settings {
            zone: IN_PARENT.to_owned(),
            in_zone: PARENT.to_owned(),
            ..Settings::of(server)
        };
        let allowed = format!("whole.{IN_PARENT}");
        let changes = [adds(&allowed, &["x"]), adds(&format!("www.{PARENT}"), &["x"])];
        let problem = settings.open().await.apply(&changes).await.unwrap_err();
        assert!(matches!(problem, DnsWriteProblem::Refused { .. }), "{problem:?}");
        assert!(
            problem
                .to_string()
                .contains("change TXT records below acme.broker.example"),
            "{problem}"
        );
        // All of a message is done, or nothing of it.
        assert_eq!(values(world().address(server), &allowed), set(&[]), "{server:?}");
    }
}

#[tokio::test]
async fn a_name_outside_the_zone() {
    // Knot says BADKEY, as to every change without a right.
    for (server, words) in [
        (Primary::Bind, "NOTZONE: a name of the change"),
        (Primary::Knot, "BADKEY"),
    ] {
        let writer = Settings::of(server).open().await;
        let problem = writer.apply(&[adds("www.other.example", &["x"])]).await.unwrap_err();
        assert!(problem.to_string().contains(words), "{problem}");
    }
}
