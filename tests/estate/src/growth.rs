//! How large the tables are in the course of the year, and whether they grow for ever.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stack::Handle;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use crate::bloat::Filled;

/// The number of samples.
const SAMPLES: u32 = 100;
const TABLES: &str = "select relname::text, n_dead_tup, pg_table_size(relid), pg_indexes_size(relid), autovacuum_count \
     from pg_stat_user_tables where schemaname = 'public' order by relname";
/// In the last quarter a table with its indexes may have so many times the bytes of the second, …
const TIMES: f64 = 1.25;
/// … and sixteen pages more, which is much of a small one.
const PAGES: i64 = 16 * 8_192;
/// Above the columns.
const HEAD: &str = concat!(
    "                           most rows in each quarter        ",
    "kB with indexes, the same         indexes   dead autovacuums   free leaves\n"
);
/// The number of tables that are shown: the largest.
const SHOWN: usize = 8;

/// A table at one moment.
#[derive(Clone, Debug)]
struct Table {
    name: String,
    rows: i64,
    dead: i64,
    /// With what is stored out of line (TOAST).
    bytes: i64,
    index_bytes: i64,
    autovacuums: i64,
}

/// All tables at one moment.
#[derive(Clone, Debug)]
struct Sample {
    /// 0 to 3.
    quarter: usize,
    tables: Vec<Table>,
}

/// What is promised of a table, or a figure.
#[derive(Debug, PartialEq)]
pub(crate) struct Promise {
    /// `None`: a figure.
    pub(crate) kept: Option<bool>,
    pub(crate) what: String,
    pub(crate) figure: String,
}

/// All samples.
#[derive(Default)]
pub(crate) struct Growth(Mutex<Vec<Sample>>);

/// How many rows more there may be at one time than at another, when as many are kept as ever: the retention is no
/// multiple of the time between two renewals, so one renewal more of each instance lies within it, or one less. A
/// renewal has nine steps besides those of the domains.
pub(crate) fn margins(instances: i64, domains: i64) -> [(&'static str, i64); 5] {
    [
        ("operations", instances),
        ("steps", domains + 9 * instances),
        ("orders", instances),
        ("authorizations", domains),
        ("certificates", instances),
    ]
}

/// Takes samples for ever.
pub(crate) async fn watch(
    stack: Arc<Handle>,
    growth: Arc<Growth>,
    began: Instant,
    lasts: Duration,
) -> anyhow::Result<Infallible> {
    let database = stack.endpoints().database().await?;
    loop {
        let quarter = (began.elapsed().div_duration_f64(lasts) * 4.0) as usize;
        growth.add(Sample {
            quarter: quarter.min(3),
            tables: tables(&database).await?,
        });
        sleep(lasts / SAMPLES).await;
    }
}

async fn tables(database: &Client) -> anyhow::Result<Vec<Table>> {
    let mut tables = Vec::new();
    for row in database.query(TABLES, &[]).await? {
        let name: String = row.get(0);
        let count = format!("select count(*) from {name}");
        tables.push(Table {
            rows: database.query_one(&count, &[]).await?.get(0),
            dead: row.get(1),
            bytes: row.get(2),
            index_bytes: row.get(3),
            autovacuums: row.get(4),
            name,
        });
    }
    Ok(tables)
}

impl Growth {
    fn add(&self, sample: Sample) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
    }

    fn all(&self) -> Vec<Sample> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// That there are not more rows in the last quarter than in the second, but for the margins, and that no table with
    /// its indexes is larger. Not judged: figures.
    pub(crate) fn promises(&self, margins: &[(&str, i64)], judged: bool) -> Vec<Promise> {
        let samples = self.all();
        let mut promises = Vec::new();
        for (table, margin) in margins {
            let [_, second, _, last] = most(&samples, table, |table| table.rows);
            let allowed = second + margin;
            promises.push(Promise {
                kept: judged.then_some(second > 0 && last <= allowed),
                what: format!("{table}: most rows, 2nd quarter and last"),
                figure: format!("{second}, {last}; {allowed} are allowed"),
            });
        }
        let grown: Vec<&str> = names(&samples)
            .filter(|table| {
                let [_, second, _, last] = most(&samples, table, size);
                last as f64 > second as f64 * TIMES + PAGES as f64
            })
            .collect();
        promises.push(Promise {
            kept: judged.then_some(!samples.is_empty() && grown.is_empty()),
            what: "tables that grew by a quarter from the 2nd quarter on".into(),
            figure: if grown.is_empty() {
                "none".into()
            } else {
                grown.join(", ")
            },
        });
        promises
    }

    /// The largest tables, a line each.
    pub(crate) fn table(&self, filled: &[Filled]) -> String {
        let samples = self.all();
        let Some(end) = samples.last() else {
            return String::new();
        };
        let mut largest: Vec<&Table> = end.tables.iter().collect();
        largest.sort_by_key(|table| std::cmp::Reverse(size(table)));
        let mut text = HEAD.to_owned();
        for table in largest.into_iter().take(SHOWN) {
            let four = |figures: [i64; 4]| figures.map(|figure| format!("{figure:>7}")).join(" ");
            let rows = four(most(&samples, &table.name, |table| table.rows));
            let bytes = four(most(&samples, &table.name, size).map(kilobytes));
            let (indexes, dead, autovacuums) = (kilobytes(table.index_bytes), table.dead, table.autovacuums);
            let after = filled.iter().find(|one| one.table == table.name);
            let free = percent(after.map(|one| one.free));
            let leaves = percent(after.and_then(|one| one.leaves));
            let _ = writeln!(
                text,
                "      {:<20} {rows}  {bytes}  {indexes:>8} {dead:>6} {autovacuums:>11} {free:>6} {leaves:>6}",
                table.name
            );
        }
        text
    }
}

