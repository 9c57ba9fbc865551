//! The platforms that may use this broker, with their credentials: from single settings, or from
//! BROKER_CREDENTIALS_FILE when there are several.

mod dashboard_client;

use std::path::Path;
use std::str::FromStr;

use parameters::shown;
use secrecy::{ExposeSecret as _, SecretString};
use secret::Secret;
use serde_json::Value;

use operator_file::{Object, kind, read};

pub(crate) use self::dashboard_client::DashboardClient;

/// The name of the one platform of single settings.
const ONLY: &str = "default";
/// A name is part of log lines and metrics, and is typed in queries.
const MOST_NAME: usize = 63;
const MOST: usize = 255;

/// A platform.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    pub(crate) name: String,
    pub(crate) current: Login,
    /// Older credentials that are still accepted.
    pub(crate) previous: Vec<Login>,
    /// By what its users sign in to status pages, if they do.
    pub(crate) dashboard_client: Option<DashboardClient>,
}

/// The credentials that a platform sends (RFC 7617).
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: SecretString,
}

impl Login {
    pub(crate) fn new(username: &str, password: &str) -> Self {
        Self {
            username: username.to_string(),
            password: SecretString::from(password),
        }
    }

    fn is(&self, other: &Self) -> bool {
        (self.username.as_str(), self.password.expose_secret())
            == (other.username.as_str(), other.password.expose_secret())
    }
}

/// The contents of BROKER_CREDENTIALS_FILE; `None` when the setting is empty.
#[derive(Clone, Debug)]
pub struct CredentialsFile(pub(crate) Option<Vec<Platform>>);

impl FromStr for CredentialsFile {
    type Err = String;

    /// Reads the named file and the files that it names, unless the name is empty.
    fn from_str(path: &str) -> Result<Self, String> {
        if path.is_empty() {
            return Ok(Self(None));
        }
        let path = Path::new(path);
        platforms(&read(path)?, path.parent().unwrap_or(Path::new(""))).map(|platforms| Self(Some(platforms)))
    }
}

secret::setting!(
    pub BrokerPassword,
    "broker-password",
    "BROKER_PASSWORD",
    optional,
    "Password that the platform has to give; with BROKER_CREDENTIALS_FILE: none."
);
secret::setting!(
    pub BrokerPasswordPrevious,
    "broker-password-previous",
    "BROKER_PASSWORD_PREVIOUS",
    optional,
    "Password that is also accepted, until the platform uses the new one; unset: none."
);

/// Who may use the broker.
#[derive(Clone, Debug, clap::Args)]
pub struct PlatformArgs {
    /// User name that the platform has to give (HTTP basic authentication); without a colon.
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub broker_username: String,
    /// Password that the platform has to give.
    #[command(flatten)]
    pub broker_password: Secret<BrokerPassword>,
    /// User name that is accepted together with BROKER_PASSWORD_PREVIOUS; unset: BROKER_USERNAME.
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub broker_username_previous: String,
    /// Password that is accepted as well while the platform still uses it.
    #[command(flatten)]
    pub broker_password_previous: Secret<BrokerPasswordPrevious>,
    /// A JSON file of several platforms with a user name and password each, instead of BROKER_USERNAME and
    /// BROKER_PASSWORD; see docs/operators/regions.md.
    #[arg(long, env, default_value = "", hide_default_value = true, value_name = "FILE")]
    pub broker_credentials_file: CredentialsFile,
}

impl PlatformArgs {
    /// Checks constraints between several settings.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.broker_credentials_file.0.is_some() {
            // A forgotten setting would leave its credentials valid.
            for (name, value) in [
                ("BROKER_USERNAME", self.broker_username.as_str()),
                ("BROKER_PASSWORD", self.broker_password.expose()),
                ("BROKER_USERNAME_PREVIOUS", self.broker_username_previous.as_str()),
                ("BROKER_PASSWORD_PREVIOUS", self.broker_password_previous.expose()),
            ] {
                anyhow::ensure!(
                    value.is_empty(),
                    "{name} and BROKER_CREDENTIALS_FILE are both set; move it into the file"
                );
            }
            return Ok(());
        }
        anyhow::ensure!(
            !self.broker_username.is_empty() && !self.broker_username.contains(':'),
            "BROKER_USERNAME: it can't be empty or have a colon in it (RFC 7617 §2); for several platforms set \
             BROKER_CREDENTIALS_FILE instead"
        );
        anyhow::ensure!(
            !self.broker_password.expose().is_empty(),
            "neither BROKER_PASSWORD nor BROKER_PASSWORD_FILE is set"
        );
        anyhow::ensure!(
            !self.broker_username_previous.contains(':'),
            "BROKER_USERNAME_PREVIOUS: it can't have a colon in it (RFC 7617 §2)"
        );
        anyhow::ensure!(
            self.broker_username_previous.is_empty() || !self.broker_password_previous.expose().is_empty(),
            "BROKER_USERNAME_PREVIOUS is set, but BROKER_PASSWORD_PREVIOUS is not; set both or neither"
        );
        Ok(())
    }

    /// All platforms, from the settings that are in use. [`Self::check`] has made sure that it is one of the two.
    pub(crate) fn all(&self) -> Vec<Platform> {
        if let Some(platforms) = &self.broker_credentials_file.0 {
            return platforms.clone();
        }
        let previous = match (
            self.broker_password_previous.expose(),
            self.broker_username_previous.as_str(),
        ) {
            ("", _) => Vec::new(),
            (password, "") => vec![Login::new(&self.broker_username, password)],
            (password, username) => vec![Login::new(username, password)],
        };
        vec![Platform {
            name: ONLY.to_string(),
            current: Login::new(&self.broker_username, self.broker_password.expose()),
            previous,
            dashboard_client: None,
        }]
    }
}

