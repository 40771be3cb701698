//! What transactions promise: conditions, atomicity, one revision each.
#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]

mod common;

use std::sync::Arc;

use common::{everything, open, put};
use tidegate_store::{
    CommitError, Expectation, MAX_COMMIT_BYTES, MAX_KEY_BYTES, MAX_OPERATIONS, MAX_VALUE_BYTES,
    Operation, Revision, Store,
};

#[tokio::test]
async fn an_empty_store_is_at_revision_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    assert_eq!(store.revision(), Revision(1));
    assert_eq!(
        store.list("", None, 10).await.expect("readable").revision,
        Revision(1)
    );
}

#[tokio::test]
async fn an_entry_remembers_its_creation_and_its_last_change() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let created = store.commit(vec![put("a", "1")]).await.expect("committed");
    let modified = store.commit(vec![put("a", "2")]).await.expect("committed");
    let entry = store.get("a").await.expect("readable").expect("present");
    assert_eq!(
        (entry.created, entry.modified, &entry.value[..]),
        (created, modified, &b"2"[..])
    );
    assert_eq!(modified, created.next());

    store
        .commit(vec![Operation::delete("a", Expectation::Any)])
        .await
        .expect("committed");
    assert_eq!(store.get("a").await.expect("readable"), None);
    let again = store.commit(vec![put("a", "3")]).await.expect("committed");
    assert_eq!(
        store
            .get("a")
            .await
            .expect("readable")
            .expect("present")
            .created,
        again
    );
}

#[tokio::test]
async fn a_transaction_takes_one_revision_for_all_its_changes() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let revision = store
        .commit(vec![put("a", "1"), put("b", "1"), put("c", "1")])
        .await
        .expect("committed");
    assert_eq!(revision, Revision(2));
    assert!(
        everything(&store)
            .await
            .iter()
            .all(|entry| entry.modified == revision)
    );
}

#[tokio::test]
async fn a_failed_expectation_says_what_is_there_and_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let there = store
        .commit(vec![put("b", "old")])
        .await
        .expect("committed");
    for (expected, text) in [
        (
            Expectation::Absent,
            r#"conflict: "b" was expected to be absent but is at revision 2"#,
        ),
        (
            Expectation::Unchanged(Revision(1)),
            r#"conflict: "b" was expected at revision 1 but is at revision 2"#,
        ),
    ] {
        let operations = vec![put("a", "new"), Operation::put("b", expected, "new")];
        let error = store.commit(operations).await.expect_err("refused");
        assert_eq!(error.to_string(), text);
        let CommitError::Conflict(conflict) = error else {
            panic!("{error}")
        };
        assert_eq!(conflict.found.map(|entry| entry.modified), Some(there));
    }
    let missing = Operation::delete("c", Expectation::Unchanged(Revision(1)));
    let error = store
        .commit(vec![put("a", "new"), missing])
        .await
        .expect_err("refused");
    assert_eq!(
        error.to_string(),
        r#"conflict: "c" was expected at revision 1 but does not exist"#
    );
    assert_eq!(everything(&store).await.len(), 1);
    assert_eq!(store.revision(), there);
}

#[tokio::test]
async fn a_check_guards_the_other_operations() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let namespace = store
        .commit(vec![put("namespace", "active")])
        .await
        .expect("committed");
    let guarded = |key| {
        vec![
            Operation::check("namespace", Expectation::Unchanged(namespace)),
            put(key, "1"),
        ]
    };
    store
        .commit(guarded("pod-1"))
        .await
        .expect("the namespace is unchanged");
    store
        .commit(vec![put("namespace", "terminating")])
        .await
        .expect("committed");
    assert!(matches!(
        store.commit(guarded("pod-2")).await,
        Err(CommitError::Conflict(_))
    ));
}

#[tokio::test]
async fn what_changes_nothing_takes_no_revision() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let nothing = [
        vec![],
        vec![Operation::delete("a", Expectation::Any)],
        vec![Operation::check("a", Expectation::Absent)],
    ];
    for operations in nothing {
        assert_eq!(
            store.commit(operations).await.expect("accepted"),
            Revision(1)
        );
    }
}

