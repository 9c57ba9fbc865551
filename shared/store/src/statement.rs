//! Named statements. The name appears in errors, in PostgreSQL's own `pg_stat_statements` and `pg_stat_activity`, and
//! in the metrics; all queries of this crate go through this type. On a connection of the pool each stays prepared: it is
//! parsed once, and costs one round trip.

use std::borrow::Cow;
use std::time::Instant;

use deadpool_postgres::{StatementCache, Transaction};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use crate::error::StoreError;
use crate::sqlstate::{Fault, is_outdated_plan};

/// The values of `$1`, `$2` …
type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// The statement `$name` in `sql/$name.sql`.
macro_rules! statement {
    ($name:literal) => {
        $crate::statement::Statement::new(
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql/", $name, ".sql")),
        )
    };
}
pub(crate) use statement;

/// A named statement.
pub(crate) struct Statement {
    name: &'static str,
    sql: Cow<'static, str>,
    expected: Option<SqlState>,
}

/// Where statements run: on a connection of the pool, in a transaction on one, or on a connection of the doctor's own.
pub(crate) trait Session {
    fn client(&self) -> &Client;
    /// The statements that stay prepared on the connection.
    fn prepared(&self) -> Option<&StatementCache>;
    /// A failure leaves everything as it was, so the statement may be run again.
    const EACH_ALONE: bool;
}

impl Session for deadpool_postgres::Client {
    fn client(&self) -> &Client {
        self
    }

    fn prepared(&self) -> Option<&StatementCache> {
        Some(&self.statement_cache)
    }

    const EACH_ALONE: bool = true;
}

impl Session for Transaction<'_> {
    fn client(&self) -> &Client {
        tokio_postgres::Transaction::client(self)
    }

    fn prepared(&self) -> Option<&StatementCache> {
        Some(&self.statement_cache)
    }

    const EACH_ALONE: bool = false;
}

impl Session for Client {
    fn client(&self) -> &Client {
        self
    }

    fn prepared(&self) -> Option<&StatementCache> {
        None
    }

    const EACH_ALONE: bool = true;
}

