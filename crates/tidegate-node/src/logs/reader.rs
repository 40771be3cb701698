//! Reading one run's files as one log, while they are still being written and renamed.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{LogOptions, line, writer};

/// About how much one call of [`Reader::read`] returns.
const BATCH: usize = 64 * 1024;
/// An entry that is longer than any that is ever written ends here.
const LONGEST_ENTRY: u64 = 64 * 1024;

/// A position in a log.
#[derive(Debug)]
pub(super) struct Reader {
    /// Files that come after the open one.
    next: VecDeque<PathBuf>,
    current: PathBuf,
    open: Option<BufReader<File>>,
    /// The beginning of an entry whose end has not been written yet.
    unfinished: Vec<u8>,
    filter: Filter,
}

impl Reader {
    pub(super) fn open(directory: &Path, run: u32, options: &LogOptions) -> io::Result<Self> {
        let files = writer::files(directory, run);
        let mut reader = Self {
            next: files.into(),
            current: writer::current(directory, run),
            open: None,
            unfinished: Vec::new(),
            filter: Filter {
                since: options.since,
                skip_lines: 0,
                limit: options.limit_bytes,
                timestamps: options.timestamps,
                within_line: false,
            },
        };
        if let Some(tail) = options.tail_lines {
            let mut counter = Self {
                next: reader.next.clone(),
                ..reader.rewound()
            };
            reader.filter.skip_lines = counter.count_lines()?.saturating_sub(tail);
        }
        Ok(reader)
    }

    /// The next part of the log; empty when there is nothing more for now.
    pub(super) fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        while out.len() < BATCH && !self.filter.is_exhausted() {
            let Some(entry) = self.next_entry()? else {
                break;
            };
            self.filter.pass(&entry, &mut out);
        }
        Ok(out)
    }

    /// Whether nothing can follow any more, whatever is written.
    pub(super) fn is_exhausted(&self) -> bool {
        self.filter.is_exhausted()
    }

    fn rewound(&self) -> Self {
        Self {
            next: VecDeque::new(),
            current: self.current.clone(),
            open: None,
            unfinished: Vec::new(),
            filter: Filter {
                limit: None,
                skip_lines: 0,
                within_line: false,
                ..self.filter
            },
        }
    }

    fn count_lines(&mut self) -> io::Result<u64> {
        let mut lines = 0;
        while let Some(entry) = self.next_entry()? {
            let Some(entry) = line::parse(&entry) else {
                continue;
            };
            lines += u64::from(entry.complete && self.filter.is_recent(&entry));
        }
        Ok(lines)
    }

    /// The next entry without its newline.
    fn next_entry(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if self.open.is_none() {
                let Some(path) = self.next.pop_front() else {
                    return Ok(None);
                };
                self.open = Some(BufReader::new(File::open(path)?));
            }
            // The name is looked up before the file is read to its end: should another file have
            // the name by then, nothing can be added to this one any more.
            let replaced = self.next.is_empty() && self.was_replaced()?;
            if let Some(entry) = self.read_line()? {
                return Ok(Some(entry));
            }
            if self.next.is_empty() {
                if !replaced {
                    return Ok(None);
                }
                self.next.push_back(self.current.clone());
            }
            self.open = None;
            self.unfinished.clear();
        }
    }

    fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = &mut self.open else {
            return Ok(None);
        };
        io::Read::take(file, LONGEST_ENTRY).read_until(b'\n', &mut self.unfinished)?;
        if self.unfinished.last() != Some(&b'\n') {
            return Ok(None);
        }
        self.unfinished.pop();
        Ok(Some(std::mem::take(&mut self.unfinished)))
    }

    fn was_replaced(&self) -> io::Result<bool> {
        let Some(file) = &self.open else {
            return Ok(false);
        };
        let now = match std::fs::metadata(&self.current) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            metadata => metadata?,
        };
        Ok(now.ino() != file.get_ref().metadata()?.ino())
    }
}

/// Decides what of the log is shown, and how.
#[derive(Debug, Clone, Copy)]
struct Filter {
    since: Option<Timestamp>,
    skip_lines: u64,
    limit: Option<u64>,
    timestamps: bool,
    /// The last entry was only a piece of a line.
    within_line: bool,
}

impl Filter {
    fn is_exhausted(&self) -> bool {
        self.limit == Some(0)
    }

    fn is_recent(&self, entry: &line::Entry<'_>) -> bool {
        let time = || entry.time.parse::<Timestamp>().ok();
        self.since
            .is_none_or(|since| time().is_some_and(|time| time >= since))
    }

    fn pass(&mut self, entry: &[u8], out: &mut Vec<u8>) {
        let Some(entry) = line::parse(entry) else {
            return;
        };
        if !self.is_recent(&entry) {
            return;
        }
        if self.skip_lines > 0 {
            self.skip_lines -= u64::from(entry.complete);
            return;
        }
        let before = out.len();
        if self.timestamps && !self.within_line {
            out.extend_from_slice(entry.time.as_bytes());
            out.push(b' ');
        }
        out.extend_from_slice(entry.text);
        if entry.complete {
            out.push(b'\n');
        }
        self.within_line = !entry.complete;
        if let Some(limit) = &mut self.limit {
            let allowed = usize::try_from(*limit).unwrap_or(usize::MAX);
            out.truncate(before.saturating_add(allowed).min(out.len()));
            *limit -= u64::try_from(out.len() - before).unwrap_or(0).min(*limit);
        }
    }
}
