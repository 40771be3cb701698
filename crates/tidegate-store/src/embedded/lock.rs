//! One process per data directory.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The name of the lock file within the data directory.
const LOCK_FILE: &str = "tidegate.lock";

/// Holds the directory until it is dropped. The kernel releases it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct DirectoryLock(File);

/// Why the directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum LockError {
    /// Another process has it; its id, if it could be read.
    #[error("held by process {0:?}")]
    Held(Option<u32>),
    /// The lock file could not be opened, locked or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl DirectoryLock {
    /// Takes the directory for this process, or says who has it. Does not wait.
    pub(super) fn take(directory: &Path) -> Result<Self, LockError> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(directory.join(LOCK_FILE))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mut lock = Self(file);
        lock.write_holder(&format!("{}\n", std::process::id()))?;
        Ok(lock)
    }

    fn write_holder(&mut self, text: &str) -> io::Result<()> {
        self.0.rewind()?;
        self.0.set_len(0)?;
        self.0.write_all(text.as_bytes())
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // The number is only an explanation for others; the lock itself goes with the descriptor.
        let _ = self.write_holder("");
    }
}

/// Reads the process id out of the lock file. A few bytes suffice, whatever someone else wrote there.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