/// `folder` is the base of relative paths of password files.
fn platforms(value: &Value, folder: &Path) -> Result<Vec<Platform>, String> {
    let file = Object::of("", value)?;
    file.only(&["platforms"])?;
    let platforms = file
        .items("platforms")?
        .into_iter()
        .map(|(path, item)| platform(&Object::of(path, item)?, folder))
        .collect::<Result<Vec<_>, _>>()?;
    if platforms.is_empty() {
        return Err("platforms: the list is empty; no platform could use the broker".into());
    }
    for (index, platform) in platforms.iter().enumerate() {
        for (earlier, other) in platforms[..index].iter().enumerate() {
            if platform.name == other.name {
                let name = shown(&platform.name);
                return Err(format!(
                    "platforms[{index}].name: {name} is the name of platforms[{earlier}] as well"
                ));
            }
            if logins(platform).any(|login| logins(other).any(|also| login.is(also))) {
                return Err(format!(
                    "platforms[{index}]: it has a user name and password of platforms[{earlier}], so the two could \
                     not be distinguished"
                ));
            }
        }
    }
    for (index, platform) in platforms.iter().enumerate() {
        let formerly = platform.dashboard_client.iter().flat_map(|client| &client.formerly);
        for name in formerly {
            // Its users would see the pages of the other one's.
            if platforms.iter().any(|other| other.name == *name) {
                let name = shown(name);
                return Err(format!(
                    "platforms[{index}].dashboard_client.formerly: {name} is the name of a platform in this file"
                ));
            }
        }
    }
    Ok(platforms)
}

fn logins(platform: &Platform) -> impl Iterator<Item = &Login> {
    std::iter::once(&platform.current).chain(&platform.previous)
}

fn platform(platform: &Object<'_>, folder: &Path) -> Result<Platform, String> {
    platform.only(&[
        "name",
        "username",
        "password",
        "password_file",
        "previous",
        "dashboard_client",
    ])?;
    let name = platform.needed_text("name", MOST_NAME)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if !name.bytes().all(plain) {
        return Err(format!(
            "{}: {} has other characters than letters, digits, hyphens, dots and underscores",
            platform.at("name"),
            shown(name)
        ));
    }
    let username = username(platform)?.ok_or_else(|| platform.missing("username"))?;
    let previous = platform
        .items("previous")?
        .into_iter()
        .map(|(path, item)| {
            let login = Object::of(path, item)?;
            login.only(&["username", "password", "password_file"])?;
            Ok(Login {
                username: self::username(&login)?.unwrap_or(username).to_string(),
                password: password(&login, folder)?,
            })
        })
        .collect::<Result<Vec<_>, String>>()?;
    Ok(Platform {
        name: name.to_string(),
        current: Login {
            username: username.to_string(),
            password: password(platform, folder)?,
        },
        previous,
        dashboard_client: dashboard_client::of(platform, folder)?,
    })
}

fn username<'v>(login: &Object<'v>) -> Result<Option<&'v str>, String> {
    match login.text("username", MOST)? {
        Some(name) if name.contains([':', '\n']) => Err(format!(
            "{}: it can't have a colon or a line break in it (RFC 7617 §2)",
            login.at("username")
        )),
        name => Ok(name),
    }
}

/// The password of a login.
pub(crate) fn password(login: &Object<'_>, folder: &Path) -> Result<SecretString, String> {
    secret_of(login, "password", folder)
}

