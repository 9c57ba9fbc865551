//! The settings of the operator's page.

use std::net::SocketAddr;
use std::str::FromStr;

use crate::operator::people::People;
use crate::osbapi::auth::Credentials;

/// The operator's page.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Operator's page")]
pub struct OperatorArgs {
    /// Address and port of the operator's page, for the operator's browsers, such as 0.0.0.0:8081; see docs/operators/operator-page.md. It
    /// needs OPERATOR_CREDENTIALS_FILE and PAGE_KEYS. Unset: there is none.
    #[arg(long, env, default_value = "", hide_default_value = true, value_name = "ADDRESS")]
    pub operator_listen: OptionalAddress,
    /// A JSON file of the persons who may use the operator's page, with a name and a password each.
    #[arg(long, env, default_value = "", hide_default_value = true, value_name = "FILE")]
    pub operator_credentials_file: People,
}

impl OperatorArgs {
    /// Checks constraints between several settings.
    pub(crate) fn check(&self, has_keys: bool) -> anyhow::Result<()> {
        if self.operator_listen.0.is_none() {
            return Ok(());
        }
        anyhow::ensure!(
            !self.operator_credentials_file.0.is_empty(),
            "OPERATOR_LISTEN is set, and OPERATOR_CREDENTIALS_FILE is not: it names the persons who may use the operator's page"
        );
        anyhow::ensure!(
            has_keys,
            "OPERATOR_LISTEN is set, and neither PAGE_KEYS nor PAGE_KEYS_FILE is: the forms of the operator's page have to be signed"
        );
        Ok(())
    }

    pub(super) fn credentials(&self) -> Credentials {
        let all = self.operator_credentials_file.0.iter();
        Credentials::of(all.map(|person| {
            let name = person.current.username.as_str();
            (name, &person.current, person.previous.as_slice())
        }))
    }
}

/// An address to listen at, or none. An empty value counts as unset, since deployment templates often set empty values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionalAddress(pub Option<SocketAddr>);

impl FromStr for OptionalAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Ok(Self(None)),
            address => match address.parse() {
                Ok(address) => Ok(Self(Some(address))),
                Err(_) => Err("an address and a port are expected, such as 0.0.0.0:8081".to_owned()),
            },
        }
    }
}
