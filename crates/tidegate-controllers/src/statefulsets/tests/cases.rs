//! Single stories.

use std::sync::Arc;

use serde_json::json;

use super::super::revisions::{expired, template_of};
use super::{World, metadata, object};

#[test]
fn pods_start_one_after_the_other_and_know_who_they_are() {
    let mut world = World::new(json!({}));
    assert_eq!(world.turn(), ["+web-0"]);
    assert!(world.turn().is_empty(), "web-0 does not run yet");
    world.runs("web-0", None);
    assert!(world.turn().is_empty(), "web-0 is not ready yet");
    world.runs("web-0", Some("2026-06-01T11:00:00Z"));
    assert_eq!(world.turn(), ["+web-1"]);
    assert_eq!(world.settle(), ["+web-2"]);

    let pod = world.pod("web-1").expect("web-1");
    let labels = serde_json::to_value(&pod.metadata.labels).expect("labels");
    assert_eq!(labels["app"], "web");
    assert_eq!(labels["statefulset.kubernetes.io/pod-name"], "web-1");
    assert_eq!(labels["apps.kubernetes.io/pod-index"], "1");
    let revision = world.revisions[0].metadata.name.as_deref();
    assert_eq!(labels["controller-revision-hash"].as_str(), revision);
    let spec = pod.spec.clone().expect("a spec");
    assert_eq!(spec.hostname.as_deref(), Some("web-1"));
    assert_eq!(spec.subdomain.as_deref(), Some("nodes"));
    let owner = metadata::controller_of(&pod.metadata).expect("an owner");
    assert_eq!(
        (owner.kind.as_str(), owner.uid.as_str()),
        ("StatefulSet", "s")
    );
}

#[test]
fn in_parallel_nobody_waits() {
    let mut world =
        World::new(json!({"podManagementPolicy": "Parallel", "ordinals": {"start": 4}}));
    assert_eq!(world.turn(), ["+web-4", "+web-5", "+web-6"]);
    world.nodes_catch_up();
    world.set_replicas(1);
    assert_eq!(world.turn(), ["-web-6", "-web-5"]);
}

#[test]
fn the_highest_ends_first_and_the_next_one_waits_for_its_end() {
    let mut world = World::new(json!({}));
    world.settle();
    world.set_replicas(1);
    assert_eq!(world.turn(), ["-web-2"]);
    assert!(world.turn().is_empty(), "web-2 has not ended yet");
    world.nodes_catch_up();
    assert_eq!(world.turn(), ["-web-1"]);
    assert!(world.settle().is_empty());
    assert_eq!(world.names(), ["web-0"]);
}

#[test]
fn one_that_is_gone_comes_back_under_its_name_before_anything_else() {
    let mut world = World::new(json!({}));
    world.settle();
    world
        .pods
        .retain(|pod| pod.metadata.name.as_deref() != Some("web-1"));
    world.set_image("v2");
    world.set_replicas(5);
    assert_eq!(world.turn(), ["+web-1"]);
}

#[test]
fn one_that_ended_for_good_makes_room_for_its_successor() {
    let mut world = World::new(json!({"replicas": 1}));
    world.settle();
    world.change("web-0", |pod| {
        pod.status = Some(object(json!({"phase": "Failed"})))
    });
    assert_eq!(world.turn(), ["-web-0"]);
    assert!(world.turn().is_empty());
    assert_eq!(world.settle(), ["+web-0"]);
}

#[test]
fn an_update_goes_from_the_highest_to_the_lowest() {
    let mut world = World::new(json!({}));
    world.settle();
    world.set_image("v2");
    assert_eq!(world.turn(), ["-web-2"]);
    let status = world.set.status.clone().expect("a status");
    assert_ne!(status.current_revision, status.update_revision);
    assert_eq!(
        (status.current_replicas, status.updated_replicas),
        (Some(3), Some(0))
    );
    world.nodes_catch_up();
    assert_eq!(
        world.settle(),
        ["+web-2", "-web-1", "+web-1", "-web-0", "+web-0"]
    );
    assert_eq!(world.images(), ["web-0:v2", "web-1:v2", "web-2:v2"]);
    let status = world.set.status.expect("a status");
    assert_eq!(status.current_revision, status.update_revision);
    assert_eq!(status.updated_replicas, Some(3));
}

