//! Making the data directory, keeping others out of it, and taking it for this process.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use super::lock::{DirectoryLock, LockError};
use super::open::OpenError;

/// Makes the directory if it does not exist, and locks it.
pub(super) fn take(directory: &Path) -> Result<DirectoryLock, OpenError> {
    let unusable = |source| OpenError::Directory {
        path: directory.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(unusable)?;
    make_private(directory).map_err(unusable)?;
    DirectoryLock::take(directory).map_err(|error| match error {
        LockError::Held(process) => OpenError::InUse {
            path: directory.to_owned(),
            process,
        },
        LockError::Io(source) => unusable(source),
    })
}

/// Takes away others' access to a directory that was made for us but is still empty.
///
/// Someone may name a directory that serves other purposes too, `/tmp` at worst; its mode is not ours to change, not even
/// after our files lie in it.
fn make_private(directory: &Path) -> io::Result<()> {
    if fs::metadata(directory)?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    if fs::read_dir(directory)?.next().is_none() {
        return fs::set_permissions(directory, Permissions::from_mode(0o700));
    }
    tracing::warn!(
        directory = %directory.display(),
        "the data directory is open to other users; it is not empty, so its mode is left alone: chmod 700 is advised"
    );
    Ok(())
}
