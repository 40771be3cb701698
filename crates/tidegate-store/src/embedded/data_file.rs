//! The data file as redb sees it: plain reads and writes, and growth that takes its space at once.
//!
//! redb grows a file by lengthening it, which costs no disk space until the new part is written. On a full disk a write
//! anywhere could then fail, recovery after the failure included. Here growing reserves the space: growing is the only thing
//! that a full disk can refuse, and a store on a full disk still opens, reads and recovers.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::fcntl::posix_fallocate;
use redb::StorageBackend;

/// An open data file. Other processes are kept away by the lock on the directory, so it takes no lock of its own.
#[derive(Debug)]
pub(super) struct DataFile(pub(super) File);

impl StorageBackend for DataFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let old = self.len()?;
        if len <= old {
            return self.0.set_len(len);
        }
        reserve(&self.0, old, len - old).or_else(|refused| {
            // Some file systems extend the file before they refuse.
            self.0.set_len(old)?;
            Err(refused)
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}

fn reserve(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let too_large = |_| io::Error::from(io::ErrorKind::FileTooLarge);
    let offset = i64::try_from(offset).map_err(too_large)?;
    let len = i64::try_from(len).map_err(too_large)?;
    loop {
        match posix_fallocate(file, offset, len) {
            // tmpfs gives up when a signal arrives.
            Err(Errno::EINTR) => {}
            result => return Ok(result?),
        }
    }
}
