//! A full disk: a small tmpfs in a mount namespace of the test's own thread, gone with it.
#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]

mod common;

use std::fs;
use std::path::Path;

use common::{everything, open, put};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use tidegate_store::{CommitError, RedbStore, Store};

/// Runs the test with `directory` on a file system of 8 MiB.
fn on_a_small_disk(test: impl FnOnce(&Path) + Send + 'static) {
    assert!(
        nix::unistd::geteuid().is_root(),
        "this test mounts a small disk: run it as root"
    );
    std::thread::spawn(|| {
        let directory = tempfile::tempdir().expect("a directory");
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        let none: Option<&str> = None;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
            .expect("private mounts");
        mount(
            Some("tmpfs"),
            directory.path(),
            Some("tmpfs"),
            MsFlags::empty(),
            Some("size=8m"),
        )
        .expect("a small disk");
        test(directory.path());
        nix::mount::umount2(directory.path(), nix::mount::MntFlags::MNT_DETACH).expect("unmounted");
    })
    .join()
    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

#[test]
fn a_full_disk_refuses_the_write_loses_nothing_and_recovers() {
    on_a_small_disk(|disk| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let directory = disk.join("data");
        let store = open(&directory);
        runtime.block_on(async {
            let ballast = disk.join("ballast");
            fs::write(&ballast, vec![1; 3 << 20]).expect("written");
            let (kept, error) = fill(&store).await;
            let CommitError::Storage {
                directory: named, ..
            } = &error
            else {
                panic!("{error}")
            };
            assert_eq!(*named, directory);
            assert!(
                error
                    .to_string()
                    .contains("nothing was changed, free space"),
                "{error}"
            );

            // Reading goes on, and what was acknowledged is all there, in whole transactions.
            assert_eq!(everything(&store).await.len(), kept * 2);
            assert!(
                store
                    .commit(
                        (0..16)
                            .map(|n| put(&format!("big/{n}"), &"x".repeat(100_000)))
                            .collect()
                    )
                    .await
                    .is_err()
            );

            fs::remove_file(&ballast).expect("removed");
            store
                .commit(vec![put("after", &"x".repeat(200_000))])
                .await
                .expect("there is space again");
            assert_eq!(everything(&store).await.len(), kept * 2 + 1);
        });
        let before = runtime.block_on(everything(&store));
        drop(store);
        assert_eq!(runtime.block_on(everything(&open(&directory))), before);
    });
}

/// Writes pairs until the disk is full; returns how many were kept, and the refusal.
async fn fill(store: &RedbStore) -> (usize, CommitError) {
    for n in 0.. {
        let value = "x".repeat(30_000);
        let pair = vec![
            put(&format!("left/{n}"), &value),
            put(&format!("right/{n}"), &value),
        ];
        if let Err(error) = store.commit(pair).await {
            return (n, error);
        }
    }
    unreachable!("the disk has an end")
}

#[test]
fn a_store_on_a_full_disk_opens_and_reads() {
    on_a_small_disk(|disk| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let directory = disk.join("data");
        let store = open(&directory);
        let (kept, _) = runtime.block_on(fill(&store));
        fs::write(disk.join("rest"), vec![1; 8 << 20]).expect_err("full to the last page");
        drop(store);
        let store = open(&directory);
        assert_eq!(runtime.block_on(everything(&store)).len(), kept * 2);
    });
}

#[test]
fn a_new_store_on_a_full_disk_says_so_and_leaves_nothing() {
    on_a_small_disk(|disk| {
        let directory = disk.join("data");
        fs::create_dir(&directory).expect("made");
        fs::write(disk.join("ballast"), vec![1; 9 << 20]).expect_err("full");
        let error = RedbStore::open(&directory)
            .err()
            .expect("refused")
            .to_string();
        assert!(error.contains(&directory.display().to_string()), "{error}");
        assert!(
            !directory.join("store.redb").exists() && !directory.join("store.redb.new").exists()
        );
        fs::remove_file(disk.join("ballast")).expect("removed");
        open(&directory);
    });
}
