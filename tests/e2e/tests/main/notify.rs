//! Who is told by mail what happens: asked for, changed and shown by the platform's API, and confirmed or refused by the links in mails. Without
//! workers nothing goes on by itself.

use anyhow::{Context as _, ensure};
use customer::Answer;
use customer::platform::answer;
use notices::{Link, NoticeKeys, Purpose, path};
use reqwest::Method;
use serde_json::{Value, json};
use stack::Options;
use uuid::Uuid;

use crate::page_link::Alone;
use crate::world::{domain, organization, until, world};

const KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const FORM: &str = "application/x-www-form-urlencoded";

async fn fetched(alone: &Alone, id: &str) -> anyhow::Result<Value> {
    let path = format!("/v2/service_instances/{id}");
    let answer = alone.platform.call(Method::GET, &path, None).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text);
    Ok(answer.body["parameters"]["notify"].clone())
}

async fn post(alone: &Alone, path: &str, content_type: &str, body: &str) -> anyhow::Result<Answer> {
    let request = alone.platform.bare(Method::POST, path);
    answer(request.header("content-type", content_type).body(body.to_owned())).await
}

/// The row of the only address that is asked or was.
async fn recipient(alone: &Alone) -> anyhow::Result<(Uuid, String)> {
    let sql = alone.database().await?;
    let row = sql.query_one("select id, state from recipients", &[]).await?;
    Ok((row.get(0), row.get(1)))
}

fn token(recipient: Uuid, purpose: Purpose) -> anyhow::Result<String> {
    let link = Link {
        purpose,
        recipient,
        generation: 1,
    };
    Ok(NoticeKeys::parse(KEYS)?.token(&link))
}

#[tokio::test]
async fn who_is_told_is_asked_for_shown_and_has_the_last_word() -> anyhow::Result<()> {
    let options = Options::fast().with_env("broker-api", "NOTICE_KEYS", KEYS);
    let alone = Alone::with(options).await?;
    let id = the_platform_says_who_is_told(&alone).await?;
    let tokens = an_address_says_what_it_wants(&alone, &id).await?;
    there_is_one_refusal(&alone).await?;

    // Everything was logged, and neither a link nor an address.
    until("the last visit is in the log", async || {
        Ok(alone.log()?.contains("/notify/{token}"))
    })
    .await?;
    let log = alone.log()?;
    ensure!(log.contains("DEBUG"), "the log has everything");
    for secret in tokens.iter().map(String::as_str).chain(["operators@", "web@example"]) {
        let mac = secret.rsplit('.').next().unwrap_or_default();
        ensure!(!log.contains(secret), "{secret} is in the log");
        ensure!(mac.len() < 43 || !log.contains(mac), "{mac} is in the log");
    }
    Ok(())
}

async fn the_platform_says_who_is_told(alone: &Alone) -> anyhow::Result<String> {
    let (id, organization, name) = (Uuid::new_v4().to_string(), organization(), domain("told"));
    let put = async |notify: Value| {
        let parameters = json!({"domains": [name], "notify": notify});
        alone.platform.provision(&id, &organization, parameters).await
    };
    let wanted = json!({"mail": "operators@Example.com, web@example.com", "events": ["failed", "done"]});
    let begun = put(wanted.clone()).await?;
    assert_eq!(begun.status, 202, "{}", begun.text);
    // In another form it is the same request.
    let same = json!({"mail": ["web@example.com", "operators@example.com"], "events": "done, failed"});
    assert_eq!(put(same.clone()).await?.status, 202);
    let other = put(json!({"mail": "operators@example.com"})).await?;
    assert_eq!(other.status, 409, "{}", other.text);
    assert!(other.description().contains("parameters.notify"), "{}", other.text);
    alone
        .run(
            "update operations set state = 'succeeded', ended_at = now() where instance_id = $1",
            &id,
        )
        .await?;
    assert_eq!(put(same).await?.status, 200);

    let shown = json!({
        "mail": [
            {"address": "o…s@example.com", "state": "asked"},
            {"address": "w…@example.com", "state": "asked"},
        ],
        "events": ["done", "failed"],
    });
    assert_eq!(fetched(alone, &id).await?, shown);
    // As it is shown it can't be asked for.
    let back = alone.platform.update(&id, json!({"notify": shown})).await?;
    assert_eq!(back.status, 400, "{}", back.text);
    let back = alone
        .platform
        .update(&id, json!({"notify": {"mail": "o…s@example.com"}}))
        .await?;
    assert!(
        back.status == 400 && back.description().contains("write the whole address"),
        "{}",
        back.text
    );

    // Without an operation, as often as it is asked for.
    let one = json!({"notify": {"mail": ["operators@example.com"]}});
    for _ in 0..2 {
        let update = alone.platform.update(&id, one.clone()).await?;
        assert_eq!(update.status, 200, "{}", update.text);
    }
    // What is left out stays.
    assert_eq!(alone.platform.update(&id, json!({})).await?.status, 200);
    let now = fetched(alone, &id).await?;
    assert_eq!(now["mail"].as_array().map(Vec::len), Some(1), "{now}");
    assert_eq!(now["events"], json!(["todo", "done", "failed", "trouble", "domain"]));
    let sql = alone.database().await?;
    let operations: i64 = sql
        .query_one("select count(*) from operations where instance_id = $1", &[&id])
        .await?
        .get(0);
    assert_eq!(operations, 1);
    let catalog = alone.platform.call(Method::GET, "/v2/catalog", None).await?;
    assert!(catalog.text.contains("\"notify\""));
    // The other address is nobody's now.
    sql.execute("delete from recipients where shortened like 'w%'", &[])
        .await?;
    Ok(id)
}

