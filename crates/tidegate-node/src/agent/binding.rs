//! Giving unscheduled pods to this node.
//!
//! A standalone machine has no scheduler: its node takes every pod that may run on it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Binding, ObjectReference, Pod};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};

use super::context::NodeContext;

/// What becomes of a pod that has no node yet.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Bind,
    /// It wants another node.
    Refuse(String),
    /// Its time has not come.
    Leave,
}

fn decide(pod: &Pod, labels: &BTreeMap<String, String>) -> Decision {
    let Some(spec) = &pod.spec else {
        return Decision::Leave;
    };
    let gated = spec
        .scheduling_gates
        .as_ref()
        .is_some_and(|gates| !gates.is_empty());
    if gated || pod.metadata.deletion_timestamp.is_some() {
        return Decision::Leave;
    }
    let mismatch = spec
        .node_selector
        .iter()
        .flatten()
        .find(|(key, value)| labels.get(*key) != Some(value));
    match mismatch {
        None => Decision::Bind,
        Some((key, value)) => Decision::Refuse(format!(
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector \
             ({key}={value})."
        )),
    }
}

/// Takes the pod, or says on the pod why not. Failures are logged; the pod's next change tries again.
pub(super) async fn consider(context: &NodeContext, pod: &Pod, labels: &BTreeMap<String, String>) {
    let result = match decide(pod, labels) {
        Decision::Bind => bind(context, pod).await,
        Decision::Refuse(message) => refuse(context, pod, &message).await,
        Decision::Leave => Ok(()),
    };
    if let Err(error) = result {
        tracing::warn!(pod = pod.name_any(), %error, "scheduling a pod");
    }
}

fn api(client: &Client, pod: &Pod) -> Api<Pod> {
    Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default())
}

async fn bind(context: &NodeContext, pod: &Pod) -> Result<(), kube::Error> {
    let name = pod.name_any();
    let node = &context.config.name;
    let mut binding = Binding {
        target: ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Node".to_owned()),
            name: Some(node.clone()),
            ..ObjectReference::default()
        },
        ..Binding::default()
    };
    binding.metadata.name = Some(name.clone());
    binding.metadata.namespace = pod.namespace();
    let pods = api(&context.client, pod);
    let result: Result<serde_json::Value, _> = pods
        .create_subresource("binding", &name, &PostParams::default(), &binding)
        .await;
    match result {
        Ok(_) => {
            let namespace = pod.namespace().unwrap_or_default();
            let message = format!("Successfully assigned {namespace}/{name} to {node}");
            context.events.record(pod, false, "Scheduled", message);
            Ok(())
        }
        // Deleted or bound in the meantime, which its next event tells.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn refuse(context: &NodeContext, pod: &Pod, message: &str) -> Result<(), kube::Error> {
    let conditions = pod
        .status
        .iter()
        .filter_map(|status| status.conditions.as_ref())
        .flatten();
    let mut all: Vec<_> = conditions.cloned().collect();
    let known = all.iter().any(|condition| {
        condition.type_ == "PodScheduled" && condition.message.as_deref() == Some(message)
    });
    if known {
        return Ok(());
    }
    all.retain(|condition| condition.type_ != "PodScheduled");
    let mut all = serde_json::to_value(all).map_err(kube::Error::SerdeError)?;
    if let Some(all) = all.as_array_mut() {
        all.push(serde_json::json!({
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": message, "lastTransitionTime": jiff::Timestamp::now(),
        }));
    }
    context
        .events
        .record(pod, true, "FailedScheduling", message);
    let patch =
        Patch::Merge(serde_json::json!({"status": {"phase": "Pending", "conditions": all}}));
    let pods = api(&context.client, pod);
    pods.patch_status(&pod.name_any(), &PatchParams::default(), &patch)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(spec: serde_json::Value) -> Decision {
        let mut spec = spec;
        spec["containers"] = serde_json::json!([]);
        let pod = serde_json::from_value(serde_json::json!({"spec": spec})).expect("a pod");
        let labels = [("disk".to_owned(), "ssd".to_owned())].into();
        decide(&pod, &labels)
    }

    #[test]
    fn node_selectors_are_respected() {
        use serde_json::json;
        assert_eq!(decision(json!({})), Decision::Bind);
        assert_eq!(
            decision(json!({"nodeSelector": {"disk": "ssd"}})),
            Decision::Bind
        );
        let Decision::Refuse(message) = decision(json!({"nodeSelector": {"disk": "tape"}})) else {
            panic!("a different disk");
        };
        assert!(message.contains("disk=tape"), "{message}");
        assert_eq!(
            decision(json!({"schedulingGates": [{"name": "g"}]})),
            Decision::Leave
        );
    }
}
