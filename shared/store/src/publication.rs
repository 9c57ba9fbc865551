//! The TXT values in the broker's own zone, to which tenants delegate their dns-01 challenges: where each tenant's CNAMEs
//! lead, which values are published for which order, and which are to be removed.

use std::collections::BTreeMap;
use std::time::Duration;

use deadpool_postgres::Transaction;
use pipeline::domain::without_wildcard;
use pipeline::{StepKind, WakeUp};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::orders::{AUTHORIZATION_COLUMNS, Authorization, CHALLENGES, authorization_from};
use crate::statement::{Statement, statement};
use crate::steps::{Task, as_millis, lock_current, millis};

/// A TXT value at a name in the broker's zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedValue {
    /// The name, in lower case, without a trailing dot.
    pub name: String,
    /// The value.
    pub value: String,
}

/// What is to be written for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToPublish {
    /// These values; none: everything is written.
    Values(Vec<PublishedValue>),
    /// One of them is being removed for another order: it may be written when that is over.
    BeingRemoved,
}

/// A value that is written to the broker's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// How long ago the DNS server has accepted it; `None`: not yet, as far as is known.
    pub since: Option<Duration>,
    /// Whether it has reached all of the server's replicas, as far as the server can tell.
    pub everywhere: bool,
    /// Another domain of the order is looked at for it: when the values of one have reached every name server, those of the others
    /// probably have, too.
    pub follows: bool,
}

/// In SQL: the CA has yet to validate the order of the row `{p}`.
const IS_NEEDED: &str = "exists (select from orders r join operations o on o.id = r.operation_id \
     where r.id = {p}.order_id and o.state = 'running' \
       and not exists (select from orders later where later.operation_id = r.operation_id and later.round > r.round) \
       and not exists (select from steps s where s.operation_id = r.operation_id and s.round = r.round \
         and s.kind = 'await-validation' and s.state = 'done'))";

/// In SQL: the reason of a `verify-challenge` step that saw the tenant's CNAME, and waits for the value.
pub(crate) const UNPUBLISHED: &str =
    r#"'{"reason":"look","ways":[{"seen":{"seen":"delegation","delegation":"leads"}}]}'::jsonb"#;

/// In SQL: that step `s` saw the tenant's CNAME at every name server of the domain, and waits for the value alone.
const WAITS_FOR_VALUE: &str = r#"(s.kind = 'verify-challenge' and s.state is not distinct from 'waiting' and s.reason @? '$ ? (@.in_place == null && !exists(@.forbidden) && !exists(@.contested) && !exists(@.slow)).ways[*].seen ? (@.delegation == "leads" && !exists(@.cname.behind) && !exists(@.cname.left_out))')"#;

/// Domains that wait for their values look again after this time, unless one that is looked at more often finds its own first.
const FOLLOWS_AFTER: Duration = Duration::from_secs(5);

fn is_needed(row: &str) -> String {
    IS_NEEDED.replace("{p}", row)
}

impl Store {
    /// The names to which the tenant's CNAMEs for these domains lead, by domain. They are chosen at random once, and stay.
    ///
    /// # Errors
    /// Database errors.
    pub async fn delegation_targets(
        &self,
        tenant: &str,
        zone: &str,
        domains: &[String],
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let bases: Vec<&str> = domains.iter().map(|domain| without_wildcard(domain)).collect();
        let labels: Vec<String> = domains.iter().map(|_| Uuid::new_v4().simple().to_string()).collect();
        let client = self.client().await?;
        Statement::new(
            "delegation-targets-make",
            "insert into delegation_targets (tenant, zone, domain, label) \
             select $1, $2, domain, label from unnest($3::text[], $4::text[]) as new (domain, label) order by domain \
             on conflict (tenant, domain, zone) do nothing",
        )
        .run(&client, &[&tenant, &zone, &bases, &labels])
        .await?;
        let rows = Statement::new(
            "delegation-targets",
            "select domain, label from delegation_targets where tenant = $1 and zone = $2 and domain = any($3)",
        )
        .all(&client, &[&tenant, &zone, &bases])
        .await?;
        let mut labels = BTreeMap::new();
        for row in rows {
            labels.insert(row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?);
        }
        let targets = domains.iter().zip(bases).filter_map(|(domain, base)| {
            let label = labels.get(base)?;
            Some((domain.clone(), format!("{label}.{zone}")))
        });
        Ok(targets.collect())
    }

