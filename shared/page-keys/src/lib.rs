//! The links of status pages: `PAGES_URL`, `/i/`, the instance's id, and a token that is signed with one of `PAGE_KEYS`. Whether a
//! link that is signed is still alive, the database knows. See README.md.

mod args;
mod keys;
mod link;
mod operator_form;

pub use args::{OptionalPagesUrl, PageArgs, PageKeysSetting, PagesUrl};
pub use keys::{PageKeys, PageKeysError};
pub use link::{Links, path};
