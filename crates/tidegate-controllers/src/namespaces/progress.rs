//! What a namespace that is being deleted reports.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::NamespaceCondition;

use crate::time::api_time;

/// What is left of a namespace after one turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remains {
    /// How many objects there still are, by `resource.group`.
    pub(super) objects: BTreeMap<String, usize>,
    /// How many of them wait for each finalizer.
    pub(super) finalizers: BTreeMap<String, usize>,
    /// Calls that failed.
    pub(super) failures: Vec<String>,
}

impl Remains {
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.failures.is_empty()
    }

    /// The conditions by which `kubectl describe namespace` tells what the deletion waits for.
    pub(super) fn conditions(
        &self,
        known: &[NamespaceCondition],
        now: Timestamp,
    ) -> Vec<NamespaceCondition> {
        let objects = self.objects.iter();
        let objects = objects.map(|(kind, count)| format!("{kind} has {count} resource instances"));
        let finalizers = self.finalizers.iter();
        let finalizers =
            finalizers.map(|(name, count)| format!("{name} in {count} resource instances"));
        let wanted = [
            (
                "NamespaceDeletionContentFailure",
                listed(
                    "Failed to delete all resource types, remaining: ",
                    self.failures.iter().cloned(),
                ),
                "ContentDeletionFailed",
                (
                    "ContentDeleted",
                    "All content successfully deleted, may be waiting on finalization",
                ),
            ),
            (
                "NamespaceContentRemaining",
                listed("Some resources are remaining: ", objects),
                "SomeResourcesRemain",
                ("ContentRemoved", "All content successfully removed"),
            ),
            (
                "NamespaceFinalizersRemaining",
                listed(
                    "Some content in the namespace has finalizers remaining: ",
                    finalizers,
                ),
                "SomeFinalizersRemain",
                (
                    "ContentHasNoFinalizers",
                    "All content-preserving finalizers finished",
                ),
            ),
        ];
        let conditions = wanted.map(|(type_, problem, reason, (fine, all_fine))| {
            let (status, reason, message) = match problem {
                Some(message) => ("True", reason, message),
                None => ("False", fine, all_fine.to_owned()),
            };
            let same = |old: &&NamespaceCondition| old.type_ == type_ && old.status == status;
            let since = known
                .iter()
                .find(same)
                .and_then(|old| old.last_transition_time.clone());
            NamespaceCondition {
                type_: type_.to_owned(),
                status: status.to_owned(),
                reason: Some(reason.to_owned()),
                message: Some(message),
                last_transition_time: since.or_else(|| Some(api_time(now))),
            }
        });
        conditions.into()
    }
}

fn listed(intro: &str, items: impl Iterator<Item = String>) -> Option<String> {
    let items: Vec<String> = items.collect();
    (!items.is_empty()).then(|| format!("{intro}{}", items.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_name_what_is_left_and_keep_their_times() {
        let first: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let later: Timestamp = "2026-01-01T00:01:00Z".parse().expect("a time");
        let mut remains = Remains::default();
        remains.objects.insert("pods".to_owned(), 2);
        let before = remains.conditions(&[], first);
        remains.objects.insert("pods".to_owned(), 1);
        let after = remains.conditions(&before, later);
        let message = after[1].message.as_deref();
        assert_eq!(
            message,
            Some("Some resources are remaining: pods has 1 resource instances")
        );
        assert_eq!(
            after[1].last_transition_time,
            before[1].last_transition_time
        );

        let done = Remains::default().conditions(&after, later);
        assert_eq!(done[1].status, "False");
        assert_ne!(done[1].last_transition_time, before[1].last_transition_time);
    }
}
