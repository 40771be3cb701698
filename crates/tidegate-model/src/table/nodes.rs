//! Nodes: `NAME STATUS ROLES AGE VERSION`, and addresses and system with `-o wide`.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::format::{NONE, UNKNOWN, age, items, name, text, text_or};
use super::{Column, Printer};

pub(super) static NODE: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("Status", "Whether the node is ready, and takes new pods."),
        Column::text("Roles", "What the node is there for."),
        Column::AGE,
        Column::text("Version", "The version of the node agent."),
        Column::text("Internal-IP", "The node's address in the cluster.").wide(),
        Column::text("External-IP", "The node's address outside of it.").wide(),
        Column::text("OS-Image", "The operating system.").wide(),
        Column::text("Kernel-Version", "The version of its kernel.").wide(),
        Column::text("Container-Runtime", "What runs the containers.").wide(),
    ],
    print,
};

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE_LABEL: &str = "kubernetes.io/role";

fn print(node: &Value, now: Timestamp) -> Vec<Value> {
    let info = &node["status"]["nodeInfo"];
    vec![
        json!(name(node)),
        json!(status(node)),
        json!(roles(node)),
        json!(age(node, now)),
        json!(text(&info["kubeletVersion"])),
        json!(address(node, "InternalIP")),
        json!(address(node, "ExternalIP")),
        json!(text_or(&info["osImage"], UNKNOWN)),
        json!(text_or(&info["kernelVersion"], UNKNOWN)),
        json!(text_or(&info["containerRuntimeVersion"], UNKNOWN)),
    ]
}

fn status(node: &Value) -> String {
    let conditions = items(&node["status"]["conditions"]);
    let ready = conditions
        .iter()
        .find(|condition| text(&condition["type"]) == "Ready");
    let mut words = vec![match ready.map(|condition| text(&condition["status"])) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }];
    if node["spec"]["unschedulable"] == Value::Bool(true) {
        words.push("SchedulingDisabled");
    }
    words.join(",")
}

fn roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    let mut roles: Vec<&str> = labels
        .filter_map(|(key, value)| match key.strip_prefix(ROLE_PREFIX) {
            Some(role) => Some(role),
            None if key == ROLE_LABEL => Some(text(value)),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        NONE.to_owned()
    } else {
        roles.join(",")
    }
}

fn address<'a>(node: &'a Value, kind: &str) -> &'a str {
    let addresses = items(&node["status"]["addresses"]).iter();
    let mut of_kind = addresses.filter(|address| text(&address["type"]) == kind);
    of_kind
        .next()
        .map_or(NONE, |address| text(&address["address"]))
}
