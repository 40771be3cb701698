//! Events have two API groups and one store: `events.k8s.io/v1` is the same object under other
//! field names. Objects are stored in the core form.

use serde_json::Value;

use super::Conversion;

/// Names in core/v1 beside their names in events.k8s.io/v1.
const RENAMED: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// Between events.k8s.io/v1 and the stored core form.
pub(super) const EVENTS_GROUP: Conversion = Conversion {
    to_served: |event| {
        let pairs = RENAMED.map(|(core, grouped)| (core, grouped));
        renamed(event, &pairs, "events.k8s.io/v1")
    },
    to_stored: |event| {
        let pairs = RENAMED.map(|(core, grouped)| (grouped, core));
        renamed(event, &pairs, "v1")
    },
};

fn renamed(mut event: Value, pairs: &[(&str, &str)], api_version: &str) -> Value {
    if let Some(fields) = event.as_object_mut() {
        for (from, to) in pairs {
            if let Some(value) = fields.remove(*from) {
                fields.insert((*to).to_owned(), value);
            }
        }
        fields.insert("apiVersion".to_owned(), api_version.into());
    }
    event
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_goes_there_and_back() {
        let served = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e"},
            "regarding": {"kind": "Pod", "name": "p"}, "note": "Started", "reason": "Started",
            "reportingController": "tidegate"
        });
        let stored = (EVENTS_GROUP.to_stored)(served.clone());
        assert_eq!(stored["apiVersion"], "v1");
        assert_eq!(stored["involvedObject"]["name"], "p");
        assert_eq!(stored["message"], "Started");
        assert_eq!((EVENTS_GROUP.to_served)(stored), served);
    }
}
