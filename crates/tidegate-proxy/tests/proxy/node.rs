//! What the proxy takes from its Node object.

use std::net::Ipv4Addr;
use std::time::Duration;

use tidegate_dataplane::MemoryDataplane;
use tidegate_plan::{NodePortAddresses, PodTraffic};
use tidegate_proxy::{FromNode, Proxy, ProxyConfig};
use tidegate_watch::{ClusterWatch, NodeFacts, NodeState};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fixture::{backends, eventually, run, service, slice_of};

fn from_node() -> ProxyConfig {
    ProxyConfig {
        from_node: FromNode {
            pod_cidrs: true,
            node_port_addresses: true,
        },
        ..ProxyConfig::default()
    }
}

fn facts() -> NodeFacts {
    NodeFacts {
        addresses: vec![
            Ipv4Addr::new(192, 0, 2, 7).into(),
            Ipv4Addr::new(192, 0, 2, 8).into(),
        ],
        pod_cidrs: vec!["10.244.3.0/24".parse().expect("a range")],
        ..NodeFacts::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_needs_the_nodes_pod_ranges_waits_for_them() {
    let (node, following) = watch::channel(NodeState::Present(NodeFacts::default()));
    let (watch, feed) = ClusterWatch::detached();
    let kernel = MemoryDataplane::default();
    let proxy = Proxy::new(from_node(), watch.subscribe(), Box::new(kernel.clone()));
    let mut running = run(watch, feed, proxy.following(following, None));
    running.feed.set_service(service("web", 1));
    running.feed.synced();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(kernel.calls(), (0, 0));
    node.send_replace(NodeState::Present(facts()));
    running.until(|status| status.programmed).await;
    let settings = running.handle.view().settings().borrow().clone();
    assert_eq!(settings.pod_traffic, PodTraffic::Cidrs(facts().pod_cidrs));
    let primary = vec!["192.0.2.7/32".parse().expect("a range")];
    assert_eq!(
        settings.node_port_addresses,
        NodePortAddresses::Within(primary)
    );
    assert_eq!(settings.node_addresses, facts().addresses);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_never_gets_pod_ranges_is_named_after_five_minutes() {
    let (_node, following) = watch::channel(NodeState::Present(NodeFacts::default()));
    let (watch, feed) = ClusterWatch::detached();
    let mut config = from_node();
    config.plan.node = "here".to_owned();
    let kernel = MemoryDataplane::default();
    let proxy = Proxy::new(config, watch.subscribe(), Box::new(kernel));
    feed.synced();
    let ended = proxy
        .following(following, None)
        .run(CancellationToken::new())
        .await;
    insta::assert_snapshot!(ended.expect_err("can't work").to_string(), @r#"
    the Node "here" has no podCIDRs after 300s, which detectLocalMode NodeCIDR needs: have the controller manager allocate them, or choose another detectLocalMode
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_moves_to_another_zone_uses_that_zones_endpoints() {
    let in_zone = |zone: &str| {
        NodeState::Present(NodeFacts {
            zone: Some(zone.to_owned()),
            ..facts()
        })
    };
    let (node, following) = watch::channel(in_zone("east"));
    let (watch, feed) = ClusterWatch::detached();
    let kernel = MemoryDataplane::default();
    let config = ProxyConfig::default();
    let proxy = Proxy::new(config, watch.subscribe(), Box::new(kernel.clone()));
    let running = run(watch, feed, proxy.following(following, None));
    running.feed.set_slice(slice_of(
        "web",
        serde_json::json!([
            {"addresses": ["10.244.0.2"], "hints": {"forZones": [{"name": "east"}]}},
            {"addresses": ["10.244.0.3"], "hints": {"forZones": [{"name": "west"}]}},
        ]),
    ));
    let running = running.serving_web().await;
    assert_eq!(backends(&kernel, "web"), ["10.244.0.2"]);
    node.send_replace(in_zone("west"));
    let moved = || backends(&kernel, "web") == ["10.244.0.3"];
    eventually("the other zone's endpoint is used", moved).await;
    // A Node that is gone from the API still runs, where it was.
    node.send_replace(NodeState::Absent);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(moved());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_ranges_are_the_apis_unless_they_are_given() {
    for given in [Vec::new(), vec!["10.0.0.0/8".parse().expect("a range")]] {
        let (ranges, following_ranges) = watch::channel(None);
        let (_node, following) = watch::channel(NodeState::Present(facts()));
        let (watch, feed) = ClusterWatch::detached();
        let mut config = ProxyConfig::default();
        config.plan.service_cidrs = given.clone();
        let kernel = MemoryDataplane::default();
        let proxy = Proxy::new(config, watch.subscribe(), Box::new(kernel));
        let proxy = proxy.following(following, Some(following_ranges));
        let running = run(watch, feed, proxy).serving_web().await;
        let settings = running.handle.view().settings();
        let of_api = vec!["10.96.0.0/16".parse().expect("a range")];
        ranges.send_replace(Some(of_api.clone()));
        let expected = if given.is_empty() { of_api } else { given };
        let in_force = || settings.borrow().service_cidrs == expected;
        eventually("the ranges are in force", in_force).await;
        running.stop().await;
    }
}
