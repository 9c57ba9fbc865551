//! The whole run: rows on their stacks, results into the page.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

use anyhow::{Context as _, ensure};

use crate::comparison::Comparison;
use crate::form::Form;
use crate::row::Row;
use crate::rows;
use crate::site::Site;
use crate::{machine, page, plot, table};

/// Measures these rows, or all of them. Returns the tables, and how many rows could not be measured.
///
/// # Errors
/// When there is no such row, a stack doesn't start, or the page can't be written.
pub(crate) async fn run(names: &[String], form: &Form, into: &Path) -> anyhow::Result<(String, usize)> {
    let rows = chosen(names)?;
    let results = Results::open(into)?;
    let mut report = machine::line(form);
    results.write("machine", &report)?;
    report.push('\n');
    let mut failed = 0;
    let mut site: Option<Site> = None;
    for row in rows {
        let on = match site.take() {
            Some(there) if there.settings == row.settings() => there,
            other => {
                if let Some(other) = other {
                    other.end().await?;
                }
                say(&format!("starting a stack ({})", row.settings().name()));
                Site::start(row.settings()).await?
            }
        };
        say(&format!("measuring {}", row.name()));
        match row.measure(&on, form).await {
            Ok(comparisons) => {
                let table = results.write_row(row.as_ref(), &comparisons)?;
                report.push_str(&format!("\n{}\n{table}", row.name()));
            }
            Err(error) => {
                failed += 1;
                report.push_str(&format!("\n{}: not measured: {error:#}\n", row.name()));
            }
        }
        site = Some(on);
    }
    if let Some(site) = site {
        site.end().await?;
    }
    Ok((report, failed))
}

/// Since the first thing that was said.
static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Tells a person what is being done, and how many seconds the run has taken until then.
pub(crate) fn say(what: &str) {
    eprintln!("bench: {:>4} s  {what}", BEGUN.elapsed().as_secs());
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<Box<dyn Row>>> {
    let all = rows::all();
    for name in names {
        let known: Vec<&str> = all.iter().map(|row| row.name()).collect();
        ensure!(
            known.contains(&name.as_str()),
            "no row {name}; there are {}",
            known.join(", ")
        );
    }
    Ok(all
        .into_iter()
        .filter(|row| names.is_empty() || names.iter().any(|name| name == row.name()))
        .collect())
}

/// The folder with the page and the plots.
struct Results<'r>(&'r Path);

impl<'r> Results<'r> {
    /// Fails at once when the page isn't there, not after the measurements.
    fn open(folder: &'r Path) -> anyhow::Result<Self> {
        let results = Self(folder);
        results.read()?;
        Ok(results)
    }

    fn read(&self) -> anyhow::Result<String> {
        let path = self.0.join("performance.md");
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    fn write(&self, name: &str, content: &str) -> anyhow::Result<()> {
        let text = page::with(&self.read()?, name, content)?;
        Ok(std::fs::write(self.0.join("performance.md"), text)?)
    }

    /// Returns the table.
    fn write_row(&self, row: &dyn Row, comparisons: &[Comparison]) -> anyhow::Result<String> {
        let file = format!("performance-{}.svg", row.name());
        let page = self.read()?;
        let table = table::markdown(comparisons, page::between(&page, row.name()));
        let mut content = table.clone();
        if plot::draw(&self.0.join(&file), row.name(), comparisons)? {
            content.push_str(&format!("\n![{} as times the floor]({file})", row.name()));
        }
        self.write(row.name(), &content)?;
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_chosen_by_name() {
        assert_eq!(chosen(&[]).unwrap().len(), rows::all().len());
        let one = chosen(&["provision".to_owned()]).unwrap();
        assert_eq!(one.iter().map(|row| row.name()).collect::<Vec<_>>(), ["provision"]);
        let error = chosen(&["provisions".to_owned()]).err().unwrap().to_string();
        assert!(error.contains("last-operation"), "{error}");
    }
}
