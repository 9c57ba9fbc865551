//! A page, cut into the pieces that change: its sections, and the rows of the domains. It is cut out of the HTML that a browser gets
//! without a script, so that there is one page and no second rendering of it. Every text in it is escaped, so a `<` is always a tag of the
//! templates.

use std::iter::once;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use axum::body::Bytes;
use serde::Serialize;

/// How the pieces begin and end. None is within another one, nor within one of its own kind.
const KINDS: [(&str, &str); 3] = [
    ("<p id=\"as-of\"", "</p>"),
    ("<form id=\"", "</form>"),
    ("<section id=\"", "</section>"),
];
/// A domain's row, within a section.
const ROW: (&str, &str) = ("<tr role=\"row\" id=\"", "</tr>");

/// The pieces of a page, in their order.
#[derive(Debug)]
pub(in crate::page) struct Pieces {
    all: Vec<Piece>,
    /// What a reader gets who has just come. There may be hundreds of them, and each may read as slowly as it is allowed to.
    whole: OnceLock<Option<Bytes>>,
    /// What readers get who had one of these before.
    differences: Mutex<Vec<(Weak<Pieces>, Option<Bytes>)>>,
}

#[derive(Debug)]
struct Piece {
    html: String,
    /// Where its rows are.
    rows: Vec<Range<usize>>,
}

/// What is sent: the ids of all pieces, and those that have changed, whole.
#[derive(Serialize)]
struct Changes<'p> {
    order: Vec<&'p str>,
    pieces: Vec<(&'p str, &'p str)>,
}

impl Pieces {
    /// The pieces of a page.
    pub(in crate::page) fn of(page: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = page;
        loop {
            let found = KINDS.iter().filter_map(|kind| next(rest, kind));
            let Some((piece, end)) = found.min_by_key(|(piece, _)| piece.start) else {
                return Self {
                    all: pieces,
                    whole: OnceLock::new(),
                    differences: Mutex::default(),
                };
            };
            pieces.push(Piece::of(&rest[piece]));
            rest = &rest[end..];
        }
    }

    /// Everything, as the event that it makes: once for all readers.
    pub(super) fn whole(&self, event: fn(&str) -> Bytes) -> Option<Bytes> {
        let whole = self.whole.get_or_init(|| self.since(None).as_deref().map(event));
        whole.clone()
    }

    /// What has changed since then, as the event that it makes: once for all readers who had the same. `None`: nothing has.
    pub(super) fn difference(&self, told: &Arc<Self>, event: fn(&str) -> Bytes) -> Option<Bytes> {
        // No code in here panics while it holds the lock, so poisoning can be ignored.
        let mut known = self.differences.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(from, _)| from.strong_count() > 0);
        if let Some((_, made)) = known.iter().find(|(from, _)| from.as_ptr() == Arc::as_ptr(told)) {
            return made.clone();
        }
        let made = self.since(Some(told)).as_deref().map(event);
        known.push((Arc::downgrade(told), made.clone()));
        made
    }

    /// What has changed since then, as JSON in one line; everything, if it was not told before. `None`: nothing has.
    pub(in crate::page) fn since(&self, told: Option<&Self>) -> Option<String> {
        let before = |id: &str| told.and_then(|told| told.all.iter().find(|piece| piece.id() == id));
        let mut pieces = Vec::new();
        for piece in &self.all {
            match before(piece.id()) {
                Some(before) => piece.since(before, &mut pieces),
                None => pieces.push((piece.id(), piece.html.as_str())),
            }
        }
        let is_gone = |piece: &Piece| self.all.iter().all(|one| one.id() != piece.id());
        if pieces.is_empty() && !told.is_some_and(|told| told.all.iter().any(is_gone)) {
            return None;
        }
        let order = self.all.iter().map(Piece::id).collect();
        serde_json::to_string(&Changes { order, pieces }).ok()
    }
}

impl Piece {
    fn of(html: &str) -> Self {
        let mut rows = Vec::new();
        let mut from = 0;
        while let Some((row, end)) = next(&html[from..], &ROW) {
            rows.push(from + row.start..from + row.end);
            from += end;
        }
        Self {
            html: html.to_owned(),
            rows,
        }
    }

    fn id(&self) -> &str {
        id(&self.html)
    }

