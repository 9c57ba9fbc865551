//! What no template may have in it: it would make text markup, or the page's content security policy forbids it.

use std::fs;
use std::path::Path;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");

/// Ways around the escaping, and elements that run, style or load something.
const FORBIDDEN: [&str; 14] = [
    "|safe",
    "| safe",
    "|escape",
    "| escape",
    "% filter",
    "javascript:",
    "data:",
    "<style",
    "<iframe",
    "<object",
    "<embed",
    "<base",
    "formaction",
    "srcdoc",
];

fn templates(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(templates(&path));
        } else if path.extension().is_some_and(|is| is == "html") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

/// What is wrong with a template.
fn fault(template: &str) -> Option<String> {
    let text = template.to_lowercase();
    if let Some(word) = FORBIDDEN.into_iter().find(|word| text.contains(word)) {
        return Some(word.to_owned());
    }
    tags(&text).find(|tag| !is_harmless(tag)).map(str::to_owned)
}

/// The inside of each tag.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.split('<').skip(1).filter_map(|rest| Some(rest.split_once('>')?.0))
}

fn is_harmless(tag: &str) -> bool {
    let runs = |attribute: &str| {
        let name = attribute.split('=').next().unwrap_or_default();
        attribute.contains('=') && (name == "style" || name.starts_with("on"))
    };
    let is_inline = tag.starts_with("script") && !tag.contains(" src=\"");
    let loads = ["=\"http", "=\"//"].iter().any(|from| tag.contains(from));
    !tag.split_ascii_whitespace().any(runs) && !is_inline && !loads && leads_below(tag) && is_quoted(tag)
}

/// A form is posted to what is below the page, or to the page itself; the search of the operator's page only reads.
fn leads_below(tag: &str) -> bool {
    let leads = |to: &str| tag.contains(to);
    !tag.starts_with("form")
        || leads(" method=\"post\" action=\"{{ base }}/")
        || leads(" method=\"post\"") && !leads(" action=")
        || leads(" method=\"get\" action=\"/search\"")
}

/// Whether every attribute's value is in double quotes.
fn is_quoted(tag: &str) -> bool {
    let mut inside = false;
    let mut characters = tag.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => inside = !inside,
            '=' if !inside && characters.peek() != Some(&'"') => return false,
            _ => {}
        }
    }
    !inside
}

#[test]
fn no_template_lets_text_be_markup_or_has_anything_inline() {
    let all = templates(Path::new(FOLDER));
    assert!(all.len() >= 8, "{} found", all.len());
    for (path, text) in all {
        assert_eq!(fault(&text), None, "{path}");
    }
}

/// Validates this test's judge.
#[test]
fn what_is_forbidden_is_seen() {
    for bad in [
        "<p>{{ x|safe }}</p>",
        "<p>{{ x | safe }}</p>",
        "{% filter lower %}",
        "<p style=\"color: red\">",
        "<p class=\"a\" ONCLICK=\"x()\">",
        "<script>alert(1)</script>",
        "<a href=\"javascript:x\">",
        "<a href={{ x }}>",
        "<p class='a'>",
        "<link href=\"https://fonts.example/x.css\">",
        "<script src=\"//cdn.example/x.js\"></script>",
        "<style>p {}</style>",
        "<form id=\"a\" method=\"post\" action=\"{{ x }}\">",
        "<form id=\"a\" method=\"get\" action=\"{{ base }}/check\">",
        "<form id=\"a\" method=\"post\" action=\"/search\">",
        "<form>",
        "<button formaction=\"{{ base }}/check\">",
    ] {
        assert!(fault(bad).is_some(), "{bad}");
    }
    for good in [
        "<p class=\"a{% if b %} c{% endif %}\">{{ x }}</p>",
        "<script src=\"/assets/x.js\"></script>",
        "{% if a > 1 %}<p>on=1 style=2</p>{% endif %}",
        "<form id=\"a\" method=\"post\" action=\"{{ base }}/check\"></form>",
    ] {
        assert_eq!(fault(good), None, "{good}");
    }
}
