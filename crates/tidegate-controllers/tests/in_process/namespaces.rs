//! A namespace goes with everything in it.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Service};
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::json;

use crate::harness::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_is_emptied_and_then_gone() {
    let cluster = Cluster::start().await;
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let shop = serde_json::from_value(json!({"metadata": {"name": "shop"}})).unwrap();
    namespaces
        .create(&PostParams::default(), &shop)
        .await
        .unwrap();
    let in_shop = |name: &str, spec: serde_json::Value| json!({"metadata": {"namespace": "shop", "name": name}, "spec": spec});
    let template = json!({"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let selector = json!({"matchLabels": {"app": "x"}});
    cluster
        .create::<Deployment>(in_shop(
            "d",
            json!({"replicas": 3, "selector": selector, "template": template}),
        ))
        .await;
    cluster
        .create::<Service>(in_shop(
            "s",
            json!({"selector": {"app": "x"}, "ports": [{"port": 80}]}),
        ))
        .await;
    let held =
        json!({"metadata": {"namespace": "shop", "name": "m", "finalizers": ["example.org/hold"]}});
    cluster.create::<ConfigMap>(held).await;
    let pods: Api<Pod> = cluster.api_in("shop");
    until(async || pods.list(&ListParams::default()).await.unwrap().items.len() == 3).await;

    namespaces
        .delete("shop", &DeleteParams::default())
        .await
        .unwrap();
    until(async || {
        let namespace = namespaces.get("shop").await.unwrap();
        let conditions = namespace
            .status
            .and_then(|status| status.conditions)
            .unwrap_or_default();
        let mut messages = conditions
            .iter()
            .filter_map(|condition| condition.message.as_deref());
        messages.any(|message| message.contains("example.org/hold in 1 resource instances"))
    })
    .await;
    let maps: Api<ConfigMap> = cluster.api_in("shop");
    let free = kube::api::Patch::Merge(json!({"metadata": {"finalizers": []}}));
    maps.patch("m", &Default::default(), &free).await.unwrap();
    until(async || namespaces.get_opt("shop").await.unwrap().is_none()).await;
    assert!(
        pods.list(&ListParams::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    cluster.stop().await;
}

async fn until(mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect("it takes too long");
}
