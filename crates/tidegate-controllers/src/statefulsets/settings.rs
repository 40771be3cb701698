//! A StatefulSet's specification as its rules read it.

use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// What a set asks for, with every default filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) replicas: i32,
    /// The first ordinal.
    pub(super) start: i32,
    /// Pods wait for each other.
    pub(super) ordered: bool,
    /// How old pods are replaced; `None` if only the user deletes them.
    pub(super) rolling: Option<Rolling>,
    /// How long a pod must have been ready to count as available.
    pub(super) min_ready: Duration,
}

/// A rolling update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rolling {
    /// Ordinals below it, counted from the first one, keep their revision.
    pub(super) partition: i32,
    /// How many pods may be missing at once.
    pub(super) max_unavailable: usize,
}

impl Settings {
    pub(super) fn of(stateful_set: &StatefulSet) -> Self {
        let spec = stateful_set.spec.clone().unwrap_or_default();
        let replicas = spec.replicas.unwrap_or(1).max(0);
        let strategy = spec.update_strategy.unwrap_or_default();
        let rolling = strategy.rolling_update.unwrap_or_default();
        let min_ready = spec.min_ready_seconds.unwrap_or(0);
        Self {
            replicas,
            start: spec
                .ordinals
                .and_then(|ordinals| ordinals.start)
                .unwrap_or(0),
            ordered: spec.pod_management_policy.as_deref() != Some("Parallel"),
            rolling: (strategy.type_.as_deref() != Some("OnDelete")).then(|| Rolling {
                partition: rolling.partition.unwrap_or(0).max(0),
                max_unavailable: max_unavailable(rolling.max_unavailable.as_ref(), replicas),
            }),
            min_ready: Duration::from_secs(u64::try_from(min_ready).unwrap_or(0)),
        }
    }

    /// The ordinals of the pods that should be there. They end where ordinals do.
    pub(super) fn ordinals(self) -> std::ops::Range<i32> {
        self.start..self.start.saturating_add(self.replicas)
    }

    /// A pod with this ordinal is to be of the newest revision.
    pub(super) fn is_updated(self, ordinal: i32) -> bool {
        let kept = self.rolling.map_or(0, |rolling| rolling.partition);
        ordinal >= self.start.saturating_add(kept)
    }
}

/// Percentages round down, but at least one pod may always be missing, or no update could begin.
fn max_unavailable(value: Option<&IntOrString>, replicas: i32) -> usize {
    let resolved = match value {
        None => 1,
        Some(IntOrString::Int(number)) => i64::from(*number),
        Some(IntOrString::String(text)) => {
            let digits = text.strip_suffix('%');
            let percent = digits.and_then(|digits| digits.parse::<i32>().ok());
            i64::from(percent.unwrap_or(0)) * i64::from(replicas) / 100
        }
    };
    usize::try_from(resolved).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(spec: serde_json::Value) -> Settings {
        let mut spec = spec;
        spec["selector"] = json!({});
        spec["template"] = json!({});
        let set = json!({"spec": spec});
        Settings::of(&serde_json::from_value(set).expect("a StatefulSet"))
    }

    #[test]
    fn ordinals_begin_where_the_user_says() {
        let some = settings(json!({"replicas": 3, "ordinals": {"start": 5}}));
        assert_eq!(some.ordinals().collect::<Vec<_>>(), [5, 6, 7]);
        let last = settings(json!({"replicas": 3, "ordinals": {"start": i32::MAX - 1}}));
        assert_eq!(last.ordinals().count(), 1);
        assert_eq!(settings(json!({"replicas": 0})).ordinals().count(), 0);
    }

    #[test]
    fn an_update_can_always_begin() {
        let missing = |value: serde_json::Value| {
            let rolling =
                json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": value}});
            let settings = settings(json!({"replicas": 5, "updateStrategy": rolling}));
            settings.rolling.expect("rolling").max_unavailable
        };
        assert_eq!(missing(json!("10%")), 1);
        assert_eq!(missing(json!("50%")), 2);
        assert_eq!(missing(json!(3)), 3);
        assert_eq!(
            settings(json!({}))
                .rolling
                .map(|rolling| rolling.max_unavailable),
            Some(1)
        );
    }

    #[test]
    fn a_partition_is_counted_from_the_first_ordinal() {
        let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
        let some = settings(json!({"ordinals": {"start": 5}, "updateStrategy": rolling}));
        assert!(!some.is_updated(6) && some.is_updated(7));
    }
}
