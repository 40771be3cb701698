//! Rollouts that users know.

use jiff::SignedDuration;
use serde_json::json;

use super::super::revision::revision;
use super::{World, replicas};
use crate::object;

#[test]
fn a_first_rollout_makes_one_set_and_says_when_it_is_done() {
    let mut world = World::new(json!({}));
    world.turn();
    assert_eq!(world.sizes(), [3]);
    assert_eq!(
        world.progressing(),
        ("True".into(), "NewReplicaSetCreated".into())
    );
    let set = &world.sets[0];
    let labels = set.metadata.labels.as_ref().expect("labels");
    let hash = labels.get("pod-template-hash").expect("a hash");
    assert_eq!(set.metadata.name, Some(format!("web-{hash}")));
    let selector = set
        .spec
        .as_ref()
        .and_then(|spec| spec.selector.match_labels.as_ref());
    assert_eq!(
        selector.and_then(|labels| labels.get("pod-template-hash")),
        Some(hash)
    );

    world.settle();
    let status = world.status();
    assert_eq!(
        (
            status.replicas,
            status.available_replicas,
            status.unavailable_replicas
        ),
        (Some(3), Some(3), None)
    );
    assert_eq!(
        world.progressing(),
        ("True".into(), "NewReplicaSetAvailable".into())
    );
}

#[test]
fn going_back_uses_the_old_set_again_under_a_new_revision() {
    let mut world = World::new(json!({}));
    world.settle();
    world.set_image("v2");
    world.settle();
    assert_eq!(world.sizes(), [0, 3]);
    let first = world
        .sets
        .iter()
        .find(|set| replicas(set) == 0)
        .expect("the old set")
        .metadata
        .name
        .clone();
    world.set_image("v1");
    world.settle();
    assert_eq!(world.sets.len(), 2);
    let current = world
        .sets
        .iter()
        .find(|set| replicas(set) == 3)
        .expect("the set in use");
    assert_eq!(current.metadata.name, first);
    assert_eq!(revision(current), 3);
    let history = object::annotation(
        &current.metadata,
        "deployment.kubernetes.io/revision-history",
    );
    assert_eq!(history, Some("1"));
    let own = object::annotation(
        &world.deployment.metadata,
        "deployment.kubernetes.io/revision",
    );
    assert_eq!(own, Some("3"));
}

#[test]
fn scaling_in_the_middle_of_a_rollout_is_shared_out() {
    // The example of upstream's documentation: 10 pods, 3 more allowed, 2 fewer.
    let bounds = json!({"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}});
    let mut world = World::new(json!({"replicas": 10, "strategy": bounds}));
    world.settle();
    world.set_image("broken");
    let old = object::name(&world.sets[0].metadata).to_owned();
    for _ in 0..20 {
        world.turn();
        world.pods_run(|name, _, asked_for| if name == old { asked_for } else { 0 });
    }
    assert_eq!(world.sizes(), [8, 5]);
    world.set_replicas(15);
    world.turn();
    assert_eq!(world.sizes(), [11, 7]);
}

#[test]
fn a_paused_deployment_scales_but_does_not_roll() {
    let mut world = World::new(json!({}));
    world.settle();
    world.deployment.spec.as_mut().expect("a spec").paused = Some(true);
    world.set_image("v2");
    world.settle();
    assert_eq!(world.sizes(), [3]);
    assert_eq!(world.progressing().1, "DeploymentPaused");
    world.set_replicas(5);
    world.settle();
    assert_eq!(world.sizes(), [5]);
    world.deployment.spec.as_mut().expect("a spec").paused = None;
    world.settle();
    assert_eq!(world.sizes(), [0, 5]);
}

#[test]
fn recreate_starts_nothing_before_the_last_old_pod_has_ended() {
    let mut world = World::new(json!({"strategy": {"type": "Recreate"}}));
    world.settle();
    let old = object::name(&world.sets[0].metadata).to_owned();
    world.set_image("v2");
    world.still_running = vec![old];
    world.turn();
    world.pods_run(|_, _, asked_for| asked_for);
    world.turn();
    assert_eq!(world.sizes(), [0]);
    world.still_running.clear();
    world.settle();
    assert_eq!(world.sizes(), [0, 3]);
}

#[test]
fn old_sets_beyond_the_limit_go() {
    let mut world = World::new(json!({"revisionHistoryLimit": 1}));
    for image in ["v1", "v2", "v3", "v4"] {
        world.set_image(image);
        world.settle();
    }
    assert_eq!(world.sizes(), [0, 3]);
}

#[test]
fn a_rollout_without_progress_times_out_and_recovers() {
    let mut world = World::new(json!({"progressDeadlineSeconds": 60}));
    world.turn();
    world.pods_run(|_, before, _| before);
    world.turn();
    world.now += SignedDuration::from_secs(61);
    world.turn();
    assert_eq!(
        world.progressing(),
        ("False".into(), "ProgressDeadlineExceeded".into())
    );
    world.settle();
    assert_eq!(
        world.progressing(),
        ("True".into(), "NewReplicaSetAvailable".into())
    );
}

#[test]
fn no_replicas_are_a_complete_rollout_too() {
    let mut world = World::new(json!({"replicas": 0}));
    world.settle();
    assert_eq!(world.progressing().1, "NewReplicaSetAvailable");
    world.set_replicas(2);
    world.settle();
    assert_eq!(world.sizes(), [2]);
}

#[test]
fn absurd_numbers_are_no_reason_to_fall_over() {
    let all = i32::MAX;
    let strategy = json!({"rollingUpdate": {"maxSurge": "2147483647%", "maxUnavailable": all}});
    let mut world = World::new(json!({"replicas": all, "strategy": strategy}));
    world.settle();
    world.set_image("v2");
    world.settle();
    world.set_replicas(1);
    world.settle();
    assert_eq!(world.sizes(), [0, 1]);

    let mut world = World::new(json!({"replicas": -5, "progressDeadlineSeconds": -1}));
    world.turn();
    assert_eq!(world.sizes(), [0]);
}
