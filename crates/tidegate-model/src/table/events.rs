//! Events: `LAST SEEN TYPE REASON OBJECT MESSAGE`, and where they come from with `-o wide`.
//!
//! The columns suit both forms of an event: core/v1, and events.k8s.io/v1, which has other names
//! for the same fields.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::format::{name, number, since, text, text_or};
use super::{Column, Printer};

pub(super) static EVENT: Printer = Printer {
    columns: &[
        Column::text("Last Seen", "The time since it happened last."),
        Column::text("Type", "Normal, or Warning."),
        Column::text("Reason", "Why it happened, in a word."),
        Column::text("Object", "The object that it happened to."),
        Column::text("Subobject", "The part of the object that it happened to.").wide(),
        Column::text("Source", "Who tells.").wide(),
        Column::text("Message", "What happened."),
        Column::text("First Seen", "The time since it happened first.").wide(),
        Column::number("Count", "How often it happened.").wide(),
        Column {
            priority: 1,
            ..Column::NAME
        },
    ],
    print,
};

/// The field under its name in core/v1, or else in events.k8s.io/v1.
fn either<'a>(event: &'a Value, core: &str, events: &str) -> &'a Value {
    let value = &event[core];
    if value.is_null() {
        &event[events]
    } else {
        value
    }
}

fn print(event: &Value, now: Timestamp) -> Vec<Value> {
    let first = either(event, "firstTimestamp", "deprecatedFirstTimestamp");
    let first = if first.is_null() {
        &event["eventTime"]
    } else {
        first
    };
    let last = either(event, "lastTimestamp", "deprecatedLastTimestamp");
    let last = if last.is_null() { first } else { last };
    let series = &event["series"];
    let (last, count) = if series.is_null() {
        (
            last,
            number(either(event, "count", "deprecatedCount")).max(1),
        )
    } else {
        (&series["lastObservedTime"], number(&series["count"]))
    };
    let object = either(event, "involvedObject", "regarding");
    vec![
        json!(since(last, now)),
        json!(text(&event["type"])),
        json!(text(&event["reason"])),
        json!(object_name(object)),
        json!(text(&object["fieldPath"])),
        json!(source(event)),
        json!(text(either(event, "message", "note")).trim()),
        json!(since(first, now)),
        json!(count),
        json!(name(event)),
    ]
}

fn object_name(object: &Value) -> String {
    let kind = text(&object["kind"]).to_lowercase();
    match text(&object["name"]) {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn source(event: &Value) -> String {
    let source = either(event, "source", "deprecatedSource");
    let controller = text(either(event, "reportingComponent", "reportingController"));
    let component = text_or(&source["component"], controller);
    match text_or(&source["host"], text(&event["reportingInstance"])) {
        "" => component.to_owned(),
        instance => format!("{component}, {instance}"),
    }
}
