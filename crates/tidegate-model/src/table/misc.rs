//! Kinds with a column or two: namespaces, ConfigMaps, leases and others.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::format::{NONE, age, entries, items, name, number, text};
use super::{Column, Printer};

/// A kind that has no columns of its own.
pub(super) static ANY: Printer = Printer {
    columns: &[
        Column::NAME,
        Column {
            value_type: "date",
            ..Column::text("Created At", "When the object was created.")
        },
    ],
    print: |object, _| {
        vec![
            json!(name(object)),
            object["metadata"]["creationTimestamp"].clone(),
        ]
    },
};

pub(super) static NAMESPACE: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("Status", "Active, or Terminating while it is emptied."),
        Column::AGE,
    ],
    print: |namespace, now| with(namespace, json!(text(&namespace["status"]["phase"])), now),
};

pub(super) static CONFIG_MAP: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::number("Data", "How many values it has."),
        Column::AGE,
    ],
    print: |map, now| {
        with(
            map,
            json!(entries(&map["data"]) + entries(&map["binaryData"])),
            now,
        )
    },
};

pub(super) static LEASE: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("Holder", "Who holds the lease."),
        Column::AGE,
    ],
    print: |lease, now| with(lease, json!(text(&lease["spec"]["holderIdentity"])), now),
};

pub(super) static SERVICE_ACCOUNT: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::number("Secrets", "How many secrets it has."),
        Column::AGE,
    ],
    print: |account, now| with(account, json!(items(&account["secrets"]).len()), now),
};

pub(super) static SECRET: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("Type", "What the secret is for."),
        Column::number("Data", "How many values it has."),
        Column::AGE,
    ],
    print: |secret, now| {
        let mut cells = with(secret, json!(entries(&secret["data"])), now);
        cells.insert(1, json!(text(&secret["type"])));
        cells
    },
};

pub(super) static CONTROLLER_REVISION: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("Controller", "Whose revision it is."),
        Column::number("Revision", "The number of the revision."),
        Column::AGE,
    ],
    print: |revision, now| {
        let mut cells = with(revision, json!(controller(revision)), now);
        cells.insert(2, json!(number(&revision["revision"])));
        cells
    },
};

/// The managing owner as `kind.group/name`.
fn controller(object: &Value) -> String {
    let owners = items(&object["metadata"]["ownerReferences"]);
    let Some(owner) = owners.iter().find(|owner| owner["controller"] == true) else {
        return NONE.to_owned();
    };
    let kind = text(&owner["kind"]).to_lowercase();
    let name = text(&owner["name"]);
    match text(&owner["apiVersion"]).split_once('/') {
        Some((group, _)) => format!("{kind}.{group}/{name}"),
        None => format!("{kind}/{name}"),
    }
}

/// Name, one cell, age.
fn with(object: &Value, cell: Value, now: Timestamp) -> Vec<Value> {
    vec![json!(name(object)), cell, json!(age(object, now))]
}
