//! Who is asking: taken from the client certificate, or given to in-process clients.

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A user with groups, as Kubernetes names them: CN and O of the certificate's subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: String,
    pub(crate) groups: Vec<String>,
}

impl Identity {
    /// The identity of parts that run in this process.
    pub(crate) fn in_process() -> Self {
        Self {
            user: "system:tidegate".to_owned(),
            groups: vec!["system:masters".to_owned()],
        }
    }

    /// Reads the subject of a certificate whose signature the TLS layer has already verified.
    /// `None` for a certificate without a common name: it names nobody.
    pub(crate) fn of_certificate(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate.as_ref()).ok()?;
        let subject = parsed.subject();
        let user = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
        let groups = subject
            .iter_organization()
            .filter_map(|organization| organization.as_str().ok())
            .map(str::to_owned)
            .collect();
        Some(Self { user, groups })
    }
}
