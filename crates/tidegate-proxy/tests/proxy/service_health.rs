//! Contract line 32: what a load balancer hears at a Service's `healthCheckNodePort`.

use std::net::SocketAddr;

use serde_json::json;
use tidegate_dataplane::MemoryDataplane;
use tidegate_model::{Service, ServiceKey};
use tidegate_plan::NodePortAddresses;
use tidegate_proxy::{Events, ProxyConfig, ServiceHealth};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::fixture::{Running, eventually, get, get_until, own_port, service_of, slice_of, start};

fn local_service(name: &str, port: u16) -> Service {
    service_of(
        name,
        json!({"type": "LoadBalancer", "clusterIPs": ["10.96.0.1"], "ports": [{"port": 80, "nodePort": 30080}],
            "externalTrafficPolicy": "Local", "healthCheckNodePort": port}),
    )
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A proxy on the node `here` that answers on loopback only.
async fn serving(events: Events) -> Running<()> {
    let mut config = ProxyConfig::default();
    config.plan.node = "here".to_owned();
    config.plan.node_port_addresses =
        NodePortAddresses::Within(vec!["127.0.0.1/32".parse().expect("a range")]);
    let running = start(config, &MemoryDataplane::default())
        .serving_web()
        .await;
    let health = ServiceHealth::new(running.watch.subscribe(), running.handle.view(), events);
    tokio::spawn(health.run(running.shutdown.clone()));
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn line_32_a_node_with_ready_pods_says_so_and_how_many() {
    let running = serving(Events::nobody()).await;
    let port = own_port();
    running.feed.set_slice(slice_of(
        "shop",
        json!([{"addresses": ["10.244.0.2"], "nodeName": "here"}, {"addresses": ["10.244.0.3"], "nodeName": "here"},
            {"addresses": ["10.244.0.4"], "nodeName": "here", "conditions": {"ready": false, "serving": true, "terminating": true}},
            {"addresses": ["10.244.1.2"], "nodeName": "there"}]),
    ));
    running.feed.set_service(local_service("shop", port));
    let answer = get_until(loopback(port), "/any/path", |answer| answer.is_some()).await;
    let answer = answer.expect("answers");
    assert_eq!(answer.status, 200);
    assert!(answer.has_header("x-load-balancing-endpoint-weight: 2"));
    assert!(answer.has_header("content-type: application/json"));
    insta::assert_snapshot!(answer.body, @r#"
    {"service":{"namespace":"default","name":"shop"},"localEndpoints":2,"serviceProxyHealthy":true}
    "#);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_32_a_node_without_ready_pods_answers_503() {
    let running = serving(Events::nobody()).await;
    let port = own_port();
    let on_node = |ready: bool| {
        let endpoint = json!({"addresses": ["10.244.0.2"], "nodeName": "here", "conditions": {"ready": ready}});
        slice_of("shop", json!([endpoint]))
    };
    running.feed.set_slice(on_node(true));
    running.feed.set_service(local_service("shop", port));
    get_until(loopback(port), "/", |answer| {
        answer.is_some_and(|it| it.status == 200)
    })
    .await;
    running.feed.set_slice(on_node(false));
    let answer = get_until(loopback(port), "/", |answer| {
        answer.is_some_and(|it| it.status == 503)
    })
    .await;
    let answer = answer.expect("answers");
    assert!(answer.has_header("x-load-balancing-endpoint-weight: 0"));
    assert_eq!(answer.json()["serviceProxyHealthy"], true);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_32_ports_open_close_and_move_with_their_services() {
    let running = serving(Events::nobody()).await;
    let (first, second) = (own_port(), own_port());
    running.feed.set_service(local_service("shop", first));
    get_until(loopback(first), "/", |answer| answer.is_some()).await;
    running.feed.set_service(local_service("shop", second));
    get_until(loopback(second), "/", |answer| answer.is_some()).await;
    assert!(
        get(loopback(first), "/").await.is_none(),
        "the old port is still open"
    );
    // One Service goes and another takes its port.
    running
        .feed
        .remove_service(&ServiceKey::new("default", "shop"));
    running.feed.set_service(local_service("store", second));
    let is_other = |answer: Option<&crate::fixture::Answer>| {
        answer.is_some_and(|it| it.json()["service"]["name"] == "store")
    };
    get_until(loopback(second), "/", is_other).await;
    let mut cluster = local_service("store", second);
    cluster.external_policy = tidegate_model::TrafficPolicy::Cluster;
    running.feed.set_service(cluster);
    get_until(loopback(second), "/", |answer| answer.is_none()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_32_a_port_that_is_taken_is_told_and_tried_again() {
    let api = Api::default();
    let shutdown = CancellationToken::new();
    let running = serving(Events::start(api.client(), "here".to_owned(), shutdown)).await;
    let port = own_port();
    let taken = TcpListener::bind(loopback(port)).await.expect("is free");
    running.feed.set_service(local_service("shop", port));
    eventually("its owner hears", || !api.told().is_empty()).await;
    let told = api.told().join("\n").replace(&port.to_string(), "PORT");
    insta::assert_snapshot!(told, @r#"
    Warning FailedToStartServiceHealthcheck Service/shop (uid-of-shop): node here failed to start healthcheck "default/shop" on port PORT: Address already in use (os error 98); it is tried again every 5s
    "#);
    drop(taken);
    get_until(loopback(port), "/", |answer| {
        answer.is_some_and(|it| it.status == 503)
    })
    .await;
    assert_eq!(api.told().len(), 1);
    running.stop().await;
}
