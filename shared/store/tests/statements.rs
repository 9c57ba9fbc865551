//! Every statement of this crate has a name, and none bypasses [`Statement`](../src/statement.rs).
#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// Calls that query PostgreSQL without a name.
const AROUND: [&str; 8] = [
    ".query",
    ".execute",
    ".prepare(",
    ".prepare_",
    ".simple_query",
    ".batch_execute",
    ".copy_in",
    ".copy_out",
];

/// A longer statement lives in a file of its own.
const MOST_LINES: usize = 6;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The files below `folder` whose names end in `extension`, with their contents.
fn files(folder: &Path, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|is| is == extension) {
            let text = read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The crate's code except tests and the file that all statements go through.
fn code() -> Vec<(PathBuf, String)> {
    let mut code = files(&src(), "rs");
    code.retain(|(path, _)| !path.ends_with("src/statement.rs"));
    for (_, text) in &mut code {
        let end = text.find("#[cfg(test)]").unwrap_or(text.len());
        text.truncate(end);
    }
    code
}

/// The names after `opening`, each a literal.
fn names<'t>(text: &'t str, opening: &str) -> Vec<&'t str> {
    text.split(opening)
        .skip(1)
        .map(|rest| {
            let literal = rest.trim_start().strip_prefix('"');
            let name = literal.and_then(|rest| rest.split_once('"')).map(|(name, _)| name);
            name.unwrap_or_else(|| {
                panic!(
                    "no name after {opening} in {}",
                    rest.split('\n').next().unwrap_or_default()
                )
            })
        })
        .collect()
}

/// The string literals of some code, which has no raw ones.
fn literals(text: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (_, here) = rest.split_at(at);
        if here.starts_with("//") {
            rest = here.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(after) = here.strip_prefix("'\"'") {
            rest = after;
        } else if let Some(body) = here.strip_prefix('"') {
            let mut escaped = false;
            let end = body.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let end = end.unwrap_or(body.len());
            found.push(&body[..end]);
            rest = body.get(end + 1..).unwrap_or_default();
        } else {
            rest = &here[1..];
        }
    }
    found
}

#[test]
fn nothing_asks_postgresql_without_a_name() {
    for (path, text) in code() {
        for around in AROUND {
            assert!(!text.contains(around), "{}: {around} has no name", path.display());
        }
    }
}

#[test]
fn every_name_is_one_statements_alone_and_fits_into_a_label() {
    let mut all = BTreeSet::new();
    for (path, text) in code() {
        let (inline, in_files) = (names(&text, "Statement::new("), names(&text, "statement!("));
        for name in inline.into_iter().chain(in_files) {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(
                !name.is_empty() && name.chars().all(fits),
                "{}: {name:?}",
                path.display()
            );
            assert!(all.insert(name.to_owned()), "{}: {name} appears twice", path.display());
        }
    }
    assert!(all.len() > 150, "{} found", all.len());
}

#[test]
fn a_long_statement_has_a_file_of_its_own() {
    for (path, text) in code() {
        for literal in literals(&text) {
            let lines = literal.lines().count();
            assert!(lines <= MOST_LINES, "{}: {lines} lines: {literal}", path.display());
        }
    }
    let used: BTreeSet<String> = code()
        .iter()
        .flat_map(|(_, text)| names(text, "statement!(").into_iter().map(|name| format!("{name}.sql")))
        .collect();
    let there: BTreeSet<String> = files(&src().join("sql"), "sql")
        .iter()
        .filter_map(|(path, _)| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    assert_eq!(used, there, "each file is one statement's");
}
