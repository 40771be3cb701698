//! Who may look into the data directory, and what happens when it cannot be used.
#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::open;
use tidegate_store::{OpenError, RedbStore};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn only_the_owner_may_read() {
    let parent = tempfile::tempdir().expect("a directory");
    let directory = parent.path().join("var/tidegate");
    drop(open(&directory));
    assert_eq!(mode(&directory), 0o700);
    for file in fs::read_dir(&directory).expect("readable") {
        let path = file.expect("a file").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }

    // A copy from elsewhere, say a backup, is made private again.
    let file = directory.join("store.redb");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("set");
    drop(open(&directory));
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn an_empty_directory_is_made_private() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("set");
    drop(open(directory.path()));
    assert_eq!(mode(directory.path()), 0o700);
}

#[test]
fn a_directory_that_serves_other_purposes_keeps_its_mode() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("set");
    fs::write(directory.path().join("foreign"), "").expect("written");
    for _ in 0..2 {
        drop(open(directory.path()));
        assert_eq!(mode(directory.path()), 0o755);
    }
}

#[test]
fn a_store_is_open_once_even_within_a_process() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let error = RedbStore::open(directory.path()).err().expect("refused");
    assert!(
        matches!(error, OpenError::InUse { process, .. } if process == Some(std::process::id()))
    );
    drop(store);
    open(directory.path());
}

#[test]
fn a_path_that_is_no_directory_is_named() {
    let parent = tempfile::tempdir().expect("a directory");
    let path = parent.path().join("file");
    fs::write(&path, "").expect("written");
    let error = RedbStore::open(&path).err().expect("refused").to_string();
    assert!(
        error.starts_with(&format!("cannot use the data directory {}", path.display())),
        "{error}"
    );
}
