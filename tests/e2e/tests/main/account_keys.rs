//! What the store promises of an account's key that is being changed, on a database of its own where nobody asks a CA.

use pipeline::StepKind;
use secrecy::{ExposeSecret as _, SecretBox};
use store::{Account, KeyRing, NextKey, Wanted};

use crate::records::{Desk, desk, of_kind};
use crate::world::{connect, domain, organization};

const DIRECTORY: &str = "https://ca.example/dir";
/// The one that the desk's orders are of.
const ACCOUNT: &str = "https://ca.example/acct/1";
const FIRST: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const SECOND: &str = "k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn key(text: &str) -> SecretBox<Vec<u8>> {
    SecretBox::new(Box::new(text.as_bytes().to_vec()))
}

fn text(key: &SecretBox<Vec<u8>>) -> String {
    String::from_utf8_lossy(key.expose_secret()).into_owned()
}

/// A tenant's registered account, whose first key is "old".
struct Site {
    desk: Desk,
    ring: KeyRing,
    tenant: String,
}

impl Site {
    async fn new() -> anyhow::Result<Self> {
        let (desk, ring, tenant) = (desk().await?, KeyRing::parse(FIRST)?, organization());
        desk.store.account(&ring, &tenant, DIRECTORY, &key("old")).await?;
        desk.store.set_account_uri(&tenant, DIRECTORY, Some(ACCOUNT)).await?;
        Ok(Self { desk, ring, tenant })
    }

    async fn account(&self) -> anyhow::Result<Account> {
        let account = self
            .desk
            .store
            .known_account(&self.ring, &self.tenant, DIRECTORY)
            .await?;
        Ok(account.expect("there"))
    }

    async fn ask(&self) -> anyhow::Result<()> {
        let asked = self
            .desk
            .operator()
            .ask_for_rollovers(Some(std::slice::from_ref(&self.tenant)))
            .await?;
        assert_eq!(asked.len(), 1);
        Ok(())
    }

    async fn wanted(&self) -> anyhow::Result<Option<Wanted>> {
        Ok(self.desk.store.wanted_rollovers().await?.pop())
    }

    /// What whoever came with this key is to ask the CA with.
    async fn next(&self, fresh: &str) -> anyhow::Result<(String, NextKey)> {
        let wanted = self.wanted().await?.expect("a wish");
        let keys = self
            .desk
            .store
            .next_account_key(&self.ring, &wanted, &key(fresh))
            .await?;
        let (current, next) = keys.expect("still wanted");
        Ok((text(&current), next))
    }

    async fn promote(&self, next: &NextKey) -> anyhow::Result<bool> {
        let store = &self.desk.store;
        Ok(store
            .promote_next_key(&self.tenant, DIRECTORY, ACCOUNT, next, Some("thumbprint"))
            .await?)
    }
}

#[tokio::test]
async fn the_first_next_key_is_everybodys_and_becomes_the_accounts_once() -> anyhow::Result<()> {
    let site = Site::new().await?;
    assert_eq!(site.wanted().await?, None);
    site.ask().await?;
    let (current, next) = site.next("new").await?;
    let (_, others) = site.next("of another process").await?;
    assert_eq!(
        (current.as_str(), text(&next.key), text(&others.key)),
        ("old", "new".into(), "new".into())
    );
    let meanwhile = site.account().await?;
    assert_eq!((text(&meanwhile.key).as_str(), meanwhile.key_generation), ("old", 0));
    assert!(meanwhile.key_unsettled && meanwhile.next_key.is_some());
    assert!(!format!("{meanwhile:?}").contains("110, 101, 119"), "no key is in it");

    assert!(site.promote(&next).await?);
    assert!(!site.promote(&others).await?, "somebody was faster");
    let after = site.account().await?;
    assert_eq!((text(&after.key).as_str(), after.key_generation), ("new", 1));
    assert!(after.key_unsettled && after.next_key.is_none());
    assert_eq!(after.account_uri.as_deref(), Some(ACCOUNT));
    assert_eq!(site.wanted().await?, None, "the wish is fulfilled");
    let line = &site.desk.store.account_lines(None).await?[0];
    assert!(line.key_changed_at.is_some() && line.rollover_asked_at.is_none());

    // Whoever froze since then changes nothing by it, whatever is under way.
    site.ask().await?;
    let (current, third) = site.next("third").await?;
    assert_eq!(current, "new");
    assert!(!site.promote(&next).await?);
    assert_eq!(text(&site.account().await?.key), "new");
    assert!(site.promote(&third).await?);
    Ok(())
}

#[tokio::test]
async fn a_wish_is_not_fulfilled_by_a_key_that_is_older() -> anyhow::Result<()> {
    let site = Site::new().await?;
    site.ask().await?;
    let (_, next) = site.next("made before").await?;
    // It may have leaked as well.
    site.ask().await?;
    assert!(site.promote(&next).await?);
    assert!(site.wanted().await?.is_some());
    let (current, next) = site.next("made after").await?;
    assert_eq!(current, "made before");
    assert!(site.promote(&next).await?);
    assert_eq!(site.wanted().await?, None);
    Ok(())
}

