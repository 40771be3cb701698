//! A node that runs pods on paper: it gives each an address and says that it is ready, and lets
//! it go when it is deleted.

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Binding, Node, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const NODE: &str = "node-1";

pub(crate) async fn start(client: Client, shutdown: CancellationToken) {
    let node: Node = serde_json::from_value(json!({
        "metadata": {"name": NODE, "labels": {"topology.kubernetes.io/zone": "z"}},
    }))
    .unwrap();
    let nodes: Api<Node> = Api::all(client.clone());
    nodes.create(&PostParams::default(), &node).await.unwrap();
    tokio::spawn(async move { shutdown.run_until_cancelled(run_pods(client)).await });
}

async fn run_pods(client: Client) {
    let all: Api<Pod> = Api::all(client.clone());
    let pods = watcher::watcher(all, watcher::Config::default()).default_backoff();
    let mut pods = pods.applied_objects().boxed();
    let mut next_address = 1_u16;
    while let Some(pod) = pods.next().await {
        let pod = pod.unwrap();
        let api: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace().unwrap());
        // The pod may have gone since; then there is nothing more to do for it.
        let done = if pod.metadata.deletion_timestamp.is_some() {
            api.delete(&pod.name_any(), &DeleteParams::default().grace_period(0))
                .await
                .map(|_| ())
        } else if pod.spec.as_ref().unwrap().node_name.is_none() {
            bind(&api, &pod).await
        } else if pod
            .status
            .as_ref()
            .is_none_or(|status| status.pod_ip.is_none())
        {
            let address = format!("10.244.{}.{}", next_address / 250, next_address % 250 + 1);
            next_address += 1;
            report_running(&api, &pod, &address).await
        } else {
            Ok(())
        };
        if let Err(error) = done {
            assert!(
                matches!(&error, kube::Error::Api(status) if status.code == 404 || status.code == 409),
                "{error}"
            );
        }
    }
}

async fn bind(api: &Api<Pod>, pod: &Pod) -> kube::Result<()> {
    let binding: Binding = serde_json::from_value(json!({
        "metadata": {"name": pod.name_any()}, "target": {"kind": "Node", "name": NODE},
    }))
    .unwrap();
    let params = PostParams::default();
    let answer: kube::Result<serde_json::Value> = api
        .create_subresource("binding", &pod.name_any(), &params, &binding)
        .await;
    answer.map(|_| ())
}

async fn report_running(api: &Api<Pod>, pod: &Pod, address: &str) -> kube::Result<()> {
    set_readiness(api, &pod.name_any(), "True", Some(address)).await
}

/// Reports a running pod; `ready` is `True` or `False`.
pub(crate) async fn set_readiness(
    api: &Api<Pod>,
    name: &str,
    ready: &str,
    address: Option<&str>,
) -> kube::Result<()> {
    let mut status = json!({
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    });
    if let Some(address) = address {
        status["podIP"] = json!(address);
        status["podIPs"] = json!([{"ip": address}]);
    }
    let patch = Patch::Merge(json!({"status": status}));
    api.patch_status(name, &PatchParams::default(), &patch)
        .await
        .map(|_| ())
}