    /// The zones in which tenants were given names, and the one that a service is set to, for a doctor: before the schema is migrated
    /// there are none.
    ///
    /// # Errors
    /// Database errors.
    pub async fn delegation_zones(&self) -> Result<Vec<String>, StoreError> {
        let client = self.while_closed().client().await?;
        let zones = Statement::new(
            "delegation-zones",
            "select zone from delegation_targets \
             union select lower(rtrim(value, '.')) from shared_settings where setting = 'DELEGATION_ZONE' and value <> '' \
             order by zone",
        )
        .expects(SqlState::UNDEFINED_TABLE)
        .all(&client, &[])
        .await;
        match zones {
            Ok(rows) => rows.iter().map(|row| Ok(row.try_get(0)?)).collect(),
            Err(StoreError::Expected { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Whether an order has offered a name in this zone: that a name was inherited doesn't count. Reads every authorization.
    ///
    /// # Errors
    /// Database errors.
    pub async fn has_offered_delegation(&self, zone: &str) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "delegation-offered",
            "select exists (select from authorizations \
             where right(challenges #>> '{offered,delegated-dns-01,target}', length($1) + 1) = '.' || $1)",
        )
        .one(&client, &[&zone])
        .await?;
        Ok(row.try_get(0)?)
    }

    /// Records the intent to write the values of the task's order, and returns those that are not written yet.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn values_to_publish(&self, task: &Task) -> Result<ToPublish, StoreError> {
        self.in_transaction("values-to-publish", async |tx| {
            lock_current(tx, task).await?;
            statement!("publication-intend")
                .run(tx, &[&task.operation, &task.round])
                .await?;
            let rows = Statement::new(
                "publication-unwritten",
                "select name, value, being_removed from ( \
                   select p.name, p.value, p.written_at, exists (select from published_values q \
                     where q.name = p.name and q.value = p.value and q.withdrawn_at is not null) as being_removed \
                   from published_values p join orders r on r.id = p.order_id \
                   where r.operation_id = $1 and r.round = $2) p \
                 where written_at is null or being_removed order by name, value",
            )
            .all(tx, &[&task.operation, &task.round])
            .await?;
            let mut values = Vec::new();
            for row in rows {
                if row.try_get("being_removed")? {
                    return Ok(ToPublish::BeingRemoved);
                }
                values.push(value(&row)?);
            }
            Ok(ToPublish::Values(values))
        })
        .await
    }

    /// Records that the DNS server has accepted these values of the task's order, and its name for the change, if it
    /// has yet to pass it on to its replicas.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn set_published(
        &self,
        task: &Task,
        written: &[PublishedValue],
        change: Option<&str>,
    ) -> Result<(), StoreError> {
        let (names, values) = columns(written);
        self.in_transaction("set-published", async |tx| {
            lock_current(tx, task).await?;
            Statement::new(
                "publication-written",
                "update published_values p set written_at = now(), change = $5, \
                   synced_at = case when $5::text is null then now() end \
                 from orders r, unnest($3::text[], $4::text[]) as done (name, value) \
                 where r.id = p.order_id and r.operation_id = $1 and r.round = $2 \
                   and p.name = done.name and p.value = done.value",
            )
            .run(tx, &[&task.operation, &task.round, &names, &values, &change])
            .await?;
            Ok(())
        })
        .await
    }

    /// The changes for the task's order that the DNS server has accepted and not yet passed on to all its replicas.
    ///
    /// # Errors
    /// Database errors.
    pub async fn changes_to_await(&self, task: &Task) -> Result<Vec<String>, StoreError> {
        let client = self.client().await?;
        Statement::new(
            "publication-unsynced",
            "select distinct p.change from published_values p join orders r on r.id = p.order_id \
             where r.operation_id = $1 and r.round = $2 and p.change is not null and p.synced_at is null",
        )
        .all(&client, &[&task.operation, &task.round])
        .await?
        .iter()
        .map(|row| Ok(row.try_get(0)?))
        .collect()
    }

