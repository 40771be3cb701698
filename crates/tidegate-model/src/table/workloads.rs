//! Deployments, ReplicaSets and StatefulSets: how many pods are wanted, and how many there are.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::format::{age, items, label_selector, name, number, text};
use super::{Column, Printer};

const CONTAINERS: Column = Column::text("Containers", "The containers of a pod.").wide();
const IMAGES: Column = Column::text("Images", "The images of the containers.").wide();
const SELECTOR: Column = Column::text("Selector", "The labels of the pods.").wide();

pub(super) static DEPLOYMENT: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("Ready", "Pods that are ready, and how many are wanted."),
        Column::number("Up-to-date", "Pods that are made from the latest template."),
        Column::number("Available", "Pods that have been ready for long enough."),
        Column::AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    print: print_deployment,
};

pub(super) static REPLICA_SET: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::number("Desired", "How many pods are wanted."),
        Column::number("Current", "How many pods there are."),
        Column::number("Ready", "How many pods are ready."),
        Column::AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    print: print_replica_set,
};

pub(super) static STATEFUL_SET: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("Ready", "Pods that are ready, and how many are wanted."),
        Column::AGE,
        CONTAINERS,
        IMAGES,
    ],
    print: print_stateful_set,
};

fn print_deployment(deployment: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&deployment["spec"], &deployment["status"]);
    let ready = number(&status["readyReplicas"]);
    let mut cells = vec![
        json!(name(deployment)),
        json!(format!("{ready}/{}", number(&spec["replicas"]))),
        json!(number(&status["updatedReplicas"])),
        json!(number(&status["availableReplicas"])),
        json!(age(deployment, now)),
    ];
    cells.extend(wide_cells(spec));
    cells
}

fn print_replica_set(replica_set: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&replica_set["spec"], &replica_set["status"]);
    let mut cells = vec![
        json!(name(replica_set)),
        json!(number(&spec["replicas"])),
        json!(number(&status["replicas"])),
        json!(number(&status["readyReplicas"])),
        json!(age(replica_set, now)),
    ];
    cells.extend(wide_cells(spec));
    cells
}

fn print_stateful_set(stateful_set: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&stateful_set["spec"], &stateful_set["status"]);
    let ready = number(&status["readyReplicas"]);
    let [containers, images, _] = wide_cells(spec);
    vec![
        json!(name(stateful_set)),
        json!(format!("{ready}/{}", number(&spec["replicas"]))),
        json!(age(stateful_set, now)),
        containers,
        images,
    ]
}

fn wide_cells(spec: &Value) -> [Value; 3] {
    let containers = items(&spec["template"]["spec"]["containers"]);
    let joined = |field: &str| {
        let values: Vec<&str> = containers
            .iter()
            .map(|container| text(&container[field]))
            .collect();
        json!(values.join(","))
    };
    [
        joined("name"),
        joined("image"),
        json!(label_selector(&spec["selector"])),
    ]
}
