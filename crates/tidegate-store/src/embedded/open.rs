//! From a directory to an open store: make, lock, inspect, open.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use redb::Database;

use super::data_file::DataFile;
use super::database::SharedDatabase;
use super::inspect::{Finding, inspect};
use super::{create, directory};
use crate::entry::Revision;

const DATA_FILE: &str = "store.redb";

/// Why a store could not be opened. In every case the data file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made or used.
    #[error("cannot use the data directory {}: {source}; it must be a directory that this user may write to", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the directory.
    #[error("data directory {} is in use by tidegate process {}; stop it, or choose another data directory", path.display(), process.map_or("(unknown)".into(), |id| id.to_string()))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process, if its id could be read.
        process: Option<u32>,
    },
    /// A later version of tidegate wrote the file.
    #[error("{} was written by a newer tidegate ({found}, this one reads up to {supported}) and was left untouched; run that version, or move the file away to begin with an empty store", path.display())]
    Newer {
        /// The data file.
        path: PathBuf,
        /// The format it is in.
        found: String,
        /// The newest format of its kind that this version reads.
        supported: String,
    },
    /// The file is not, or no longer, a whole store.
    #[error("{} is damaged and was left untouched: {detail}; restore it from a backup, or move it away to begin with an empty store", path.display())]
    Damaged {
        /// The data file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A new store could not be written.
    #[error("cannot create {}: {reason}; is the disk full or read-only?", path.display())]
    Create {
        /// The data file.
        path: PathBuf,
        /// What the storage layer said.
        reason: String,
    },
    /// The system refuses to open the file for reading and writing.
    #[error("cannot open {}: {reason}; check the disk, and that this user may read and write the file", path.display())]
    Open {
        /// The data file.
        path: PathBuf,
        /// What the storage layer said.
        reason: String,
    },
    /// The system refused a thread.
    #[error("cannot start the store's writing thread: {source}; raise the limit on processes")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
}

/// Takes the directory and opens the store in it, a new one if there is none.
pub(super) fn open(
    directory: &Path,
    cache_bytes: usize,
) -> Result<(SharedDatabase, Revision), OpenError> {
    let lock = directory::take(directory)?;
    let path = directory.join(DATA_FILE);
    match fs::metadata(&path) {
        Ok(found) if !found.is_file() => {
            return Err(OpenError::Damaged {
                path,
                detail: "it is not a regular file".into(),
            });
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => create::create(directory, &path)?,
        Err(source) => {
            return Err(OpenError::Directory {
                path: directory.to_owned(),
                source,
            });
        }
    }
    inspect(&path).map_err(|finding| match finding {
        Finding::Newer { found, supported } => OpenError::Newer {
            path: path.clone(),
            found,
            supported,
        },
        Finding::Unreadable(reason) => OpenError::Open {
            path: path.clone(),
            reason,
        },
        Finding::Damaged(detail) => OpenError::Damaged {
            path: path.clone(),
            detail,
        },
    })?;
    let refused = |error: redb::Error| OpenError::Open {
        path: path.clone(),
        reason: error.to_string(),
    };
    fs::set_permissions(&path, Permissions::from_mode(0o600))
        .map_err(|error| refused(error.into()))?;
    let opener = {
        let path = path.clone();
        Box::new(move || open_for_writing(&path, cache_bytes))
    };
    let database = SharedDatabase::open(opener, lock).map_err(refused)?;
    let revision = database
        .read(|snapshot| snapshot.revision())
        .map_err(refused)?;
    Ok((database, revision))
}

fn open_for_writing(path: &Path, cache_bytes: usize) -> Result<Database, redb::Error> {
    let file = File::options().read(true).write(true).open(path)?;
    Ok(Database::builder()
        .set_cache_size(cache_bytes)
        .create_with_backend(DataFile(file))?)
}