    /// Records that a change has reached every replica.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_synced(&self, change: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "publication-synced",
            "update published_values set synced_at = now() where change = $1 and synced_at is null",
        )
        .run(&client, &[&change])
        .await?;
        Ok(())
    }

    /// The state of the value for the task's domain; `None`: none is to be written.
    ///
    /// # Errors
    /// Database errors.
    pub async fn published(&self, task: &Task) -> Result<Option<Published>, StoreError> {
        let client = self.client().await?;
        let row = statement!("publication-age")
            .with("waits_for_value", WAITS_FOR_VALUE)
            .optional(&client, &[&task.operation, &task.round, &task.subject])
            .await?;
        row.map(|row| {
            Ok(Published {
                since: row.try_get::<_, Option<i64>>(0)?.map(millis),
                everywhere: row.try_get(1)?,
                follows: row.try_get(2)?,
            })
        })
        .transpose()
    }

    /// The other domains of the task's order whose CNAME was seen, whose values have reached all of the server's replicas as far as it
    /// can tell, and that no other instance has.
    ///
    /// # Errors
    /// Database errors.
    pub async fn waiting_for_values(&self, task: &Task) -> Result<Vec<Authorization>, StoreError> {
        let client = self.client().await?;
        statement!("publication-waiting")
            .with("authorization_columns", AUTHORIZATION_COLUMNS)
            .with("challenges", CHALLENGES)
            .with("waits_for_value", WAITS_FOR_VALUE)
            .all(
                &client,
                &[&task.operation, &task.round, &task.subject, &task.instance.id],
            )
            .await?
            .iter()
            .map(authorization_from)
            .collect()
    }

    /// Values that no order needs any more, at most this many. From now on they count as being removed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn values_to_withdraw(&self, most: u32) -> Result<Vec<PublishedValue>, StoreError> {
        let client = self.client().await?;
        let rows = statement!("publication-withdraw")
            .with("p_is_needed", &is_needed("p"))
            .with("q_is_needed", &is_needed("q"))
            .all(&client, &[&i64::from(most)])
            .await?;
        let mut values = rows.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        values.sort();
        values.dedup();
        Ok(values)
    }

    /// Forgets values that were removed from the zone.
    ///
    /// # Errors
    /// Database errors.
    pub async fn forget_withdrawn(&self, removed: &[PublishedValue]) -> Result<(), StoreError> {
        let (names, values) = columns(removed);
        let client = self.client().await?;
        Statement::new(
            "publication-forget",
            "delete from published_values p using unnest($1::text[], $2::text[]) as gone (name, value) \
             where p.name = gone.name and p.value = gone.value and p.withdrawn_at is not null",
        )
        .run(&client, &[&names, &values])
        .await?;
        Ok(())
    }

    /// Those of the values that no row explains although they are at a name of this broker's: a worker that was superseded
    /// wrote them late. Values at other names are somebody else's.
    ///
    /// # Errors
    /// Database errors.
    pub async fn values_unknown(
        &self,
        zone: &str,
        there: &[PublishedValue],
    ) -> Result<Vec<PublishedValue>, StoreError> {
        let (names, values) = columns(there);
        let client = self.client().await?;
        Statement::new(
            "publication-unknown",
            "select there.name, there.value from unnest($2::text[], $3::text[]) as there (name, value) \
             where exists (select from delegation_targets t where t.zone = $1 and t.label || '.' || t.zone = there.name) \
               and not exists (select from published_values p where p.name = there.name and p.value = there.value)",
        )
        .all(&client, &[&zone, &names, &values])
        .await?
        .iter()
        .map(value)
        .collect()
    }

    /// Values that an order needs, and that the verifier doesn't see although they were written this long ago.
    ///
    /// # Errors
    /// Database errors.
    pub async fn values_missing(&self, since: Duration, most: u32) -> Result<Vec<PublishedValue>, StoreError> {
        let client = self.client().await?;
        statement!("publication-missing")
            .with("p_is_needed", &is_needed("p"))
            .with("unpublished", UNPUBLISHED)
            .all(&client, &[&as_millis(since), &i64::from(most)])
            .await?
            .iter()
            .map(value)
            .collect()
    }
}

