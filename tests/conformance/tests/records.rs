//! The records of a page as files, read by the programs that their users have. Needs BIND and what `records-requirements.txt` names
//! (tests/setup.sh).

use std::fs;
use std::path::Path;

use conformance::judges;
use pipeline::records::{Data, Form, RecordSet};
use serde_json::json;

/// The end of a string, of a line, a template, a formula, what is no ASCII, and a digit after what is escaped by digits.
const HOSTILE: &str = "=a\"b\\c${d}%{e}\n1\u{e9}$${f}%%{g}\\";

fn txt(name: &str, values: &[&str]) -> RecordSet {
    RecordSet {
        name: name.to_owned(),
        data: Data::Txt(values.iter().map(|value| (*value).to_owned()).collect()),
    }
}

fn records() -> Vec<RecordSet> {
    let (full, long) = ("x".repeat(255), "y".repeat(254) + &"\u{e9}".repeat(200));
    vec![
        RecordSet {
            name: "_acme-challenge.www.example.co.uk".to_owned(),
            data: Data::Cname("x7k2.acme.example".to_owned()),
        },
        txt(
            "_validation-persist.example.com",
            &["letsencrypt.org;accounturi=https://ca.example/acct/123;policy=wildcard"],
        ),
        txt("_acme-challenge.example.com", &["gfj9Xq_Rg85nM", &full, &long, ""]),
        txt("_acme-challenge.a b;c\n${d}.example.com", &[HOSTILE, "-1+1", "@sum(a)"]),
    ]
}

/// The files, and what is to be read in them.
fn write(records: &[RecordSet], folder: &Path) -> anyhow::Result<()> {
    let (mut values, mut targets) = (Vec::new(), Vec::new());
    for record in records {
        match &record.data {
            Data::Txt(all) => values.extend(all.iter().map(|value| json!([record.name, value]))),
            Data::Cname(target) => targets.push(json!([record.name, target])),
        }
    }
    let expected = json!({"TXT": values, "CNAME": targets});
    fs::write(folder.join("expected.json"), expected.to_string())?;
    for form in Form::ALL {
        fs::write(folder.join(format!("records.{}", form.name())), form.write(records))?;
    }
    Ok(())
}

#[tokio::test]
async fn every_program_reads_the_names_and_values_that_were_written() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    write(&records(), folder.path())?;
    let (said, agrees) = judges::records(folder.path()).await?;
    anyhow::ensure!(agrees, "{said}");
    Ok(())
}

/// Validates the judge.
#[tokio::test]
async fn what_is_spoilt_is_seen_in_each_file() -> anyhow::Result<()> {
    for (form, from, to, judge) in [
        (Form::Zone, "\\195\\169", "\\195\\168", "zone: "),
        (Form::Zone, "\"gfj9Xq", "gfj9Xq", "zone: "),
        (Form::Route53, "\\u0024{d}", "${d}", "route53: "),
        (Form::Cloudflare, "_validation-persist", "_validation", "cloudflare: "),
        (Form::Dns, "gfj9Xq", "gfj9Xr", "updates: "),
        (Form::Csv, "\"'=a", "\"=a", "cells: "),
    ] {
        let folder = tempfile::tempdir()?;
        write(&records(), folder.path())?;
        let file = folder.path().join(format!("records.{}", form.name()));
        let whole = fs::read_to_string(&file)?;
        let spoilt = whole.replace(from, to);
        anyhow::ensure!(spoilt != whole, "{form:?}: there is no {from:?} in {whole}");
        fs::write(&file, spoilt)?;
        let (said, agrees) = judges::records(folder.path()).await?;
        anyhow::ensure!(!agrees, "{form:?}: {to:?} is taken for {from:?}");
        let others = said.lines().find(|line| !line.starts_with(judge));
        anyhow::ensure!(others.is_none() && !said.is_empty(), "{form:?}: {said}");
    }
    Ok(())
}