#[test]
fn below_the_partition_pods_keep_and_get_their_old_revision() {
    let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    let mut world = World::new(json!({"updateStrategy": rolling}));
    world.settle();
    world.set_image("v2");
    assert_eq!(world.settle(), ["-web-2", "+web-2"]);
    world
        .pods
        .retain(|pod| pod.metadata.name.as_deref() != Some("web-0"));
    assert_eq!(world.settle(), ["+web-0"]);
    assert_eq!(world.images(), ["web-0:v1", "web-1:v1", "web-2:v2"]);
}

#[test]
fn on_delete_only_the_user_replaces_pods() {
    let mut world = World::new(json!({"updateStrategy": {"type": "OnDelete"}}));
    world.settle();
    world.set_image("v2");
    assert!(world.settle().is_empty());
    world
        .pods
        .retain(|pod| pod.metadata.name.as_deref() != Some("web-1"));
    assert_eq!(world.settle(), ["+web-1"]);
    assert_eq!(world.images(), ["web-0:v1", "web-1:v2", "web-2:v1"]);
}

#[test]
fn several_may_be_replaced_at_once_if_the_user_allows_it() {
    let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}});
    let spec = json!({"podManagementPolicy": "Parallel", "updateStrategy": rolling});
    let mut world = World::new(spec);
    world.settle();
    world.set_image("v2");
    assert_eq!(world.turn(), ["-web-2", "-web-1"]);
    assert!(world.turn().is_empty());
}

#[test]
fn a_pod_counts_only_after_it_was_ready_for_long_enough() {
    let mut world = World::new(json!({"minReadySeconds": 60}));
    world.turn();
    world.runs("web-0", Some("2026-06-01T11:59:30Z"));
    assert!(world.turn().is_empty());
    let status = world.set.status.clone().expect("a status");
    assert_eq!(
        (status.ready_replicas, status.available_replicas),
        (Some(1), Some(0))
    );
    world.runs("web-0", Some("2026-06-01T11:59:00Z"));
    assert_eq!(world.turn(), ["+web-1"]);
}

#[test]
fn an_adopted_pod_gets_the_labels_of_its_name() {
    let mut world = World::new(json!({"replicas": 1}));
    world.settle();
    world.change("web-0", |pod| {
        let labels = pod.metadata.labels.get_or_insert_default();
        labels.remove("statefulset.kubernetes.io/pod-name");
    });
    assert_eq!(world.turn(), ["=web-0"]);
    assert!(world.turn().is_empty());
}

#[test]
fn a_set_that_is_being_deleted_is_left_alone() {
    let mut world = World::new(json!({}));
    world.turn();
    world.nodes_catch_up();
    let now = super::NOW.parse().expect("a time");
    world.set.metadata.deletion_timestamp = Some(crate::time::api_time(now));
    assert!(world.turn().is_empty());
}

#[test]
fn a_set_that_goes_back_uses_its_old_revision_again() {
    let mut world = World::new(json!({}));
    world.settle();
    world.set_image("v2");
    world.settle();
    world.set_image("v1");
    world.settle();
    assert_eq!(world.images(), ["web-0:v1", "web-1:v1", "web-2:v1"]);
    let numbers: Vec<_> = world.revisions.iter().map(|one| one.revision).collect();
    assert_eq!(numbers, [2, 3]);
    let data = world.revisions[0].data.clone().expect("data").0;
    assert_eq!(data["spec"]["template"]["$patch"], "replace");
    let spec = template_of(&world.revisions[0]).spec.expect("a pod spec");
    assert_eq!(spec.containers[0].image.as_deref(), Some("v2"));
}

#[test]
fn revisions_that_nothing_is_made_from_go_when_there_are_too_many() {
    let mut world = World::new(json!({"revisionHistoryLimit": 1}));
    for image in ["v1", "v2", "v3", "v4"] {
        world.set_image(image);
        world.settle();
    }
    let newest = Arc::clone(&world.revisions[3]);
    let of_pods = [Arc::clone(world.pod("web-0").expect("web-0"))];
    let gone = expired(&world.set, &world.revisions, [&newest, &newest], &of_pods);
    let numbers: Vec<_> = gone.iter().map(|one| one.revision).collect();
    assert_eq!(numbers, [1, 2]);
}
