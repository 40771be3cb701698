//! A disk that fails at every possible moment of a commit, and one that stalls.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::{FutureExt, StreamExt};
use redb::{Database, StorageBackend};

use super::super::data_file::DataFile;
use super::super::lock::DirectoryLock;
use super::super::tables;
use super::*;
use crate::history::Limits;
use crate::operation::Expectation;

/// What the disk does to the store.
#[derive(Debug)]
struct Disk {
    /// Counts down with every write and sync; the operation that finds zero fails. Negative: nothing fails.
    countdown: AtomicI64,
    /// Syncs wait while a test holds this.
    stalled: Mutex<()>,
    /// How many syncs were asked for.
    syncs: AtomicUsize,
}

impl Disk {
    fn step(&self) -> io::Result<()> {
        match self.countdown.fetch_sub(1, Ordering::SeqCst) {
            0 => Err(io::Error::other("injected failure")),
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
struct TestFile(DataFile, Arc<Disk>);

impl StorageBackend for TestFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.1.step()?;
        self.0.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.1.syncs.fetch_add(1, Ordering::SeqCst);
        drop(self.1.stalled.lock().expect("not poisoned"));
        // The sync happens and its failure is reported: the worst case for the one who must say what was kept.
        self.0.sync_data()?;
        self.1.step()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.1.step()?;
        self.0.write(offset, data)
    }
}

struct Bench {
    disk: Arc<Disk>,
    database: Arc<SharedDatabase>,
    history: Arc<History>,
    writer: Writer,
}

fn bench(directory: &Path) -> Bench {
    let disk = Arc::new(Disk {
        countdown: AtomicI64::new(-1),
        stalled: Mutex::new(()),
        syncs: AtomicUsize::new(0),
    });
    let path = directory.join("data");
    let opener = {
        let disk = Arc::clone(&disk);
        Box::new(move || {
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            Ok(Database::builder()
                .create_with_backend(TestFile(DataFile(file), Arc::clone(&disk)))?)
        })
    };
    let first = opener().expect("created");
    let transaction = first.begin_write().expect("begun");
    tables::create(&transaction).expect("laid out");
    transaction.commit().expect("committed");
    drop(first);
    let lock = DirectoryLock::take(directory).expect("locked");
    let database = Arc::new(SharedDatabase::open(opener, lock).expect("opened"));
    let history = Arc::new(History::new(
        Revision(1),
        Limits {
            events: 100,
            bytes: 1 << 20,
        },
    ));
    let writer = Writer::start(
        Arc::clone(&database),
        Arc::clone(&history),
        directory,
        Revision(1),
    )
    .expect("started");
    Bench {
        disk,
        database,
        history,
        writer,
    }
}

/// Commits with the failure after `operations` steps; says, if the failure struck at all, whether the changes were kept.
/// Afterwards readers, watchers and the answer must agree.
async fn fails_after(operations: i64) -> Option<bool> {
    let directory = tempfile::tempdir().expect("a directory");
    let Bench {
        disk,
        database,
        history,
        writer,
    } = bench(directory.path());
    let mut watch = history.watch("", Revision(1)).expect("a watch");
    writer
        .commit(vec![Operation::put("before", Expectation::Absent, "1")])
        .await
        .expect("healthy");

    disk.countdown.store(operations, Ordering::SeqCst);
    let both = vec![
        Operation::put("left", Expectation::Absent, vec![7; 100_000]),
        Operation::put("right", Expectation::Absent, vec![7; 100_000]),
    ];
    let result = writer.commit(both).await;
    let struck = disk.countdown.swap(-1, Ordering::SeqCst) < 0;

    // The next commit finds a healthy disk again and must work whatever came before.
    writer
        .commit(vec![Operation::put("after", Expectation::Absent, "1")])
        .await
        .expect("healthy again");
    let read = |key| {
        database
            .read(|snapshot| snapshot.get(key))
            .expect("readable")
    };
    let kept = read("left").is_some();
    assert_eq!(
        kept,
        read("right").is_some(),
        "half a transaction after {operations} operations"
    );
    assert!(read("before").is_some());
    match &result {
        Ok(_) => assert!(kept && !struck),
        Err(CommitError::Storage { .. }) => {
            assert!(!kept, "told to be lost, but kept, after {operations}")
        }
        Err(CommitError::Unconfirmed { .. }) => {}
        Err(other) => panic!("unexpected answer {other}"),
    }
    let mut events = Vec::new();
    while let Some(Some(Ok(event))) = watch.next().now_or_never() {
        events.push(event.entry.key.to_string());
    }
    let expected: &[&str] = if kept {
        &["before", "left", "right", "after"]
    } else {
        &["before", "after"]
    };
    assert_eq!(
        events, expected,
        "watchers must see what readers see, after {operations}"
    );
    struck.then_some(kept)
}

#[tokio::test]
async fn a_commit_that_fails_anywhere_is_whole_or_absent_and_reported_truthfully() {
    let mut kept = Vec::new();
    while let Some(outcome) = fails_after(kept.len() as i64).await {
        kept.push(outcome);
    }
    assert!(
        kept.contains(&true) && kept.contains(&false),
        "a failure before and one after the decisive moment were expected, not {kept:?}"
    );
}

#[test]
fn reading_goes_on_while_a_commit_waits_for_the_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let Bench {
        disk,
        database,
        writer,
        ..
    } = bench(directory.path());
    let stalled = disk.stalled.lock().expect("not poisoned");
    let before = disk.syncs.load(Ordering::SeqCst);
    let put = vec![Operation::put("a", Expectation::Absent, "1")];
    let commit = runtime.spawn(async move { writer.commit(put).await });
    while disk.syncs.load(Ordering::SeqCst) == before {
        std::thread::yield_now();
    }
    let found = database
        .read(|snapshot| snapshot.get("a"))
        .expect("readable");
    assert_eq!(found, None, "visible before it is durable");
    assert!(!commit.is_finished(), "acknowledged before it is durable");
    drop(stalled);
    runtime
        .block_on(commit)
        .expect("no panic")
        .expect("committed");
    assert!(
        database
            .read(|snapshot| snapshot.get("a"))
            .expect("readable")
            .is_some()
    );
}
