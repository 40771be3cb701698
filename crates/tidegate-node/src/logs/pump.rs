//! From a container's pipe to its log.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::line::{self};
use super::{ContainerLog, LogWriter};

pub(crate) use super::line::Output;

/// A longer line is split; what a program writes must not fill the memory.
const LONGEST_LINE: usize = 16 * 1024;

/// Copies a pipe into the log until its last writer closes it.
///
/// A log that cannot be written (a full disk) is dropped with one warning: the container must not
/// stand still because of it.
pub(crate) async fn pump(
    pipe: impl AsyncRead + Unpin,
    output: Output,
    writer: &Mutex<LogWriter>,
    log: &ContainerLog,
) {
    let mut pipe = BufReader::with_capacity(LONGEST_LINE, pipe);
    let mut splitter = Splitter::default();
    let mut warned = false;
    loop {
        let mut entries = Vec::new();
        let length = match pipe.fill_buf().await {
            // A broken pipe is the end of the output like any other.
            Ok([]) | Err(_) => 0,
            Ok(bytes) => {
                let now = Timestamp::now();
                splitter.split(bytes, |complete, text| {
                    line::write(&mut entries, now, output, complete, text);
                });
                bytes.len()
            }
        };
        if length == 0 {
            splitter.rest(|text| line::write(&mut entries, Timestamp::now(), output, false, text));
        }
        pipe.consume(length);
        if !entries.is_empty() {
            // Small writes into the page cache; handing each to another thread would cost more.
            let result = writer
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .append(&entries);
            if let (Err(error), false) = (result, warned) {
                tracing::warn!(%error, "a container's log cannot be written and is lost");
                warned = true;
            }
            log.written();
        }
        if length == 0 {
            return;
        }
    }
}

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
struct Splitter {
    pending: Vec<u8>,
}

impl Splitter {
    /// Calls `emit` with every complete line, without its newline, and with pieces of lines that
    /// are too long.
    fn split(&mut self, bytes: &[u8], mut emit: impl FnMut(bool, &[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, complete) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            self.pending.extend_from_slice(text);
            while self.pending.len() > LONGEST_LINE {
                let rest = self.pending.split_off(LONGEST_LINE);
                emit(false, &self.pending);
                self.pending = rest;
            }
            if complete {
                emit(true, &self.pending);
                self.pending.clear();
            }
        }
    }

    /// What was never finished with a newline.
    fn rest(&mut self, emit: impl FnOnce(&[u8])) {
        if !self.pending.is_empty() {
            emit(&std::mem::take(&mut self.pending));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<(bool, Vec<u8>)> {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.split(chunk, |complete, text| {
                lines.push((complete, text.to_vec()))
            });
        }
        splitter.rest(|text| lines.push((false, text.to_vec())));
        lines
    }

    #[test]
    fn lines_come_out_whole_however_they_arrive() {
        let whole = |text: &[u8]| (true, text.to_vec());
        assert_eq!(split(&[b"a\nb\n"]), [whole(b"a"), whole(b"b")]);
        assert_eq!(
            split(&[b"a", b"b\n\n", b"c"]),
            [whole(b"ab"), whole(b""), (false, b"c".to_vec())]
        );
    }

    #[test]
    fn long_lines_are_cut() {
        let long = vec![b'x'; LONGEST_LINE + 10];
        let lines = split(&[&long, b"y\n"]);
        assert_eq!(lines[0], (false, vec![b'x'; LONGEST_LINE]));
        assert_eq!(lines[1], (true, b"xxxxxxxxxxy".to_vec()));
    }
}
