//! The agent: watches the API's pods and gives each one of this node a worker.

mod binding;
pub(crate) mod context;
pub(crate) mod events;
mod finish;
mod hooks;
mod launch;
mod pods;
mod probing;
mod reach;
pub(crate) mod registration;
mod setup;
mod status_writer;
mod worker;

pub(crate) use pods::Pods;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};

use context::NodeContext;

/// Watches pods until it is dropped.
pub(crate) async fn run(
    context: Arc<NodeContext>,
    pods: Arc<Pods>,
    labels: BTreeMap<String, String>,
) {
    let api: Api<Pod> = Api::all(context.client.clone());
    let mut events = watcher(api, watcher::Config::default())
        .default_backoff()
        .boxed();
    let mut listed = HashSet::new();
    loop {
        match events.try_next().await {
            Ok(Some(Event::Init)) => listed.clear(),
            Ok(Some(Event::InitApply(pod))) => {
                listed.extend(pod.uid());
                consider(&context, &pods, &labels, pod).await;
            }
            Ok(Some(Event::InitDone)) => {
                pods.retain(&listed);
                remove_old_logs(&context, &listed);
            }
            Ok(Some(Event::Apply(pod))) => consider(&context, &pods, &labels, pod).await,
            Ok(Some(Event::Delete(pod))) => pods.gone(&pod),
            Ok(None) => return,
            // The stream goes on by itself after a wait.
            Err(error) => tracing::warn!(%error, "watching pods"),
        }
    }
}

async fn consider(
    context: &Arc<NodeContext>,
    pods: &Arc<Pods>,
    labels: &BTreeMap<String, String>,
    pod: Pod,
) {
    let node = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.node_name.as_deref())
        .unwrap_or_default();
    if node == context.config.name {
        pods.changed(context, pod);
    } else if node.is_empty() {
        binding::consider(context, &pod, labels).await;
    }
}

/// Logs of pods that were deleted while the node was away.
fn remove_old_logs(context: &NodeContext, listed: &HashSet<String>) {
    let Ok(entries) = std::fs::read_dir(context.paths.logs()) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let uid = name
            .to_str()
            .and_then(|name| name.rsplit('_').next())
            .unwrap_or_default();
        if listed.contains(uid) {
            continue;
        }
        if let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "removing the logs of a deleted pod");
        }
    }
}
