//! Pods: `NAME READY STATUS RESTARTS AGE`, and `IP NODE NOMINATED NODE READINESS GATES`.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::format::{NONE, age, items, name, text, text_or};
use super::pod_status::PodSummary;
use super::{Column, Printer};

pub(super) static POD: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text(
            "Ready",
            "Containers that are ready, and how many there are.",
        ),
        Column::text("Status", "What the pod is doing, or why it isn't."),
        Column::text(
            "Restarts",
            "How often its containers were restarted, and when last.",
        ),
        Column::AGE,
        Column::text("IP", "The pod's address.").wide(),
        Column::text("Node", "The node that the pod runs on.").wide(),
        Column::text("Nominated Node", "The node that other pods make room on.").wide(),
        Column::text(
            "Readiness Gates",
            "Extra conditions that are met, and how many there are.",
        )
        .wide(),
    ],
    print,
};

fn print(pod: &Value, now: Timestamp) -> Vec<Value> {
    let summary = PodSummary::of(pod);
    let status = &pod["status"];
    let address = text_or(&status["podIPs"][0]["ip"], text_or(&status["podIP"], NONE));
    vec![
        json!(name(pod)),
        json!(format!("{}/{}", summary.ready, summary.containers)),
        json!(summary.reason),
        json!(summary.restarts_cell(now)),
        json!(age(pod, now)),
        json!(address),
        json!(text_or(&pod["spec"]["nodeName"], NONE)),
        json!(text_or(&status["nominatedNodeName"], NONE)),
        json!(readiness_gates(pod)),
    ]
}

fn readiness_gates(pod: &Value) -> String {
    let gates = items(&pod["spec"]["readinessGates"]);
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let conditions = items(&pod["status"]["conditions"]);
    let is_met = |gate: &&Value| {
        conditions.iter().any(|condition| {
            condition["type"] == gate["conditionType"] && text(&condition["status"]) == "True"
        })
    };
    format!("{}/{}", gates.iter().filter(is_met).count(), gates.len())
}
