//! The server's own certificate authority, and what it signs: one certificate for the server, one
//! for the administrator.
//!
//! Everything lies in `DATA/pki`, readable by its owner only, and is made on the first start. The
//! authority stays; certificates are made anew when they are about to expire or no longer name
//! every address that the server is reached at.

mod authority;
mod certificates;
mod files;
mod kubeconfig;
mod tls;

use std::path::{Path, PathBuf};

use rustls::ServerConfig;

pub use self::files::PkiError;
pub(crate) use self::kubeconfig::write_kubeconfig;
use self::{
    authority::Authority,
    certificates::{admin_certificate, server_certificate},
};

/// What the server needs of its certificates, in PEM.
pub(crate) struct Pki {
    pub(crate) authority_certificate: String,
    pub(crate) server: Signed,
    pub(crate) admin: Signed,
}

/// A certificate with its private key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Pki {
    /// Reads the certificates from the data directory; makes those that are missing, about to
    /// expire, or of other names.
    pub(crate) fn prepare(data_dir: &Path, server_names: &[String]) -> Result<Self, PkiError> {
        let directory: PathBuf = data_dir.join("pki");
        files::make_private_directory(&directory)?;
        let authority = Authority::load_or_make(&directory)?;
        let server = server_certificate(&directory, &authority, server_names)?;
        let admin = admin_certificate(&directory, &authority)?;
        Ok(Self {
            authority_certificate: authority.certificate,
            server,
            admin,
        })
    }

    /// The TLS settings of the listener: a client may show a certificate of ours, or none.
    pub(crate) fn server_config(&self) -> Result<ServerConfig, PkiError> {
        tls::server_config(self)
    }
}
