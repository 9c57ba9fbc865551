//! What `--help` says of a program's settings. Lines that clap has wrapped are whole again, so the terminal's width doesn't matter.

use anyhow::{Context as _, ensure};

/// A setting, as one program's `--help` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The heading above it; what the heading itself explains comes after its colon.
    pub(crate) heading: String,
    /// With its dashes.
    pub(crate) flag: String,
    pub(crate) variable: String,
    pub(crate) default: Option<String>,
    /// The program doesn't start without it.
    pub(crate) required: bool,
    /// What it may be, if that is a list; each with its meaning, if that is said.
    pub(crate) values: Vec<String>,
    pub(crate) text: String,
}

/// Everything that the reference needs of a program's `--help`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Help {
    pub(crate) settings: Vec<Setting>,
    /// What comes after the last setting, line by line.
    pub(crate) after: Vec<String>,
}

/// Reads it.
///
/// # Errors
/// When it has not the form in which clap writes.
pub(crate) fn parse(help: &str) -> anyhow::Result<Help> {
    let usage = help
        .lines()
        .find(|line| line.starts_with("Usage:"))
        .context("no usage")?;
    let mut found = Help::default();
    let mut heading = None;
    let mut lines = help.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(title) = heading_of(line) {
            let begins_settings = lines.peek().is_some_and(|next| next.trim_start().starts_with('-'));
            if !begins_settings && title != "Commands" {
                found.after = std::iter::once(line).chain(lines).map(str::to_owned).collect();
                break;
            }
            heading = begins_settings.then(|| title.to_owned());
        } else if let (Some(heading), Some(flag)) = (&heading, flag_of(line)) {
            let mut body = Vec::new();
            while let Some(next) = lines.next_if(|next| heading_of(next).is_none() && flag_of(next).is_none()) {
                body.push(next.trim());
            }
            found.settings.extend(setting(heading, flag, usage, &body)?);
        }
    }
    ensure!(!found.settings.is_empty(), "no setting is in it");
    Ok(found)
}

/// `PostgreSQL:` at the beginning of a line.
fn heading_of(line: &str) -> Option<&str> {
    let title = line.strip_suffix(':')?;
    (!title.starts_with(' ')).then_some(title)
}

/// `--name` of a line that begins a setting.
fn flag_of(line: &str) -> Option<&str> {
    let indented = line.len() - line.trim_start().len();
    let line = line.trim_start();
    if indented > 6 || !line.starts_with('-') {
        return None;
    }
    line.split([' ', ',']).find(|word| word.starts_with("--"))
}

/// None for a flag that no variable sets, such as `--help`.
fn setting(heading: &str, flag: &str, usage: &str, body: &[&str]) -> anyhow::Result<Option<Setting>> {
    let mut text = Vec::new();
    let (mut variable, mut default, mut values) = (None, None, Vec::new());
    for paragraph in body.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()) {
        if paragraph[0] == "Possible values:" {
            values = grouped(&paragraph[1..], "- ");
        } else if paragraph[0].starts_with('[') {
            for note in grouped(paragraph, "[") {
                let (name, said) = note
                    .strip_suffix(']')
                    .and_then(|note| note.split_once(':'))
                    .context(note.clone())?;
                match name {
                    "env" => variable = said.trim().split('=').next().map(str::to_owned),
                    "default" => default = Some(said.trim().trim_matches('"').to_owned()),
                    "possible values" => values = said.split(',').map(|value| value.trim().to_owned()).collect(),
                    other => anyhow::bail!("{flag}: [{other}: …] is new here"),
                }
            }
        } else {
            text.push(paragraph.join(" "));
        }
    }
    let Some(variable) = variable else { return Ok(None) };
    Ok(Some(Setting {
        heading: heading.to_owned(),
        flag: flag.to_owned(),
        variable,
        default,
        required: usage.split(' ').any(|word| word == flag),
        values,
        text: text.join(" "),
    }))
}

/// Lines put together so that each begins with the mark; a list's mark is left out, a bracket too.
fn grouped(lines: &[&str], mark: &str) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for line in lines {
        match (line.strip_prefix(mark), groups.last_mut()) {
            (Some(rest), _) => groups.push(rest.to_owned()),
            (None, Some(last)) => *last = format!("{last} {line}"),
            (None, None) => groups.push((*line).to_owned()),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "\
Does it.

Usage: it [OPTIONS] --to <TO> [COMMAND]

Commands:
  doctor  Looks
          around

Options:
  -h, --help
          Print help

Where: in words:
      --to <TO>
          Where it goes, which is
          far

          [env: TO=]

      --as <AS>
          How

          Possible values:
          - text: For
            people
          - json: For tools

          [env: AS=]
          [default:
          text]

      --class <CLASS>
          Which

          [env: CLASS=]
          [default: \"\"]
          [possible values: a, b]

SDK, read by itself:
  NAME   What
Every one.
";

    #[test]
    fn settings_are_whole_and_what_is_none_is_left_out() {
        let help = parse(HELP).unwrap();
        let flags: Vec<&str> = help.settings.iter().map(|setting| setting.flag.as_str()).collect();
        assert_eq!(flags, ["--to", "--as", "--class"]);
        let [to, how, class] = &help.settings[..] else { panic!() };
        assert_eq!((to.heading.as_str(), to.required), ("Where: in words", true));
        assert_eq!(
            (to.text.as_str(), to.variable.as_str()),
            ("Where it goes, which is far", "TO")
        );
        assert_eq!(how.values, ["text: For people", "json: For tools"]);
        assert_eq!((how.default.as_deref(), how.required), (Some("text"), false));
        assert_eq!(
            (class.default.as_deref(), &class.values[..]),
            (Some(""), &["a".to_owned(), "b".to_owned()][..])
        );
        assert_eq!(help.after, ["SDK, read by itself:", "  NAME   What", "Every one."]);
    }

    #[test]
    fn what_is_no_help_is_refused() {
        assert!(parse("").is_err());
        assert!(parse("Usage: it\n\nOptions:\n  -h, --help\n          Print help\n").is_err());
        assert!(parse(&HELP.replace("[env: TO=]", "[aliases: x]")).is_err());
    }
}