#[tokio::test]
async fn limits_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let value = vec![0; MAX_VALUE_BYTES];
    let several = |count: usize| {
        (0..count).map(|n| Operation::put(n.to_string(), Expectation::Any, value.clone()))
    };
    let cases = [
        (
            vec![put(&"k".repeat(MAX_KEY_BYTES + 1), "")],
            "the key \"kkk",
        ),
        (
            vec![Operation::put(
                "a",
                Expectation::Any,
                vec![0; MAX_VALUE_BYTES + 1],
            )],
            "the value of \"a\" in bytes is too large",
        ),
        (
            several(MAX_COMMIT_BYTES / MAX_VALUE_BYTES + 1).collect(),
            "the transaction in bytes is too large",
        ),
        (
            (0..=MAX_OPERATIONS)
                .map(|n| put(&n.to_string(), ""))
                .collect(),
            "the number of operations in one transaction is too large: 1025, at most 1024 are allowed",
        ),
        (vec![put("", "1")], "a key must not be empty"),
        (
            vec![put("a", "1"), put("a", "2")],
            "the key \"a\" occurs twice in one transaction",
        ),
    ];
    for (operations, text) in cases {
        let error = store
            .commit(operations)
            .await
            .expect_err("refused")
            .to_string();
        assert!(error.starts_with(text), "{error}");
    }
    assert_eq!(store.revision(), Revision(1));
    store
        .commit(several(1).collect())
        .await
        .expect("the limit itself is allowed");
}

#[tokio::test]
async fn listing_pages_through_a_prefix_in_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path());
    let keys = ["a/1", "a/2", "a/3", "a0", "b/1", "a/"];
    store
        .commit(keys.iter().map(|key| put(key, "")).collect())
        .await
        .expect("committed");
    let page = async |after: Option<&str>, limit| {
        let page = store.list("a/", after, limit).await.expect("readable");
        (
            page.entries
                .iter()
                .map(|entry| entry.key.to_string())
                .collect::<Vec<_>>(),
            page.more,
        )
    };
    assert_eq!(page(None, 2).await, (vec!["a/".into(), "a/1".into()], true));
    assert_eq!(
        page(Some("a/1"), 2).await,
        (vec!["a/2".into(), "a/3".into()], false)
    );
    assert_eq!(page(Some("a/3"), 2).await, (vec![], false));
    assert_eq!(page(Some("Z"), usize::MAX).await.0.len(), 4);
    assert_eq!(page(Some("b"), 1).await, (vec![], false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_counters_lose_no_increment() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Arc::new(open(directory.path()));
    store
        .commit(vec![put("counter", "0")])
        .await
        .expect("committed");
    let increment = async |store: Arc<dyn Store>| loop {
        let entry = store
            .get("counter")
            .await
            .expect("readable")
            .expect("present");
        let count: u64 = std::str::from_utf8(&entry.value)
            .expect("text")
            .parse()
            .expect("a number");
        let next = Operation::put(
            "counter",
            Expectation::Unchanged(entry.modified),
            (count + 1).to_string(),
        );
        match store.commit(vec![next]).await {
            Ok(_) => return,
            Err(CommitError::Conflict(_)) => {}
            Err(error) => panic!("{error}"),
        }
    };
    let tasks: Vec<_> = (0..16)
        .map(|_| tokio::spawn(increment(store.clone())))
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    let entry = store
        .get("counter")
        .await
        .expect("readable")
        .expect("present");
    assert_eq!(
        (&entry.value[..], entry.modified),
        (&b"16"[..], Revision(18))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_concurrent_creations_wins() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Arc::new(open(directory.path()));
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let store = Arc::clone(&store);
            let create = Operation::put("only", Expectation::Absent, n.to_string());
            tokio::spawn(async move {
                store
                    .commit(vec![create])
                    .await
                    .map(|revision| (n, revision))
            })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        winners.extend(task.await.expect("no panic").ok());
    }
    let entry = store.get("only").await.expect("readable").expect("present");
    assert_eq!(winners.len(), 1);
    assert_eq!(
        (entry.value, entry.modified),
        (winners[0].0.to_string().into(), winners[0].1)
    );
}
