//! A pod in a few words: what `kubectl get pods` says about it.
//!
//! A pod's phase says little. What people want to know is hidden in the states of its containers:
//! why it waits, how it ended, how far its initialisation has come (upstream's `printPod`).

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::duration::human_duration;
use super::format::{items, number, text, text_or, time};

/// What the columns of a pod are made of.
pub(super) struct PodSummary {
    /// Containers that are ready.
    pub(super) ready: usize,
    /// Containers that should be: init containers count only if they keep running.
    pub(super) containers: usize,
    /// The phase, or what explains it best.
    pub(super) reason: String,
    restarts: Restarts,
}

#[derive(Clone, Copy, Default)]
struct Restarts {
    count: i64,
    last: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count = self.count.saturating_add(number(&status["restartCount"]));
        self.last = self
            .last
            .max(time(&status["lastState"]["terminated"]["finishedAt"]));
    }
}

impl PodSummary {
    /// Sums up a pod.
    pub(super) fn of(pod: &Value) -> Self {
        let mut summary = Self {
            ready: 0,
            containers: items(&pod["spec"]["containers"]).len(),
            reason: phase_or_reason(pod),
            restarts: Restarts::default(),
        };
        let sidecar_restarts = summary.look_at_init_containers(pod);
        if let Some(restarts) = sidecar_restarts {
            summary.restarts = restarts;
            summary.look_at_containers(pod);
        }
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            let is_over = matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed");
            if text(&pod["status"]["reason"]) == "NodeLost" {
                summary.reason = "Unknown".to_owned();
            } else if !is_over {
                summary.reason = "Terminating".to_owned();
            }
        }
        summary
    }

    /// The number of restarts, and when the last one was: `2 (5m ago)`.
    pub(super) fn restarts_cell(&self, now: Timestamp) -> String {
        match (self.restarts.count, self.restarts.last) {
            (0, _) | (_, None) => self.restarts.count.to_string(),
            (count, Some(last)) => format!("{count} ({} ago)", human_duration(last, now)),
        }
    }

    /// Sums up the init containers. Returns the restarts of those that keep running, or `None` if
    /// the pod hasn't got past them.
    fn look_at_init_containers(&mut self, pod: &Value) -> Option<Restarts> {
        let specs = items(&pod["spec"]["initContainers"]);
        let keeps_running = |container: &Value| text(&container["restartPolicy"]) == "Always";
        self.containers += specs.iter().filter(|spec| keeps_running(spec)).count();
        let mut sidecars = Restarts::default();
        for (index, status) in items(&pod["status"]["initContainerStatuses"])
            .iter()
            .enumerate()
        {
            self.restarts.add(status);
            let spec = specs.iter().find(|spec| spec["name"] == status["name"]);
            let is_sidecar = spec.is_some_and(keeps_running);
            if is_sidecar {
                sidecars.add(status);
            }
            let terminated = &status["state"]["terminated"];
            let waits_for = text(&status["state"]["waiting"]["reason"]);
            if !terminated.is_null() && number(&terminated["exitCode"]) == 0 {
                continue;
            }
            if is_sidecar && status["started"] == Value::Bool(true) {
                self.ready += usize::from(status["ready"] == Value::Bool(true));
                continue;
            }
            self.reason = if !terminated.is_null() {
                format!("Init:{}", how_it_ended(terminated))
            } else if !matches!(waits_for, "" | "PodInitializing") {
                format!("Init:{waits_for}")
            } else {
                format!("Init:{index}/{}", specs.len())
            };
            return has_condition(pod, "Initialized").then_some(sidecars);
        }
        Some(sidecars)
    }

    fn look_at_containers(&mut self, pod: &Value) {
        let mut has_running = false;
        for status in items(&pod["status"]["containerStatuses"]).iter().rev() {
            self.restarts.add(status);
            let state = &status["state"];
            let waits_for = text(&state["waiting"]["reason"]);
            if !waits_for.is_empty() {
                self.reason = waits_for.to_owned();
            } else if !state["terminated"].is_null() {
                self.reason = how_it_ended(&state["terminated"]);
            } else if status["ready"] == Value::Bool(true) && !state["running"].is_null() {
                has_running = true;
                self.ready += 1;
            }
        }
        // One container has ended well, but another one goes on.
        if self.reason == "Completed" && has_running {
            let is_ready = has_condition(pod, "Ready");
            self.reason = if is_ready { "Running" } else { "NotReady" }.to_owned();
        }
    }
}

fn phase_or_reason(pod: &Value) -> String {
    let status = &pod["status"];
    let is_gated = items(&status["conditions"]).iter().any(|condition| {
        text(&condition["type"]) == "PodScheduled"
            && text(&condition["reason"]) == "SchedulingGated"
    });
    if is_gated {
        return "SchedulingGated".to_owned();
    }
    text_or(&status["reason"], text(&status["phase"])).to_owned()
}

fn how_it_ended(terminated: &Value) -> String {
    match (text(&terminated["reason"]), number(&terminated["signal"])) {
        ("", 0) => format!("ExitCode:{}", number(&terminated["exitCode"])),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn has_condition(pod: &Value, name: &str) -> bool {
    items(&pod["status"]["conditions"])
        .iter()
        .any(|condition| text(&condition["type"]) == name && text(&condition["status"]) == "True")
}
