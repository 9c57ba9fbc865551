//! The temporary CA of a stack with TLS, and the files that PostgreSQL and RabbitMQ get from it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::User;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// A server's certificate and key, and the CA that issued it; the CA's own key is discarded.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    folder: PathBuf,
}

impl Tls {
    /// Creates the CA and one certificate for `localhost` and 127.0.0.1, as `tls/ca.pem`, `server.pem`,
    /// `server-key.pem`.
    pub(crate) fn make(stack_folder: &Path) -> anyhow::Result<Self> {
        let folder = stack_folder.join("tls");
        fs::create_dir(&folder)?;
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name
            .push(DnType::CommonName, "stack: CA of PostgreSQL and RabbitMQ");
        let ca_key = KeyPair::generate()?;
        let ca_certificate = ca.self_signed(&ca_key)?;
        let key = KeyPair::generate()?;
        let server = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?
            .signed_by(&key, &Issuer::new(ca, ca_key))?;
        let tls = Self { folder };
        fs::write(tls.ca(), ca_certificate.pem())?;
        fs::write(tls.certificate(), server.pem())?;
        fs::write(tls.key(), key.serialize_pem())?;
        Ok(tls)
    }

    /// The CA's certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The server's certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("server.pem")
    }

    /// The server's key.
    pub(crate) fn key(&self) -> PathBuf {
        self.folder.join("server-key.pem")
    }

    /// A copy of the key that PostgreSQL accepts: owned by its user, and readable by nobody else.
    pub(crate) fn key_for(&self, folder: &Path, user: Option<&User>) -> anyhow::Result<PathBuf> {
        let copy = folder.join("server-key.pem");
        fs::copy(self.key(), &copy)?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600))?;
        if let Some(user) = user {
            chown(&copy, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
        Ok(copy)
    }
}
