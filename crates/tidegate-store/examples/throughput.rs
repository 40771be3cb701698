//! How many durable writes per second the embedded store makes, alone and with company, and how long a large store takes to
//! open. `cargo run --release -p tidegate-store --example throughput [DIRECTORY]`; the disk under DIRECTORY is what counts.
#![allow(clippy::print_stdout, reason = "a measuring program talks to its user")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_store::{Expectation, Operation, RedbStore, Store};

const VALUE_BYTES: usize = 1000;
const LARGE_ENTRIES: usize = 100_000;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let parent = std::env::args_os()
        .nth(1)
        .unwrap_or_else(|| std::env::temp_dir().into());
    let directory = tempfile::tempdir_in(parent)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let store = Arc::new(RedbStore::open(directory.path())?);
    for writers in [1, 64] {
        let written = runtime.block_on(write_for(&store, writers, Duration::from_secs(3)))?;
        println!(
            "{writers:>3} writers: {:>8.0} writes/s of {VALUE_BYTES} bytes",
            written as f64 / 3.0
        );
    }
    runtime.block_on(fill(&store))?;
    let start = Instant::now();
    let page = runtime.block_on(store.list("large/", None, usize::MAX))?;
    println!(
        "listing {} entries: {:?}",
        page.entries.len(),
        start.elapsed()
    );
    drop(store);
    open_again(directory.path())
}

/// Each writer waits for its acknowledgement before it writes again, as the API server does.
async fn write_for(
    store: &Arc<RedbStore>,
    writers: usize,
    time: Duration,
) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    let end = Instant::now() + time;
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut written = 0;
                while Instant::now() < end {
                    let key = format!("writer/{writer}/{}", written % 1000);
                    store
                        .commit(vec![Operation::put(
                            key,
                            Expectation::Any,
                            vec![7; VALUE_BYTES],
                        )])
                        .await?;
                    written += 1;
                }
                Ok::<_, tidegate_store::CommitError>(written)
            })
        })
        .collect();
    let mut written = 0;
    for task in tasks {
        written += task.await??;
    }
    Ok(written)
}

async fn fill(store: &RedbStore) -> Result<(), tidegate_store::CommitError> {
    for batch in 0..LARGE_ENTRIES / 1000 {
        let operations = (0..1000).map(|n| {
            Operation::put(
                format!("large/{batch}/{n}"),
                Expectation::Any,
                vec![7; VALUE_BYTES],
            )
        });
        store.commit(operations.collect()).await?;
    }
    Ok(())
}

fn open_again(directory: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let size = std::fs::metadata(directory.join("store.redb"))?.len();
    let start = Instant::now();
    drop(RedbStore::open(directory)?);
    println!(
        "checking, opening and closing {} MiB: {:?}",
        size >> 20,
        start.elapsed()
    );
    Ok(())
}