/// The order's values are in the zone: one domain whose CNAME was seen is probed at once, and the others soon, unless their values
/// are found together with its own.
pub(crate) async fn wake_probes(tx: &Transaction<'_>, task: &Task) -> Result<Vec<WakeUp>, StoreError> {
    let woken = statement!("publication-wake")
        .with("waits_for_value", WAITS_FOR_VALUE)
        .with("unpublished", UNPUBLISHED)
        .all(tx, &[&task.operation, &task.round, &as_millis(FOLLOWS_AFTER)])
        .await?;
    woken.iter().map(wake_up).collect()
}

/// The task's domain is verified: of those that still wait for their values the next one is looked at often.
pub(crate) async fn wake_next(tx: &Transaction<'_>, task: &Task) -> Result<Vec<WakeUp>, StoreError> {
    let woken = statement!("publication-wake-next")
        .with("waits_for_value", WAITS_FOR_VALUE)
        .all(tx, &[&task.operation, &task.round])
        .await?;
    woken.iter().map(wake_up).collect()
}

pub(crate) fn wake_up(row: &tokio_postgres::Row) -> Result<WakeUp, StoreError> {
    Ok(WakeUp {
        service: StepKind::VerifyChallenge.service(),
        step: row.try_get(0)?,
        attempt: row.try_get(1)?,
        delay: millis(row.try_get(2)?),
    })
}

fn value(row: &tokio_postgres::Row) -> Result<PublishedValue, StoreError> {
    Ok(PublishedValue {
        name: row.try_get("name")?,
        value: row.try_get("value")?,
    })
}

fn columns(values: &[PublishedValue]) -> (Vec<&str>, Vec<&str>) {
    values.iter().map(|one| (one.name.as_str(), one.value.as_str())).unzip()
}

#[cfg(test)]
mod tests {
    use pipeline::proof::{Method, Place};
    use pipeline::reason::{Delegation, DnsProblem, Look, Seen, Spread, Txt, Way, stored};
    use serde_json::Value;

    use super::*;

    /// What PostgreSQL's `@>` does.
    fn contains(all: &Value, part: &Value) -> bool {
        match (all, part) {
            (Value::Object(all), Value::Object(part)) => part
                .iter()
                .all(|(name, part)| all.get(name).is_some_and(|all| contains(all, part))),
            (Value::Array(all), Value::Array(part)) => {
                part.iter().all(|part| all.iter().any(|all| contains(all, part)))
            }
            (all, part) => all == part,
        }
    }

    #[test]
    fn a_look_that_waits_for_the_broker_is_found_by_its_facts() {
        let wanted: Value = serde_json::from_str(UNPUBLISHED.trim_end_matches("::jsonb").trim_matches('\'')).unwrap();
        let problem = DnsProblem::NoSuchName {
            server: "ns.acme.example".to_owned(),
        };
        let look = |delegation| Look {
            ways: vec![Way {
                method: Method::DelegatedDns01,
                place: Place::Cname("_acme-challenge.example.com".to_owned()),
                seen: Seen::Delegation(delegation),
            }],
            ..Look::default()
        };
        let leads = look(Delegation::Leads {
            target: "x.acme.example".to_owned(),
            cname: Spread {
                have: vec!["ns1.example.com".to_owned()],
                ..Spread::default()
            },
            value: Box::new(Txt::Absent {
                problem: problem.clone(),
            }),
        });
        let missing = look(Delegation::Missing {
            target: "x.acme.example".to_owned(),
            found: Box::new(Txt::Absent { problem }),
        });
        assert!(leads.waits_for_the_broker());
        assert!(contains(&stored::write(&leads.into()).unwrap(), &wanted));
        assert!(!contains(&stored::write(&missing.into()).unwrap(), &wanted));
    }
}
