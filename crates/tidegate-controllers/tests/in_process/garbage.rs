//! Objects go with their owners.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::ResourceExt;
use kube::api::{DeleteParams, PropagationPolicy};
use serde_json::json;

use crate::harness::Cluster;
use crate::workloads::{deployment, until_rolled_out};

const APP: &str = "app=web";

pub(crate) fn with(policy: PropagationPolicy) -> DeleteParams {
    DeleteParams {
        propagation_policy: Some(policy),
        ..DeleteParams::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deployment_owns_goes_with_it() {
    for policy in [PropagationPolicy::Background, PropagationPolicy::Foreground] {
        let cluster = Cluster::start().await;
        cluster.create::<Deployment>(deployment(3, json!({}))).await;
        until_rolled_out(&cluster, 3).await;
        cluster.delete::<Deployment>("web", with(policy)).await;
        cluster.until::<Deployment>(APP, <[_]>::is_empty).await;
        cluster.until::<ReplicaSet>(APP, <[_]>::is_empty).await;
        cluster.until::<Pod>(APP, <[_]>::is_empty).await;
        cluster.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_left_alone_and_adopted_by_the_next() {
    let cluster = Cluster::start().await;
    cluster.create::<Deployment>(deployment(2, json!({}))).await;
    until_rolled_out(&cluster, 2).await;
    let before = cluster.list::<ReplicaSet>(APP).await;
    cluster
        .delete::<Deployment>("web", with(PropagationPolicy::Orphan))
        .await;
    cluster.until::<Deployment>(APP, <[_]>::is_empty).await;
    let orphaned = |sets: &[ReplicaSet]| sets.len() == 1 && sets[0].owner_references().is_empty();
    cluster.until(APP, orphaned).await;
    assert_eq!(cluster.list::<Pod>(APP).await.len(), 2);

    cluster.create::<Deployment>(deployment(2, json!({}))).await;
    until_rolled_out(&cluster, 2).await;
    let after = cluster.list::<ReplicaSet>(APP).await;
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].uid(), before[0].uid());
    assert_eq!(after[0].owner_references().len(), 1);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_counts_by_its_uid_and_not_by_its_name() {
    let cluster = Cluster::start().await;
    let named = |name: &str, owners: serde_json::Value| json!({"metadata": {"name": name, "labels": {"app": "web"}, "ownerReferences": owners}});
    let reference =
        |uid: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid});
    let owner: ConfigMap = cluster.create(named("owner", json!([]))).await;
    let real = owner.uid().unwrap();
    let other = "00000000-0000-4000-8000-000000000000";
    cluster
        .create::<ConfigMap>(named("child", json!([reference(&real)])))
        .await;
    cluster
        .create::<ConfigMap>(named("stray", json!([reference(other)])))
        .await;
    cluster
        .create::<ConfigMap>(named("half", json!([reference(other), reference(&real)])))
        .await;
    let names = |maps: &[ConfigMap]| maps.iter().map(ResourceExt::name_any).collect::<Vec<_>>();
    let maps = cluster
        .until::<ConfigMap>(APP, |maps| {
            let half = maps.iter().find(|map| map.name_any() == "half");
            maps.len() == 3 && half.is_some_and(|half| half.owner_references().len() == 1)
        })
        .await;
    assert_eq!(names(&maps), ["child", "half", "owner"]);
    cluster
        .delete::<ConfigMap>("owner", DeleteParams::default())
        .await;
    cluster.until::<ConfigMap>(APP, <[_]>::is_empty).await;
    cluster.stop().await;
}
