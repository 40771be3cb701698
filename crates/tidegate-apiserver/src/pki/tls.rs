//! The listener's TLS settings.

use std::sync::Arc;

use rustls::{RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::{Pki, PkiError};

pub(super) fn server_config(pki: &Pki) -> Result<ServerConfig, PkiError> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(certificate(&pki.authority_certificate)?)
        .map_err(refused)?;
    // Without a certificate a client is let in as far as the health endpoints.
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(refused)?;
    let key = PrivateKeyDer::from_pem_slice(pki.server.key.as_bytes()).map_err(refused)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate(&pki.server.certificate)?], key)
        .map_err(refused)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificate(pem: &str) -> Result<CertificateDer<'static>, PkiError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(refused)
}

fn refused(error: impl std::fmt::Display) -> PkiError {
    PkiError::Tls(error.to_string())
}
