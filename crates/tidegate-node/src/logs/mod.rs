//! Container logs: kept on disk in the format of the container runtime interface, read back for
//! `kubectl logs`.
//!
//! One file per run of a container, `<n>.log`, where `n` is the restart count. A file that grows too
//! large is renamed to `<n>.log.1`, the former one to `.2`, and so on. The present run and the one
//! before it are kept.

mod line;
mod pump;
mod reader;
mod stream;
mod writer;

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::sync::watch;

pub(crate) use pump::{Output, pump};
pub(crate) use stream::LogStream;
pub(crate) use writer::LogWriter;

/// Which part of a log is wanted; the parameters of `kubectl logs`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Go on with what is written from now on, until the run ends.
    pub follow: bool,
    /// The run before the present one.
    pub previous: bool,
    /// Begin every line with the time (RFC 3339) at which it was written.
    pub timestamps: bool,
    /// Only lines written at or after this time.
    pub since: Option<Timestamp>,
    /// Only this many lines at the end.
    pub tail_lines: Option<u64>,
    /// Stop after this many bytes.
    pub limit_bytes: Option<u64>,
}

/// How far the log of a container has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The present or last run.
    pub(crate) run: u32,
    /// Grows with every write, so that followers wake up.
    pub(crate) writes: u64,
    /// The run goes on.
    pub(crate) open: bool,
}

/// The logs of one container.
#[derive(Debug)]
pub(crate) struct ContainerLog {
    directory: PathBuf,
    progress: watch::Sender<Option<Progress>>,
}

impl ContainerLog {
    /// The log in `directory`, with what an earlier node may have left there.
    pub(crate) fn open(directory: PathBuf) -> Self {
        let last = runs(&directory).ok().and_then(|runs| runs.last().copied());
        let progress = last.map(|run| Progress {
            run,
            writes: 0,
            open: false,
        });
        Self {
            directory,
            progress: watch::Sender::new(progress),
        }
    }

    /// Opens the log of a new run and forgets all but the one before it.
    pub(crate) fn begin(&self, run: u32) -> io::Result<LogWriter> {
        crate::runtime::create_private_dir(&self.directory)?;
        let mut former = runs(&self.directory)?;
        former.retain(|former| *former < run);
        for outdated in former.iter().rev().skip(1) {
            writer::remove(&self.directory, *outdated)?;
        }
        let writer = LogWriter::create(&self.directory, run)?;
        self.progress.send_replace(Some(Progress {
            run,
            writes: 0,
            open: true,
        }));
        Ok(writer)
    }

    /// Tells followers that there is more to read.
    pub(crate) fn written(&self) {
        self.progress.send_modify(|progress| {
            if let Some(progress) = progress {
                progress.writes += 1;
            }
        });
    }

    /// Tells followers that the run has ended.
    pub(crate) fn end(&self) {
        self.progress.send_modify(|progress| {
            if let Some(progress) = progress {
                progress.open = false;
            }
        });
    }

    /// Reads a log; `None` when there is no such run.
    pub(crate) fn read(&self, options: LogOptions) -> io::Result<Option<LogStream>> {
        let progress = self.progress.subscribe();
        let Some(present) = *progress.borrow() else {
            return Ok(None);
        };
        let run = if options.previous {
            let runs = runs(&self.directory)?;
            match runs.into_iter().rev().find(|run| *run < present.run) {
                Some(run) => run,
                None => return Ok(None),
            }
        } else {
            present.run
        };
        stream::open(&self.directory, run, options, progress).map(Some)
    }
}

/// Numbers of the runs that have a log, in ascending order.
fn runs(directory: &Path) -> io::Result<Vec<u32>> {
    let mut runs = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        runs.extend(
            name.to_str()
                .and_then(|name| name.strip_suffix(".log")?.parse::<u32>().ok()),
        );
    }
    runs.sort_unstable();
    Ok(runs)
}

#[cfg(test)]
mod tests;
