//! Courses of life, told step by step. Time is a number here; nothing waits.

mod endings;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodStatus};

use super::*;

/// A pod under test with a clock that only `after` moves.
struct Life {
    machine: PodMachine,
    start: Instant,
    elapsed: Duration,
    conditions: Conditions,
}

impl Life {
    fn of(spec: serde_json::Value) -> Self {
        let pod: Pod = serde_json::from_value(serde_json::json!({"spec": spec})).expect("a pod");
        Self {
            machine: PodMachine::new(PodShape::of(&pod), &[], BackOffSettings::default()),
            start: Instant::now(),
            elapsed: Duration::ZERO,
            conditions: Conditions::default(),
        }
    }

    /// A pod whose sandbox is ready; returns what is started first.
    fn begun(spec: serde_json::Value) -> (Self, Vec<String>) {
        let mut life = Self::of(spec);
        assert_eq!(life.step(Input::Tick), ["CreateSandbox"]);
        let first = life.step(Input::SandboxReady {
            addresses: vec![[10, 244, 0, 2].into()],
        });
        (life, first)
    }

    fn now(&self) -> Now {
        Now {
            instant: self.start + self.elapsed,
            wall: Timestamp::UNIX_EPOCH + self.elapsed,
        }
    }

    fn step(&mut self, input: Input) -> Vec<String> {
        let now = self.now();
        self.machine
            .step(input, now)
            .iter()
            .filter_map(shown)
            .collect()
    }

    fn after(&mut self, seconds: u64) -> Vec<String> {
        self.elapsed += Duration::from_secs(seconds);
        self.step(Input::Tick)
    }

    fn container(&mut self, index: usize, event: ContainerEvent) -> Vec<String> {
        self.step(Input::Container { index, event })
    }

    fn started(&mut self, index: usize) -> Vec<String> {
        self.container(
            index,
            ContainerEvent::Started {
                id: format!("id{index}"),
            },
        )
    }

    fn exited(&mut self, index: usize, code: i32) -> Vec<String> {
        self.container(
            index,
            ContainerEvent::Exited {
                code,
                signal: None,
                out_of_memory: false,
            },
        )
    }

    fn probed(&mut self, kind: ProbeKind, success: bool) -> Vec<String> {
        let message = "refused".to_owned();
        self.container(
            0,
            ContainerEvent::Probed {
                kind,
                success,
                message,
            },
        )
    }

    fn delete(&mut self, seconds: u64) -> Vec<String> {
        let grace = Duration::from_secs(seconds);
        self.step(Input::Stop {
            grace,
            cause: StopCause::Deleted,
        })
    }

    fn status(&mut self) -> PodStatus {
        let context = StatusContext {
            host_ips: &[[192, 0, 2, 1].into()],
            start_time: Timestamp::UNIX_EPOCH,
            qos_class: "BestEffort",
            host_network: false,
            foreign: &[],
            gates: &[],
        };
        let now = self.now().wall;
        self.machine.status(&context, &mut self.conditions, now)
    }

    fn phase(&mut self) -> String {
        self.status().phase.unwrap_or_default()
    }

    fn condition(&mut self, kind: &str) -> (String, String) {
        let conditions = self.status().conditions.unwrap_or_default();
        let found = conditions
            .into_iter()
            .find(|condition| condition.type_ == kind);
        let found = found.expect("every condition is reported");
        (found.status, found.message.unwrap_or_default())
    }

    fn ready(&mut self) -> bool {
        self.condition("Ready").0 == "True"
    }

    /// The waiting reason of the first app container.
    fn waiting(&mut self) -> String {
        let state = self.status().container_statuses.unwrap_or_default()[0]
            .state
            .clone();
        state
            .and_then(|state| state.waiting?.reason)
            .unwrap_or_default()
    }

    fn restarts(&mut self) -> i32 {
        self.status().container_statuses.unwrap_or_default()[0].restart_count
    }
}

/// Actions in one line each, events left out.
fn shown(action: &Action) -> Option<String> {
    match action {
        Action::Event { .. } => None,
        other => Some(format!("{other:?}").replace("index: ", "")),
    }
}

