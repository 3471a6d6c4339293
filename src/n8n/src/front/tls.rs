//! TLS, where the broker's URI says https.
//!
//! Always holds: whom to trust is read before this process shuts itself in; a broker whose name no certificate proves is none.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::broker::{PATIENCE, Stream, Unreached};

/// Whom this machine trusts: `SSL_CERT_FILE` and `SSL_CERT_DIR`, else what its distribution has.
///
/// # Errors
/// Nobody.
pub fn trusted() -> Result<TlsConnector, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(format!("no certificate of an authority is found, which https takes (SSL_CERT_FILE names a file with some){why}"));
    }
    let provider = rustls::crypto::ring::default_provider();
    // What it opens for this is open before nothing can be.
    provider.secure_random.fill(&mut [0; 32]).map_err(|_| "no randomness".to_owned())?;
    let config = ClientConfig::builder_with_provider(Arc::new(provider));
    let config = config.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

/// The connection, by TLS.
///
/// # Errors
/// The broker does not prove that it is `host`, or does not answer.
pub async fn connect(connector: TlsConnector, stream: Box<dyn Stream>, host: String) -> Result<Box<dyn Stream>, Unreached> {
    let name = ServerName::try_from(host).map_err(|error| Unreached::For(error.to_string()))?;
    let connected = tokio::time::timeout(PATIENCE, connector.connect(name, stream)).await;
    let stream = connected.map_err(|_| Unreached::For("TLS: no answer".to_owned()))?;
    stream.map(|stream| Box::new(stream) as Box<dyn Stream>).map_err(|error| Unreached::For(format!("TLS: {error}")))
}
