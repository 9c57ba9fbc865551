//! The http-01 responder's answers (RFC 8555 §8.3). Many lookups are batched into one statement.

use tokio_postgres::Row;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

/// A token that a CA may request, and the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http01Answer {
    /// The tenant's part of the responder's path.
    pub tenant_segment: String,
    /// The token.
    pub token: String,
    /// What the CA expects.
    pub key_authorization: String,
}

/// A CA may use a token in several orders, and expects the value computed with the account's newest key. So the last
/// one wins.
const LIVE: &str = "select i.tenant, z.challenges #>> '{offered,http-01,token}' as token, \
    z.challenges #>> '{offered,http-01,key_authorization}', r.key_generation, r.created_at \
    from authorizations z join orders r on r.id = z.order_id join operations o on o.id = r.operation_id \
    join instances i on i.id = o.instance_id \
    where o.state = 'running' and z.challenges #>> '{offered,http-01,token}' is not null";

impl Store {
    /// The answers to those of the tokens that are live; a later one replaces an earlier one of the same token.
    ///
    /// # Errors
    /// Database errors.
    pub async fn http01_answers(&self, tokens: &[&str]) -> Result<Vec<Http01Answer>, StoreError> {
        let client = self.client().await?;
        Statement::new(
            "http01-answers",
            format!(
                "{LIVE} and z.challenges #>> '{{offered,http-01,token}}' = any($1) order by r.key_generation, r.created_at"
            ),
        )
        .all(&client, &[&tokens])
        .await?
        .iter()
        .map(answer)
        .collect()
    }

    /// All live answers in the same order, at most this many (then of the newest orders).
    ///
    /// # Errors
    /// Database errors.
    pub async fn live_http01_answers(&self, most: u32) -> Result<Vec<Http01Answer>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "http01-live-answers",
            format!(
                "select * from ({LIVE} order by r.created_at desc limit $1) newest order by key_generation, created_at"
            ),
        )
        .all(&client, &[&i64::from(most)])
        .await?;
        rows.iter().map(answer).collect()
    }
}

fn answer(row: &Row) -> Result<Http01Answer, StoreError> {
    let tenant: String = row.try_get(0)?;
    Ok(Http01Answer {
        tenant_segment: pipeline::proof::path_segment(&tenant),
        token: row.try_get(1)?,
        key_authorization: row.try_get(2)?,
    })
}
