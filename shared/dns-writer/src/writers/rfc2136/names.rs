//! DNS names as the rest of the broker writes them: in lower case, without a trailing dot.

use hickory_proto::rr::Name;

/// The absolute name, if it is one.
pub(super) fn parse(text: &str) -> Option<Name> {
    let mut name = Name::from_ascii(text).ok().filter(|name| name.num_labels() > 0)?;
    name.set_fqdn(true);
    Some(name)
}

/// The name as text.
pub(super) fn text(name: &Name) -> String {
    let mut text = name.to_ascii().to_ascii_lowercase();
    if text.ends_with('.') {
        text.pop();
    }
    text
}
