//! By what a platform's users sign in to status pages: `dashboard_client` in BROKER_CREDENTIALS_FILE.

use std::path::Path;

use operator_file::{Object, text};
use page_keys::PagesUrl;
use secrecy::{ExposeSecret as _, SecretString};
use tls::Roots;

use super::secret_of;

const MOST: usize = 255;

/// An OAuth 2 client, which the platform makes when it reads the catalog (OSBAPI profile.md, "Dashboard Client Object"), and where the
/// platform is.
#[derive(Clone, Debug)]
pub(crate) struct DashboardClient {
    pub(crate) id: String,
    pub(crate) secret: SecretString,
    /// The address of its Cloud Controller.
    pub(crate) api: PagesUrl,
    /// Which CAs its servers have certificates of.
    pub(crate) roots: Roots,
    /// The names that the platform's credentials had before: what it asked for under these is its own.
    pub(crate) formerly: Vec<String>,
}

/// The one of a platform in the file. `folder` is the base of relative paths.
pub(super) fn of(platform: &Object<'_>, folder: &Path) -> Result<Option<DashboardClient>, String> {
    let Some(client) = platform.object("dashboard_client")? else {
        return Ok(None);
    };
    client.only(&["id", "secret", "secret_file", "api", "ca_file", "formerly"])?;
    let id = client.needed_text("id", MOST)?;
    let secret = secret_of(&client, "secret", folder)?;
    for (key, value) in [("id", id), ("secret", secret.expose_secret())] {
        if !value.bytes().all(is_written_alike) {
            return Err(format!(
                "{}: it has other characters than letters, digits, hyphens, dots, underscores and asterisks",
                client.at(key)
            ));
        }
    }
    let api = client.needed_text("api", MOST)?.parse::<PagesUrl>();
    let api = api.map_err(|why| format!("{}: {why}", client.at("api")))?;
    if !api.is_private() {
        return Err(format!(
            "{}: https:// is expected, since the secret and what users may see are sent there",
            client.at("api")
        ));
    }
    let formerly = client.items("formerly")?.into_iter();
    let formerly = formerly.map(|(path, name)| text(&path, name, MOST).map(str::to_owned));
    let roots = client.text("ca_file", 4096)?.map(|file| folder.join(file));
    Ok(Some(DashboardClient {
        id: id.to_owned(),
        secret,
        api,
        roots: Roots::from_file(roots.as_deref()),
        formerly: formerly.collect::<Result<_, _>>()?,
    }))
}

/// RFC 6749 §2.3.1 has id and secret encoded before they are sent as user and password; UAA decodes them only if it is told to by a header
/// of its own (`X-CF-ENCODED-CREDENTIALS`). These characters are the same in both.
fn is_written_alike(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._*".contains(&byte)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(client: &Value) -> Result<Option<DashboardClient>, String> {
        let platform = json!({"dashboard_client": client});
        of(&Object::of("platforms[0]", &platform).unwrap(), Path::new("/nowhere"))
    }

    #[test]
    fn a_client_has_an_address_and_a_secret_that_does_not_print() {
        let client = json!({"id": "cdn-broker", "secret": "hunter2", "api": "https://api.example.com/", "ca_file": "cf.pem", "formerly": ["default"]});
        let client = read(&client).unwrap().unwrap();
        assert_eq!(client.api.to_string(), "https://api.example.com");
        assert_eq!(client.roots, Roots::File("/nowhere/cf.pem".into()));
        assert_eq!(client.formerly, ["default"]);
        assert!(!format!("{client:?}").contains("hunter2"));
        assert!(read(&Value::Null).unwrap().is_none());
    }

    #[test]
    fn every_fault_is_named_and_no_secret_is() {
        let api = "https://api.example.com";
        for (client, says) in [
            (json!({"secret": "hunter2", "api": api}), ".id: it is missing"),
            (
                json!({"id": "a", "api": api}),
                ".secret: it is missing; or name a secret_file",
            ),
            (json!({"id": "a", "secret": "", "api": api}), ".secret: it is empty"),
            (json!({"id": "a", "secret": "hunter2"}), ".api: it is missing"),
            (
                json!({"id": "a b", "secret": "hunter2", "api": api}),
                ".id: it has other characters",
            ),
            (
                json!({"id": "a", "secret": "hunter2%", "api": api}),
                ".secret: it has other characters",
            ),
            (
                json!({"id": "a", "secret": "hunter2", "api": "api.example.com"}),
                ".api: https:// is expected (or http://)",
            ),
            (
                json!({"id": "a", "secret": "hunter2", "api": "http://api.example.com"}),
                ".api: https:// is expected",
            ),
            (
                json!({"id": "a", "secret": "hunter2", "api": "https://api.example.com/v3"}),
                ".api: ",
            ),
            (
                json!({"id": "a", "secret": "hunter2", "api": api, "redirect_uri": "x"}),
                ": there is no key \"redirect_uri\"",
            ),
            (
                json!({"id": "a", "secret": "hunter2", "secret_file": "x", "api": api}),
                ".secret_file: secret is there as well",
            ),
            (
                json!({"id": "a", "secret": "hunter2", "api": api, "formerly": "b"}),
                ".formerly: a string is not a list",
            ),
            (
                json!({"id": "a", "secret": "hunter2", "api": api, "formerly": [1]}),
                ".formerly[0]: ",
            ),
            (json!("hunter2"), ": a string is not an object"),
        ] {
            let error = read(&client).unwrap_err();
            let says = format!("platforms[0].dashboard_client{says}");
            assert!(error.contains(&says), "{error}");
            assert!(!error.contains("hunter2") && !error.contains('\n'), "{error}");
        }
    }
}
