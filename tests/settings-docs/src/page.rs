//! The page: what is written by hand stays, and below the marker are the tables.

use anyhow::Context as _;

use crate::help::{Help, Setting};

/// A default longer than this, in characters, is a list too long for a table's cell.
const LONG: usize = 60;
const MARKER: &str = "<!-- Below this line: make settings-docs -->\n";

/// A program and what its `--help` says.
pub(crate) type Told = (&'static str, Help);

/// A setting, and the programs that have it just so.
struct Row<'t> {
    setting: &'t Setting,
    programs: Vec<&'static str>,
}

/// The page with its tables written anew.
///
/// # Errors
/// When the page has no marker.
pub(crate) fn rewrite(page: &str, told: &[Told]) -> anyhow::Result<String> {
    let (by_hand, _) = page
        .split_once(MARKER)
        .with_context(|| format!("the page has no line {MARKER}"))?;
    let mut sections: Vec<(&str, Vec<Row<'_>>)> = Vec::new();
    for row in rows(told) {
        let heading = row.setting.heading.as_str();
        match sections.iter_mut().find(|(there, _)| *there == heading) {
            Some((_, rows)) => rows.push(row),
            None => sections.push((heading, vec![row])),
        }
    }
    // First what makes a service different.
    sections.sort_by_key(|(_, rows)| rows.iter().all(|row| row.programs.len() + 1 >= told.len().max(3)));
    let all: Vec<&str> = told.iter().map(|(program, _)| *program).collect();
    let mut written = format!("{by_hand}{MARKER}");
    for (heading, rows) in &sections {
        written.push_str(&section(heading, rows, &all));
    }
    written.push_str(&after(told));
    Ok(written)
}

fn rows(told: &[Told]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (program, help) in told {
        for setting in &help.settings {
            match rows.iter_mut().find(|row| row.setting == setting) {
                Some(row) => row.programs.push(program),
                None => rows.push(Row {
                    setting,
                    programs: vec![program],
                }),
            }
        }
    }
    rows
}

fn section(heading: &str, rows: &[Row<'_>], all: &[&str]) -> String {
    let (title, explained) = heading.split_once(": ").unwrap_or((heading, ""));
    let title = if title == "Options" { "General" } else { title };
    let mut section = format!("\n## {title}\n\n");
    let same = rows.iter().all(|row| row.programs == rows[0].programs);
    if same {
        section.push_str(&format!("Of {}. ", programs(&rows[0].programs, all)));
    }
    if !explained.is_empty() {
        section.push_str(&format!("{}.", cell(explained)));
    }
    section.truncate(section.trim_end().len());
    section.push_str(if same {
        "\n\n| setting | default | |\n|---|---|---|\n"
    } else {
        "\n\n| setting | of | default | |\n|---|---|---|---|\n"
    });
    for row in rows {
        let of = if same {
            String::new()
        } else {
            format!(" {} |", programs(&row.programs, all))
        };
        let Setting { text, values, .. } = row.setting;
        section.push_str(&format!(
            "| {} |{of} {} | {} |\n",
            name(row.setting),
            default(row.setting),
            what(text, values)
        ));
    }
    section
}

fn programs(programs: &[&str], all: &[&str]) -> String {
    let others: Vec<&str> = all.iter().filter(|one| !programs.contains(one)).copied().collect();
    match others[..] {
        [] => "all services".to_owned(),
        [other] if all.len() > 2 => format!("all services but {other}"),
        _ => programs.join(", "),
    }
}

/// A secret has a variable for its value beside the one for its file; a flag that doesn't follow from the variable is named.
fn name(setting: &Setting) -> String {
    let Setting {
        variable, flag, text, ..
    } = setting;
    let value = variable
        .strip_suffix("_FILE")
        .filter(|value| text.contains(&format!("set {value} in the environment")));
    let secret = value.map(|value| format!("`{value}`, ")).unwrap_or_default();
    let follows = format!("--{}", variable.to_lowercase().replace('_', "-")) == *flag;
    let own = if follows { String::new() } else { format!(" (`{flag}`)") };
    format!("{secret}`{variable}`{own}")
}

fn default(setting: &Setting) -> String {
    match &setting.default {
        _ if setting.required => "**required**".to_owned(),
        None => "unset".to_owned(),
        Some(empty) if empty.is_empty() => "empty".to_owned(),
        // So that a browser can break it.
        Some(default) if default.len() > LONG => format!("`{}`", default.replace(',', ", ")),
        Some(default) => format!("`{default}`"),
    }
}

fn what(text: &str, values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| value_and_meaning(value)).collect();
    let said = cell(text);
    let stop = if said.ends_with('.') { "" } else { "." };
    let values = match values.join(", ") {
        none if none.is_empty() => none,
        values => format!(" One of {values}."),
    };
    format!("{said}{stop}{values}")
}

fn value_and_meaning(value: &str) -> String {
    match value.split_once(": ") {
        Some((value, meaning)) => format!("`{value}` ({})", cell(meaning.trim())),
        None => format!("`{value}`"),
    }
}

/// As a table's cell may have it: outside of code nothing is HTML or emphasis.
fn cell(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => part.replace('<', "&lt;").replace('*', "\\*"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("`").replace('|', "\\|")
}

/// What some programs say at their end, each once.
fn after(told: &[Told]) -> String {
    let mut notes: Vec<(&[String], Vec<&str>)> = Vec::new();
    for (program, help) in told.iter().filter(|(_, help)| !help.after.is_empty()) {
        match notes.iter_mut().find(|(there, _)| *there == help.after) {
            Some((_, programs)) => programs.push(program),
            None => notes.push((&help.after, vec![program])),
        }
    }
    let told = notes.iter().map(|(lines, of)| {
        let title = lines[0].trim_end_matches(':');
        format!(
            "\n## {title}\n\nOf {}.\n\n```text\n{}\n```\n",
            of.join(", "),
            lines[1..].join("\n")
        )
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(heading: &str, variable: &str, text: &str) -> Setting {
        Setting {
            heading: heading.into(),
            flag: format!("--{}", variable.to_lowercase().replace('_', "-")),
            variable: variable.into(),
            default: Some("a,b".into()),
            required: false,
            values: Vec::new(),
            text: text.into(),
        }
    }

    fn help(settings: Vec<Setting>) -> Help {
        Help {
            settings,
            after: vec!["SDK:".into(), "  X".into()],
        }
    }

    #[test]
    fn what_all_have_comes_last_and_once() {
        let shared = setting(
            "Database: words",
            "URL_FILE",
            "A secret: set URL in the environment, or a <file> | `a|b`",
        );
        let own = Setting {
            required: true,
            flag: "--mine".into(),
            values: vec!["x: good".into()],
            ..setting("Own", "OWN", "Mine")
        };
        let told = [("one", help(vec![shared.clone()])), ("two", help(vec![shared, own]))];
        let page = format!("By hand\n{MARKER}old\n");
        let written = rewrite(&page, &told).unwrap();
        let expected = format!(
            "By hand\n{MARKER}
## Own

Of two.

| setting | default | |
|---|---|---|
| `OWN` (`--mine`) | **required** | Mine. One of `x` (good). |

## Database

Of all services. words.

| setting | default | |
|---|---|---|
| `URL`, `URL_FILE` | `a,b` | A secret: set URL in the environment, or a &lt;file> \\| `a\\|b`. |

## SDK

Of one, two.

```text
  X
```
"
        );
        assert_eq!(written, expected);
        assert!(rewrite("no marker", &told).is_err());
    }

    #[test]
    fn a_setting_that_differs_has_a_row_for_each() {
        let told = [
            ("one", help(vec![setting("Listen", "PORT", "Open")])),
            ("two", help(vec![setting("Listen", "PORT", "Inside")])),
        ];
        let written = rewrite(MARKER, &told).unwrap();
        assert!(
            written.contains("| `PORT` | one | `a,b` | Open. |\n| `PORT` | two | `a,b` | Inside. |\n"),
            "{written}"
        );
    }
}
