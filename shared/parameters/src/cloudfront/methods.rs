//! The HTTP methods that a behavior allows.

use std::collections::BTreeSet;

use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{AllowedMethods, CachedMethods, Method};

use super::quantity;

/// With GET and HEAD cached.
///
/// # Errors
/// None, as long as the SDK's model requires no further members.
pub fn methods(allowed: &[Method]) -> Result<AllowedMethods, BuildError> {
    AllowedMethods::builder()
        .quantity(quantity(allowed))
        .set_items(Some(allowed.to_vec()))
        .cached_methods(
            CachedMethods::builder()
                .quantity(2)
                .items(Method::Get)
                .items(Method::Head)
                .build()?,
        )
        .build()
}

/// Sets [`methods`], unless only their order differs.
///
/// # Errors
/// Like [`methods`].
pub fn put_methods(there: &mut Option<AllowedMethods>, allowed: &[Method]) -> Result<(), BuildError> {
    let wanted = methods(allowed)?;
    if there.as_ref().map(names) != Some(names(&wanted)) {
        *there = Some(wanted);
    }
    Ok(())
}

fn names(methods: &AllowedMethods) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let cached = methods.cached_methods.iter().flat_map(|cached| &cached.items);
    (
        methods.items.iter().map(Method::as_str).collect(),
        cached.map(Method::as_str).collect(),
    )
}