impl Statement {
    /// `name`: lower case, digits and hyphens; unique among all statements.
    pub(crate) fn new(name: &'static str, sql: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name,
            sql: sql.into(),
            expected: None,
        }
    }

    /// Replaces the SQL's `{placeholder}` with a fragment.
    pub(crate) fn with(mut self, placeholder: &str, fragment: &str) -> Self {
        self.sql = self.sql.replace(&format!("{{{placeholder}}}"), fragment).into();
        self
    }

    /// The caller handles this refusal: it is returned as [`StoreError::Expected`], and is neither logged nor counted.
    pub(crate) fn expects(mut self, code: SqlState) -> Self {
        self.expected = Some(code);
        self
    }

    /// The single row.
    pub(crate) async fn one(&self, on: &impl Session, values: Values<'_>) -> Result<Row, StoreError> {
        let row = self.optional(on, values).await?;
        row.ok_or_else(|| StoreError::Unreadable(format!("the statement {} found no row", self.name)))
    }

    /// The row, if there is one.
    pub(crate) async fn optional(&self, on: &impl Session, values: Values<'_>) -> Result<Option<Row>, StoreError> {
        let mut rows = self.all(on, values).await?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            many => Err(StoreError::Unreadable(format!(
                "the statement {} found {many} rows in place of one",
                self.name
            ))),
        }
    }

    /// All rows.
    pub(crate) async fn all<S: Session>(&self, on: &S, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        match self.query(on, values).await {
            Err(error) if S::EACH_ALONE && is_outdated(&error) => self.query(on, values).await,
            rows => rows,
        }
    }

    async fn query(&self, on: &impl Session, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        self.timed(on.client(), on.prepared(), async |client, cache, text| match cache {
            Some(cache) => client.query(&cache.prepare(client, text).await?, values).await,
            None => client.query(text, values).await,
        })
        .await
    }

    /// Runs the statement. Returns how many rows it changed.
    pub(crate) async fn run<S: Session>(&self, on: &S, values: Values<'_>) -> Result<u64, StoreError> {
        match self.execute(on, values).await {
            Err(error) if S::EACH_ALONE && is_outdated(&error) => self.execute(on, values).await,
            changed => changed,
        }
    }

    async fn execute(&self, on: &impl Session, values: Values<'_>) -> Result<u64, StoreError> {
        self.timed(on.client(), on.prepared(), async |client, cache, text| match cache {
            Some(cache) => client.execute(&cache.prepare(client, text).await?, values).await,
            None => client.execute(text, values).await,
        })
        .await
    }

    /// Several statements in one, without values.
    pub(crate) async fn batch(&self, on: &impl Session) -> Result<(), StoreError> {
        self.timed(on.client(), None, async |client, _, text| {
            client.batch_execute(text).await
        })
        .await
    }

    async fn timed<T>(
        &self,
        client: &Client,
        cache: Option<&StatementCache>,
        run: impl AsyncFnOnce(&Client, Option<&StatementCache>, &str) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, StoreError> {
        let text = self.text();
        let begun = Instant::now();
        let result = run(client, cache, &text).await;
        metrics::histogram!("store_statement_duration_seconds", "statement" => self.name).record(begun.elapsed());
        result.map_err(|error| {
            // A migration changed what it reads: the next use prepares it again.
            if let Some(cache) = cache
                && is_outdated_plan(&error)
            {
                drop(cache.remove(&text, &[]));
            }
            self.failed(error)
        })
    }

    fn failed(&self, source: tokio_postgres::Error) -> StoreError {
        let statement = self.name;
        if self.expected.is_some() && source.code() == self.expected.as_ref() {
            return StoreError::Expected { statement, source };
        }
        if Fault::of(&source) == Fault::Refused {
            tell(statement, &source);
        }
        StoreError::Database {
            statement,
            transaction: None,
            source,
        }
    }

    /// The SQL with the name after its first word. PostgreSQL 18 drops a comment before a statement from
    /// `pg_stat_statements` (its commit 14e5680); every version keeps a comment within it.
    fn text(&self) -> String {
        let sql = without_heading(&self.sql);
        let (first, rest) = sql.split_at(sql.find(char::is_whitespace).unwrap_or(sql.len()));
        format!("{first} /* {} */{rest}", self.name)
    }
}

fn is_outdated(error: &StoreError) -> bool {
    matches!(error, StoreError::Database { source, .. } if is_outdated_plan(source))
}

/// PostgreSQL's text holds no NUL, and a peer's text must not make the record fail forever.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// Removes the comment at the head of a file.
fn without_heading(sql: &str) -> &str {
    let sql = sql.trim();
    match sql.strip_prefix("--") {
        Some(comment) => without_heading(comment.split_once('\n').map_or("", |(_, rest)| rest)),
        None => sql,
    }
}

/// Logged once, as an error: the caller may retry, but only a person can fix it. PostgreSQL's "detail" is left out,
/// since it contains whole rows.
fn tell(statement: &'static str, error: &tokio_postgres::Error) {
    let code = error.code().map_or("none", SqlState::code).to_owned();
    let said = match error.as_db_error() {
        Some(error) => error.message().to_owned(),
        None => telemetry::with_causes(error),
    };
    tracing::error!(statement, sqlstate = code, said, "PostgreSQL refuses a statement");
    metrics::counter!("store_statements_refused_total", "statement" => statement, "sqlstate" => code).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stands_within_the_statement() {
        let text = |sql: &'static str| Statement::new("some-name", sql).text();
        assert_eq!(text("select 1"), "select /* some-name */ 1");
        assert_eq!(
            text("-- What it is,\n-- and why.\nwith a as (\n"),
            "with /* some-name */ a as ("
        );
        assert_eq!(text("select\n  1\n"), "select /* some-name */\n  1");
    }

    #[test]
    fn a_fragment_stands_where_it_belongs() {
        let statement = Statement::new("some-name", "select {columns}, '{}' from t").with("columns", "a, b");
        assert_eq!(statement.text(), "select /* some-name */ a, b, '{}' from t");
    }
}
