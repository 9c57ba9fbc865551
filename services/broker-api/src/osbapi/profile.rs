//! How many names a certificate may contain, by the CA's profile (draft-ietf-acme-profiles;
//! https://letsencrypt.org/docs/profiles/).

use parameters::MOST_DOMAINS;

use crate::osbapi::error::OsbError;

/// Let's Encrypt's profiles whose certificates contain fewer names than a distribution has aliases, and how many.
const SMALL: [(&str, usize); 2] = [("tlsserver", 25), ("shortlived", 25)];

/// The CA's profile; empty: its default.
#[derive(Clone, Debug)]
pub(crate) struct Profile(pub(crate) String);

impl Profile {
    /// Refuses more names than a certificate of this profile may contain.
    ///
    /// # Errors
    /// 400, with the remedy.
    pub(crate) fn check(&self, domains: &[String]) -> Result<(), OsbError> {
        let most = SMALL
            .into_iter()
            .find(|(name, _)| *name == self.0)
            .map_or(MOST_DOMAINS, |(_, most)| most);
        if domains.len() <= most {
            return Ok(());
        }
        Err(OsbError::bad_request(format!(
            "domains: there are {}; a certificate of the CA's profile {} holds at most {most}: create several service instances.",
            domains.len(),
            self.0
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_certificates_hold_25_names_and_any_other_a_hundred() {
        let names = |count: usize| vec!["a.example".to_owned(); count];
        for (profile, most) in [("tlsserver", 25), ("shortlived", 25), ("classic", 100), ("", 100)] {
            let profile = Profile(profile.to_owned());
            assert!(profile.check(&names(most)).is_ok(), "{profile:?}");
            if most < MOST_DOMAINS {
                assert!(profile.check(&names(most + 1)).is_err(), "{profile:?}");
            }
        }
    }
}