    /// Its rows, if nothing else of it has changed, or else all of it.
    fn since<'p>(&'p self, before: &Self, changes: &mut Vec<(&'p str, &'p str)>) {
        if self.html == before.html {
            return;
        }
        let is_framed_alike = self.frame().eq(before.frame()) && self.rows().map(id).eq(before.rows().map(id));
        if !is_framed_alike {
            changes.push((self.id(), self.html.as_str()));
            return;
        }
        let changed = self.rows().zip(before.rows()).filter(|(now, then)| now != then);
        changes.extend(changed.map(|(now, _)| (id(now), now)));
    }

    fn rows(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| &self.html[row.clone()])
    }

    /// What is around the rows.
    fn frame(&self) -> impl Iterator<Item = &str> {
        let begin = once(0).chain(self.rows.iter().map(|row| row.end));
        let end = self.rows.iter().map(|row| row.start).chain(once(self.html.len()));
        begin.zip(end).map(|(begin, end)| &self.html[begin..end])
    }
}

/// The next piece of this kind: where it is, and where it ends.
fn next(html: &str, (begin, end): &(&str, &str)) -> Option<(Range<usize>, usize)> {
    let start = html.find(begin)?;
    let stop = start + html[start..].find(end)? + end.len();
    Some((start..stop, stop))
}

/// The id of an element.
fn id(element: &str) -> &str {
    let id = element.split_once(" id=\"").and_then(|(_, rest)| rest.split_once('"'));
    id.map_or("", |(id, _)| id)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn row(domain: &str, text: &str) -> String {
        format!("<tr role=\"row\" id=\"at-{domain}\"><th>{text}</th></tr>\n")
    }

    fn page(as_of: &str, rows: &[String], more: &str) -> Pieces {
        let rows = rows.concat();
        Pieces::of(&format!(
            "<html><header><p id=\"as-of\">{as_of}</p></header><main>\n\
             <form id=\"check\"><input name=\"form\"></form>\n\
             <section id=\"section-now\" class=\"card\"><p>Now</p></section>\n{more}\
             <section id=\"section-domains\"><table><tr role=\"row\"><th>Domain</th></tr>\n{rows}</table></section>\n</main></html>"
        ))
    }

    fn since(now: &Pieces, told: Option<&Pieces>) -> Value {
        let changes = now.since(told);
        let changes = changes.map(|changes| {
            assert!(!changes.contains('\n'), "one line: {changes}");
            serde_json::from_str(&changes).unwrap()
        });
        changes.unwrap_or(Value::Null)
    }

    fn ids(changes: &Value) -> Vec<&str> {
        let pieces = changes["pieces"].as_array().unwrap();
        pieces.iter().map(|piece| piece[0].as_str().unwrap()).collect()
    }

    #[test]
    fn a_reader_gets_everything_and_then_what_has_changed() {
        let rows = [row("a.example", "old"), row("b.example", "b")];
        let first = page("12:00", &rows, "");
        let all = since(&first, None);
        let order = ["as-of", "check", "section-now", "section-domains"];
        assert_eq!((ids(&all), &all["order"]), (order.to_vec(), &json!(order)));
        assert_eq!(
            all["pieces"][2][1],
            "<section id=\"section-now\" class=\"card\"><p>Now</p></section>"
        );
        assert_eq!(since(&page("12:00", &rows, ""), Some(&first)), Value::Null);

        let rows = [row("a.example", "new"), row("b.example", "b")];
        let second = page("12:01", &rows, "");
        let changes = since(&second, Some(&first));
        assert_eq!(ids(&changes), ["as-of", "at-a.example"]);
        assert_eq!(changes["pieces"][1][1], row("a.example", "new").trim_end());
    }

    #[test]
    fn what_comes_or_goes_is_told() {
        let (a, b) = (row("a.example", "a"), row("b.example", "b"));
        let (both, swapped, alone) = ([a.clone(), b.clone()], [b, a.clone()], [a]);
        let first = page("12:00", &both, "");
        // The frame has changed with its rows.
        for rows in [&alone[..], &swapped] {
            let changes = since(&page("12:00", rows, ""), Some(&first));
            assert_eq!(ids(&changes), ["section-domains"]);
        }
        let renewal = "<section id=\"section-renewal\">Renewal</section>\n";
        let second = page("12:00", &alone, renewal);
        let changes = since(&second, Some(&first));
        assert_eq!(ids(&changes), ["section-renewal", "section-domains"]);
        assert_eq!(changes["order"][3], "section-renewal");
        let third = page("12:00", &alone, "");
        let changes = since(&third, Some(&second));
        assert!(ids(&changes).is_empty());
        assert_eq!(
            changes["order"],
            json!(["as-of", "check", "section-now", "section-domains"])
        );
    }
}
