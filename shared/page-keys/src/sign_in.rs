//! A sign-in with the platform (OAuth 2, RFC 6749 §4.1), of which no process keeps anything: what has to be known when the browser comes
//! back is in the `state`, and what it may see then is in a cookie. Both are signed.
//!
//! - The **state** is for one browser, which has a cookie with a number at random: what another browser was sent away with is refused
//!   (RFC 6749 §10.12).
//! - The **verifier** of the code (RFC 7636, "PKCE") is the MAC of the state, for another purpose: it is written down nowhere.
//! - The **session** is one instance's, of one platform, for minutes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::utf8_percent_encode;

use crate::keys::{LinkKey, is_same};
use crate::link::{ENCODED, Links};

/// The first lines of what is signed.
const STATE: &str = "cdn-broker 1: state of a sign-in";
const VERIFIER: &str = "cdn-broker 1: code verifier of a sign-in";
const SESSION: &str = "cdn-broker 1: session of a status page";
/// How long somebody may take to sign in, in seconds.
const STATE_LASTS: i64 = 900;
/// Below it platforms send browsers back.
const DONE: &str = "/sign-in/done";

/// The path of an instance's page for those who sign in with this platform.
pub fn signed_in_path(platform: &str, instance: &str) -> String {
    let encoded = |text| utf8_percent_encode(text, ENCODED);
    format!("/s/{}/{}", encoded(platform), encoded(instance))
}

/// What a user may do, in Cloud Controller's words (v3, "Get permissions for a managed service instance").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To look.
    Read,
    /// And to press buttons.
    Manage,
}

impl Right {
    const ALL: [Self; 2] = [Self::Read, Self::Manage];

    /// Its name in a session.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Manage => "manage",
        }
    }
}

/// A sign-in that was begun.
#[derive(Clone, PartialEq, Eq)]
pub struct Begun {
    /// The platform, by the name of its credentials.
    pub platform: String,
    /// The instance whose page is asked for.
    pub instance: String,
    /// What the code is redeemed with (RFC 7636 §4.1).
    pub verifier: String,
}

/// What somebody who has signed in may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// What may be done.
    pub right: Right,
    /// When it has to be asked again, in seconds since 1970.
    pub until: i64,
}

impl Links {
    /// The address of the instance's page for those who sign in with this platform. Nothing in it is secret.
    pub fn signed_in_url(&self, platform: &str, instance: &str) -> String {
        format!("{}{}", self.address, signed_in_path(platform, instance))
    }

    /// Where this platform sends browsers back (RFC 6749 §3.1.2). Each has an address of its own, so that no platform can have a browser bring the
    /// code of another one as its own (RFC 9700 §4.4.2.2).
    pub fn sign_in_done(&self, platform: &str) -> String {
        format!("{}{DONE}/{}", self.address, utf8_percent_encode(platform, ENCODED))
    }

    /// The state of a new sign-in of this browser, and the verifier of its code. `nonce`: at random. `now`: in seconds since 1970.
    pub fn sign_in_state(
        &self,
        platform: &str,
        instance: &str,
        browser: &str,
        nonce: &str,
        now: i64,
    ) -> (String, String) {
        let says = Says {
            platform,
            instance,
            browser,
            nonce,
        };
        let (key, until) = (&self.keys.first, now.saturating_add(STATE_LASTS));
        (says.state(key, until), says.verifier(key, until))
    }

    /// The sign-in that this browser has begun with this state. `None`: it is forged, another browser's, or too old.
    pub fn sign_in_begun(&self, state: &str, browser: &str, now: i64) -> Option<Begun> {
        let mut parts = state.split('.');
        let (id, until, nonce) = (parts.next()?, parts.next()?.parse::<i64>().ok()?, parts.next()?);
        let (platform, instance) = (decoded(parts.next()?)?, decoded(parts.next()?)?);
        let key = self.keys.all().find(|key| key.id == id)?;
        let says = Says {
            platform: &platform,
            instance: &instance,
            browser,
            nonce,
        };
        // The whole text is compared, so there is no second way to write a part.
        if !is_same(&says.state(key, until), state) || now > until {
            return None;
        }
        Some(Begun {
            verifier: says.verifier(key, until),
            platform,
            instance,
        })
    }

