//! The Node object that a proxy runs on.

use std::net::IpAddr;

use futures::TryStreamExt;
use ipnet::IpNet;
use k8s_openapi::api::core::v1::Node;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where a Node's zone stands.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// What is known of a Node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NodeState {
    /// The API has not been heard yet.
    #[default]
    Unknown,
    /// There is no Node of this name.
    Absent,
    /// There is one.
    Present(NodeFacts),
}

/// What a proxy needs of a Node object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// Its addresses, internal ones before external ones, else in the object's order.
    pub addresses: Vec<IpAddr>,
    /// The ranges of its pods' addresses.
    pub pod_cidrs: Vec<IpNet>,
    /// Its zone.
    pub zone: Option<String>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// The keys of its taints.
    pub taints: Vec<String>,
}

/// Follows one Node of an API until `shutdown`. While the API is away the last known state stays.
///
/// Only this Node is asked for (`metadata.name=…`), as upstream does.
pub fn follow_node(
    client: &Client,
    name: &str,
    shutdown: CancellationToken,
) -> watch::Receiver<NodeState> {
    let (state, receiver) = watch::channel(NodeState::Unknown);
    let nodes = Api::<Node>::all(client.clone());
    let only = Config::default().fields(&format!("metadata.name={name}"));
    let following = follow(nodes, only, state);
    tokio::spawn(async move { shutdown.run_until_cancelled(following).await });
    receiver
}

async fn follow(nodes: Api<Node>, only: Config, state: watch::Sender<NodeState>) {
    let mut events = std::pin::pin!(watcher(nodes, only).default_backoff());
    let mut listed = NodeState::Absent;
    let set = |new: NodeState| {
        state.send_if_modified(|known| {
            let differs = *known != new;
            *known = new;
            differs
        });
    };
    loop {
        match events.try_next().await {
            Ok(Some(Event::Init)) => listed = NodeState::Absent,
            Ok(Some(Event::InitApply(node))) => listed = NodeState::Present(NodeFacts::of(&node)),
            Ok(Some(Event::InitDone)) => set(std::mem::replace(&mut listed, NodeState::Absent)),
            Ok(Some(Event::Apply(node))) => set(NodeState::Present(NodeFacts::of(&node))),
            Ok(Some(Event::Delete(_))) => set(NodeState::Absent),
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(kind = "Node", %error, "the watch was cut; keeping the last known state, trying again");
            }
        }
    }
}

impl NodeFacts {
    /// Reads an API object; what does not parse is left out.
    pub fn of(node: &Node) -> Self {
        let spec = node.spec.clone().unwrap_or_default();
        let listed = node
            .status
            .as_ref()
            .and_then(|status| status.addresses.as_deref());
        let of_type = |kind: &'static str| {
            let addresses = listed.unwrap_or_default().iter();
            addresses
                .filter(move |address| address.type_ == kind)
                .filter_map(|address| address.address.parse().ok())
        };
        // A Node of before dual stack has the singular field alone.
        let mut pod_cidrs = spec.pod_cidrs.unwrap_or_default();
        if pod_cidrs.is_empty() {
            pod_cidrs.extend(spec.pod_cidr);
        }
        let taints = spec.taints.into_iter().flatten();
        let labels = node.metadata.labels.as_ref();
        Self {
            addresses: of_type("InternalIP").chain(of_type("ExternalIP")).collect(),
            pod_cidrs: pod_cidrs
                .iter()
                .filter_map(|cidr| cidr.parse().ok())
                .collect(),
            zone: labels.and_then(|labels| labels.get(ZONE_LABEL)).cloned(),
            deleting: node.metadata.deletion_timestamp.is_some(),
            taints: taints.map(|taint| taint.key).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(object: serde_json::Value) -> NodeFacts {
        NodeFacts::of(&serde_json::from_value(object).expect("a Node"))
    }

    #[test]
    fn internal_addresses_come_first_and_names_are_left_out() {
        let node = facts(serde_json::json!({"metadata": {}, "status": {"addresses": [
            {"type": "ExternalIP", "address": "198.51.100.7"}, {"type": "Hostname", "address": "here"},
            {"type": "InternalIP", "address": "192.0.2.7"}, {"type": "InternalIP", "address": "fd00::7"}]}}));
        let addresses: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["192.0.2.7", "fd00::7", "198.51.100.7"]);
    }

    #[test]
    fn the_plural_of_pod_ranges_wins_over_the_singular() {
        let both = facts(
            serde_json::json!({"metadata": {}, "spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24", "fd01::/64"]}}),
        );
        assert_eq!(both.pod_cidrs.len(), 2);
        let old = facts(serde_json::json!({"metadata": {}, "spec": {"podCIDR": "10.1.0.0/24"}}));
        assert_eq!(old.pod_cidrs.len(), 1);
    }

    #[test]
    fn a_node_on_its_way_out_says_so() {
        let node = facts(serde_json::json!({
            "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "labels": {"topology.kubernetes.io/zone": "east"}},
            "spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}}));
        assert!(node.deleting);
        assert_eq!(node.taints, ["ToBeDeletedByClusterAutoscaler"]);
        assert_eq!(node.zone.as_deref(), Some("east"));
    }
}