fn one(extra: serde_json::Value) -> serde_json::Value {
    let mut container = serde_json::json!({"name": "main", "image": "pause"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        container[key] = value.clone();
    }
    serde_json::json!({"containers": [container]})
}

const START: &str = "Start { 0, attempt: 0 }";
const TERMINATE: &str = "Terminate { 0 }";
const KILL: &str = "Kill { 0 }";

#[test]
fn a_plain_pod_becomes_ready_with_its_start() {
    let (mut life, first) = Life::begun(one(serde_json::json!({})));
    assert_eq!(first, [START]);
    assert_eq!(
        (life.phase().as_str(), life.waiting().as_str()),
        ("Pending", "ContainerCreating")
    );
    assert!(life.started(0).is_empty());
    assert_eq!(life.phase(), "Running");
    assert!(life.ready());
    let status = life.status();
    assert_eq!(status.pod_ip.as_deref(), Some("10.244.0.2"));
    assert_eq!(status.host_ip.as_deref(), Some("192.0.2.1"));
}

#[test]
fn readiness_follows_its_probe() {
    let probe = serde_json::json!({"tcpSocket": {"port": 1}, "failureThreshold": 2});
    let (mut life, _) = Life::begun(one(serde_json::json!({"readinessProbe": probe})));
    assert_eq!(life.started(0), ["Probe { 0, kind: Readiness }"]);
    assert!(!life.ready());
    assert_eq!(
        life.condition("Ready").1,
        "containers with unready status: [main]"
    );
    life.probed(ProbeKind::Readiness, true);
    assert!(life.ready());
    life.probed(ProbeKind::Readiness, false);
    assert!(life.ready(), "one failure of two");
    life.probed(ProbeKind::Readiness, false);
    assert!(!life.ready());
    assert_eq!(life.phase(), "Running");
}

#[test]
fn readiness_is_withdrawn_with_the_exit_and_comes_back_with_the_restart() {
    let (mut life, _) = Life::begun(one(serde_json::json!({})));
    life.started(0);
    life.elapsed += Duration::from_secs(5);
    assert_eq!(
        life.exited(0, 1),
        ["Start { 0, attempt: 1 }"],
        "the first restart comes at once"
    );
    assert!(!life.ready());
    life.started(0);
    assert!(life.ready());
    assert_eq!(life.restarts(), 1);
}

#[test]
fn a_container_that_keeps_ending_waits_longer_and_longer() {
    let (mut life, _) = Life::begun(one(serde_json::json!({})));
    life.started(0);
    life.exited(0, 1);
    for (attempt, wait) in [(2, 10), (3, 20), (4, 40)] {
        life.started(0);
        assert!(life.exited(0, 1).is_empty());
        assert_eq!(life.waiting(), "CrashLoopBackOff");
        assert_eq!(life.phase(), "Running");
        assert!(life.after(wait - 1).is_empty());
        assert_eq!(
            life.after(1),
            [format!("Start {{ 0, attempt: {attempt} }}")]
        );
    }
    let last = life.status().container_statuses.unwrap_or_default()[0]
        .last_state
        .clone();
    assert_eq!(
        last.and_then(|last| last.terminated)
            .map(|ended| ended.exit_code),
        Some(1)
    );
}

#[test]
fn restart_policies() {
    for (policy, code, phase) in [
        ("Never", 0, "Succeeded"),
        ("Never", 1, "Failed"),
        ("OnFailure", 0, "Succeeded"),
    ] {
        let mut spec = one(serde_json::json!({}));
        spec["restartPolicy"] = policy.into();
        let (mut life, _) = Life::begun(spec);
        life.started(0);
        assert_eq!(life.exited(0, code), ["RemoveSandbox"], "{policy} {code}");
        life.step(Input::SandboxRemoved);
        assert!(life.machine.is_finished());
        assert_eq!(life.phase(), phase);
        assert!(!life.ready());
    }
    let mut spec = one(serde_json::json!({}));
    spec["restartPolicy"] = "OnFailure".into();
    let (mut life, _) = Life::begun(spec);
    life.started(0);
    assert_eq!(life.exited(0, 1), ["Start { 0, attempt: 1 }"]);
}

#[test]
fn other_probes_wait_for_the_startup_probe() {
    let probe = serde_json::json!({"tcpSocket": {"port": 1}, "failureThreshold": 3});
    let container = serde_json::json!({
        "startupProbe": probe, "livenessProbe": probe, "readinessProbe": probe,
    });
    let (mut life, _) = Life::begun(one(container));
    assert_eq!(life.started(0), ["Probe { 0, kind: Startup }"]);
    assert!(life.probed(ProbeKind::Startup, false).is_empty());
    assert_eq!(
        life.probed(ProbeKind::Startup, true),
        [
            "StopProbe { 0, kind: Startup }",
            "Probe { 0, kind: Liveness }",
            "Probe { 0, kind: Readiness }"
        ]
    );
    assert!(!life.ready());
    life.probed(ProbeKind::Readiness, true);
    assert!(life.ready());
}

#[test]
fn init_containers_run_one_after_the_other() {
    let spec = serde_json::json!({
        "initContainers": [{"name": "a"}, {"name": "b"}],
        "containers": [{"name": "main"}],
    });
    let (mut life, first) = Life::begun(spec);
    assert_eq!(first, [START]);
    assert_eq!(life.waiting(), "PodInitializing");
    life.started(0);
    assert_eq!(life.exited(0, 1), ["Start { 0, attempt: 1 }"]);
    life.started(0);
    assert_eq!(life.exited(0, 0), ["Start { 1, attempt: 0 }"]);
    assert_eq!(
        life.condition("Initialized").1,
        "containers with incomplete status: [b]"
    );
    life.started(1);
    assert_eq!(life.exited(1, 0), ["Start { 2, attempt: 0 }"]);
    assert_eq!(life.condition("Initialized").0, "True");
    life.started(2);
    assert!(life.ready());
}

#[test]
fn a_failed_init_container_fails_a_pod_that_never_restarts() {
    let spec = serde_json::json!({
        "restartPolicy": "Never",
        "initContainers": [{"name": "a"}],
        "containers": [{"name": "main"}],
    });
    let (mut life, _) = Life::begun(spec);
    life.started(0);
    assert_eq!(life.exited(0, 1), ["RemoveSandbox"]);
    assert_eq!(life.phase(), "Failed");
}

#[test]
fn sidecars_start_first_and_end_last() {
    let spec = serde_json::json!({
        "restartPolicy": "Never",
        "initContainers": [{"name": "log", "restartPolicy": "Always"}],
        "containers": [{"name": "main"}],
    });
    let (mut life, first) = Life::begun(spec);
    assert_eq!(first, [START]);
    assert_eq!(life.started(0), ["Start { 1, attempt: 0 }"]);
    life.started(1);
    assert_eq!(
        life.exited(0, 1),
        ["Start { 0, attempt: 1 }"],
        "a sidecar always comes back"
    );
    life.started(0);
    assert_eq!(life.exited(1, 0), [TERMINATE]);
    assert_eq!(life.exited(0, 143), ["RemoveSandbox"]);
    assert_eq!(life.phase(), "Succeeded");
}

#[test]
fn what_cannot_be_created_waits_with_its_reason() {
    let (mut life, _) = Life::begun(one(serde_json::json!({})));
    let problem = Problem::image("nginx");
    assert!(
        life.container(0, ContainerEvent::NotCreated(problem))
            .is_empty()
    );
    assert_eq!(
        (life.phase().as_str(), life.waiting().as_str()),
        ("Pending", "ImageNotBuiltIn")
    );
    assert_eq!(
        life.after(10),
        [START],
        "and is tried again without counting as a restart"
    );
    let message = "exec: \"nope\": executable file not found in $PATH".to_owned();
    assert!(
        life.container(0, ContainerEvent::NotExecuted { message })
            .is_empty()
    );
    assert_eq!(life.waiting(), "RunContainerError");
    assert_eq!(life.after(20), ["Start { 0, attempt: 1 }"]);
}

#[test]
fn a_failed_sandbox_is_tried_again() {
    let mut life = Life::of(one(serde_json::json!({})));
    life.step(Input::Tick);
    assert!(
        life.step(Input::SandboxFailed {
            message: "no address".to_owned()
        })
        .is_empty()
    );
    assert_eq!(life.status().message.as_deref(), Some("no address"));
    assert_eq!(life.after(10), ["CreateSandbox"]);
}

#[test]
fn conditions_remember_when_they_changed() {
    let (mut life, _) = Life::begun(one(serde_json::json!({})));
    life.status();
    life.elapsed = Duration::from_secs(7);
    life.started(0);
    life.status();
    life.elapsed = Duration::from_secs(90);
    let conditions = life.status().conditions.unwrap_or_default();
    let since = |kind: &str| {
        let condition = conditions.iter().find(|condition| condition.type_ == kind);
        condition.and_then(|condition| Some(condition.last_transition_time.as_ref()?.0.as_second()))
    };
    assert_eq!(since("PodScheduled"), Some(0));
    assert_eq!(since("Ready"), Some(7));
}
