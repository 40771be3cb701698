//! The authority: a key that signs, and its own certificate.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use super::files::{PkiError, read, write_private};

/// The cluster's certificate authority.
pub(super) struct Authority {
    /// Its certificate, in PEM.
    pub(super) certificate: String,
    pub(super) issuer: Issuer<'static, KeyPair>,
}

const NAME: &str = "tidegate-ca";
const VALID_FOR: Duration = Duration::days(3650);

impl Authority {
    /// The authority of a directory, made if there is none.
    pub(super) fn load_or_make(directory: &Path) -> Result<Self, PkiError> {
        let (certificate_path, key_path) = (directory.join("ca.crt"), directory.join("ca.key"));
        match (read(&certificate_path)?, read(&key_path)?) {
            (Some(certificate), Some(key)) => {
                let damaged = |path: &Path, error: rcgen::Error| PkiError::Damaged {
                    path: path.to_owned(),
                    problem: error.to_string(),
                };
                let key = KeyPair::from_pem(&key).map_err(|error| damaged(&key_path, error))?;
                let issuer = Issuer::from_ca_cert_pem(&certificate, key)
                    .map_err(|error| damaged(&certificate_path, error))?;
                Ok(Self {
                    certificate,
                    issuer,
                })
            }
            (None, None) => Self::make(&certificate_path, &key_path),
            (Some(_), None) => Err(incomplete(&certificate_path, "its key is missing")),
            (None, Some(_)) => Err(incomplete(&key_path, "its certificate is missing")),
        }
    }

    fn make(certificate_path: &Path, key_path: &Path) -> Result<Self, PkiError> {
        let failed = |source| PkiError::Make {
            what: "authority's",
            source,
        };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, NAME);
        let now = OffsetDateTime::now_utc();
        params.not_before = now - Duration::hours(1);
        params.not_after = now + VALID_FOR;
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        write_private(key_path, &key.serialize_pem())?;
        write_private(certificate_path, &certificate)?;
        Ok(Self {
            certificate,
            issuer: Issuer::new(params, key),
        })
    }
}

fn incomplete(path: &Path, problem: &str) -> PkiError {
    PkiError::Damaged {
        path: path.to_owned(),
        problem: problem.to_owned(),
    }
}
