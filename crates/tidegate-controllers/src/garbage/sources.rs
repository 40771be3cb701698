//! Watches every kind that nobody else here watches, for its metadata only.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::Client;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use tokio::task::JoinSet;

use super::controller::GarbageController;
use super::graph::KindName;
use crate::kinds::{AnyObject, Kind, discover};

/// How often to look for kinds that were added, such as custom resources.
const LOOK_FOR_KINDS_EVERY: Duration = Duration::from_secs(30);
/// How often to ask again while the API server does not answer.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Kinds whose changes the shared caches tell of already.
const SHARED: [&str; 10] = [
    "services",
    "pods",
    "nodes",
    "endpoints",
    "namespaces",
    "endpointslices.discovery.k8s.io",
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "controllerrevisions.apps",
];
/// Events are notes: they are owned by nobody, and there are many (upstream leaves them out too).
const LEFT_OUT: [&str; 2] = ["events", "events.k8s.io"];

/// Finds kinds and watches them, for as long as it is polled.
pub(super) async fn watch_all(client: Client, garbage: Arc<GarbageController>) {
    let mut watches = JoinSet::new();
    let mut watched = HashSet::new();
    loop {
        let pause = match discover(&client).await {
            Ok(kinds) => {
                for kind in kinds.iter().filter(|kind| needs_watch(kind)) {
                    if watched.insert(kind.full_name()) {
                        watches.spawn(watch(client.clone(), kind.clone(), Arc::clone(&garbage)));
                    }
                }
                garbage.kinds_known(kinds);
                LOOK_FOR_KINDS_EVERY
            }
            Err(error) => {
                tracing::warn!(%error, "garbage collection does not know all kinds yet");
                RETRY_EVERY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

fn needs_watch(kind: &Kind) -> bool {
    let name = kind.full_name();
    let left_out = LEFT_OUT.contains(&kind.resource.plural.as_str())
        || LEFT_OUT.contains(&kind.resource.group.as_str());
    kind.watchable && kind.listable && !left_out && !SHARED.contains(&name.as_str())
}

async fn watch(client: Client, kind: Kind, garbage: Arc<GarbageController>) {
    let name = KindName {
        api_version: kind.resource.api_version.as_str().into(),
        kind: kind.resource.kind.as_str().into(),
    };
    let api: kube::Api<AnyObject> = kube::Api::all_with(client, &kind.resource);
    // What was there before a watch broke off, to notice what is missing afterwards.
    let mut known: HashMap<String, bool> = HashMap::new();
    let events = watcher::watcher(api, watcher::Config::default()).default_backoff();
    let mut events = events.boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => known.values_mut().for_each(|listed| *listed = false),
            Ok(Event::InitApply(object) | Event::Apply(object)) => {
                known.extend(object.metadata.uid.clone().map(|uid| (uid, true)));
                garbage.seen(&name, &object.metadata);
            }
            Ok(Event::InitDone) => {
                let gone = known.extract_if(|_, listed| !*listed);
                gone.for_each(|(uid, _)| garbage.gone(&uid));
            }
            Ok(Event::Delete(object)) => {
                let uid = object.metadata.uid.unwrap_or_default();
                known.remove(&uid);
                garbage.gone(&uid);
            }
            Err(error) => {
                tracing::warn!(kind = %name.kind, %error, "the watch broke off; starting it again");
            }
        }
    }
}
