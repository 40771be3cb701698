//! What `kubectl get` prints: columns and cells for each kind.
//!
//! The server does the printing; kubectl asks for a `Table` and lines up what it gets. Columns of
//! priority 1 appear only with `-o wide`. Names, formats and the words for missing values are those
//! of upstream's printers, because scripts cut them apart.
//!
//! Cells are made from the JSON form of an object, so that a list can be printed without decoding
//! it. A value that is missing or of the wrong type prints as if it were empty.

mod column;
mod duration;
mod endpoints;
mod events;
mod format;
mod misc;
mod nodes;
mod pod_status;
mod pods;
mod services;
mod workloads;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

pub use column::Column;
pub use duration::human_duration;

/// The columns of a kind, and how an object fills them.
pub struct Printer {
    /// The columns, in order.
    pub columns: &'static [Column],
    print: fn(&Value, Timestamp) -> Vec<Value>,
}

impl Printer {
    /// The cells of one object, one for each column; `now` is what ages are counted to.
    pub fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        (self.print)(object, now)
    }
}

/// The kinds with columns of their own, by group and kind.
static KINDS: &[(&str, &str, &Printer)] = &[
    ("", "ConfigMap", &misc::CONFIG_MAP),
    ("", "Endpoints", &endpoints::ENDPOINTS),
    ("", "Event", &events::EVENT),
    ("", "Namespace", &misc::NAMESPACE),
    ("", "Node", &nodes::NODE),
    ("", "Pod", &pods::POD),
    ("", "Secret", &misc::SECRET),
    ("", "Service", &services::SERVICE),
    ("", "ServiceAccount", &misc::SERVICE_ACCOUNT),
    ("apps", "ControllerRevision", &misc::CONTROLLER_REVISION),
    ("apps", "Deployment", &workloads::DEPLOYMENT),
    ("apps", "ReplicaSet", &workloads::REPLICA_SET),
    ("apps", "StatefulSet", &workloads::STATEFUL_SET),
    ("coordination.k8s.io", "Lease", &misc::LEASE),
    (
        "discovery.k8s.io",
        "EndpointSlice",
        &endpoints::ENDPOINT_SLICE,
    ),
    ("events.k8s.io", "Event", &events::EVENT),
    ("networking.k8s.io", "IPAddress", &services::IP_ADDRESS),
    ("networking.k8s.io", "ServiceCIDR", &services::SERVICE_CIDR),
];

/// How objects of a kind are printed; the group is empty for the core group. A kind without
/// columns of its own shows its name and when it was created.
pub fn printer(group: &str, kind: &str) -> &'static Printer {
    let known = KINDS.iter().find(|(g, k, _)| *g == group && *k == kind);
    known.map_or(&misc::ANY, |(_, _, printer)| printer)
}

#[cfg(test)]
mod tests;
