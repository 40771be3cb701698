//! Files that nobody but their owner may read.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Why certificates could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file or directory can't be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file is there but does not hold what it should.
    #[error("{} is damaged ({problem}); remove the directory {} to have new certificates made (kubeconfigs that were copied elsewhere stop working)", path.display(), path.parent().unwrap_or(Path::new("/")).display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A certificate can't be made.
    #[error("cannot make the {what} certificate: {source}")]
    Make {
        /// Which certificate.
        what: &'static str,
        /// Why it failed.
        source: rcgen::Error,
    },
    /// The TLS library refuses the certificates.
    #[error("cannot use the server's certificates: {0}")]
    Tls(String),
}

pub(super) fn make_private_directory(path: &Path) -> Result<(), PkiError> {
    let failed = |source| PkiError::File {
        action: "create",
        path: path.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
}

/// A file's text, or `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, PkiError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(PkiError::File {
            action: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

/// Replaces a file in one step: after a crash it is either the old or the new one.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), PkiError> {
    let temporary = path.with_extension("new");
    let failed = |source| PkiError::File {
        action: "write",
        path: path.to_owned(),
        source,
    };
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)
}
