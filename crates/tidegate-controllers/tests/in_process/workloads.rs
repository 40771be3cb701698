//! Deployments and ReplicaSets keep the pods that users ask for.

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use kube::api::DeleteParams;
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};

use crate::endpoints::{create_web, readiness};
use crate::harness::Cluster;

const APP: &str = "app=web";

pub(crate) fn deployment(replicas: i32, extra: Value) -> Value {
    let mut spec = json!({
        "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
        "template": template("v1"),
    });
    spec.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!({"metadata": {"name": "web", "labels": {"app": "web"}}, "spec": spec})
}

fn template(image: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": image}]},
    })
}

pub(crate) async fn until_rolled_out(cluster: &Cluster, replicas: i32) {
    cluster
        .until::<Deployment>(APP, |deployments| {
            deployments.iter().all(|deployment| {
                let status = deployment.status.clone().unwrap_or_default();
                status.observed_generation == deployment.metadata.generation
                    && status.replicas.unwrap_or(0) == replicas
                    && status.updated_replicas.unwrap_or(0) == replicas
                    && status.available_replicas.unwrap_or(0) == replicas
            })
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_becomes_pods_and_tells_of_it() {
    let cluster = Cluster::start().await;
    cluster.create::<Deployment>(deployment(3, json!({}))).await;
    until_rolled_out(&cluster, 3).await;
    assert_eq!(cluster.list::<Pod>(APP).await.len(), 3);
    let sets = cluster.list::<ReplicaSet>(APP).await;
    assert_eq!(sets.len(), 1);
    let scaled = format!("Scaled up replica set {} from 0 to 3", sets[0].name_any());
    let events = cluster
        .until::<Event>("", |events| {
            let reasons = events.iter().filter_map(|event| event.reason.as_deref());
            reasons
                .filter(|reason| *reason == "SuccessfulCreate")
                .count()
                == 3
        })
        .await;
    assert!(
        events
            .iter()
            .any(|event| event.message.as_ref() == Some(&scaled)),
        "{events:#?}"
    );
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_no_moment_of_a_rollout_is_an_endpoint_missing() {
    let cluster = Cluster::start().await;
    create_web(&cluster).await;
    cluster.create::<Deployment>(deployment(3, json!({}))).await;
    until_rolled_out(&cluster, 3).await;
    let slices = "kubernetes.io/service-name=web";
    cluster
        .until(slices, |slices: &[EndpointSlice]| {
            readiness(slices) == (3, 0)
        })
        .await;

    let config = watcher::Config::default().labels(slices);
    let watching = watcher::watcher(cluster.api::<EndpointSlice>(), config).applied_objects();
    let old: HashSet<_> = cluster
        .list::<Pod>(APP)
        .await
        .iter()
        .filter_map(ResourceExt::uid)
        .collect();
    let fewest = tokio::spawn(async move {
        let mut watching = watching.boxed();
        let mut fewest = usize::MAX;
        loop {
            let slice = watching.next().await.unwrap().unwrap();
            fewest = fewest.min(readiness(std::slice::from_ref(&slice)).0);
            if pods_of(&slice).is_disjoint(&old) {
                return fewest;
            }
        }
    });
    cluster
        .patch::<Deployment>("web", json!({"spec": {"template": template("v2")}}))
        .await;
    until_rolled_out(&cluster, 3).await;
    assert_eq!(fewest.await.unwrap(), 3);
    cluster.stop().await;
}

fn pods_of(slice: &EndpointSlice) -> HashSet<String> {
    let endpoints = slice.endpoints.iter().flatten();
    endpoints
        .filter_map(|endpoint| endpoint.target_ref.clone()?.uid)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_can_be_undone_by_its_old_template() {
    let cluster = Cluster::start().await;
    cluster.create::<Deployment>(deployment(2, json!({}))).await;
    until_rolled_out(&cluster, 2).await;
    cluster
        .patch::<Deployment>("web", json!({"spec": {"template": template("v2")}}))
        .await;
    until_rolled_out(&cluster, 2).await;
    cluster
        .patch::<Deployment>("web", json!({"spec": {"template": template("v1")}}))
        .await;
    until_rolled_out(&cluster, 2).await;
    assert_eq!(cluster.list::<ReplicaSet>(APP).await.len(), 2);
    let deployment = cluster.api::<Deployment>().get("web").await.unwrap();
    assert_eq!(
        deployment.annotations()["deployment.kubernetes.io/revision"],
        "3"
    );
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_pod_too_many_is_ever_created() {
    let cluster = Cluster::start_with_late_pod_events(Duration::from_millis(20)).await;
    let pods = watcher::watcher(cluster.api::<Pod>(), watcher::Config::default());
    let seen = tokio::spawn(async move {
        let mut pods = pods.applied_objects().boxed();
        let mut seen = HashSet::new();
        loop {
            let pod = pods.next().await.unwrap().unwrap();
            if pod.name_any() == "last" {
                return seen.len();
            }
            seen.insert(pod.uid());
        }
    });
    cluster.create::<Deployment>(deployment(5, json!({}))).await;
    for replicas in [7, 10, 12] {
        cluster
            .patch::<Deployment>("web", json!({"spec": {"replicas": replicas}}))
            .await;
    }
    until_rolled_out(&cluster, 12).await;
    let last = json!({"metadata": {"name": "last"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    cluster.create::<Pod>(last).await;
    assert_eq!(seen.await.unwrap(), 12);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_goes_is_replaced_and_one_that_leaves_is_let_go() {
    let cluster = Cluster::start().await;
    cluster.create::<Deployment>(deployment(2, json!({}))).await;
    until_rolled_out(&cluster, 2).await;
    let before = cluster.list::<Pod>(APP).await;
    cluster
        .delete::<Pod>(&before[0].name_any(), DeleteParams::default())
        .await;
    cluster
        .until::<Pod>(APP, |pods| {
            pods.len() == 2 && pods.iter().all(|pod| pod.uid() != before[0].uid())
        })
        .await;

    let leaver = before[1].name_any();
    cluster
        .patch::<Pod>(&leaver, json!({"metadata": {"labels": {"app": "debug"}}}))
        .await;
    cluster.until::<Pod>(APP, |pods| pods.len() == 2).await;
    let free = |pods: &[Pod]| pods.iter().all(|pod| pod.owner_references().is_empty());
    cluster.until::<Pod>("app=debug", free).await;

    // It comes back: it is adopted, and one of three is too many.
    cluster
        .patch::<Pod>(&leaver, json!({"metadata": {"labels": {"app": "web"}}}))
        .await;
    cluster
        .until::<Pod>(APP, |pods| {
            pods.len() == 2 && pods.iter().all(|pod| !pod.owner_references().is_empty())
        })
        .await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recreate_never_runs_two_versions_at_once() {
    let cluster = Cluster::start().await;
    let strategy = json!({"strategy": {"type": "Recreate"}});
    cluster.create::<Deployment>(deployment(2, strategy)).await;
    until_rolled_out(&cluster, 2).await;
    cluster
        .patch::<Deployment>("web", json!({"spec": {"template": template("v2")}}))
        .await;
    until_rolled_out(&cluster, 2).await;
    let pods = cluster.list::<Pod>(APP).await;
    let images: Vec<_> = (pods.iter())
        .map(|pod| {
            pod.spec.as_ref().unwrap().containers[0]
                .image
                .clone()
                .unwrap()
        })
        .collect();
    assert_eq!(images, ["v2", "v2"]);
    cluster.stop().await;
}
