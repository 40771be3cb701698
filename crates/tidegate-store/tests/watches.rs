//! What watches promise over a real store: no gap, no duplicate, an honest end.
#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{everything, open, put};
use futures::StreamExt;
use tidegate_store::{
    EventKind, Expectation, Operation, Options, RedbStore, Revision, Store, WatchError,
};

#[tokio::test]
async fn events_carry_the_state_before_and_after() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let mut watch = store.watch("a", Revision(1)).await.expect("a watch");
    store.commit(vec![put("a", "1")]).await.expect("committed");
    store.commit(vec![put("a", "2")]).await.expect("committed");
    let deleted = store
        .commit(vec![Operation::delete("a", Expectation::Any)])
        .await
        .expect("committed");

    let created = watch.next().await.expect("open").expect("an event");
    assert_eq!((created.kind, created.previous), (EventKind::Put, None));
    let changed = watch.next().await.expect("open").expect("an event");
    assert_eq!(changed.previous, Some(created.entry));
    let gone = watch.next().await.expect("open").expect("an event");
    assert_eq!(
        (gone.kind, gone.entry.modified),
        (EventKind::Delete, deleted)
    );
    assert_eq!(gone.entry.value, changed.entry.value);
    assert_eq!(gone.previous, Some(changed.entry));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn list_then_watch_under_fire_reproduces_the_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Arc::new(open(directory.path()));
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for round in 0..100 {
                    let key = format!("k/{}", (writer * 7 + round) % 20);
                    let operation = match round % 5 {
                        4 => Operation::delete(key, Expectation::Any),
                        _ => put(&key, &format!("{writer}-{round}")),
                    };
                    store.commit(vec![operation]).await.expect("committed");
                }
            })
        })
        .collect();
    let mut followers = Vec::new();
    for _ in 0..8 {
        let page = store.list("k/", None, usize::MAX).await.expect("readable");
        let watch = store.watch("k/", page.revision).await.expect("a watch");
        let state: BTreeMap<_, _> = page
            .entries
            .into_iter()
            .map(|entry| (entry.key.clone(), entry))
            .collect();
        followers.push((state, watch));
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    let end = store.revision();
    let expected = everything(&*store).await;
    drop(store);
    for (mut state, mut watch) in followers {
        while let Some(event) = watch.next().await {
            let event = event.expect("an event");
            let before = match event.kind {
                EventKind::Put => state.insert(event.entry.key.clone(), event.entry),
                EventKind::Delete => state.remove(&event.entry.key),
            };
            assert_eq!(before, event.previous, "a gap or a duplicate");
        }
        assert_eq!(watch.complete_to(), end);
        assert_eq!(state.into_values().collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn after_a_restart_history_begins_at_the_stored_revision() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let stored = store.commit(vec![put("a", "1")]).await.expect("committed");
    drop(store);
    let store = open(directory.path());
    assert_eq!(store.revision(), stored);
    let refused = store.watch("", Revision(1)).await.err();
    assert_eq!(
        refused,
        Some(WatchError::Compacted {
            from: Revision(1),
            oldest: stored
        })
    );
    let mut watch = store.watch("", stored).await.expect("a watch");
    store.commit(vec![put("b", "1")]).await.expect("committed");
    assert_eq!(
        &*watch
            .next()
            .await
            .expect("open")
            .expect("an event")
            .entry
            .key,
        "b"
    );
}

#[tokio::test]
async fn a_watcher_that_does_not_read_is_cut() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options {
        history_events: 10,
        ..Options::default()
    };
    let store = RedbStore::open_with(directory.path(), options).expect("opened");
    let mut watch = store.watch("", Revision(1)).await.expect("a watch");
    for n in 0..11 {
        store
            .commit(vec![put("a", &n.to_string())])
            .await
            .expect("committed");
    }
    let error = watch.next().await.expect("an answer").expect_err("cut");
    assert_eq!(
        error.to_string(),
        "the watch fell behind: changes after revision 1 are gone from history; list again and watch from there"
    );
    assert!(watch.next().await.is_none());
}
