//! The end of a pod's object.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Preconditions};

use super::context::NodeContext;

/// Wait after a failed request.
const RETRY: Duration = Duration::from_secs(1);

/// Whether nothing of the pod will ever run again.
pub(super) fn has_ended(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Tells the API that nothing is left of a pod that was to be deleted, and removes its logs.
pub(super) async fn delete(context: Arc<NodeContext>, pod: Arc<Pod>) {
    let namespace = pod.namespace().unwrap_or_default();
    let pods: Api<Pod> = Api::namespaced(context.client.clone(), &namespace);
    let at_once = DeleteParams {
        grace_period_seconds: Some(0),
        preconditions: Some(Preconditions {
            uid: pod.uid(),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    loop {
        match pods.delete(&pod.name_any(), &at_once).await {
            Ok(_) => break,
            // Somebody was quicker, or another pod has the name.
            Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => break,
            Err(error) => {
                tracing::warn!(pod = pod.name_any(), %error, "deleting an ended pod");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
    remove_logs(&context, &pod);
}

/// Removes what the pod's containers wrote.
pub(super) fn remove_logs(context: &NodeContext, pod: &Pod) {
    let namespace = pod.namespace().unwrap_or_default();
    let uid = pod.uid().unwrap_or_default();
    let directory = context.paths.pod_logs(&namespace, &pod.name_any(), &uid);
    match std::fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(path = %directory.display(), %error, "removing a pod's logs");
        }
        _ => {}
    }
}
