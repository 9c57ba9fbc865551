//! Every request in every state is answered as docs/osbapi.md says: its table is what is walked through. Without workers
//! nothing goes on by itself, so that a state stays what it was made.

use std::collections::BTreeMap;

use anyhow::Context as _;
use customer::platform::{PLAN_ID, SERVICE_ID};
use customer::{Answer, Platform};
use reqwest::Method;
use serde_json::{Value, json};
use stack::{Handle, Options, WORKERS};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::world::domain;

const TABLE: &str = include_str!("../../../../docs/osbapi.md");

/// A broker with nobody behind it.
struct Alone {
    platform: Platform,
    sql: Client,
}

/// An instance in a state.
struct Instance {
    id: String,
    domain: String,
    /// What is at work, if anything.
    operation: Option<String>,
}

impl Alone {
    fn body(&self, instance: &Instance, path: &str) -> Value {
        customer::platform::provision_body(
            &format!("org-{}", instance.id),
            json!({"domains": [instance.domain], "path": path}),
        )
    }

    async fn put(&self, instance: &Instance, path: &str) -> anyhow::Result<Answer> {
        let url = format!("/v2/service_instances/{}?accepts_incomplete=true", instance.id);
        self.platform
            .call(Method::PUT, &url, Some(&self.body(instance, path)))
            .await
    }

    /// Ends what is at work, as a worker's record would.
    async fn end(&self, instance: &Instance, state: &str) -> anyhow::Result<()> {
        let ended = self
            .sql
            .execute(
                "update operations set state = $2, ended_at = now(), failure = case when $2 = 'failed' then 'it broke' end \
                 where instance_id = $1 and state = 'running'",
                &[&instance.id, &state],
            )
            .await?;
        anyhow::ensure!(ended == 1, "{ended} operations were at work");
        Ok(())
    }

    async fn make(&self, state: &str) -> anyhow::Result<Instance> {
        let mut instance = Instance {
            id: Uuid::new_v4().to_string(),
            domain: domain("table"),
            operation: None,
        };
        let taken = |answer: Answer| {
            anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
            Ok(answer.body["operation"].as_str().map(str::to_owned))
        };
        if state == "is unknown" {
            return Ok(instance);
        }
        instance.operation = taken(self.put(&instance, "").await?)?;
        match state {
            "is being created" => return Ok(instance),
            "could not be created" => {
                self.end(&instance, "failed").await?;
                return Ok(instance);
            }
            _ => self.end(&instance, "succeeded").await?,
        }
        if let "is being updated" | "could not be updated" = state {
            instance.operation = taken(self.platform.update(&instance.id, json!({"path": "/same"})).await?)?;
        }
        if let "is being deleted" | "could not be deleted" | "was deleted" = state {
            instance.operation = taken(self.platform.deprovision(&instance.id).await?)?;
        }
        if state.starts_with("could not") {
            self.end(&instance, "failed").await?;
        }
        if state == "was deleted" {
            self.end(&instance, "succeeded").await?;
            let sql = "with gone as (update instances set deleted_at = now() where id = $1) delete from claims where instance_id = $1";
            self.sql.execute(sql, &[&instance.id]).await?;
        }
        Ok(instance)
    }

    async fn ask(&self, request: &str, instance: &Instance) -> anyhow::Result<Answer> {
        let id = &instance.id;
        match request {
            "PUT same" => self.put(instance, "").await,
            "PUT other" => self.put(instance, "/other").await,
            "PATCH" => self.platform.update(id, json!({"path": "/changed"})).await,
            "PATCH same" => self.platform.update(id, json!({"path": "/same"})).await,
            "PATCH nothing" => self.platform.update(id, json!({})).await,
            "DELETE" => self.platform.deprovision(id).await,
            "GET" => {
                let url = format!("/v2/service_instances/{id}?service_id={SERVICE_ID}&plan_id={PLAN_ID}");
                self.platform.call(Method::GET, &url, None).await
            }
            "last_operation" => self.platform.last_operation(id).await,
            other => anyhow::bail!("the table has an unknown request {other}"),
        }
    }
}

/// The answer in the table's words.
fn told(answer: &Answer, instance: &Instance) -> String {
    let same = instance.operation.is_some() && answer.body["operation"].as_str() == instance.operation.as_deref();
    let mark = match answer.body["error"].as_str() {
        Some("ConcurrencyError") => "*",
        Some(_) => "?",
        None if same => "=",
        None => "",
    };
    format!("{}{mark} {}", answer.status, answer.state())
        .trim_end()
        .to_owned()
}

/// The rows of the table: the state, and the answer by request.
fn rows() -> anyhow::Result<Vec<(String, BTreeMap<String, String>)>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let mut lines = TABLE.lines().skip_while(|line| !line.starts_with("| the instance"));
    let head = cells(lines.next().context("no table in docs/osbapi.md")?);
    let rows: Vec<_> = lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut row = cells(line).into_iter();
            let state = row.next().unwrap_or_default();
            (state, head.iter().skip(1).cloned().zip(row).collect())
        })
        .collect();
    Ok(rows)
}

#[tokio::test]
async fn every_request_in_every_state_is_answered_as_the_table_says() -> anyhow::Result<()> {
    let options = WORKERS
        .iter()
        .fold(Options::fast(), |options, worker| options.with_replicas(worker, 0));
    let stack = Handle::start(options).await?;
    let e = stack.endpoints();
    let alone = Alone {
        platform: Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?,
        sql: e.database().await?,
    };
    let (mut asked, mut faults) = (0, Vec::new());
    for (state, answers) in rows()? {
        for (request, expected) in answers {
            let instance = alone.make(&state).await.with_context(|| state.clone())?;
            let answer = alone.ask(&request, &instance).await?;
            let told = told(&answer, &instance);
            asked += 1;
            if told != expected {
                faults.push(format!(
                    "an instance that {state}: {request} is {told}, not {expected}: {}",
                    answer.text
                ));
            }
            if answer.status >= 400
                && answer.status != 410
                && answer.body["description"].as_str().is_none_or(str::is_empty)
            {
                // 404 of last_operation is `{}` as the specification wants.
                if request != "last_operation" {
                    faults.push(format!(
                        "an instance that {state}: {request} has no description: {}",
                        answer.text
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(asked, 9 * 8, "the whole table");
    Ok(())
}
