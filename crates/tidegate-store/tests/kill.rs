//! Every acknowledged write survives `kill -9`, whenever it strikes; and only one process has the directory.
#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use common::{everything, open, put};
use tidegate_store::{Expectation, OpenError, Operation, RedbStore, Store};

/// Names the data directory to the copy of this test binary that writes.
const CHILD_DIRECTORY: &str = "TIDEGATE_STORE_TEST_DIRECTORY";
const CHILD_ROUND: &str = "TIDEGATE_STORE_TEST_ROUND";
const ROUNDS: usize = 40;

/// The writing process: started by the other tests, which kill it. By itself it has nothing to do.
#[test]
fn child_writes_until_it_is_killed() {
    let (Ok(directory), Ok(round)) = (std::env::var(CHILD_DIRECTORY), std::env::var(CHILD_ROUND))
    else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    let store = Arc::new(open(Path::new(&directory)));
    acknowledge("open");
    runtime.block_on(async {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                tokio::spawn(write_forever(
                    Arc::clone(&store),
                    format!("{round}-{writer}"),
                ))
            })
            .collect();
        for writer in writers {
            writer.await.expect("writes until it is killed");
        }
    });
}

/// Writes new keys, rewrites one and deletes older ones; prints each state once it is acknowledged.
async fn write_forever(store: Arc<RedbStore>, name: String) {
    for n in 0u64.. {
        let key = format!("{name}/{n}");
        let value = format!("{n}{}", "x".repeat((n as usize * 37) % 3000));
        let latest = put(&format!("latest/{name}"), &n.to_string());
        store
            .commit(vec![put(&key, &value), latest])
            .await
            .expect("committed");
        acknowledge(&format!("put {key} {}", value.len()));
        if n % 3 == 2 {
            let old = format!("{name}/{}", n - 2);
            acknowledge(&format!("deleting {old}"));
            store
                .commit(vec![Operation::delete(old.clone(), Expectation::Any)])
                .await
                .expect("committed");
            acknowledge(&format!("deleted {old}"));
        }
    }
}

/// One write per line, so that no line is torn when the process dies.
fn acknowledge(line: &str) {
    std::io::stdout()
        .lock()
        .write_all(format!("\n>{line}\n").as_bytes())
        .expect("the parent listens");
}

fn start_child(directory: &Path, round: usize) -> Child {
    Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "child_writes_until_it_is_killed", "--nocapture"])
        .env(CHILD_DIRECTORY, directory)
        .env(CHILD_ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started")
}

/// Kills the child after `lines` acknowledgements and returns all that it gave.
fn kill_after(mut child: Child, lines: usize) -> Vec<String> {
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let mut acknowledged = Vec::new();
    for line in output.lines() {
        let line = line.expect("readable");
        if let Some(line) = line.strip_prefix('>') {
            acknowledged.push(line.to_owned());
            if acknowledged.len() == lines {
                child.kill().expect("killed");
            }
        }
    }
    child.wait().expect("reaped");
    acknowledged
}

/// What must be there: `Some(length)`; what must be gone: `None`; what was in flight is in neither state for certain.
fn believe(acknowledged: &[String], beliefs: &mut BTreeMap<String, Option<usize>>) {
    for line in acknowledged {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["put", key, length] => {
                beliefs.insert(key.to_owned(), Some(length.parse().expect("a length")))
            }
            ["deleting", key] => beliefs.remove(key),
            ["deleted", key] => beliefs.insert(key.to_owned(), None),
            _ => None,
        };
    }
}

#[test]
fn acknowledged_writes_survive_kill_9() {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut beliefs = BTreeMap::new();
    for round in 0..ROUNDS {
        // From "right after opening" to "in the middle of many writes".
        let acknowledged = kill_after(start_child(directory.path(), round), 1 + (round * 29) % 173);
        assert!(
            !acknowledged.is_empty(),
            "the child could not open what the round before left behind"
        );
        believe(&acknowledged, &mut beliefs);
        let store = open(directory.path());
        let entries = runtime.block_on(everything(&store));
        let found: BTreeMap<&str, usize> = entries
            .iter()
            .map(|entry| (&*entry.key, entry.value.len()))
            .collect();
        for (key, belief) in &beliefs {
            assert_eq!(
                found.get(key.as_str()),
                belief.as_ref(),
                "{key} after round {round}"
            );
        }
        let newest = entries.iter().map(|entry| entry.modified).max();
        assert!(newest.is_none_or(|newest| newest <= store.revision()));
    }
    assert!(beliefs.len() > ROUNDS, "the children hardly wrote anything");
}

#[test]
fn a_second_process_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut child = start_child(directory.path(), 0);
    let mut output = BufReader::new(child.stdout.take().expect("piped")).lines();
    while output.next().expect("the child lives").expect("readable") != ">open" {}
    let error = RedbStore::open(directory.path()).err().expect("refused");
    assert!(
        matches!(&error, OpenError::InUse { process, .. } if *process == Some(child.id())),
        "{error}"
    );
    let expected = format!(
        "data directory {} is in use by tidegate process {}; stop it, or choose another data directory",
        directory.path().display(),
        child.id()
    );
    assert_eq!(error.to_string(), expected);

    child.kill().expect("killed");
    child.wait().expect("reaped");
    open(directory.path());
}
