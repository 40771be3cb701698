//! Events are news: an hour after they last happened they are removed, as upstream's lease does.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_store::{Expectation, Operation};

use crate::{
    error::ApiError,
    kinds::kinds,
    object,
    selector::Selector,
    storage::{Objects, Raw, WriteError},
};

const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);

/// How many events are looked at, and at most removed, in one go.
const STEP: usize = 500;

/// When an event last happened; the newest of these counts.
const MOMENTS: [&[&str]; 5] = [
    &["lastTimestamp"],
    &["series", "lastObservedTime"],
    &["eventTime"],
    &["firstTimestamp"],
    &["metadata", "creationTimestamp"],
];

/// Removes the events that are too old.
pub(super) async fn remove_old_events(objects: &Objects, now: Timestamp) -> Result<(), ApiError> {
    let kind = kinds()
        .find("", "v1", "events")
        .ok_or(ApiError::NoSuchResource)?;
    let everything = Selector::default();
    let mut after = None;
    loop {
        let page = objects
            .list(kind, None, &everything, after.as_deref(), STEP)
            .await?;
        after = page.entries.last().map(|entry| entry.key.to_string());
        let mut removals = Vec::new();
        for entry in page.entries {
            let raw = Raw {
                bytes: entry.value,
                revision: entry.modified,
            };
            if is_old(&raw.parse()?, now) {
                let unchanged = Expectation::Unchanged(raw.revision);
                removals.push(Operation::delete(entry.key, unchanged));
            }
        }
        match objects.commit(removals).await {
            // One of them happened again meanwhile: the next round looks anew.
            Ok(_) | Err(WriteError::Conflict(_)) => {}
            Err(WriteError::Failed(error)) => return Err(error),
        }
        if !page.more {
            return Ok(());
        }
    }
}

fn is_old(event: &Value, now: Timestamp) -> bool {
    let moments = MOMENTS
        .iter()
        .filter_map(|path| object::text(event, path).parse::<Timestamp>().ok());
    moments
        .max()
        .is_some_and(|last| now.duration_since(last) > KEPT_FOR)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn only_old_events_are_removed() {
        let data = tempfile::TempDir::new().expect("a directory");
        let store = tidegate_store::RedbStore::open(data.path()).expect("a store");
        let events: Vec<Operation> = [("old", "10:00"), ("new", "11:59")]
            .map(|(name, time)| {
                let moment = format!("2026-01-01T{time}:00Z");
                let event = json!({"metadata": {"name": name, "creationTimestamp": moment}});
                let key = format!("/registry/core/events/default/{name}");
                Operation::put(key, Expectation::Absent, crate::storage::encode(&event))
            })
            .into();
        let objects = Objects::new(std::sync::Arc::new(store));
        objects.commit(events).await.expect("stored");
        let now = "2026-01-01T12:00:00Z".parse().expect("a time");
        remove_old_events(&objects, now).await.expect("removed");
        let left = objects
            .keys("/registry/core/events/")
            .await
            .expect("listed");
        assert_eq!(left, ["/registry/core/events/default/new".into()]);
    }

    #[test]
    fn the_newest_moment_counts() {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().expect("a time");
        let made = json!({"creationTimestamp": "2026-01-01T10:00:00Z"});
        assert!(is_old(&json!({"metadata": made}), now));
        let repeated = json!({"metadata": made, "lastTimestamp": "2026-01-01T11:30:00Z"});
        assert!(!is_old(&repeated, now));
        let series = json!({"metadata": made, "series": {"lastObservedTime": "2026-01-01T11:59:00.123456Z"}});
        assert!(!is_old(&series, now));
        assert!(
            !is_old(&json!({}), now),
            "an event without a time is left alone"
        );
    }
}
