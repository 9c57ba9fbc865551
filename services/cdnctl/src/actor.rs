//! Who acts, for the audit log. Nothing here is verified: it is what the person, or the environment, claims.

use std::os::unix::fs::MetadataExt as _;

use store::{Actor, Via};

/// The longest name.
const LONGEST: usize = 100;

/// Who acts.
#[derive(Debug, clap::Args)]
pub struct ActorArgs {
    /// Who you are, for the audit log (`cdnctl audit`). Without it: the user who ran sudo, or else the user, at this machine.
    /// It is recorded as you say it, beside the role of DATABASE_URL.
    #[arg(long = "as", env = "CDNCTL_AS", global = true, value_name = "NAME", value_parser = claim)]
    pub claimed: Option<String>,
}

impl ActorArgs {
    /// The operator.
    pub fn actor(&self) -> Actor {
        let claimed = self.claimed.as_deref().filter(|claimed| !claimed.is_empty());
        Actor {
            who: claimed.map_or_else(
                || from_environment(|name| std::env::var(name).ok(), user_id(), host()),
                str::to_owned,
            ),
            via: Via::Cdnctl,
        }
    }
}

fn claim(text: &str) -> Result<String, String> {
    match text.trim() {
        text if text.chars().any(char::is_control) => Err("a name is one line".to_owned()),
        text if text.chars().count() > LONGEST => Err(format!("at most {LONGEST} characters")),
        text => Ok(text.to_owned()),
    }
}

fn from_environment(variable: impl Fn(&str) -> Option<String>, user_id: Option<u32>, host: Option<String>) -> String {
    let user = ["SUDO_USER", "USER"]
        .into_iter()
        .filter_map(variable)
        .find(|user| !user.is_empty())
        .or_else(|| user_id.map(|id| format!("uid-{id}")))
        .unwrap_or_else(|| "unknown".to_owned());
    match host {
        Some(host) => format!("{user}@{host}"),
        None => user,
    }
}

/// Of this process, where there is a /proc. A container has no USER.
fn user_id() -> Option<u32> {
    Some(std::fs::metadata("/proc/self").ok()?.uid())
}

/// The machine's name, or the container's.
fn host() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(variables: &[(&str, &str)], user_id: Option<u32>) -> String {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        from_environment(variable, user_id, Some("jump".to_owned()))
    }

    #[test]
    fn who_ran_sudo_comes_before_who_sudo_made_of_him() {
        assert_eq!(
            named(&[("USER", "root"), ("SUDO_USER", "alice")], Some(0)),
            "alice@jump"
        );
        assert_eq!(named(&[("USER", "alice"), ("SUDO_USER", "")], Some(7)), "alice@jump");
    }

    #[test]
    fn a_container_without_names_has_its_user_id() {
        assert_eq!(named(&[], Some(65_532)), "uid-65532@jump");
        assert_eq!(from_environment(|_| None, None, None), "unknown");
    }

    #[test]
    fn a_name_is_taken_as_it_is_said() {
        let args = ActorArgs {
            claimed: Some("alice".to_owned()),
        };
        assert_eq!(args.actor().who, "alice");
        let args = ActorArgs {
            claimed: Some(String::new()),
        };
        assert!(!args.actor().who.is_empty(), "an empty CDNCTL_AS is none");
        assert_eq!(claim(" Alice Doe "), Ok("Alice Doe".to_owned()));
        for bad in ["a\nb", "\x1b[2J", &"x".repeat(101)] {
            assert!(claim(bad).is_err(), "{bad:?}");
        }
    }
}
