//! The page with the tables: each stands between its markers.

use anyhow::Context as _;

const END: &str = "<!-- /bench -->";

/// What stands between the markers of that name; nothing if there are none.
pub(crate) fn between<'t>(text: &'t str, name: &str) -> &'t str {
    let begin = format!("<!-- bench:{name} -->");
    let rest = text.split_once(&begin).map_or("", |(_, rest)| rest);
    rest.split_once(END).map_or("", |(content, _)| content)
}

/// The page, with other content between the markers of that name.
///
/// # Errors
/// When it has no such markers.
pub(crate) fn with(text: &str, name: &str, content: &str) -> anyhow::Result<String> {
    let begin = format!("<!-- bench:{name} -->");
    let (before, rest) = text
        .split_once(&begin)
        .with_context(|| format!("the page has no {begin}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{begin} has no {END}"))?;
    Ok(format!("{before}{begin}\n\n{}\n\n{END}{after}", content.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_of_that_name_is_replaced() {
        let page = "# Title\n<!-- bench:a -->\nold\n<!-- /bench -->\ntext\n<!-- bench:b --><!-- /bench -->\n";
        let once = with(page, "b", "new\n").unwrap();
        assert!(once.contains("old") && once.ends_with("<!-- bench:b -->\n\nnew\n\n<!-- /bench -->\n"));
        let twice = with(&once, "a", "newer").unwrap();
        assert!(twice.starts_with("# Title\n<!-- bench:a -->\n\nnewer\n\n<!-- /bench -->\ntext\n"));
        assert_eq!(with(&twice, "a", "newer").unwrap(), twice);
        assert_eq!(
            ["a", "b", "c"].map(|name| between(&twice, name).trim()),
            ["newer", "new", ""]
        );
    }

    #[test]
    fn a_page_without_the_markers_is_an_error() {
        assert!(with("# Title", "a", "new").is_err());
        assert!(with("<!-- bench:a -->", "a", "new").is_err());
    }

    #[test]
    fn the_page_has_the_markers_of_every_row() {
        let page = include_str!("../../../docs/performance.md");
        let rows = crate::rows::all();
        for name in rows.iter().map(|row| row.name()).chain(["machine"]) {
            assert!(with(page, name, "new").is_ok(), "{name}");
        }
    }
}