#[tokio::test]
async fn a_next_key_is_dropped_alone_and_a_problem_keeps_the_wish() -> anyhow::Result<()> {
    let site = Site::new().await?;
    site.ask().await?;
    let wanted = site.wanted().await?.expect("a wish");
    let (_, next) = site.next("taken").await?;
    site.desk.store.drop_next_key(&wanted, &next).await?;
    site.desk
        .store
        .set_rollover_problem(&wanted, "the key is another's")
        .await?;
    let line = &site.desk.store.account_lines(None).await?[0];
    assert_eq!(line.rollover_problem.as_deref(), Some("the key is another's"));
    let (_, another) = site.next("free").await?;
    assert_eq!(text(&another.key), "free");
    site.desk.store.drop_next_key(&wanted, &next).await?;
    assert!(site.promote(&another).await?, "only that one was dropped");
    let line = &site.desk.store.account_lines(None).await?[0];
    assert_eq!(line.rollover_problem, None);

    // Who was not tried yet comes first.
    site.ask().await?;
    let other = organization();
    site.desk
        .store
        .account(&site.ring, &other, DIRECTORY, &key("other"))
        .await?;
    assert!(
        site.desk
            .operator()
            .ask_for_rollovers(Some(std::slice::from_ref(&other)))
            .await?
            .is_empty(),
        "no account yet"
    );
    site.desk
        .store
        .set_account_uri(&other, DIRECTORY, Some("https://ca.example/acct/2"))
        .await?;
    assert_eq!(site.desk.operator().ask_for_rollovers(None).await?.len(), 2);
    let tenants: Vec<String> = site
        .desk
        .store
        .wanted_rollovers()
        .await?
        .into_iter()
        .map(|one| one.tenant)
        .collect();
    assert_eq!(tenants, [other, site.tenant.clone()]);
    Ok(())
}

#[tokio::test]
async fn a_next_key_is_sealed_anew_like_any_other() -> anyhow::Result<()> {
    let site = Site::new().await?;
    site.ask().await?;
    let (_, before) = site.next("new").await?;
    let both = KeyRing::parse(&format!("{SECOND},{FIRST}"))?;
    let done = site.desk.store.reseal(&both).await?;
    assert_eq!((done.resealed, done.by_key), (2, [("k2".to_owned(), 2)].into()));
    assert_eq!(site.desk.store.sealed_by().await?[0].accounts, 2);
    let second = KeyRing::parse(SECOND)?;
    let account = site
        .desk
        .store
        .known_account(&second, &site.tenant, DIRECTORY)
        .await?
        .expect("there");
    let next = account.next_key.expect("still there");
    assert_eq!((text(&account.key).as_str(), text(&next.key).as_str()), ("old", "new"));
    // Who read it before knows by that to read it again.
    assert!(!site.promote(&before).await? && site.promote(&next).await?);
    Ok(())
}

#[tokio::test]
async fn what_was_computed_with_the_old_key_is_known_to_be_of_no_use() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let tasks = site.desk.provision(&site.tenant, &[domain("in-flight")]).await?;
    let wake_ups = site
        .desk
        .place_order(of_kind(&tasks, StepKind::PlaceOrder), &[])
        .await?;
    let looking = site.desk.tasks(&wake_ups).await?.remove(0);
    let changed = async || {
        anyhow::Ok(
            site.desk
                .store
                .challenge(&looking)
                .await?
                .expect("an authorization")
                .key_changed,
        )
    };
    assert!(!changed().await?);
    site.ask().await?;
    let (_, next) = site.next("new").await?;
    assert!(!changed().await?, "the CA still wants what was computed");
    site.promote(&next).await?;
    assert!(changed().await?);
    // Another tenant's account is another matter.
    let tasks = site.desk.provision(&organization(), &[domain("other")]).await?;
    let wake_ups = site
        .desk
        .place_order(of_kind(&tasks, StepKind::PlaceOrder), &[])
        .await?;
    let other = site.desk.tasks(&wake_ups).await?.remove(0);
    assert!(
        !site
            .desk
            .store
            .challenge(&other)
            .await?
            .expect("an authorization")
            .key_changed
    );
    Ok(())
}

#[tokio::test]
async fn a_token_of_several_orders_is_answered_as_the_newest_key_wants_it() -> anyhow::Result<()> {
    let site = Site::new().await?;
    let tasks = site.desk.provision(&site.tenant, &[domain("token")]).await?;
    let placing = of_kind(&tasks, StepKind::PlaceOrder);
    site.desk.place_order(placing, &[]).await?;
    let sql = connect(&site.desk.url).await?;
    // As a CA does that has an authorization in more than one order.
    sql.execute(
        "insert into orders (id, operation_id, round, key_generation, created_at) \
         select gen_random_uuid(), operation_id, 2, 1, created_at from orders",
        &[],
    )
    .await?;
    for (round, text) in [(1, "token.old"), (2, "token.new")] {
        sql.execute(
            "insert into authorizations (order_id, domain, url, valid, challenges) \
             select id, 'token.example', 'https://ca.example/authz/1', false, jsonb_build_object('offered', \
               jsonb_build_object('http-01', jsonb_build_object('token', 'token', 'key_authorization', $2::text))) \
             from orders where round = $1",
            &[&round, &text],
        )
        .await?;
    }
    let segment = pipeline::proof::path_segment(&site.tenant);
    let store = &site.desk.store;
    for answers in [
        store.http01_answers(&["token"]).await?,
        store.live_http01_answers(10).await?,
    ] {
        let last = answers
            .iter()
            .rfind(|answer| answer.token == "token")
            .expect("an answer");
        assert_eq!(
            (&last.tenant_segment, last.key_authorization.as_str()),
            (&segment, "token.new")
        );
    }
    assert!(store.http01_answers(&["another"]).await?.is_empty());
    Ok(())
}
