//! The floor of a provision request: the rows that it inserts (`store::provisioning`), in one transaction, into tables
//! of the same form.

use serde_json::Value;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::site::Site;

/// Beside the product's own tables, so that no worker finds the rows; indexes and foreign keys included.
const TABLES: &str = "create schema if not exists bench; \
    drop table if exists bench.steps, bench.operations, bench.claims, bench.instances; \
    create table bench.instances (like instances including all); \
    create table bench.claims (like claims including all, foreign key (instance_id) references bench.instances); \
    create table bench.operations (like operations including all, \
        foreign key (instance_id) references bench.instances); \
    create table bench.steps (like steps including all, foreign key (operation_id) references bench.operations)";

const STATEMENTS: [&str; 4] = [
    "insert into bench.instances (id, tenant, service_id, plan_id, settings, request) \
     values ($1, $2, $3::jsonb->>'service_id', $3::jsonb->>'plan_id', $4, $3)",
    "insert into bench.claims (instance_id, tenant, domain) select $1, $2, unnest($3::text[])",
    "insert into bench.operations (id, instance_id, kind, deadline_at, platform) \
     values ($1, $2, 'provision', clock_timestamp() + interval '6 days 12 hours', 'cloud-controller')",
    "insert into bench.steps (id, operation_id, kind, service, round, state, due_at, deadline_at, rung_at) \
     values ($1, $2, 'place-order', 'certificate-issuer', 1, 'waiting', now(), now() + interval '7 days', now())",
];

/// Makes the tables anew.
///
/// # Errors
/// Of the database.
pub(crate) async fn tables(site: &Site) -> anyhow::Result<()> {
    Ok(site.sql.batch_execute(TABLES).await?)
}

/// A connection with the statements prepared.
pub(crate) struct Inserter {
    client: Client,
    statements: Vec<Statement>,
}

/// A request.
pub(crate) struct Wanted<'w> {
    pub(crate) instance: &'w str,
    pub(crate) tenant: &'w str,
    pub(crate) settings: &'w Value,
    pub(crate) request: &'w Value,
    pub(crate) domains: &'w [String],
}

impl Inserter {
    /// # Errors
    /// Of the database.
    pub(crate) async fn connect(site: &Site) -> anyhow::Result<Self> {
        let client = site.stack.endpoints().database().await?;
        let mut statements = Vec::new();
        for statement in STATEMENTS {
            statements.push(client.prepare(statement).await?);
        }
        Ok(Self { client, statements })
    }

    /// One transaction.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn insert(&mut self, new: &Wanted<'_>) -> anyhow::Result<()> {
        let (operation, step) = (Uuid::new_v4(), Uuid::new_v4());
        let transaction = self.client.transaction().await?;
        let (instances, claims) = (&self.statements[0], &self.statements[1]);
        let (operations, steps) = (&self.statements[2], &self.statements[3]);
        transaction
            .execute(instances, &[&new.instance, &new.tenant, new.request, new.settings])
            .await?;
        transaction
            .execute(claims, &[&new.instance, &new.tenant, &new.domains])
            .await?;
        transaction.execute(operations, &[&operation, &new.instance]).await?;
        transaction.execute(steps, &[&step, &operation]).await?;
        Ok(transaction.commit().await?)
    }
}
