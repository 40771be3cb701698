//! The proxy's loop against a strict dataplane in memory.

use std::time::Duration;

use serde_json::json;
use tidegate_dataplane::MemoryDataplane;
use tidegate_model::{EndpointSlice, IpFamily, Service, ServiceKey};
use tidegate_plan::PlanKey;
use tidegate_proxy::{Proxy, ProxyConfig, Status};
use tidegate_watch::{ClusterWatch, Feed};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Running {
    feed: Feed,
    kernel: MemoryDataplane,
    status: watch::Receiver<Status>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

fn start(config: ProxyConfig, kernel: MemoryDataplane) -> Running {
    let (watch, feed) = ClusterWatch::detached();
    let proxy = Proxy::new(config, watch.subscribe(), Box::new(kernel.clone()));
    let status = proxy.status();
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let task = tokio::spawn(async move { proxy.run(stop).await.expect("removes its program") });
    Running {
        feed,
        kernel,
        status,
        shutdown,
        task,
    }
}

fn service(name: &str, last: u8) -> Service {
    let object = json!({"metadata": {"namespace": "default", "name": name},
        "spec": {"clusterIPs": [format!("10.96.0.{last}")], "ports": [{"port": 80}]}});
    Service::from_api(&serde_json::from_value(object).expect("a Service")).expect("has a name")
}

fn slice(service: &str, address: &str) -> EndpointSlice {
    let object = json!({"metadata": {"namespace": "default", "name": service, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4", "ports": [{"port": 9376}], "endpoints": [{"addresses": [address]}]});
    EndpointSlice::from_api(&serde_json::from_value(object).expect("a slice"))
        .expect("names a Service")
}

fn key(name: &str) -> PlanKey {
    PlanKey {
        service: ServiceKey::new("default", name),
        family: IpFamily::V4,
    }
}

/// Waits for a state; a proxy that never gets there fails the test with what it was last.
async fn until(running: &mut Running, reached: impl Fn(&Status) -> bool) -> Status {
    let mut last = running.status.clone();
    let wait = running.status.wait_for(|status| reached(status));
    match tokio::time::timeout(Duration::from_secs(20), wait).await {
        Ok(status) => status.expect("the proxy runs").clone(),
        Err(_) => panic!("never reached; last {:?}", *last.borrow_and_update()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_programmed_before_the_first_lists_are_complete() {
    let mut running = start(ProxyConfig::default(), MemoryDataplane::default());
    running.feed.set_service(service("web", 1));
    tokio::task::yield_now().await;
    assert_eq!(running.kernel.calls(), (0, 0));
    running.feed.synced();
    until(&mut running, |status| status.programmed).await;
    assert!(running.kernel.service(&key("web")).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_applied_without_a_reconcile() {
    let mut running = start(ProxyConfig::default(), MemoryDataplane::default());
    running.feed.set_service(service("web", 1));
    running.feed.synced();
    until(&mut running, |status| status.programmed).await;
    running.feed.set_service(service("api", 2));
    until(&mut running, |status| status.services == 2).await;
    running.feed.set_slice(slice("web", "10.244.0.2"));
    for _ in 0..2000 {
        let backends = running
            .kernel
            .service(&key("web"))
            .expect("programmed")
            .ports[0]
            .cluster_backends
            .len();
        if backends == 1 {
            assert_eq!(running.kernel.calls(), (1, 2));
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the endpoint never arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_that_refuses_is_tried_again_until_it_gives_in() {
    let kernel = MemoryDataplane::default();
    kernel.fail_next(3);
    let config = ProxyConfig {
        first_retry: Duration::from_millis(1),
        ..ProxyConfig::default()
    };
    let mut running = start(config, kernel);
    running.feed.set_service(service("web", 1));
    running.feed.synced();
    let status = until(&mut running, |status| status.programmed).await;
    assert_eq!(status.failures, 3);
    assert_eq!(running.kernel.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_somebody_flushed_come_back_within_an_audit() {
    let config = ProxyConfig {
        audit_period: Duration::from_millis(20),
        ..ProxyConfig::default()
    };
    let mut running = start(config, MemoryDataplane::default());
    running.feed.set_service(service("web", 1));
    running.feed.synced();
    until(&mut running, |status| status.programmed).await;
    running.kernel.flush();
    until(&mut running, |status| status.repairs > 0).await;
    assert_eq!(running.kernel.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_goes_on_exit_unless_it_is_to_be_kept() {
    for keep_rules in [false, true] {
        let config = ProxyConfig {
            keep_rules,
            ..ProxyConfig::default()
        };
        let mut running = start(config, MemoryDataplane::default());
        running.feed.set_service(service("web", 1));
        running.feed.synced();
        until(&mut running, |status| status.programmed).await;
        running.shutdown.cancel();
        running.task.await.expect("ends");
        assert_eq!(running.kernel.is_empty(), !keep_rules);
    }
}
