//! Damaged, foreign and newer files are refused with a clear message and left byte for byte as they were.
#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{everything, open, put};
use sha2::{Digest, Sha256};
use tidegate_store::{Entry, OpenError, RedbStore, Store};

/// The bytes of a store with some hundred entries, and what it holds.
struct Sample {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// Built once per way of stopping: properly closed, or copied while open, which is what `kill -9` leaves.
fn sample(closed_properly: bool) -> Sample {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store = open(directory.path());
    let entries = runtime.block_on(async {
        for batch in 0..10 {
            let operations = (0..40).map(|n| {
                put(
                    &format!("key/{batch}/{n}"),
                    &format!("{n}").repeat(100 + n * 10),
                )
            });
            store.commit(operations.collect()).await.expect("committed");
        }
        everything(&store).await
    });
    let path = data_file(directory.path());
    if closed_properly {
        drop(store);
        return Sample {
            bytes: fs::read(path).expect("readable"),
            entries,
        };
    }
    Sample {
        bytes: fs::read(path).expect("readable"),
        entries,
    }
}

fn data_file(directory: &Path) -> PathBuf {
    directory.join("store.redb")
}

/// Opens a store whose file has these bytes. If it is refused, the file must be untouched.
fn open_with_bytes(bytes: &[u8]) -> Result<Vec<Entry>, OpenError> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = data_file(directory.path());
    fs::write(&path, bytes).expect("written");
    match RedbStore::open(directory.path()) {
        Ok(store) => {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            Ok(runtime.block_on(everything(&store)))
        }
        Err(error) => {
            let after = fs::read(&path).expect("still there");
            assert!(
                Sha256::digest(&after) == Sha256::digest(bytes),
                "changed although refused: {error}"
            );
            assert!(
                error.to_string().contains(&path.display().to_string()),
                "no path in: {error}"
            );
            Err(error)
        }
    }
}

#[track_caller]
fn assert_damaged(bytes: &[u8], what: &str) {
    let error = open_with_bytes(bytes).expect_err(what);
    assert!(
        matches!(error, OpenError::Damaged { .. }),
        "{what}: {error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("damaged and was left untouched")
            && text.contains("restore it from a backup"),
        "{text}"
    );
}

/// The byte in which redb says which of its two commit slots is the newer. It is the one byte that no checksum covers; after
/// an unclean end, turning it means going back one commit.
const SLOT_CHOICE: usize = 9;

#[test]
fn a_flipped_bit_anywhere_is_refused_or_without_effect() {
    for closed_properly in [true, false] {
        let sample = sample(closed_properly);
        let mut refused = 0;
        let header = (0..320).filter(|&at| at != SLOT_CHOICE).step_by(5);
        let body = (4096..sample.bytes.len()).step_by(sample.bytes.len() / 60);
        for at in header.chain(body) {
            let mut bytes = sample.bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            match open_with_bytes(&bytes) {
                Ok(entries) => assert!(
                    entries == sample.entries,
                    "byte {at} changed what the store holds"
                ),
                Err(OpenError::Damaged { .. }) => refused += 1,
                Err(other) => panic!("byte {at}: {other}"),
            }
        }
        assert!(refused > 20, "only {refused} refused");
    }
}

#[test]
fn the_newest_commit_is_not_silently_forgotten() {
    let sample = sample(false);
    let newest = b"key/9/39";
    let places: Vec<usize> = sample
        .bytes
        .windows(newest.len())
        .enumerate()
        .filter(|(_, window)| window == newest)
        .map(|(at, _)| at)
        .collect();
    let mut refused = 0;
    for at in places {
        let mut bytes = sample.bytes.clone();
        bytes[at + newest.len() - 1] = b'8';
        match open_with_bytes(&bytes) {
            Ok(entries) => assert!(entries == sample.entries),
            Err(error) => {
                assert!(matches!(error, OpenError::Damaged { .. }));
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_truncated_or_lengthened_file_is_refused() {
    for closed_properly in [true, false] {
        let sample = sample(closed_properly);
        let len = sample.bytes.len();
        for keep in [
            0,
            1,
            100,
            320,
            4096,
            8192,
            len / 3,
            len / 2,
            len - 4097,
            len - 1,
        ] {
            assert_damaged(&sample.bytes[..keep], &format!("cut to {keep} of {len}"));
        }
        let mut longer = sample.bytes.clone();
        longer.extend([7; 1000]);
        assert_damaged(&longer, "lengthened");
    }
}

#[test]
fn a_foreign_file_is_refused() {
    assert_damaged(b"kind: Service\n", "short text");
    assert_damaged(&b"not a store at all\n".repeat(10_000), "long text");
    assert_damaged(&vec![0; 1 << 20], "zeroes");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("other.redb");
    drop(redb::Database::create(&path).expect("a database of something else"));
    assert_damaged(
        &fs::read(&path).expect("readable"),
        "a database of something else",
    );
}

#[test]
fn a_directory_in_the_place_of_the_file_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(data_file(directory.path())).expect("made");
    let error = RedbStore::open(directory.path()).err().expect("refused");
    assert!(
        error.to_string().contains("it is not a regular file"),
        "{error}"
    );
}

#[test]
fn a_newer_store_format_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(open(directory.path()));
    let path = data_file(directory.path());
    let database = redb::Database::open(&path).expect("a redb file");
    let transaction = database.begin_write().expect("begun");
    transaction
        .open_table(redb::TableDefinition::<&str, u64>::new("meta"))
        .expect("the table")
        .insert("format", 2)
        .expect("inserted");
    transaction.commit().expect("committed");
    drop(database);
    let error = open_with_bytes(&fs::read(&path).expect("readable")).expect_err("refused");
    let text = error.to_string();
    assert!(text.contains("was written by a newer tidegate (store format 2, this one reads up to 1) and was left untouched; run that version"), "{text}");
}

#[test]
fn a_newer_redb_format_is_refused() {
    let mut sample = sample(true);
    sample.bytes[64] = 4;
    sample.bytes[192] = 4;
    let error = open_with_bytes(&sample.bytes).expect_err("refused");
    assert!(
        error
            .to_string()
            .contains("newer tidegate (redb file format 4, this one reads up to 3)"),
        "{error}"
    );
}

#[test]
fn a_crash_during_creation_leaves_no_half_store() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("store.redb.new"), b"half a store").expect("written");
    open(directory.path());
    assert!(!directory.path().join("store.redb.new").exists());
}
