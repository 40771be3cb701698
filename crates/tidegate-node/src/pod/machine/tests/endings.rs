//! How pods end.

use super::*;

#[test]
fn liveness_condemns_gracefully() {
    let probe = serde_json::json!({"tcpSocket": {"port": 1}, "failureThreshold": 1, "terminationGracePeriodSeconds": 5});
    let (mut life, _) = Life::begun(one(serde_json::json!({"livenessProbe": probe})));
    assert_eq!(life.started(0), ["Probe { 0, kind: Liveness }"]);
    assert_eq!(
        life.probed(ProbeKind::Liveness, false),
        [TERMINATE, "StopProbe { 0, kind: Liveness }"]
    );
    assert!(life.after(4).is_empty());
    assert_eq!(life.after(1), [KILL]);
    let actions = life.exited(0, 137);
    assert_eq!(
        actions.last().map(String::as_str),
        Some("Start { 0, attempt: 1 }")
    );
}

#[test]
fn deletion_asks_waits_and_kills() {
    let (mut life, _) = Life::begun(one(serde_json::json!({})));
    life.started(0);
    assert_eq!(life.delete(30), [TERMINATE]);
    assert!(
        life.ready(),
        "a pod that ends may still serve; its deletion stamp says the rest"
    );
    assert!(life.after(29).is_empty());
    assert_eq!(life.after(1), [KILL]);
    assert_eq!(life.exited(0, 137), ["RemoveSandbox"]);
    assert!(!life.ready());
    assert!(life.step(Input::SandboxRemoved).is_empty());
    assert!(life.machine.is_finished());
    assert_eq!(life.phase(), "Failed");
}

#[test]
fn a_second_deletion_can_shorten_the_wait_but_not_lengthen_it() {
    let (mut life, _) = Life::begun(one(serde_json::json!({})));
    life.started(0);
    life.delete(30);
    assert!(life.delete(60).is_empty());
    assert_eq!(
        life.machine.deadline(),
        Some(life.start + Duration::from_secs(30))
    );
    assert!(life.delete(5).is_empty());
    assert_eq!(life.after(5), [KILL]);
    let (mut life, _) = Life::begun(one(serde_json::json!({})));
    life.started(0);
    assert_eq!(life.delete(0), [KILL]);
}

#[test]
fn the_pre_stop_hook_comes_before_the_signal_and_shares_its_time() {
    let hook = serde_json::json!({"preStop": {"exec": {"command": ["true"]}}});
    let container = serde_json::json!({"lifecycle": hook});
    let (mut life, _) = Life::begun(one(container.clone()));
    life.started(0);
    assert_eq!(life.delete(10), ["PreStop { 0, limit: 10s }"]);
    life.elapsed += Duration::from_secs(3);
    assert_eq!(
        life.container(0, ContainerEvent::PreStopDone { failure: None }),
        [TERMINATE]
    );
    assert!(life.after(6).is_empty());
    assert_eq!(life.after(1), [KILL]);

    let (mut life, _) = Life::begun(one(container));
    life.started(0);
    life.delete(10);
    assert_eq!(
        life.after(10),
        [TERMINATE],
        "a hook that takes too long is overtaken"
    );
    assert!(life.after(1).is_empty());
    assert_eq!(life.after(1), [KILL]);
}

#[test]
fn a_pod_that_is_deleted_while_it_starts_ends_after_its_start() {
    let mut life = Life::of(one(serde_json::json!({})));
    life.step(Input::Tick);
    assert!(life.delete(30).is_empty());
    assert_eq!(
        life.step(Input::SandboxReady {
            addresses: Vec::new()
        }),
        ["RemoveSandbox"]
    );

    let (mut life, _) = Life::begun(one(serde_json::json!({})));
    assert!(life.delete(30).is_empty());
    assert_eq!(life.started(0), [TERMINATE]);

    let mut life = Life::of(one(serde_json::json!({})));
    assert!(life.delete(30).is_empty());
    assert!(life.machine.is_finished(), "nothing was made yet");
}

#[test]
fn a_stopping_node_leaves_its_pods_unready_but_not_failed() {
    let (mut life, _) = Life::begun(one(serde_json::json!({})));
    life.started(0);
    let grace = Duration::from_secs(5);
    let actions = life.step(Input::Stop {
        grace,
        cause: StopCause::NodeStopping,
    });
    assert_eq!(actions, [TERMINATE]);
    assert!(!life.ready());
    life.exited(0, 0);
    assert_eq!(life.phase(), "Running");
}
