//! StatefulSets keep pods with names of their own.

use std::time::Duration;

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use kube::api::{DeleteParams, PropagationPolicy};
use serde_json::{Value, json};

use crate::garbage::with;
use crate::harness::Cluster;

const APP: &str = "app=web";

fn stateful_set(replicas: i32) -> Value {
    json!({"metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {
        "replicas": replicas, "serviceName": "web",
        "selector": {"matchLabels": {"app": "web"}}, "template": template("v1"),
    }})
}

fn template(image: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": image}]},
    })
}

async fn until_rolled_out(cluster: &Cluster, replicas: i32) {
    cluster
        .until::<StatefulSet>(APP, |sets| {
            sets.iter().all(|set| {
                let status = set.status.clone().unwrap_or_default();
                status.observed_generation == set.metadata.generation
                    && status.replicas == replicas
                    && status.available_replicas == Some(replicas)
                    && status.updated_replicas == Some(replicas)
                    && status.current_revision == status.update_revision
            })
        })
        .await;
}

fn names(pods: &[Pod]) -> Vec<String> {
    pods.iter().map(ResourceExt::name_any).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_becomes_pods_that_a_headless_service_names() {
    let cluster = Cluster::start().await;
    let service = json!({"metadata": {"name": "web"}, "spec": {
        "clusterIP": "None", "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}],
    }});
    cluster.create::<Service>(service).await;
    cluster.create::<StatefulSet>(stateful_set(3)).await;
    until_rolled_out(&cluster, 3).await;
    let expected = ["web-0", "web-1", "web-2"];
    assert_eq!(names(&cluster.list::<Pod>(APP).await), expected);
    let named = |slices: &[EndpointSlice]| {
        let endpoints = slices
            .iter()
            .flat_map(|slice| slice.endpoints.iter().flatten());
        let mut names: Vec<_> = endpoints.filter_map(|one| one.hostname.clone()).collect();
        names.sort();
        names == expected
    };
    cluster.until("kubernetes.io/service-name=web", named).await;
    let created = "create Pod web-0 in StatefulSet web successful";
    cluster
        .until::<Event>("", |events| {
            let mut messages = events.iter().filter_map(|event| event.message.as_deref());
            messages.any(|message| message == created)
        })
        .await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_template_reaches_every_pod_and_leaves_a_revision() {
    let cluster = Cluster::start_with_late_pod_events(Duration::from_millis(5)).await;
    cluster.create::<StatefulSet>(stateful_set(3)).await;
    until_rolled_out(&cluster, 3).await;
    let spec = json!({"spec": {"template": template("v2"), "replicas": 4}});
    cluster.patch::<StatefulSet>("web", spec).await;
    until_rolled_out(&cluster, 4).await;
    for pod in cluster.list::<Pod>(APP).await {
        let image = pod.spec.as_ref().unwrap().containers[0].image.as_deref();
        assert_eq!(image, Some("v2"), "{}", pod.name_any());
    }
    let revisions = cluster.list::<ControllerRevision>(APP).await;
    let mut numbers: Vec<_> = revisions.iter().map(|one| one.revision).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_goes_comes_back_under_its_name_and_everything_goes_with_the_set() {
    let cluster = Cluster::start().await;
    cluster.create::<StatefulSet>(stateful_set(3)).await;
    until_rolled_out(&cluster, 3).await;
    let before = cluster.list::<Pod>(APP).await;
    cluster
        .delete::<Pod>("web-1", DeleteParams::default())
        .await;
    cluster
        .until::<Pod>(APP, |pods| {
            let web_1 = pods.iter().find(|pod| pod.name_any() == "web-1");
            web_1.is_some_and(|pod| pod.uid() != before[1].uid())
        })
        .await;
    until_rolled_out(&cluster, 3).await;
    let fewer = json!({"spec": {"replicas": 1}});
    cluster.patch::<StatefulSet>("web", fewer).await;
    let one_left = |pods: &[Pod]| names(pods) == ["web-0"];
    cluster.until(APP, one_left).await;
    cluster
        .delete::<StatefulSet>("web", with(PropagationPolicy::Background))
        .await;
    cluster.until::<Pod>(APP, <[_]>::is_empty).await;
    cluster
        .until::<ControllerRevision>(APP, <[_]>::is_empty)
        .await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_adopted_by_the_next_set_without_being_replaced() {
    // The next set is there before the controller knows that the revision is an orphan.
    let revisions = "/apis/apps/v1/controllerrevisions";
    let cluster = Cluster::start_with_late_events(revisions, Duration::from_millis(200)).await;
    cluster.create::<StatefulSet>(stateful_set(2)).await;
    until_rolled_out(&cluster, 2).await;
    let before = cluster.list::<Pod>(APP).await;
    cluster
        .delete::<StatefulSet>("web", with(PropagationPolicy::Orphan))
        .await;
    cluster.until::<StatefulSet>(APP, <[_]>::is_empty).await;
    let free = |pods: &[Pod]| pods.iter().all(|pod| pod.owner_references().is_empty());
    cluster.until(APP, free).await;

    cluster.create::<StatefulSet>(stateful_set(2)).await;
    until_rolled_out(&cluster, 2).await;
    let after = cluster.list::<Pod>(APP).await;
    let uids = |pods: &[Pod]| pods.iter().map(ResourceExt::uid).collect::<Vec<_>>();
    assert_eq!(uids(&after), uids(&before));
    assert!(after.iter().all(|pod| pod.owner_references().len() == 1));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_stranger_has_is_told_and_taken_once_it_is_free() {
    let cluster = Cluster::start().await;
    let spec = json!({"containers": [{"name": "c", "image": "i"}]});
    cluster
        .create::<Pod>(json!({"metadata": {"name": "web-0"}, "spec": spec}))
        .await;
    cluster.create::<StatefulSet>(stateful_set(1)).await;
    cluster
        .until::<Event>("", |events| {
            let mut reasons = events.iter().filter_map(|event| event.reason.as_deref());
            reasons.any(|reason| reason == "FailedCreate")
        })
        .await;
    cluster
        .delete::<Pod>("web-0", DeleteParams::default())
        .await;
    until_rolled_out(&cluster, 1).await;
    cluster.stop().await;
}