/// The most of a figure in each quarter; 0 without any.
fn most(samples: &[Sample], table: &str, figure: fn(&Table) -> i64) -> [i64; 4] {
    let mut most = [0_i64; 4];
    for sample in samples {
        let found = sample.tables.iter().find(|one| one.name == table).map(figure);
        most[sample.quarter] = most[sample.quarter].max(found.unwrap_or_default());
    }
    most
}

fn names(samples: &[Sample]) -> impl Iterator<Item = &str> {
    let tables = samples.last().map(|sample| sample.tables.as_slice());
    tables.unwrap_or_default().iter().map(|table| table.name.as_str())
}

fn size(table: &Table) -> i64 {
    table.bytes + table.index_bytes
}

fn kilobytes(bytes: i64) -> i64 {
    bytes / 1_024
}

fn percent(figure: Option<f64>) -> String {
    figure.map_or("-".into(), |figure| format!("{figure:.0} %"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quarters in which a table has so many rows and bytes.
    fn year(quarters: [(i64, i64); 4]) -> Growth {
        let growth = Growth::default();
        for (quarter, (rows, bytes)) in quarters.into_iter().enumerate() {
            growth.add(Sample {
                quarter,
                tables: vec![Table {
                    name: "operations".into(),
                    rows,
                    dead: 7,
                    bytes,
                    index_bytes: 0,
                    autovacuums: 3,
                }],
            });
        }
        growth
    }

    fn kept(growth: &Growth, judged: bool) -> Vec<Option<bool>> {
        let promises = growth.promises(&[("operations", 100)], judged);
        promises.into_iter().map(|promise| promise.kept).collect()
    }

    #[test]
    fn what_is_kept_may_vary_and_not_grow() {
        let mega = 1_000_000;
        let steady = [(500, 8 * mega), (800, 10 * mega), (700, 10 * mega), (900, 12 * mega)];
        assert_eq!(kept(&year(steady), true), [Some(true), Some(true)]);
        let grows = [(500, 8 * mega), (800, 10 * mega), (850, 12 * mega), (901, 13 * mega)];
        assert_eq!(kept(&year(grows), true), [Some(false), Some(false)]);
        assert_eq!(kept(&year(grows), false), [None, None]);
        let few_pages = [(500, 8_192), (800, 8_192), (800, 81_920), (800, 131_072)];
        assert_eq!(kept(&year(few_pages), true), [Some(true), Some(true)]);
        assert_eq!(kept(&Growth::default(), true), [Some(false), Some(false)]);
    }

    #[test]
    fn a_table_is_a_line() {
        let growth = year([(1, 1_024), (22, 2_048), (333, 4_096), (4_444, 8_192)]);
        let filled = [Filled {
            table: "operations".into(),
            free: 12.3,
            leaves: None,
        }];
        let text = growth.table(&filled);
        let line: Vec<&str> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        assert_eq!(
            line.join(" "),
            "operations 1 22 333 4444 1 2 4 8 0 7 3 12 % -",
            "{text}"
        );
    }
}
