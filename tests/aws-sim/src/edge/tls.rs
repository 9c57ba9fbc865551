//! Selects the certificate for a viewer by SNI.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::route;
use crate::state::Sim;

/// Selects the certificate of the distribution that has the name as a deployed alias; `*.cloudfront.net` and viewers
/// without SNI get the default certificate. For any other name there is none, and the handshake fails.
#[derive(Debug)]
pub struct ByServerName {
    sim: Arc<Sim>,
}

impl ResolvesServerCert for ByServerName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let Some(name) = hello.server_name() else {
            return Some(Arc::clone(&self.sim.default_certificate.keyed));
        };
        let name = name.to_ascii_lowercase();
        if name.ends_with(".cloudfront.net") {
            return Some(Arc::clone(&self.sim.default_certificate.keyed));
        }
        let site = route::by_host(&self.sim, &name)?;
        site.config.keyed.clone()
    }
}

/// The TLS configuration of the HTTPS listener.
pub fn server_config(sim: Arc<Sim>) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByServerName { sim }));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
