//! What a check has created and observed so far: enough to continue after a crash, or to clean up. Contains no key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::beliefs::{Belief, Seen, Verdict};

/// The prefix of a run's names: the shipped policies allow it.
const PREFIX: &str = "cdn-broker-live-check-";

/// The type of a certificate's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    Rsa2048,
    P256,
}

/// A kind of AWS resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Function,
    Certificate,
    Distribution,
}

/// A resource that was created, or was about to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Thing {
    pub(super) kind: Kind,
    /// The name of a function or certificate; a distribution's caller reference.
    pub(super) name: String,
    /// AWS' own id, once it is known.
    pub(super) id: Option<String>,
    pub(super) gone: bool,
}

/// A completed step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) step: String,
    pub(super) milliseconds: u64,
    pub(super) told: String,
}

/// The whole state.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// Part of every name that the run makes.
    pub(super) run: String,
    pub(super) domain: String,
    pub(super) acme_directory_url: String,
    pub(super) done: Vec<Done>,
    pub(super) made: Vec<Thing>,
    /// Whether CloudFront accepted the alias with the CA's certificate.
    pub(super) has_alias: bool,
    pub(super) seen: BTreeMap<String, Seen>,
    /// Why no further step runs.
    pub(super) ended: Option<String>,
    /// Nothing is left.
    pub(super) clean: bool,
}

impl State {
    pub(super) fn new(domain: String, acme_directory_url: String) -> Self {
        Self {
            run: Uuid::new_v4().simple().to_string()[..8].to_owned(),
            domain,
            acme_directory_url,
            done: Vec::new(),
            made: Vec::new(),
            has_alias: false,
            seen: BTreeMap::new(),
            ended: None,
            clean: false,
        }
    }

    pub(super) fn function(&self) -> String {
        format!("{PREFIX}{}", self.run)
    }

    pub(super) fn certificate(&self, key: KeyKind) -> String {
        let key = match key {
            KeyKind::Rsa2048 => "rsa-2048",
            KeyKind::P256 => "p-256",
        };
        format!("{PREFIX}{}-{key}", self.run)
    }

    /// The caller reference of the distribution that is used for the tests.
    pub(super) fn distribution(&self) -> String {
        format!("{PREFIX}{}-first", self.run)
    }

    /// The caller reference of the distribution that is created to test whether the alias is free.
    pub(super) fn again(&self) -> String {
        format!("{PREFIX}{}-again", self.run)
    }

    pub(super) fn thing(&self, name: &str) -> Option<&Thing> {
        self.made.iter().find(|thing| thing.name == name)
    }

    /// Its id, if it exists and is known.
    pub(super) fn id(&self, name: &str) -> Option<String> {
        let thing = self.thing(name).filter(|thing| !thing.gone)?;
        thing.id.clone()
    }

    /// It is about to be created.
    pub(super) fn intend(&mut self, kind: Kind, name: &str) {
        match self.made.iter_mut().find(|thing| thing.name == name) {
            Some(thing) => thing.gone = false,
            None => self.made.push(Thing {
                kind,
                name: name.to_owned(),
                id: None,
                gone: false,
            }),
        }
    }

    /// It was created.
    pub(super) fn made(&mut self, name: &str, id: &str) {
        if let Some(thing) = self.made.iter_mut().find(|thing| thing.name == name) {
            thing.id = Some(id.to_owned());
        }
    }

    /// It doesn't exist any more.
    pub(super) fn gone(&mut self, name: &str) {
        if let Some(thing) = self.made.iter_mut().find(|thing| thing.name == name) {
            thing.gone = true;
        }
    }

    /// What may still exist.
    pub(super) fn left(&self) -> Vec<Thing> {
        self.made.iter().filter(|thing| !thing.gone).cloned().collect()
    }

    pub(super) fn see(&mut self, belief: &Belief, verdict: Verdict, observed: impl Into<String>) {
        let seen = self.seen.entry(belief.id.to_owned()).or_default();
        seen.add(verdict, observed.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_about_to_be_made_is_left_until_it_is_known_to_be_gone() {
        let mut state = State::new("live.example.com".into(), "https://ca/dir".into());
        let name = state.distribution();
        state.intend(Kind::Distribution, &name);
        let mut state: State = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        assert_eq!((state.left().len(), state.id(&name)), (1, None));
        state.made(&name, "E1");
        assert_eq!(state.id(&name).as_deref(), Some("E1"));
        state.gone(&name);
        assert!(state.left().is_empty() && state.id(&name).is_none());
    }

    #[test]
    fn every_name_is_one_that_the_shipped_policies_allow() {
        let state = State::new("live.example.com".into(), "https://ca/dir".into());
        for name in [
            state.function(),
            state.certificate(KeyKind::P256),
            state.certificate(KeyKind::Rsa2048),
        ] {
            assert!(name.starts_with("cdn-broker-") && name.len() <= 64, "{name}");
        }
    }
}
