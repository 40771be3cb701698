//! Slices and Endpoints follow pods and users.

use k8s_openapi::api::core::v1::{Endpoints, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::DeleteParams;
use serde_json::json;

use crate::harness::Cluster;
use crate::node::set_readiness;

const SLICES: &str = "kubernetes.io/service-name=web";

pub(crate) async fn create_web(cluster: &Cluster) {
    let web = json!({
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 9376}]},
    });
    cluster.create::<Service>(web).await;
}

async fn create_pod(cluster: &Cluster, name: &str) {
    let pod = json!({
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "serve_hostname"}]},
    });
    cluster.create::<Pod>(pod).await;
}

/// Ready and unready endpoints of all slices.
pub(crate) fn readiness(slices: &[EndpointSlice]) -> (usize, usize) {
    let endpoints = slices.iter().flat_map(|slice| &slice.endpoints).flatten();
    let (ready, unready): (Vec<_>, Vec<_>) = endpoints.partition(|endpoint| {
        let conditions = endpoint.conditions.as_ref();
        conditions.and_then(|conditions| conditions.ready) == Some(true)
    });
    (ready.len(), unready.len())
}

fn listed(endpoints: &[Endpoints]) -> (usize, usize) {
    let subsets = || {
        endpoints
            .iter()
            .flat_map(|object| &object.subsets)
            .flatten()
    };
    (
        subsets()
            .flat_map(|subset| &subset.addresses)
            .flatten()
            .count(),
        subsets()
            .flat_map(|subset| &subset.not_ready_addresses)
            .flatten()
            .count(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_follow_readiness_and_deletion() {
    let cluster = Cluster::start().await;
    create_web(&cluster).await;
    cluster
        .until::<EndpointSlice>(SLICES, |slices| slices.len() == 1)
        .await;
    create_pod(&cluster, "a").await;
    create_pod(&cluster, "b").await;
    let is = |expected| move |slices: &[EndpointSlice]| readiness(slices) == expected;
    let slices = cluster.until(SLICES, is((2, 0))).await;
    assert_eq!(slices.len(), 1);
    assert_eq!(slices[0].ports.as_ref().unwrap()[0].port, Some(9376));
    cluster
        .until::<Endpoints>("app=web", |objects| listed(objects) == (2, 0))
        .await;

    set_readiness(&cluster.api(), "a", "False", None)
        .await
        .unwrap();
    cluster.until(SLICES, is((1, 1))).await;
    cluster
        .until::<Endpoints>("app=web", |objects| listed(objects) == (1, 1))
        .await;

    cluster.delete::<Pod>("a", DeleteParams::default()).await;
    cluster.until(SLICES, is((1, 0))).await;

    cluster
        .delete::<Service>("web", DeleteParams::default())
        .await;
    cluster
        .until::<EndpointSlice>(SLICES, <[_]>::is_empty)
        .await;
    cluster.until::<Endpoints>("app=web", <[_]>::is_empty).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_loses_the_label_leaves_the_service() {
    let cluster = Cluster::start().await;
    create_web(&cluster).await;
    create_pod(&cluster, "a").await;
    cluster
        .until(SLICES, |slices: &[EndpointSlice]| {
            readiness(slices) == (1, 0)
        })
        .await;
    cluster
        .patch::<Pod>("a", json!({"metadata": {"labels": {"app": "other"}}}))
        .await;
    cluster
        .until(SLICES, |slices: &[EndpointSlice]| {
            readiness(slices) == (0, 0)
        })
        .await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_that_someone_damages_is_repaired() {
    let cluster = Cluster::start().await;
    create_web(&cluster).await;
    create_pod(&cluster, "a").await;
    let slices = cluster
        .until(SLICES, |slices: &[EndpointSlice]| {
            readiness(slices) == (1, 0)
        })
        .await;
    let name = slices[0].metadata.name.clone().unwrap();
    cluster
        .patch::<EndpointSlice>(&name, json!({"endpoints": []}))
        .await;
    cluster
        .until(SLICES, |slices: &[EndpointSlice]| {
            readiness(slices) == (1, 0)
        })
        .await;
    cluster
        .delete::<EndpointSlice>(&name, DeleteParams::default())
        .await;
    cluster
        .until(SLICES, |slices: &[EndpointSlice]| {
            readiness(slices) == (1, 0)
        })
        .await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_a_user_writes_are_mirrored_until_they_go() {
    let cluster = Cluster::start().await;
    let external = json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}});
    cluster.create::<Service>(external).await;
    let endpoints = |addresses| json!({"metadata": {"name": "web"}, "subsets": [{"addresses": addresses, "ports": [{"port": 80}]}]});
    cluster
        .create::<Endpoints>(endpoints(json!([{"ip": "192.0.2.7"}])))
        .await;
    let slices = cluster
        .until(SLICES, |slices: &[EndpointSlice]| {
            readiness(slices) == (1, 0)
        })
        .await;
    let labels = slices[0].metadata.labels.as_ref().unwrap();
    assert_eq!(
        labels["endpointslice.kubernetes.io/managed-by"],
        "endpointslicemirroring-controller.k8s.io"
    );
    let two = endpoints(json!([{"ip": "192.0.2.7"}, {"ip": "192.0.2.8"}]));
    cluster.patch::<Endpoints>("web", two).await;
    cluster
        .until(SLICES, |slices: &[EndpointSlice]| {
            readiness(slices) == (2, 0)
        })
        .await;
    cluster
        .delete::<Endpoints>("web", DeleteParams::default())
        .await;
    cluster
        .until::<EndpointSlice>(SLICES, <[_]>::is_empty)
        .await;
    cluster.stop().await;
}
