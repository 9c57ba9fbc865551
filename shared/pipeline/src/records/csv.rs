//! Comma-separated values, for people with a spreadsheet.

use super::{Data, RecordSet};

/// What makes a spreadsheet take a cell for a formula: also by wide characters, which some take for the narrow ones (OWASP, "CSV
/// Injection").
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

pub(super) fn write(records: &[RecordSet]) -> String {
    let mut file = line(["name", "type", "value"]);
    for record in records {
        match &record.data {
            Data::Txt(values) => {
                for value in values {
                    file.push_str(&line([&record.name, "TXT", value]));
                }
            }
            Data::Cname(target) => file.push_str(&line([&record.name, "CNAME", target])),
        }
    }
    file
}

fn line(cells: [&str; 3]) -> String {
    format!("{}\r\n", cells.map(cell).join(","))
}

/// A spreadsheet takes what follows an apostrophe as text.
fn cell(text: &str) -> String {
    let apostrophe = if text.starts_with(FORMULA) { "'" } else { "" };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
}
