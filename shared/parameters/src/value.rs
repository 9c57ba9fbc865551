//! Types of values that several parameters share.

pub(crate) mod host;
pub(crate) mod host_name;
pub(crate) mod managed_policy;
pub(crate) mod names;
pub(crate) mod pasted;
pub(crate) mod public_name;
pub(crate) mod url_path;
