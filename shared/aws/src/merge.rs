//! A configuration is changed in the XML that was read: what the SDK's service model does not know is preserved byte
//! for byte. `UpdateDistribution` replaces everything, and a member that isn't sent back is removed (CloudFront API
//! reference, "UpdateDistribution").
//!
//! The SDK writes what it understood of the document twice, before and after our change. Where both are the same, the
//! original is kept; where they differ, the SDK's second version is used. Pure.

use roxmltree::{Document, Node};

/// The member that identifies an item of a list; an item without any of them is identified by its text.
const IDENTITIES: [&str; 6] = ["Id", "PathPattern", "EventType", "ErrorCode", "OriginId", "HeaderName"];

/// The document that was read, with the change that leads from `before` to `after`.
///
/// # Errors
/// One of the three is not well-formed.
pub(crate) fn merged(read: &str, before: &str, after: &str) -> Result<String, roxmltree::Error> {
    let (read, before, after) = (
        Document::parse(read)?,
        Document::parse(before)?,
        Document::parse(after)?,
    );
    let mut out = String::new();
    element(
        read.root_element(),
        before.root_element(),
        after.root_element(),
        &mut out,
    );
    Ok(out)
}

fn element(read: Node<'_, '_>, before: Node<'_, '_>, after: Node<'_, '_>, out: &mut String) {
    if source(before) == source(after) {
        out.push_str(source(read));
        return;
    }
    let is_text = after.text().is_some_and(|text| !text.trim().is_empty());
    let (Some(first), Some(last)) = (read.first_child(), read.last_child()) else {
        out.push_str(source(after));
        return;
    };
    if is_text || elements(read).next().is_none() {
        out.push_str(source(after));
        return;
    }
    let text = read.document().input_text();
    out.push_str(&text[read.range().start..first.range().start]);
    match read.tag_name().name() {
        "Items" => items(read, before, after, out),
        _ => members(read, before, after, out),
    }
    out.push_str(&text[last.range().end..read.range().end]);
}

/// In the order in which they were read; a new one is inserted where the SDK has it.
fn members(read: Node<'_, '_>, before: Node<'_, '_>, after: Node<'_, '_>, out: &mut String) {
    let new = |one: &Node<'_, '_>| member(read, one.tag_name().name()).is_none();
    elements(after)
        .take_while(new)
        .for_each(|one| out.push_str(source(one)));
    for child in read.children() {
        if !child.is_element() {
            out.push_str(source(child));
            continue;
        }
        let name = child.tag_name().name();
        match (member(before, name), member(after, name)) {
            (Some(before), Some(after)) => element(child, before, after, out),
            // The SDK does not know it.
            (None, None) => out.push_str(source(child)),
            (None, Some(after)) => out.push_str(source(after)),
            (Some(_), None) => {}
        }
        let behind = elements(after).skip_while(|one| one.tag_name().name() != name).skip(1);
        behind.take_while(new).for_each(|one| out.push_str(source(one)));
    }
}

fn items(read: Node<'_, '_>, before: Node<'_, '_>, after: Node<'_, '_>, out: &mut String) {
    let same = |list, one| elements(list).find(|other| identity(*other) == identity(one));
    for wanted in elements(after) {
        match (same(read, wanted), same(before, wanted)) {
            (Some(there), Some(before)) => element(there, before, wanted, out),
            _ => out.push_str(source(wanted)),
        }
    }
}

fn identity<'n>(item: Node<'n, '_>) -> Option<&'n str> {
    let known = IDENTITIES.iter().find_map(|name| member(item, name));
    known.unwrap_or(item).text()
}

fn elements<'n, 'd: 'n>(node: Node<'n, 'd>) -> impl Iterator<Item = Node<'n, 'd>> {
    node.children().filter(Node::is_element)
}

fn member<'n, 'd>(node: Node<'n, 'd>, name: &str) -> Option<Node<'n, 'd>> {
    node.children()
        .find(|child| child.is_element() && child.tag_name().name() == name)
}

fn source<'d>(node: Node<'_, 'd>) -> &'d str {
    &node.document().input_text()[node.range()]
}

#[cfg(test)]
mod tests;
