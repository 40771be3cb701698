//! The one thread that writes.
//!
//! A sync of the disk costs the same for one transaction as for a hundred. So while one group is being synced the next one
//! collects in the queue, and the thread takes all of it at once: throughput grows with the number of callers, and a single
//! caller never waits for company.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::database::{SharedDatabase, WriteFailure};
use super::group::Applied;
use crate::commit::CommitError;
use crate::entry::Revision;
use crate::history::History;
use crate::operation::{MAX_COMMIT_BYTES, Operation};
use crate::watch::Event;

/// How many transactions may wait; further callers wait for a place.
const QUEUE: usize = 256;
/// The most transactions in one group, so that the first does not wait for a long tail.
const GROUP: usize = 256;

/// A handle on the writing thread. Dropping it lets the thread finish the queue, and waits for that.
pub(super) struct Writer {
    directory: PathBuf,
    queue: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

struct Request {
    operations: Vec<Operation>,
    reply: oneshot::Sender<Result<Revision, CommitError>>,
}

impl Writer {
    pub(super) fn start(
        database: Arc<SharedDatabase>,
        history: Arc<History>,
        directory: &Path,
        revision: Revision,
    ) -> std::io::Result<Self> {
        let (queue, requests) = mpsc::channel(QUEUE);
        let directory = directory.to_owned();
        let worker = Worker {
            database,
            history,
            directory: directory.clone(),
            revision,
            failed: None,
        };
        let thread = std::thread::Builder::new()
            .name("tidegate-store".into())
            .spawn(move || worker.run(requests))?;
        Ok(Self {
            directory,
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    pub(super) async fn commit(&self, operations: Vec<Operation>) -> Result<Revision, CommitError> {
        let closed = || CommitError::Closed {
            directory: self.directory.clone(),
        };
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        let (reply, answer) = oneshot::channel();
        queue
            .send(Request { operations, reply })
            .await
            .map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| {
            let reason = "the writing thread ended unexpectedly, see the log".into();
            Err(CommitError::Unconfirmed {
                directory: self.directory.clone(),
                reason,
            })
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(directory = %self.directory.display(), "the store's writing thread panicked");
        }
    }
}

/// What the thread owns.
struct Worker {
    database: Arc<SharedDatabase>,
    history: Arc<History>,
    directory: PathBuf,
    /// The revision that is published.
    revision: Revision,
    /// Set between a failed write and the next successful opening of the file.
    failed: Option<Failed>,
}

/// A write failed and the file has not been opened since.
struct Failed {
    /// The group whose fate is unknown until then.
    attempted: Option<Box<Applied>>,
}

/// What opening the file anew showed about the group that failed.
enum Fate {
    Kept(Box<Applied>),
    Lost,
}

impl Worker {
    fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let (group, replies) = collect(first, &mut requests);
            let results = self.commit(&group);
            for (reply, result) in replies.into_iter().zip(results) {
                // A caller that no longer waits has dropped its end; the change stands all the same.
                let _ = reply.send(result);
            }
        }
    }

    /// Writes one group; returns one result per transaction.
    fn commit(&mut self, group: &[Vec<Operation>]) -> Vec<Result<Revision, CommitError>> {
        if self.failed.is_some()
            && let Err(error) = self.recover()
        {
            return vec![Err(self.storage_error(&error)); group.len()];
        }
        match self.database.write(group) {
            Ok(applied) => {
                self.publish(applied.revision, applied.events);
                applied
                    .outcomes
                    .into_iter()
                    .map(|outcome| outcome.map_err(CommitError::Conflict))
                    .collect()
            }
            Err(WriteFailure { error, attempted }) => {
                tracing::error!(directory = %self.directory.display(), %error, "writing to the store failed");
                let may_be_kept = attempted.is_some();
                self.failed = Some(Failed { attempted });
                self.explain(group.len(), &error, may_be_kept)
            }
        }
    }

    /// Opens the file anew and tells the callers of the failed group what became of it.
    fn explain(
        &mut self,
        transactions: usize,
        error: &redb::Error,
        may_be_kept: bool,
    ) -> Vec<Result<Revision, CommitError>> {
        let unconfirmed = self.unconfirmed(error);
        match self.recover() {
            Ok(Fate::Kept(applied)) => applied
                .outcomes
                .into_iter()
                .map(|outcome| match outcome {
                    Ok(_) => Err(unconfirmed.clone()),
                    Err(conflict) => Err(CommitError::Conflict(conflict)),
                })
                .collect(),
            Err(_) if may_be_kept => vec![Err(unconfirmed); transactions],
            Ok(Fate::Lost) | Err(_) => vec![Err(self.storage_error(error)); transactions],
        }
    }

    /// Opens the file anew after a failure. If it turns out to hold the group that failed, its events are published:
    /// readers see it, so watchers must too.
    fn recover(&mut self) -> Result<Fate, redb::Error> {
        let stored = self.database.reopen().inspect_err(|error| {
            tracing::error!(directory = %self.directory.display(), %error, "opening the store anew failed");
        })?;
        let attempted = self.failed.take().and_then(|failed| failed.attempted);
        match attempted {
            Some(applied) if applied.revision == stored => {
                self.publish(applied.revision, applied.events.clone());
                Ok(Fate::Kept(applied))
            }
            _ => Ok(Fate::Lost),
        }
    }

    fn publish(&mut self, revision: Revision, events: Vec<Event>) {
        if revision > self.revision {
            self.revision = revision;
            self.history.publish(revision, events);
        }
    }

    fn storage_error(&self, error: &redb::Error) -> CommitError {
        CommitError::Storage {
            directory: self.directory.clone(),
            reason: error.to_string(),
        }
    }

    fn unconfirmed(&self, error: &redb::Error) -> CommitError {
        CommitError::Unconfirmed {
            directory: self.directory.clone(),
            reason: error.to_string(),
        }
    }
}

impl Drop for Worker {
    /// Also when the thread panics: whoever waits for an event must learn that none will come.
    fn drop(&mut self) {
        self.history.close();
    }
}

type Replies = Vec<oneshot::Sender<Result<Revision, CommitError>>>;

/// Takes what waits behind `first`, up to the limits of a group.
fn collect(
    first: Request,
    requests: &mut mpsc::Receiver<Request>,
) -> (Vec<Vec<Operation>>, Replies) {
    let mut bytes = size(&first.operations);
    let (mut group, mut replies) = (vec![first.operations], vec![first.reply]);
    while group.len() < GROUP
        && bytes < MAX_COMMIT_BYTES
        && let Ok(request) = requests.try_recv()
    {
        bytes += size(&request.operations);
        group.push(request.operations);
        replies.push(request.reply);
    }
    (group, replies)
}

fn size(operations: &[Operation]) -> usize {
    operations.iter().map(Operation::size).sum()
}

#[cfg(test)]
mod tests;
