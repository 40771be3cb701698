//! Writing one run's log, in files of limited size.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that has grown to this size is put aside.
const LARGEST_FILE: u64 = 10 * 1024 * 1024;
/// Files per run, the growing one included.
const FILES: u32 = 5;

/// The growing file of a run.
#[derive(Debug)]
pub(crate) struct LogWriter {
    path: PathBuf,
    file: File,
    size: u64,
    largest: u64,
}

impl LogWriter {
    pub(super) fn create(directory: &Path, run: u32) -> io::Result<Self> {
        Self::with_limit(directory, run, LARGEST_FILE)
    }

    pub(super) fn with_limit(directory: &Path, run: u32, largest: u64) -> io::Result<Self> {
        remove(directory, run)?;
        let path = path(directory, run, 0);
        Ok(Self {
            file: open(&path)?,
            path,
            size: 0,
            largest,
        })
    }

    /// Appends whole entries.
    pub(super) fn append(&mut self, entries: &[u8]) -> io::Result<()> {
        if self.size >= self.largest {
            self.rotate()?;
        }
        self.file.write_all(entries)?;
        self.size += u64::try_from(entries.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        for age in (1..FILES).rev() {
            let from = aged(&self.path, age - 1);
            if from.exists() {
                std::fs::rename(from, aged(&self.path, age))?;
            }
        }
        self.file = open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// The files of a run, oldest first.
pub(super) fn files(directory: &Path, run: u32) -> Vec<PathBuf> {
    let all = (0..FILES).rev().map(|age| path(directory, run, age));
    all.filter(|path| path.exists()).collect()
}

/// The file of a run that is written to.
pub(super) fn current(directory: &Path, run: u32) -> PathBuf {
    path(directory, run, 0)
}

/// Removes all files of a run.
pub(super) fn remove(directory: &Path, run: u32) -> io::Result<()> {
    files(directory, run)
        .into_iter()
        .try_for_each(std::fs::remove_file)
}

fn path(directory: &Path, run: u32, age: u32) -> PathBuf {
    aged(&directory.join(format!("{run}.log")), age)
}

fn aged(path: &Path, age: u32) -> PathBuf {
    if age == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{age}"));
    PathBuf::from(name)
}
