//! The tokens of the forms on the operator's page, `<key's id>.<until>.<MAC>`: each is one person's, for what the form says.

use crate::keys::{FORM_LASTS, LinkKey, PageKeys, is_same};

/// The first line of what is signed.
const PURPOSE: &str = "cdn-broker 1: form of the operator's page";

impl PageKeys {
    /// What a form on the operator's page contains, by the first key. `says`: who sends it, and what it has done to what. It is good for an
    /// hour from `now`, in seconds since 1970 by the database's clock.
    pub fn operator_token(&self, says: &[&str], now: i64) -> String {
        token(&self.first, says, now.saturating_add(FORM_LASTS))
    }

    /// Whether one of the keys has made the token for a form that says this, and not too long ago.
    pub fn is_operator_token(&self, says: &[&str], given: &str, now: i64) -> bool {
        let Some((id, rest)) = given.split_once('.') else {
            return false;
        };
        let until = rest.split_once('.').and_then(|(until, _)| until.parse::<i64>().ok());
        let (Some(key), Some(until)) = (self.all().find(|key| key.id == id), until) else {
            return false;
        };
        is_same(&token(key, says, until), given) && now <= until
    }
}

fn token(key: &LinkKey, says: &[&str], until: i64) -> String {
    format!("{}.{until}.{}", key.id, key.mac_of(PURPOSE, says, until))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const NOW: i64 = 1_796_000_000;

    fn keys(ids: &[(&str, u8)]) -> PageKeys {
        let entries: Vec<String> = ids
            .iter()
            .map(|(id, byte)| format!("{id}:{}", STANDARD.encode([*byte; 32])))
            .collect();
        PageKeys::parse(&entries.join(",")).unwrap()
    }

    #[test]
    fn a_form_is_one_persons_for_one_thing_and_ends_after_an_hour() {
        let keys = keys(&[("k1", 1), ("k2", 2)]);
        let says = ["alice", "cancel", "i1", "o1"];
        let token = keys.operator_token(&says, NOW);
        for (later, good) in [(0, true), (3_600, true), (3_601, false)] {
            assert_eq!(
                keys.is_operator_token(&says, &token, NOW + later),
                good,
                "{later} s later"
            );
        }
        for other in [
            ["bob", "cancel", "i1", "o1"],
            ["alice", "retry", "i1", "o1"],
            ["alice", "cancel", "i2", "o1"],
            ["alice", "cancel", "i1", "o2"],
            ["alice", "cancel", "i1o", "1"],
        ] {
            assert!(!keys.is_operator_token(&other, &token, NOW), "{other:?}");
        }
        assert!(!keys.is_operator_token(&says[..3], &token, NOW));
        for forged in [
            token.replacen("k1.", "k2.", 1),
            token.replacen("1796003600", "1796003601", 1),
            format!("{token}="),
            token[..token.len() - 1].to_owned(),
            String::new(),
            "k1.1796003600".to_owned(),
        ] {
            assert!(!keys.is_operator_token(&says, &forged, NOW), "{forged:?}");
        }
    }

    #[test]
    fn it_is_no_form_of_a_status_page_and_lives_as_long_as_its_key() {
        let old = keys(&[("k1", 1)]);
        let token = old.operator_token(&["i1", "1"], NOW);
        assert!(!old.is_form_token("i1", 1, &token, NOW));
        assert!(!old.is_operator_token(&["i1", "1"], &old.form_token("i1", 1, NOW), NOW));
        assert!(keys(&[("k2", 2), ("k1", 1)]).is_operator_token(&["i1", "1"], &token, NOW));
        assert!(!keys(&[("k2", 2)]).is_operator_token(&["i1", "1"], &token, NOW));
    }
}
