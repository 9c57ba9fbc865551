//! Everything that the CA offers for one domain in one order, as it is stored: one JSON object,
//! `{"v":1,"offered":{…},"unusable":{…}}`, with a member for each challenge type.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Challenge, Method, Offered};

/// The version that is written.
const VERSION: u64 = 1;

/// What the CA offers, in the order of preference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenges {
    offered: Vec<Challenge>,
    unusable: Vec<(Method, String)>,
}

impl Challenges {
    /// Reads the CA's offer.
    pub fn read(offered: &Offered<'_>) -> Self {
        let mut challenges = Self::default();
        for method in Method::ALL {
            match method.read(offered) {
                Some(Ok(challenge)) => challenges.offered.push(challenge),
                Some(Err(why)) => challenges.unusable.push((method, why)),
                None => {}
            }
        }
        challenges
    }

    /// The challenges that can be met.
    pub fn iter(&self) -> std::slice::Iter<'_, Challenge> {
        self.offered.iter()
    }

    /// Whether no challenge can be met.
    pub fn is_empty(&self) -> bool {
        self.offered.is_empty()
    }

    /// The challenge of a type.
    pub fn get(&self, method: Method) -> Option<&Challenge> {
        self.iter().find(|challenge| challenge.method() == method)
    }

    /// Challenges that are offered but can't be used, and why.
    pub fn unusable(&self) -> impl Iterator<Item = (Method, &str)> {
        self.unusable.iter().map(|(method, why)| (*method, why.as_str()))
    }

    /// Only the one of this type.
    #[must_use]
    pub fn only(mut self, method: Method) -> Self {
        self.offered.retain(|challenge| challenge.method() == method);
        self
    }

    /// Only those that can be met in any order.
    #[must_use]
    pub fn outlasting(mut self) -> Self {
        self.offered.retain(|challenge| challenge.method().outlasts_its_order());
        self
    }

    /// Only those by which tenants of the same account are told apart.
    #[must_use]
    pub fn naming_the_tenant(mut self) -> Self {
        self.offered.retain(|challenge| challenge.method().names_the_tenant());
        for challenge in &mut self.offered {
            if let Challenge::DelegatedDns01(delegated) = challenge {
                delegated.only_by_cname = true;
            }
        }
        self.unusable.clear();
        self
    }

    /// Makes those unusable that rely on the account's URL.
    pub fn distrust_the_accounts_url(&mut self, why: &str) {
        let relying = |challenge: &mut Challenge| challenge.relies_on_the_accounts_url();
        for challenge in self.offered.extract_if(.., relying) {
            self.unusable.push((challenge.method(), why.to_owned()));
        }
    }
}

impl FromIterator<Challenge> for Challenges {
    fn from_iter<I: IntoIterator<Item = Challenge>>(challenges: I) -> Self {
        Self {
            offered: challenges.into_iter().collect(),
            unusable: Vec::new(),
        }
    }
}

impl Serialize for Challenges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut offered = Map::new();
        for challenge in &self.offered {
            // An object with the challenge type's name as its only member.
            match serde_json::to_value(challenge).map_err(S::Error::custom)? {
                Value::Object(member) => offered.extend(member),
                other => return Err(S::Error::custom(format!("a challenge is no object: {other}"))),
            }
        }
        let unusable: Map<String, Value> = self
            .unusable()
            .map(|(method, why)| (method.as_str().to_owned(), why.into()))
            .collect();
        json!({"v": VERSION, "offered": offered, "unusable": unusable}).serialize(serializer)
    }
}

#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    offered: Map<String, Value>,
    #[serde(default)]
    unusable: Map<String, Value>,
}

impl<'de> Deserialize<'de> for Challenges {
    /// A challenge type that a newer program has written and this one doesn't know is left out: it can't be met here.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut stored = Stored::deserialize(deserializer)?;
        let mut challenges = Self::default();
        for method in Method::ALL {
            let name = method.as_str();
            if let Some(challenge) = stored.offered.remove(name) {
                let tagged = json!({ name: challenge });
                challenges
                    .offered
                    .push(serde_json::from_value(tagged).map_err(D::Error::custom)?);
            }
            if let Some(Value::String(why)) = stored.unusable.remove(name) {
                challenges.unusable.push((method, why));
            }
        }
        Ok(challenges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::Dns01;

    fn dns01() -> Challenge {
        Challenge::Dns01(Dns01 {
            value: "gfj9Xq".to_owned(),
        })
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut challenges = Challenges::from_iter([dns01()]);
        challenges
            .unusable
            .push((Method::DnsPersist01, "the challenge has no names".to_owned()));
        let written = serde_json::to_value(&challenges).unwrap();
        let expected = json!({
            "v": 1,
            "offered": {"dns-01": {"value": "gfj9Xq"}},
            "unusable": {"dns-persist-01": "the challenge has no names"},
        });
        assert_eq!(written, expected);
        assert_eq!(serde_json::from_value::<Challenges>(written).unwrap(), challenges);
    }

    #[test]
    fn a_way_of_a_newer_program_is_left_out() {
        let newer = json!({"v": 1, "offered": {"dns-01": {"value": "gfj9Xq"}, "dns-account-01": {"label": "x"}}});
        let read: Challenges = serde_json::from_value(newer).unwrap();
        assert_eq!(read, Challenges::from_iter([dns01()]));
    }
}