    /// What the cookie of somebody contains who may see this instance's page.
    pub fn session(&self, platform: &str, instance: &str, session: Session) -> String {
        session_by(&self.keys.first, platform, instance, session)
    }

    /// What a cookie says that one of the keys has signed for this instance. `None`: it is forged, another instance's, or over.
    pub fn session_of(&self, platform: &str, instance: &str, cookie: &str, now: i64) -> Option<Session> {
        let mut parts = cookie.split('.');
        let (id, name, until) = (parts.next()?, parts.next()?, parts.next()?.parse::<i64>().ok()?);
        let key = self.keys.all().find(|key| key.id == id)?;
        let right = Right::ALL.into_iter().find(|right| right.name() == name)?;
        let session = Session { right, until };
        let is_ours = is_same(&session_by(key, platform, instance, session), cookie);
        (is_ours && now < until).then_some(session)
    }
}

fn session_by(key: &LinkKey, platform: &str, instance: &str, Session { right, until }: Session) -> String {
    let mac = key.mac_of(SESSION, &[platform, instance, right.name()], until);
    format!("{}.{}.{until}.{mac}", key.id, right.name())
}

/// What a state says.
struct Says<'s> {
    platform: &'s str,
    instance: &'s str,
    browser: &'s str,
    nonce: &'s str,
}

impl Says<'_> {
    fn texts(&self) -> [&str; 4] {
        [self.platform, self.instance, self.browser, self.nonce]
    }

    fn state(&self, key: &LinkKey, until: i64) -> String {
        let mac = key.mac_of(STATE, &self.texts(), until);
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let (platform, instance) = (encoded(self.platform), encoded(self.instance));
        format!("{}.{until}.{}.{platform}.{instance}.{mac}", key.id, self.nonce)
    }

    /// 43 of the characters that RFC 7636 §4.1 allows.
    fn verifier(&self, key: &LinkKey, until: i64) -> String {
        key.mac_of(VERIFIER, &self.texts(), until)
    }
}