/// A secret: in the file itself, or in a file beside it, which the same key with `_file` names.
fn secret_of(object: &Object<'_>, key: &str, folder: &Path) -> Result<SecretString, String> {
    let in_file = format!("{key}_file");
    match (object.get(key), object.text(&in_file, 4096)?) {
        (Some(_), Some(_)) => Err(format!(
            "{}: {key} is there as well; write one of them",
            object.at(&in_file)
        )),
        (Some(Value::String(secret)), None) if secret.is_empty() => Err(format!("{}: it is empty", object.at(key))),
        (Some(Value::String(secret)), None) => Ok(SecretString::from(secret.as_str())),
        (Some(other), None) => Err(format!("{}: {} is not a string", object.at(key), kind(other))),
        (None, Some(file)) => {
            secret::read(&folder.join(file)).map_err(|why| format!("{}: {}: {why}", object.at(&in_file), shown(file)))
        }
        (None, None) => Err(format!("{}; or name a {in_file}", object.missing(key))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(file: Value) -> String {
        platforms(&file, Path::new("/nowhere")).unwrap_err()
    }

    fn of_two(second: Value) -> Value {
        json!({"platforms": [{"name": "cf-eu", "username": "cf", "password": "hunter2"}, second]})
    }

    #[test]
    fn passwords_come_from_the_file_itself_or_from_files_beside_it_and_do_not_print() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("us"), "hunter3\n").unwrap();
        let file = folder.path().join("credentials.json");
        let second = json!({
            "name": "cf-us", "username": "cf", "password_file": "us",
            "previous": [{"password": "hunter4"}, {"username": "old", "password_file": folder.path().join("us")}],
        });
        std::fs::write(&file, of_two(second).to_string()).unwrap();
        let read: CredentialsFile = file.to_str().unwrap().parse().unwrap();
        let logins: Vec<(String, String)> = read
            .0
            .iter()
            .flatten()
            .flat_map(logins)
            .map(|login| (login.username.clone(), login.password.expose_secret().to_string()))
            .collect();
        let expected = [
            ("cf", "hunter2"),
            ("cf", "hunter3"),
            ("cf", "hunter4"),
            ("old", "hunter3"),
        ];
        assert_eq!(
            logins,
            expected.map(|(name, password)| (name.to_string(), password.to_string()))
        );
        assert!(!format!("{read:?}").contains("hunter"));
    }

    /// Each second platform is refused with these words, and without any password.
    fn all_are_refused<const N: usize>(second: [(Value, &str); N]) {
        for (second, says) in second {
            let error = refusal(of_two(second));
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("hunter") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn names_and_logins_are_told_apart() {
        all_are_refused([
            (
                json!({"name": "cf-eu", "username": "x", "password": "hunter3"}),
                "platforms[1].name: \"cf-eu\" is the name of platforms[0]",
            ),
            (
                json!({"name": "b", "username": "cf", "password": "hunter2"}),
                "platforms[1]: it has a user name and password of platforms[0]",
            ),
            (
                json!({"name": "b", "username": "x", "password": "hunter3", "dashboard_client": {
                    "id": "a", "secret": "hunter4", "api": "https://api.example.com", "formerly": ["default", "cf-eu"],
                }}),
                "platforms[1].dashboard_client.formerly: \"cf-eu\" is the name of a platform",
            ),
            (
                json!({"name": "b", "username": "x", "password": "hunter3", "previous": [{"username": "cf", "password": "hunter2"}]}),
                "platforms[1]: it has a user name",
            ),
        ]);
    }

    #[test]
    fn every_fault_is_named_and_no_password_is() {
        all_are_refused([
            (
                json!({"name": "b c", "username": "x", "password": "hunter3"}),
                "platforms[1].name: \"b c\" has other characters",
            ),
            (
                json!({"username": "x", "password": "hunter3"}),
                "platforms[1].name: it is missing",
            ),
            (
                json!({"name": "b", "password": "hunter3"}),
                "platforms[1].username: it is missing",
            ),
            (
                json!({"name": "b", "username": "x:y", "password": "hunter3"}),
                "platforms[1].username: it can't have a colon",
            ),
            (
                json!({"name": "b", "username": "x"}),
                "platforms[1].password: it is missing; or name a password_file",
            ),
            (
                json!({"name": "b", "username": "x", "password": ""}),
                "platforms[1].password: it is empty",
            ),
            (
                json!({"name": "b", "username": "x", "password": ["hunter3"]}),
                "platforms[1].password: a list is not a string",
            ),
            (
                json!({"name": "b", "username": "x", "password": "hunter3", "password_file": "y"}),
                "platforms[1].password_file: password is there as well",
            ),
            (
                json!({"name": "b", "username": "x", "password_file": "y"}),
                "platforms[1].password_file: \"y\": No such file",
            ),
            (
                json!({"name": "b", "user": "x", "password": "hunter3"}),
                "platforms[1]: there is no key \"user\"",
            ),
            (
                json!({"name": "b", "username": "x", "password": "hunter3", "previous": "hunter4"}),
                "platforms[1].previous: a string is not a list",
            ),
            (
                json!({"name": "b", "username": "x", "password": "hunter3", "previous": [{}]}),
                "platforms[1].previous[0].password: it is missing",
            ),
            (json!("hunter3"), "platforms[1]: a string is not an object"),
        ]);
        assert!(refusal(json!({"platforms": []})).contains("no platform could use the broker"));
        assert!(refusal(json!({"platform": []})).contains("did you mean \"platforms\"?"));
        assert!(refusal(json!({"platforms": "hunter2"})).contains("platforms: a string is not a list"));
    }
}