async fn an_address_says_what_it_wants(alone: &Alone, id: &str) -> anyhow::Result<Vec<String>> {
    let sql = alone.database().await?;
    sql.batch_execute("update recipients set asked_at = now()").await?;
    let (who, _) = recipient(alone).await?;
    let (confirm, leave) = (token(who, Purpose::Confirm)?, token(who, Purpose::Leave)?);
    let (yes, no) = (path(&confirm), path(&leave));
    let state = async || anyhow::Ok(recipient(alone).await?.1);

    // Whoever follows links to look at them changes nothing.
    for (link, button) in [(&yes, "value=\"confirm\""), (&no, "value=\"leave\"")] {
        let page = answer(alone.platform.bare(Method::GET, link)).await?;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.contains(button) && page.text.contains(id), "{}", page.text);
        assert!(!page.text.contains("operators@"), "{}", page.text);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            let found = page.headers.iter().find(|(known, _)| known == name);
            assert_eq!(found.map(|(_, found)| found.as_str()), Some(value));
        }
    }
    assert_eq!(state().await?, "asked");
    // What a link is not for is not done, and nothing is that can't be read.
    for (link, content_type, body) in [
        (&yes, FORM, "List-Unsubscribe=One-Click"),
        (&no, FORM, "do=confirm"),
        (&yes, FORM, ""),
        (&yes, "text/plain", "do=confirm"),
    ] {
        let refused = post(alone, link, content_type, body).await?;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text);
    }
    assert_eq!(state().await?, "asked");

    let done = post(alone, &yes, FORM, "do=confirm").await?;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(fetched(alone, id).await?["mail"][0]["state"], "confirmed");
    // RFC 8058 §3.2: without any context.
    let one_click = post(alone, &no, FORM, "List-Unsubscribe=One-Click").await?;
    assert_eq!(one_click.status, 200, "{}", one_click.text);
    assert_eq!(state().await?, "unsubscribed");
    let parts = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let again = post(alone, &no, "multipart/form-data; boundary=x", parts).await?;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(post(alone, &yes, FORM, "do=confirm").await?.status, 404, "it has left");
    let never = post(alone, &no, FORM, "do=never").await?;
    assert_eq!(never.status, 200, "{}", never.text);
    let suppressed: i64 = sql.query_one("select count(*) from suppressions", &[]).await?.get(0);
    assert_eq!(suppressed, 1);
    let nobody = alone.platform.update(id, json!({"notify": null})).await?;
    assert_eq!(nobody.status, 200, "{}", nobody.text);
    assert_eq!(fetched(alone, id).await?, Value::Null);
    Ok(vec![confirm, leave])
}

async fn there_is_one_refusal(alone: &Alone) -> anyhow::Result<()> {
    let good = token(Uuid::new_v4(), Purpose::Leave)?;
    let mut refused = Vec::new();
    for odd in [
        // Signed, of nobody.
        good.clone(),
        token(Uuid::new_v4(), Purpose::Confirm)?,
        good.replacen(".l.", ".c.", 1),
        good.replacen("k1.", "k2.", 1),
        format!("{good}x"),
        "x".to_owned(),
        "a/b".to_owned(),
    ] {
        let link = path(&odd);
        for answer in [
            answer(alone.platform.bare(Method::GET, &link)).await?,
            post(alone, &link, FORM, "do=leave").await?,
        ] {
            refused.push((answer.status, answer.text));
        }
    }
    let first = refused.first().context("some")?.clone();
    assert_eq!(first.0, 404);
    for one in refused {
        assert_eq!(one, first);
    }
    let method = answer(alone.platform.bare(Method::DELETE, &path(&good))).await?;
    assert_eq!(method.status, 405);
    Ok(())
}

#[tokio::test]
async fn a_broker_that_sends_no_mail_says_so() -> anyhow::Result<()> {
    let world = world().await;
    let (id, organization) = (Uuid::new_v4().to_string(), organization());
    let parameters = json!({"domains": [domain("untold")], "notify": {"mail": "operators@example.com"}});
    let refused = world.platform.provision(&id, &organization, parameters).await?;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(
        refused.description().starts_with("notify: this broker sends no mail"),
        "{}",
        refused.text
    );
    let catalog = world.platform.call(Method::GET, "/v2/catalog", None).await?;
    assert!(catalog.status == 200 && !catalog.text.contains("\"notify\""));
    let link = path(&token(Uuid::new_v4(), Purpose::Leave)?);
    assert_eq!(answer(world.platform.bare(Method::GET, &link)).await?.status, 404);
    Ok(())
}