fn decoded(part: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::keys::PageKeys;

    const NOW: i64 = 1_796_000_000;
    const INSTANCE: &str = "8b8c5c1e-2f1c-4c53-9b0e-6c9d6a1f0a01";

    fn links(ids: &[(&str, u8)]) -> Links {
        let entries: Vec<String> = ids
            .iter()
            .map(|(id, byte)| format!("{id}:{}", STANDARD.encode([*byte; 32])))
            .collect();
        Links {
            address: "https://broker.example.com".parse().unwrap(),
            keys: PageKeys::parse(&entries.join(",")).unwrap(),
            lifetime: Duration::from_secs(86_400),
        }
    }

    fn each_byte_flipped(text: &str) -> impl Iterator<Item = String> {
        (0..text.len()).flat_map(move |at| {
            (0..=0x7f_u8).filter_map(move |other| {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] = other;
                String::from_utf8(bytes).ok().filter(|forged| forged != text)
            })
        })
    }

    #[test]
    fn addresses_hold_no_secret_and_any_id() {
        let links = links(&[("k1", 1)]);
        assert_eq!(
            links.signed_in_url("cf-eu", "a/b Ü"),
            "https://broker.example.com/s/cf-eu/a%2Fb%20%C3%9C"
        );
        assert_eq!(
            links.sign_in_done("cf-eu"),
            "https://broker.example.com/sign-in/done/cf-eu"
        );
    }

    #[test]
    fn a_state_is_one_browsers_and_no_byte_of_it_can_be_another() {
        let links = links(&[("k1", 1), ("k2", 2)]);
        let (state, verifier) = links.sign_in_state("cf-eu", "a/b Ü", "browser", "nonce", NOW);
        let begun = links.sign_in_begun(&state, "browser", NOW).unwrap();
        assert_eq!((begun.platform.as_str(), begun.instance.as_str()), ("cf-eu", "a/b Ü"));
        assert_eq!(begun.verifier, verifier);
        assert!((43..=128).contains(&verifier.len()) && !state.contains(&verifier));
        for (later, good) in [(0, true), (900, true), (901, false)] {
            let begun = links.sign_in_begun(&state, "browser", NOW + later);
            assert_eq!(begun.is_some(), good, "{later} s later");
        }
        assert!(links.sign_in_begun(&state, "another", NOW).is_none());
        for forged in each_byte_flipped(&state) {
            assert!(links.sign_in_begun(&forged, "browser", NOW).is_none(), "{forged:?}");
        }
        for at in 0..state.len() {
            assert!(
                links.sign_in_begun(&state[..at], "browser", NOW).is_none(),
                "cut at {at}"
            );
        }
        for odd in [
            format!("{state}."),
            format!("{state}="),
            format!("{state}.x"),
            "......".to_owned(),
        ] {
            assert!(links.sign_in_begun(&odd, "browser", NOW).is_none(), "{odd:?}");
        }
        // Each has its own verifier.
        let (_, other) = links.sign_in_state("cf-eu", "a/b Ü", "browser", "another", NOW);
        assert_ne!(verifier, other);
    }

    #[test]
    fn a_session_is_of_one_instance_and_one_platform_and_no_byte_of_it_can_be_another() {
        let links = links(&[("k1", 1), ("k2", 2)]);
        for right in Right::ALL {
            let session = Session {
                right,
                until: NOW + 600,
            };
            let cookie = links.session("cf-eu", INSTANCE, session);
            let of = |platform, instance, now| links.session_of(platform, instance, &cookie, now);
            assert_eq!(of("cf-eu", INSTANCE, NOW), Some(session));
            assert_eq!(of("cf-eu", INSTANCE, NOW + 599), Some(session));
            assert_eq!(of("cf-eu", INSTANCE, NOW + 600), None, "it is over");
            assert_eq!(of("cf-us", INSTANCE, NOW), None);
            assert_eq!(of("cf-eu", "another", NOW), None);
            // The same characters, divided elsewhere.
            assert_eq!(of("cf-eu8", &INSTANCE[1..], NOW), None);
            for forged in each_byte_flipped(&cookie) {
                let session = links.session_of("cf-eu", INSTANCE, &forged, NOW);
                assert_eq!(session, None, "{forged:?}");
            }
            for odd in [
                format!("{cookie}."),
                format!("{cookie}="),
                String::new(),
                "...".to_owned(),
            ] {
                assert_eq!(links.session_of("cf-eu", INSTANCE, &odd, NOW), None, "{odd:?}");
            }
        }
    }

    #[test]
    fn each_is_nothing_but_what_it_is_and_lives_as_long_as_its_key() {
        let old = links(&[("k1", 1)]);
        let (state, _) = old.sign_in_state("cf-eu", INSTANCE, "browser", "nonce", NOW);
        let session = Session {
            right: Right::Manage,
            until: NOW + 600,
        };
        let cookie = old.session("cf-eu", INSTANCE, session);
        assert_eq!(old.session_of("cf-eu", INSTANCE, &state, NOW), None);
        assert!(old.sign_in_begun(&cookie, "browser", NOW).is_none());
        assert!(!old.is_form_token(INSTANCE, 0, &cookie, NOW) && old.verified(INSTANCE, &cookie).is_none());
        let rotated = links(&[("k2", 2), ("k1", 1)]);
        assert_eq!(rotated.session_of("cf-eu", INSTANCE, &cookie, NOW), Some(session));
        assert!(rotated.sign_in_begun(&state, "browser", NOW).is_some());
        let other = links(&[("k2", 2)]);
        assert_eq!(other.session_of("cf-eu", INSTANCE, &cookie, NOW), None);
        assert!(other.sign_in_begun(&state, "browser", NOW).is_none());
    }
}
