//! The refusal of a request that exceeds what a tenant may request without a proof.

use store::{Of, TooMuch};

use crate::osbapi::error::OsbError;

/// 400: of all 4xx codes it is the one that Cloud Controller shows to its user without removing anything (a 422 without
/// a code of OSBAPI's makes it delete the instance, `ResponseParser` and `Client#provision` of cloud_controller_ng),
/// and that no platform retries by itself.
pub(crate) fn too_much_unproved(too_much: &TooMuch) -> OsbError {
    OsbError::bad_request(text(too_much))
}

fn text(too_much: &TooMuch) -> String {
    let TooMuch { there, more, most, .. } = too_much;
    let (what, setting) = match too_much.of {
        Of::Instances => (
            format!(
                "This organization has {there} service instances of which no domain is proved yet, and may have \
                 {most} at the same time."
            ),
            "UNPROVED_INSTANCES",
        ),
        Of::Domains => (
            format!(
                "domains: this organization asks for {there} domains that are not proved yet, and may ask for {most} \
                 at the same time: {more} more are too many."
            ),
            "UNPROVED_DOMAINS",
        ),
    };
    let such_as = match too_much.such_as.as_slice() {
        [] => String::new(),
        names => format!(" (the oldest: {})", names.join(", ")),
    };
    format!(
        "{what} Nothing was changed. Prove some of the domains that wait{such_as}, as `cf service` says, or delete \
         services that are not needed (`cf services`); then try again. Your platform's operator can raise the limit \
         ({setting})."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_number_the_limit_who_can_raise_it_and_what_to_do() {
        let mut too_much = TooMuch {
            of: Of::Instances,
            there: 50,
            more: 1,
            most: 50,
            such_as: vec!["a.example.com".into(), "b.example.com".into()],
        };
        insta::assert_snapshot!(text(&too_much), @"This organization has 50 service instances of which no domain is proved yet, and may have 50 at the same time. Nothing was changed. Prove some of the domains that wait (the oldest: a.example.com, b.example.com), as `cf service` says, or delete services that are not needed (`cf services`); then try again. Your platform's operator can raise the limit (UNPROVED_INSTANCES).");
        (too_much.of, too_much.there, too_much.more, too_much.most) = (Of::Domains, 480, 25, 500);
        too_much.such_as.clear();
        insta::assert_snapshot!(text(&too_much), @"domains: this organization asks for 480 domains that are not proved yet, and may ask for 500 at the same time: 25 more are too many. Nothing was changed. Prove some of the domains that wait, as `cf service` says, or delete services that are not needed (`cf services`); then try again. Your platform's operator can raise the limit (UNPROVED_DOMAINS).");
    }
}
