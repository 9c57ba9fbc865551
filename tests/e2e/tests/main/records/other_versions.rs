//! Programs of other versions work on the same database.

use pipeline::StepKind;
use pipeline::proof::dns_persist01::Form;
use pipeline::proof::{Challenge, DnsPersist01, Method};

use super::{desk, of_kind, set_once};
use crate::world::{connect, domain, organization};

#[tokio::test]
async fn a_program_works_on_a_newer_schema_only_if_that_says_so() -> anyhow::Result<()> {
    let desk = desk().await?;
    let newer = |works_with: i32| {
        let sql = format!(
            "delete from schema_migrations where version = 99; insert into schema_migrations (version, works_with) values (99, {works_with})"
        );
        let desk = &desk;
        async move {
            connect(&desk.url)
                .await?
                .batch_execute(&sql)
                .await
                .map_err(anyhow::Error::from)
        }
    };
    newer(1).await?;
    desk.store.migrate().await?;
    desk.store.ping().await?;
    newer(99).await?;
    let refused = desk.store.migrate().await.expect_err("too new");
    assert!(refused.to_string().contains("upgrade this program"), "{refused}");
    assert!(desk.store.ping().await.is_err(), "not ready either");
    Ok(())
}

#[tokio::test]
async fn what_the_ca_offers_is_read_the_same_everywhere_and_from_programs_before_it_was_one_object()
-> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("set-once")]).await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let [wake_up] = wake_ups.as_slice() else {
        panic!("one domain to verify, not {wake_ups:?}")
    };
    let loaded = desk.store.load_task(wake_up.step, wake_up.attempt).await?;
    let task = loaded.expect("a current step");
    let instance = &task.instance.id;
    let seen = async || {
        let challenge = desk.store.challenge(&task).await?.expect("an order");
        let challenges = challenge.authorization.challenges;
        let view = desk.store.last_operation(instance, None).await?.expect("an operation");
        assert_eq!(view.domains[0].challenges.as_ref(), Some(&challenges));
        let dossier = desk.store.dossier(instance).await?.expect("an instance");
        assert_eq!(dossier.challenges[0].challenges.as_ref(), Some(&challenges));
        let served = desk.store.serving(instance).await?.expect("an instance").challenges;
        assert_eq!(served[0].1, challenges.clone().outlasting());
        anyhow::Ok(challenges)
    };
    let written = seen().await?;
    assert_eq!(written.get(Method::DnsPersist01), Some(&set_once()));
    // A row from before the object, and one that such a program writes from what it has read.
    let sql = connect(&desk.url).await?;
    let before = "update authorizations set challenges = null";
    sql.execute(before, &[]).await?;
    assert_eq!(seen().await?, written);
    let again = "with old as (delete from authorizations returning *) \
                 insert into authorizations (order_id, domain, url, valid, issuer_domains, dns01_value, http01_token, \
                   http01_key_authorization, persist_form, persist_account_uris, persist_problem) \
                 select order_id, domain, url, valid, issuer_domains, dns01_value, http01_token, http01_key_authorization, \
                   persist_form, persist_account_uris, persist_problem from old";
    assert_eq!(sql.execute(again, &[]).await?, 1);
    let kept = "select challenges is not null from authorizations";
    assert!(sql.query_one(kept, &[]).await?.get::<_, bool>(0));
    assert_eq!(seen().await?, written);
    // Of a program from before there were forms.
    let before = "update authorizations set challenges = null, persist_form = null, persist_account_uris = null";
    sql.execute(before, &[]).await?;
    let of_url = Challenge::DnsPersist01(DnsPersist01 {
        form: Form::AccountUrl,
        issuer_domains: vec!["ca.example".into()],
        account_uris: "https://ca.example/acct/1".into(),
    });
    assert_eq!(seen().await?.get(Method::DnsPersist01), Some(&of_url));
    Ok(())
}

#[tokio::test]
async fn what_caa_records_may_call_the_ca_is_kept_with_its_order_and_unknown_for_one_from_before() -> anyhow::Result<()>
{
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("caa-identities")]).await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let [wake_up] = wake_ups.as_slice() else {
        panic!("one domain to verify, not {wake_ups:?}")
    };
    let task = desk
        .store
        .load_task(wake_up.step, wake_up.attempt)
        .await?
        .expect("a current step");
    let challenge = desk.store.challenge(&task).await?.expect("an order");
    assert_eq!(challenge.caa_identities, ["ca.example"]);
    // As a certificate-issuer writes that knows nothing of it.
    let sql = connect(&desk.url).await?;
    sql.execute("update orders set caa_identities = null", &[]).await?;
    let challenge = desk.store.challenge(&task).await?.expect("an order");
    assert!(challenge.caa_identities.is_empty());
    Ok(())
}
