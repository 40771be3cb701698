//! A log as a stream of bytes, going on while the container runs when it is followed.

use std::io;
use std::path::Path;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;

use super::reader::Reader;
use super::{LogOptions, Progress};

/// Pieces of a log, in order. The stream ends with the log or, when following, with the run.
pub(crate) type LogStream = BoxStream<'static, io::Result<Bytes>>;

struct Following {
    reader: Reader,
    run: u32,
    follow: bool,
    progress: watch::Receiver<Option<Progress>>,
}

pub(super) fn open(
    directory: &Path,
    run: u32,
    options: LogOptions,
    progress: watch::Receiver<Option<Progress>>,
) -> io::Result<LogStream> {
    let reader = Reader::open(directory, run, &options)?;
    let following = Following {
        reader,
        run,
        follow: options.follow,
        progress,
    };
    Ok(stream::try_unfold(following, next).boxed())
}

async fn next(mut state: Following) -> io::Result<Option<(Bytes, Following)>> {
    loop {
        // Marked as seen before reading, so that a write in between wakes this up again.
        let open = state
            .progress
            .borrow_and_update()
            .is_some_and(|progress| progress.run == state.run && progress.open);
        let (reader, result) = read(state.reader).await?;
        state.reader = reader;
        let text = result?;
        if !text.is_empty() {
            return Ok(Some((Bytes::from(text), state)));
        }
        let over = !state.follow || !open || state.reader.is_exhausted();
        if over || state.progress.changed().await.is_err() {
            return Ok(None);
        }
    }
}

/// Files are read on a thread that may wait for the disk.
async fn read(mut reader: Reader) -> io::Result<(Reader, io::Result<Vec<u8>>)> {
    let task = tokio::task::spawn_blocking(move || {
        let result = reader.read();
        (reader, result)
    });
    task.await.map_err(io::Error::other)
}
