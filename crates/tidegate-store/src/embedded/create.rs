//! Creating an empty store, whole or not at all.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use redb::Database;

use super::data_file::DataFile;
use super::open::OpenError;
use super::tables;

/// A new store under construction; it gets its real name when it is whole, so that a crash never leaves half a store.
const NEW_FILE: &str = "store.redb.new";

/// Creates the data file at `path`, which lies in `directory`.
pub(super) fn create(directory: &Path, path: &Path) -> Result<(), OpenError> {
    let new = directory.join(NEW_FILE);
    let built = build(&new).and_then(|()| {
        fs::rename(&new, path)?;
        Ok(File::open(directory)?.sync_all()?)
    });
    built.map_err(|error| {
        // What is left of the attempt is harmless: the next one begins by removing it.
        let _ = fs::remove_file(&new);
        OpenError::Create {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    })
}

/// Writes a whole, empty store under a name that nothing reads.
fn build(new: &Path) -> Result<(), redb::Error> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(new)?;
    let for_sync = file.try_clone()?;
    let database = Database::builder().create_with_backend(DataFile(file))?;
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    tables::create(&transaction)?;
    transaction.commit()?;
    drop(database);
    Ok(for_sync.sync_all()?)
}
