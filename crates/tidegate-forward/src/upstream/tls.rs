//! How TLS connections to upstreams are made.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::settings::{SetupError, Tls};

/// Everything that upstreams with TLS have in common.
pub(super) fn configuration(settings: &Tls) -> Result<Arc<ClientConfig>, SetupError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities(settings)?);
    let config = match &settings.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let chain = certificates(&client.chain, "client certificate")?;
            let key = PrivateKeyDer::from_pem_slice(&client.key)
                .map_err(|error| unreadable("client key", &error))?;
            builder.with_client_auth_cert(chain, key)?
        }
    };
    Ok(Arc::new(config))
}

/// The name that a certificate must have.
pub(super) fn server_name(name: &str) -> Result<ServerName<'static>, SetupError> {
    ServerName::try_from(name.to_owned()).map_err(|_| SetupError::InvalidServerName {
        name: name.to_owned(),
    })
}

fn authorities(settings: &Tls) -> Result<RootCertStore, SetupError> {
    let (origin, certificates) = match &settings.authorities {
        Some(pem) => (
            "the given file",
            certificates(pem, "certificate authority")?,
        ),
        None => (
            "this host's store",
            rustls_native_certs::load_native_certs().certs,
        ),
    };
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates);
    match added {
        0 => Err(SetupError::NoAuthorities { origin }),
        _ => Ok(roots),
    }
}

fn certificates(
    pem: &[u8],
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(what, &error))
}

fn unreadable(what: &'static str, error: &rustls_pki_types::pem::Error) -> SetupError {
    SetupError::UnreadablePem {
        what,
        reason: error.to_string(),
    }
}
