//! What names take of memory.

use std::alloc::System;
use std::net::IpAddr;
use std::time::Duration;

use cap::Cap;
use serde_json::json;
use tidegate_dns::{Server, Setup};
use tidegate_dns_config::{NoEnv, NoImports, parse_corefile};
use tidegate_model::{EndpointSlice, Service};
use tidegate_watch::{ClusterWatch, Feed};
use tokio_util::sync::CancellationToken;

/// Counts what is asked for, in octets.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const SERVICES: u32 = 10_000;
const ENDPOINTS: u32 = 10;

/// How much a Service or an endpoint may take.
const MOST: usize = 250;

#[tokio::test]
async fn a_service_or_an_endpoint_takes_a_quarter_of_a_kibibyte() {
    let corefile = ".:0 {\n kubernetes cluster.local in-addr.arpa ip6.arpa\n}";
    let parsed = parse_corefile(corefile, "Corefile", &NoImports, &NoEnv);
    let setup = Setup {
        addresses: vec!["127.0.0.1".parse().expect("an address")],
        ..Setup::default()
    };
    let server = Server::bind(&parsed.expect("a Corefile").config, setup).expect("bound");
    let handle = server.handle();
    let stop = CancellationToken::new();
    let (watch, feed) = ClusterWatch::detached();
    let stopped = stop.clone();
    let running = tokio::spawn(async move { server.run(&watch, stopped).await });
    let before = ALLOCATOR.allocated();
    for number in 0..SERVICES {
        fill(&feed, number);
    }
    feed.synced();
    while !handle.unready().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let grown = ALLOCATOR.allocated() - before;
    let each = grown / (SERVICES * (1 + ENDPOINTS)) as usize;
    assert!(each <= MOST, "{each} octets each");
    stop.cancel();
    running.await.expect("no panic").expect("served");
}

/// A Service as a cluster has them: endpoints with their pods, nodes and zones.
fn fill(feed: &Feed, number: u32) {
    let address = |network: u32, number: u32| IpAddr::from((network + number).to_be_bytes());
    let name = format!("service-{number}");
    let service = json!({
        "metadata": {"namespace": "default", "name": name},
        "spec": {"clusterIP": address(0x0a60_0000, number), "ports": [{"name": "http", "port": 80}]}
    });
    let service = serde_json::from_value(service).expect("a Service");
    feed.set_service(Service::from_api(&service).expect("a name"));
    let endpoint = |of_service: u32| {
        let number = number * ENDPOINTS + of_service;
        json!({
            "addresses": [address(0x0a80_0000, number)],
            "nodeName": format!("node-{}", number % 500),
            "zone": format!("zone-{}", number % 3),
            "targetRef": {"kind": "Pod", "name": format!("{name}-6d4b75cb6d-{of_service:05}")}
        })
    };
    let endpoints: Vec<_> = (0..ENDPOINTS).map(endpoint).collect();
    let slice = json!({
        "metadata": {
            "namespace": "default", "name": format!("{name}-x7k2p"),
            "labels": {"kubernetes.io/service-name": name}
        },
        "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}], "endpoints": endpoints
    });
    let slice = serde_json::from_value(slice).expect("a slice");
    feed.set_slice(EndpointSlice::from_api(&slice).expect("a slice of a Service"));
}
