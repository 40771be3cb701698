use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};

use super::{History, Limits};
use crate::entry::{Entry, Revision};
use crate::watch::{Event, EventKind, Watch, WatchError};

fn put(key: &str, revision: u64, bytes: usize) -> Event {
    let entry = Entry {
        key: key.into(),
        value: Bytes::from(vec![0; bytes]),
        created: Revision(revision),
        modified: Revision(revision),
    };
    Event {
        kind: EventKind::Put,
        entry,
        previous: None,
    }
}

fn history(events: usize, bytes: usize) -> Arc<History> {
    Arc::new(History::new(Revision(1), Limits { events, bytes }))
}

/// Publishes one put per revision.
fn fill(history: &History, revisions: std::ops::RangeInclusive<u64>) {
    for revision in revisions {
        history.publish(Revision(revision), vec![put("a", revision, 10)]);
    }
}

/// What the watch returns without waiting.
fn ready(watch: &mut Watch) -> Vec<Result<u64, WatchError>> {
    let mut items = Vec::new();
    while let Some(Some(item)) = watch.next().now_or_never() {
        items.push(item.map(|event| event.revision().0));
    }
    items
}

#[test]
fn a_watch_replays_and_then_follows() {
    let history = history(100, 1 << 20);
    fill(&history, 2..=5);
    let mut watch = history.watch("a", Revision(3)).expect("within history");
    assert_eq!(ready(&mut watch), [Ok(4), Ok(5)]);
    fill(&history, 6..=7);
    assert_eq!(ready(&mut watch), [Ok(6), Ok(7)]);
}

#[test]
fn a_watch_from_the_future_begins_there() {
    let history = history(100, 1 << 20);
    let mut watch = history
        .watch("a", Revision(4))
        .expect("the future is allowed");
    fill(&history, 2..=6);
    assert_eq!(ready(&mut watch), [Ok(5), Ok(6)]);
}

#[test]
fn a_watch_learns_of_foreign_progress() {
    let history = history(100, 1 << 20);
    let mut watch = history.watch("other", Revision(1)).expect("within history");
    assert_eq!(watch.complete_to(), Revision(1));
    fill(&history, 2..=9);
    assert_eq!(ready(&mut watch), []);
    assert_eq!(watch.complete_to(), Revision(9));
}

#[test]
fn a_revision_is_complete_only_when_its_last_event_is_out() {
    let history = history(100, 1 << 20);
    history.publish(Revision(2), vec![put("a", 2, 1), put("a/b", 2, 1)]);
    let mut watch = history.watch("a", Revision(1)).expect("within history");
    watch
        .next()
        .now_or_never()
        .expect("ready")
        .expect("open")
        .expect("an event");
    assert_eq!(watch.complete_to(), Revision(1));
    watch
        .next()
        .now_or_never()
        .expect("ready")
        .expect("open")
        .expect("an event");
    assert_eq!(watch.complete_to(), Revision(2));
}

#[test]
fn history_is_cut_by_count() {
    let history = history(3, 1 << 20);
    fill(&history, 2..=9);
    let refused = history.watch("a", Revision(5)).err();
    assert_eq!(
        refused,
        Some(WatchError::Compacted {
            from: Revision(5),
            oldest: Revision(6)
        })
    );
    let mut watch = history
        .watch("a", Revision(6))
        .expect("the oldest revision is accepted");
    assert_eq!(ready(&mut watch), [Ok(7), Ok(8), Ok(9)]);
}

#[test]
fn history_is_cut_by_size() {
    let history = history(1000, 100);
    fill(&history, 2..=20);
    assert!(history.lock().bytes <= 100);
    assert!(matches!(
        history.watch("a", Revision(2)),
        Err(WatchError::Compacted { .. })
    ));
}

#[test]
fn a_slow_watch_is_told_that_it_fell_behind_and_then_ends() {
    let history = history(3, 1 << 20);
    let mut watch = history.watch("a", Revision(1)).expect("within history");
    fill(&history, 2..=3);
    assert_eq!(ready(&mut watch), [Ok(2), Ok(3)]);
    fill(&history, 4..=9);
    let behind = WatchError::FellBehind {
        reached: Revision(3),
    };
    assert_eq!(ready(&mut watch), [Err(behind)]);
    assert!(watch.next().now_or_never().expect("ready").is_none());
}

#[test]
fn closing_delivers_what_is_there_and_ends_the_watch() {
    let history = history(100, 1 << 20);
    let mut watch = history.watch("a", Revision(1)).expect("within history");
    fill(&history, 2..=3);
    history.close();
    assert_eq!(ready(&mut watch), [Ok(2), Ok(3)]);
    assert!(watch.next().now_or_never().expect("ready").is_none());
    assert_eq!(
        history.watch("a", Revision(3)).err(),
        Some(WatchError::Closed)
    );
}

#[tokio::test]
async fn a_waiting_watch_is_woken() {
    let history = history(100, 1 << 20);
    let mut watch = history.watch("a", Revision(1)).expect("within history");
    let waiting = tokio::spawn(async move { watch.next().await });
    tokio::task::yield_now().await;
    fill(&history, 2..=2);
    let event = waiting
        .await
        .expect("no panic")
        .expect("open")
        .expect("an event");
    assert_eq!(event.revision(), Revision(2));
}
