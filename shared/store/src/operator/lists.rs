//! The instances behind a number of the operator's page, a page at a time. Each list has an order that an index has, and a page begins after
//! the last row of the one before it, so the hundredth page costs as much as the first.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::Row;

use crate::connection::Store;
use crate::error::StoreError;
use crate::operator::failures::WHY;
use crate::operator::overview::{InstanceLine, summaries, summary_from};
use crate::operator::progress::{ASKS_USER, WhoseMove};
use crate::operator::search::Wanted;
use crate::statement::{Statement, statement, storable};

/// A list of instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List<'l> {
    /// On which an operation runs, the oldest first: of those that wait for a step of this kind, if one is named, and in which it is the
    /// move of these.
    Running {
        /// The kind of a waiting step, as in SQL.
        step: Option<&'l str>,
        /// Whose move it is.
        whose: Option<WhoseMove>,
    },
    /// On which an operation failed within the last day, the newest first; one row for each failure.
    Failed {
        /// Only failures of this kind.
        only: Option<Kind<'l>>,
    },
    /// Whose certificate in use ends within so many days from now, the first first.
    Ending {
        /// From so many days on; none: those that have ended, too.
        from_days: Option<u16>,
        /// Less than so many days.
        below_days: Option<u16>,
    },
    /// Whose renewals do not complete.
    InTrouble,
    /// Found by a search.
    Found(Wanted<'l>),
}

/// A kind of failure: see [`Failures`](crate::operator::Failures).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind<'l> {
    /// The operation's kind.
    pub operation: &'l str,
    /// The failed step's kind; none: no step failed.
    pub step: Option<&'l str>,
    /// Why.
    pub why: &'l str,
}

/// The last row of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// By what the list is ordered: a time (RFC 3339), or a name. What can't be read is the list's beginning.
    pub key: String,
    /// The instance; among equal keys, lists are ordered by it.
    pub instance: String,
}

/// A row.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The instance.
    pub line: InstanceLine,
    /// Why it is in the list, where the summary doesn't say it.
    pub note: Option<String>,
}

/// A page.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The rows.
    pub rows: Vec<Listed>,
    /// After which row the next page begins; none: this is the last page.
    pub next: Option<Place>,
}

impl Place {
    pub(super) fn at(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::parse(&self.key, &Rfc3339).ok()
    }
}

/// An instance of a page, before its summary is read.
pub(super) struct Chosen {
    key: String,
    instance: String,
    note: Option<String>,
}

impl Store {
    /// A page of at most `most` rows of the list, after that place.
    ///
    /// # Errors
    /// Database errors.
    pub async fn listing(&self, list: List<'_>, after: Option<&Place>, most: u16) -> Result<Listing, StoreError> {
        self.at_one_moment(async |moment| {
            // One more tells whether there is a next page.
            let mut chosen = chosen(moment, list, after, i64::from(most) + 1).await?;
            let is_last = chosen.len() <= usize::from(most);
            chosen.truncate(usize::from(most));
            let next = chosen.last().filter(|_| !is_last).map(|last| Place {
                key: last.key.clone(),
                instance: last.instance.clone(),
            });
            let ids: Vec<&str> = chosen.iter().map(|one| one.instance.as_str()).collect();
            let rows = summaries("i.id = any($1)").all(moment, &[&ids]).await?;
            let lines = rows.iter().map(summary_from).collect::<Result<Vec<_>, StoreError>>()?;
            let lines: HashMap<String, InstanceLine> = lines.into_iter().map(|line| (line.id.clone(), line)).collect();
            let rows = chosen.into_iter().filter_map(|one| {
                let line = lines.get(&one.instance)?.clone();
                Some(Listed { line, note: one.note })
            });
            Ok(Listing {
                rows: rows.collect(),
                next,
            })
        })
        .await
    }
}

async fn chosen(
    moment: &Transaction<'_>,
    list: List<'_>,
    after: Option<&Place>,
    most: i64,
) -> Result<Vec<Chosen>, StoreError> {
    let at = after.and_then(Place::at);
    let instance = storable(after.map_or("", |place| place.instance.as_str()));
    match list {
        List::Running { step, whose } => {
            let step = step.map(storable);
            let of_users = whose.map(|whose| whose == WhoseMove::Users);
            let rows = statement!("operator-running")
                .with("asks_user", ASKS_USER)
                .all(moment, &[&at, &instance, &most, &step, &of_users])
                .await?;
            rows.iter().map(of_time).collect()
        }
        List::Failed { only } => {
            let operation = only.map(|kind| storable(kind.operation));
            let step = only.and_then(|kind| kind.step).map(storable);
            let why = only.map_or_else(String::new, |kind| storable(kind.why));
            let rows = statement!("operator-failed")
                .with("why", WHY)
                .all(moment, &[&at, &instance, &most, &operation, &step, &why])
                .await?;
            rows.iter().map(of_time).collect()
        }
        List::Ending { from_days, below_days } => {
            let (from, below) = (from_days.map(i32::from), below_days.map(i32::from));
            let rows = statement!("operator-ending")
                .all(moment, &[&at, &instance, &most, &from, &below])
                .await?;
            rows.iter().map(of_time).collect()
        }
        List::InTrouble => {
            let rows = Statement::new(
                "operator-trouble",
                "select not_after as key, instance_id, failure as note from renewals_in_trouble \
                 where (not_after, instance_id) > (coalesce($1::timestamptz, '-infinity'), $2::text) \
                 order by not_after, instance_id limit $3",
            )
            .all(moment, &[&at, &instance, &most])
            .await?;
            rows.iter().map(of_time).collect()
        }
        List::Found(wanted) => wanted.chosen(moment, after, most).await,
    }
}

/// A row of a list that is ordered by a time.
pub(super) fn of_time(row: &Row) -> Result<Chosen, StoreError> {
    let at: OffsetDateTime = row.try_get("key")?;
    let key = at.format(&Rfc3339);
    let key = key.map_err(|error| StoreError::Unreadable(format!("a time can't be written: {error}")))?;
    chosen_from(row, key)
}

/// A row of a list that is ordered by a name.
pub(super) fn of_name(row: &Row) -> Result<Chosen, StoreError> {
    chosen_from(row, row.try_get("key")?)
}

fn chosen_from(row: &Row, key: String) -> Result<Chosen, StoreError> {
    Ok(Chosen {
        key,
        instance: row.try_get("instance_id")?,
        note: row.try_get("note")?,
    })
}
