//! The two certificates that the authority signs.

use std::{net::IpAddr, path::Path};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};
use x509_parser::{extensions::GeneralName, pem::parse_x509_pem, prelude::X509Certificate};

use super::{
    Signed,
    authority::Authority,
    files::{PkiError, read, write_private},
};

const VALID_FOR: Duration = Duration::days(365);

/// A certificate this close to its end is replaced at the next start.
const RENEW_BEFORE_END: Duration = Duration::days(60);

/// The server's certificate for all of its names and addresses.
pub(super) fn server_certificate(
    directory: &Path,
    authority: &Authority,
    names: &[String],
) -> Result<Signed, PkiError> {
    let mut wanted: Vec<String> = names.to_vec();
    wanted.sort();
    wanted.dedup();
    if let Some(signed) = load(directory, "server", authority, |certificate| {
        subject_names(certificate) == wanted
    })? {
        return Ok(signed);
    }
    let failed = |source| PkiError::Make {
        what: "server's",
        source,
    };
    let mut params = CertificateParams::new(wanted).map_err(failed)?;
    params.distinguished_name = subject("tidegate-apiserver", None);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    make(directory, "server", params, authority).map_err(failed)?
}

/// The administrator's certificate: the group `system:masters` may do everything in Kubernetes.
pub(super) fn admin_certificate(
    directory: &Path,
    authority: &Authority,
) -> Result<Signed, PkiError> {
    if let Some(signed) = load(directory, "admin", authority, |_| true)? {
        return Ok(signed);
    }
    let failed = |source| PkiError::Make {
        what: "administrator's",
        source,
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = subject("tidegate-admin", Some("system:masters"));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    make(directory, "admin", params, authority).map_err(failed)?
}

fn subject(common_name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name.push(DnType::CommonName, common_name);
    name
}

/// The outer error is the signing's, the inner one that of the files.
fn make(
    directory: &Path,
    name: &str,
    mut params: CertificateParams,
    authority: &Authority,
) -> Result<Result<Signed, PkiError>, rcgen::Error> {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::hours(1);
    params.not_after = now + VALID_FOR;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let signed = Signed {
        certificate: params.signed_by(&key, &authority.issuer)?.pem(),
        key: key.serialize_pem(),
    };
    let stored = write_private(&directory.join(format!("{name}.key")), &signed.key)
        .and_then(|()| write_private(&directory.join(format!("{name}.crt")), &signed.certificate));
    Ok(stored.map(|()| signed))
}

/// A stored certificate that is still good: ours, long enough valid, its key fitting.
fn load(
    directory: &Path,
    name: &str,
    authority: &Authority,
    is_as_wanted: impl Fn(&X509Certificate<'_>) -> bool,
) -> Result<Option<Signed>, PkiError> {
    let certificate = read(&directory.join(format!("{name}.crt")))?;
    let key = read(&directory.join(format!("{name}.key")))?;
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Ok(None);
    };
    let good = is_good(&certificate, &key, authority, is_as_wanted);
    Ok(good.then_some(Signed { certificate, key }))
}

/// Anything unreadable counts as not good: it is simply made anew.
fn is_good(
    certificate: &str,
    key: &str,
    authority: &Authority,
    is_as_wanted: impl Fn(&X509Certificate<'_>) -> bool,
) -> bool {
    let Ok((_, pem)) = parse_x509_pem(certificate.as_bytes()) else {
        return false;
    };
    let Ok(parsed) = pem.parse_x509() else {
        return false;
    };
    let Ok((_, authority_pem)) = parse_x509_pem(authority.certificate.as_bytes()) else {
        return false;
    };
    let Ok(authority) = authority_pem.parse_x509() else {
        return false;
    };
    let Ok(key) = KeyPair::from_pem(key) else {
        return false;
    };
    let renew_from = OffsetDateTime::now_utc() + RENEW_BEFORE_END;
    parsed.validity().not_after.to_datetime() > renew_from
        && parsed
            .verify_signature(Some(authority.public_key()))
            .is_ok()
        && parsed.public_key().subject_public_key.data.as_ref() == key.public_key_raw()
        && is_as_wanted(&parsed)
}

fn subject_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let mut names: Vec<String> = extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => match bytes.len() {
                4 => <[u8; 4]>::try_from(*bytes)
                    .ok()
                    .map(|octets| IpAddr::from(octets).to_string()),
                16 => <[u8; 16]>::try_from(*bytes)
                    .ok()
                    .map(|octets| IpAddr::from(octets).to_string()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    names.sort();
    names
}
