//! How names are shown to a user; for text from outside see [`pipeline::shown`].

use hickory_resolver::proto::rr::Name;

pub(crate) use pipeline::shown::{few, plain, quoted};

/// A DNS name without its trailing dot.
pub(crate) fn name(name: &Name) -> String {
    let ascii = name.to_ascii().to_ascii_lowercase();
    match ascii.trim_end_matches('.') {
        "" => ".".to_owned(),
        trimmed => plain(trimmed.as_bytes()),
    }
}
