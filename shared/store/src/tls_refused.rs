//! Why a TLS connection to PostgreSQL failed.

use std::error::Error;
use std::fmt;

use ::tls::Problem;

/// Why a TLS connection to PostgreSQL failed, with the remedy.
#[derive(Debug)]
pub struct TlsRefused(Problem);

impl TlsRefused {
    /// Finds it in an error and its causes.
    pub(crate) fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(problem) = Problem::find(error) {
            return Some(Self(problem));
        }
        let mut next = Some(error);
        while let Some(error) = next {
            // tokio-postgres has no type for this error.
            if error.to_string() == "server does not support TLS" {
                return Some(Self(Problem::NoTls));
            }
            next = error.source();
        }
        None
    }
}

impl Error for TlsRefused {}

impl fmt::Display for TlsRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match &self.0 {
            Problem::WrongName { wanted, .. } => write!(
                f,
                ", sslmode=verify-full (and require) wants {wanted}: write one of its names into DATABASE_URL, or \
                 give the server another"
            ),
            Problem::UnknownIssuer => f.write_str(
                ": trusted are the CAs in DATABASE_CA_FILE (or sslrootcert), the system's when there is no such file",
            ),
            Problem::NoTls => f.write_str(
                ", sslmode in DATABASE_URL wants it: switch it on at the server (ssl = on), or write sslmode=disable",
            ),
            _ => Ok(()),
        }
    }
}
