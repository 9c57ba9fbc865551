//! The challenge types with which control of a domain is proved (RFC 8555 §8): one file and one row of the table below
//! for each. The file defines how the challenge is read from the CA's offer, what a tenant has to set, where it is
//! looked for, and how it is judged.

mod challenge_type;
mod challenges;
mod delegated_dns01;
mod dns01;
pub mod dns_persist01;
#[cfg(test)]
pub(crate) mod examples;
mod http01;
mod offered;

pub use challenge_type::{ChallengeType, Judge, Judged, LookFor, Place, Redirect, Tenancy, ToSet};
pub use challenges::Challenges;
pub use delegated_dns01::DelegatedDns01;
pub use dns_persist01::DnsPersist01;
pub use dns01::Dns01;
pub use http01::{CHALLENGE_PATH, Http01, path_segment, responder_origin_path, responder_path, responder_prefix};
pub use offered::{Account, Offered};

use crate::step::UnknownName;

/// Generates from the table of challenge types: [`Method`], [`Challenge`], and the dispatch from each to its file.
macro_rules! ways {
    ($($(#[doc = $about:literal])+ $way:ident = $name:literal;)+) => {
        /// A way to prove control of a domain.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum Method {$(
            $(#[doc = $about])+
            #[serde(rename = $name)]
            $way,
        )+}

        /// What the CA offers for one domain in one order, for one challenge type: everything that is needed to prove
        /// the domain with it. None of it is secret.
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum Challenge {$(
            $(#[doc = $about])+
            #[serde(rename = $name)]
            $way($way),
        )+}

        impl Method {
            /// Every challenge type, in the order of preference.
            pub const ALL: [Self; [$(Self::$way),+].len()] = [$(Self::$way),+];

            /// The way's name, in SQL, settings and texts.
            pub fn as_str(self) -> &'static str {
                match self {$(Self::$way => $name,)+}
            }

            /// The ACME challenge type with which the CA validates it.
            pub fn acme_type(self) -> &'static str {
                match self {$(Self::$way => $way::ACME_TYPE,)+}
            }

            /// Whether the expected value is computed with the account's key (RFC 8555 §8.1): another key requires
            /// another value.
            pub fn is_made_with_the_key(self) -> bool {
                match self {$(Self::$way => $way::MADE_WITH_THE_KEY,)+}
            }

            /// Whether the challenge is valid for every order of the account, so that it can be met before the next one
            /// is placed.
            pub fn outlasts_its_order(self) -> bool {
                match self {$(Self::$way => $way::OUTLASTS_ITS_ORDER,)+}
            }

            /// Whether what a tenant sets serves later certificates as well.
            pub fn is_kept(self) -> bool {
                match self {$(Self::$way => $way::KEPT,)+}
            }

            /// Whether what a tenant sets names the account at one CA, and proves nothing to another CA.
            pub fn names_the_account(self) -> bool {
                match self {$(Self::$way => $way::NAMES_THE_ACCOUNT,)+}
            }

            /// Whether what a tenant sets differs from what another tenant with the same account would have to set.
            pub fn names_the_tenant(self) -> bool {
                match self {$(Self::$way => $way::NAMES_THE_TENANT,)+}
            }

            /// The heading that a tenant is shown before the records to set; `wildcards`: some of the domains are
            /// wildcards.
            pub fn heading(self, wildcards: bool) -> &'static str {
                match self {$(Self::$way => $way::heading(wildcards),)+}
            }

            fn read(self, offered: &Offered<'_>) -> Option<Result<Challenge, String>> {
                match self {$(Self::$way => $way::read(offered).map(|read| read.map(Challenge::$way)),)+}
            }
        }

        impl std::str::FromStr for Method {
            type Err = UnknownName;
            fn from_str(name: &str) -> Result<Self, UnknownName> {
                match name {
                    $($name => Ok(Self::$way),)+
                    other => Err(UnknownName::new("challenge type", other)),
                }
            }
        }

        impl Challenge {
            /// The challenge type.
            pub fn method(&self) -> Method {
                match self {$(Self::$way(_) => Method::$way,)+}
            }

            /// Whether the CA has to present the account as valid at its URL before a tenant may rely on this
            /// challenge.
            pub fn relies_on_the_accounts_url(&self) -> bool {
                match self {$(Self::$way(challenge) => challenge.relies_on_the_accounts_url(),)+}
            }

            /// Where the domain's proof is looked for.
            pub fn place(&self, domain: &str) -> Place {
                match self {$(Self::$way(challenge) => challenge.place(domain),)+}
            }

            /// What a tenant has to set for the domain.
            pub fn to_set(&self, domain: &str, tenancy: &Tenancy<'_>) -> ToSet {
                match self {$(Self::$way(challenge) => challenge.to_set(domain, tenancy),)+}
            }

            /// What has to be seen for the domain.
            pub fn look_for(&self, domain: &str) -> LookFor<'_> {
                match self {$(Self::$way(challenge) => challenge.look_for(domain),)+}
            }
        }
    };
}

// In the order of preference. docs/contributors/way-of-proof.md explains how to add one.
ways! {
    /// A standing TXT record that names the tenant's account (draft-ietf-acme-dns-persist).
    DnsPersist01 = "dns-persist-01";
    /// A standing CNAME to a name at which the broker writes this order's value.
    DelegatedDns01 = "delegated-dns-01";
    /// This order's TXT record (RFC 8555 §8.4).
    Dns01 = "dns-01";
    /// This order's token over HTTP (RFC 8555 §8.3).
    Http01 = "http-01";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_proved_at_the_name_it_is_a_wildcard_of() {
        let offered = examples::challenges("https://ca.example/acct/1", "gfj9Xq", "*.example.com");
        let places: Vec<String> = offered
            .iter()
            .map(|one| one.place("*.example.com").to_string())
            .collect();
        let expected = ["TXT _validation-persist.example.com", "TXT _acme-challenge.example.com"];
        assert_eq!(places, expected, "and by HTTP not at all");
    }

    #[test]
    fn a_name_is_the_same_everywhere() {
        for method in Method::ALL {
            assert_eq!(method.as_str().parse::<Method>().unwrap(), method);
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
        assert!("dns-02".parse::<Method>().is_err());
    }
}
