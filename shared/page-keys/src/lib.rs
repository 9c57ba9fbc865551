//! The links of status pages: `PAGES_URL`, `/i/`, the instance's id, and a token that is signed with one of `PAGE_KEYS`. Whether a
//! link that is signed is still alive, the database knows. And what a sign-in with the platform consists of, which is signed with the same
//! keys. See README.md.

mod args;
mod keys;
mod link;
mod operator_form;
mod sign_in;

pub use args::{OptionalPagesUrl, PageArgs, PageKeysSetting, PagesUrl, is_private};
pub use keys::{PageKeys, PageKeysError};
pub use link::{Links, path};
pub use sign_in::{Begun, Right, Session, signed_in_path};
