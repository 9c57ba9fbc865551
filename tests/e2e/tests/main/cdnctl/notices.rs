//! Mails, as the operator sees them: nothing of what they say, nobody's whole address, and what is done is recorded.

use std::time::Duration;

use notices::{Address, Event, NoticeKeys, Notify};
use serde_json::Value;
use store::{Bounds, Lease, NoticeRing, Provision, Requester};

use super::cdnctl;
use crate::records::desk;
use crate::world::{domain, organization};

const KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const LEASE: Duration = Duration::from_secs(900);

#[tokio::test]
async fn mails_are_listed_shown_retried_and_forgotten() -> anyhow::Result<()> {
    let desk = desk().await?;
    let say = async |args: &[&str]| cdnctl(&desk.url, &[&["notices"], args].concat()).await;
    let none = say(&["list"]).await?;
    assert_eq!((none.code, none.text.as_str()), (Some(0), "no mail\n"));

    let notify = Notify {
        mail: Address::new("operators", "example.com").into_iter().collect(),
        events: Event::DEFAULT.into(),
    };
    let ring = NoticeRing::new(NoticeKeys::parse(KEYS)?)?;
    let mut new = desk.new_instance(&organization(), &[domain("mail")]);
    new.notify = Some(ring.subscribers(&notify)?);
    let begun = desk
        .store
        .provision(&new, &Requester::default(), Bounds::default(), desk.schedules())
        .await?;
    assert!(matches!(begun, Provision::Accepted { .. }), "{begun:?}");
    desk.store.collect_notices(Duration::ZERO, 100).await?;
    let wake_up = desk.store.sweep_letters(Duration::ZERO, 1).await?.remove(0);
    let id = wake_up.letter.to_string();
    let Lease::Leased(letter) = desk.store.lease_letter(wake_up.letter, wake_up.attempt, LEASE).await? else {
        panic!("not leased");
    };
    let busy = say(&["retry", &id]).await?;
    assert_eq!(busy.code, Some(1), "{}", busy.text);
    desk.store.letter_given_up(&letter, "550 no such user", false).await?;

    let listed = say(&["list", "--instance", &new.id, "--unsent"]).await?;
    assert_eq!(listed.code, Some(1), "one was given up: {}", listed.text);
    for words in [
        id.as_str(),
        "confirmation",
        "given-up",
        "o…s@example.com",
        "550 no such user",
    ] {
        assert!(listed.text.contains(words), "{words}: {}", listed.text);
    }
    assert!(!listed.text.contains("operators"), "{}", listed.text);
    let other = say(&["list", "--instance", "another"]).await?;
    assert_eq!((other.code, other.text.as_str()), (Some(0), "no mail\n"));
    let shown = say(&["show", &id, "--json"]).await?.json()?;
    assert_eq!(
        (&shown["state"], &shown["attempt"]),
        (&Value::from("given-up"), &Value::from(1))
    );
    let recipient = shown["recipient"].as_str().unwrap_or_default().to_owned();

    let retried = say(&["retry", &id]).await?;
    assert_eq!(retried.code, Some(0), "{}", retried.errors);
    let again = desk.store.sweep_letters(Duration::ZERO, 10).await?;
    assert_eq!((again.len(), again[0].attempt), (1, 1), "it is published at once");

    let unasked = say(&["forget", &recipient]).await?;
    assert!(
        unasked.code == Some(2) && unasked.errors.contains("--yes"),
        "{}",
        unasked.errors
    );
    let forgotten = say(&["forget", &recipient, "--yes"]).await?;
    assert_eq!(forgotten.text, "forgotten: o…s@example.com\n", "{}", forgotten.errors);
    assert_eq!(say(&["forget", &recipient, "--yes"]).await?.code, Some(2));
    assert_eq!(say(&["show", &id]).await?.code, Some(2));
    assert!(desk.store.instance_recipients(&new.id).await?.is_empty());

    let audit = cdnctl(&desk.url, &["audit", "--json"]).await?.json()?;
    let entries: Vec<(&str, &str)> = audit
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            (
                entry["action"].as_str().unwrap_or_default(),
                entry["subject"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    let to = "o…s@example.com";
    assert_eq!(entries, [("forget-recipient", to), ("retry-letter", to)]);
    Ok(())
}
