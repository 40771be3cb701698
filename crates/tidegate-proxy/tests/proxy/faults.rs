//! Kernels that refuse, and more changes than a kernel can take.

use std::time::{Duration, Instant};

use tidegate_dataplane::MemoryDataplane;
use tidegate_model::{Endpoint, EndpointSlice};
use tidegate_proxy::{Events, Proxy, ProxyConfig};
use tidegate_watch::ClusterWatch;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::fixture::{DEADLINE, backends, eventually, get, key, run, service, slice, start};

/// A minute's worth of the busiest cluster that we promise to keep up with.
const CHANGES: usize = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_the_kernel_refuses_is_named_and_the_others_are_served() {
    let kernel = MemoryDataplane::default();
    kernel.refuse([key("bad")]);
    let config = ProxyConfig {
        first_retry: Duration::from_millis(10),
        longest_retry: Duration::from_millis(50),
        ..ProxyConfig::default()
    };
    let api = Api::default();
    let events = Events::start(api.client(), "here".to_owned(), CancellationToken::new());
    let (watch, feed) = ClusterWatch::detached();
    let proxy = Proxy::new(config, watch.subscribe(), Box::new(kernel.clone()));
    let mut running = run(watch, feed, proxy.telling(events));
    running.feed.set_service(service("bad", 2));
    running.feed.set_service(service("web", 1));
    running.feed.synced();
    let status = running.until(|status| status.programmed).await;
    assert_eq!((status.refused, status.healthy), (1, false));
    assert!(running.handle.view().is_healthy(), "the others are served");
    running.feed.set_slice(slice("web", "10.244.0.2"));
    eventually("others are kept up to date", || {
        backends(&kernel, "web").len() == 1
    })
    .await;
    // It was tried again and again, and told once.
    running.until(|status| status.failures > 5).await;
    let bad = |line: &String| line.contains("KernelRefused");
    eventually("its owner hears", || api.told().iter().any(bad)).await;
    insta::assert_snapshot!(api.told().join("\n"), @r"
    Normal Starting Node/here (here): 
    Warning KernelRefused Service/bad (uid-of-bad): the kernel refused default/bad (IPv4) of default/bad (IPv4): Device or resource busy; it is tried again
    ");
    let (_servers, _, metrics) = running.servers();
    let page = get(metrics, "/metrics").await.expect("answers").body;
    let failures = |line: &&str| {
        line.starts_with("kubeproxy_sync_proxy_rules_failures_total{mode=\"memory\"}")
    };
    let line = page.lines().find(failures).expect("is counted");
    assert!(!line.ends_with(" 0"), "{line}");
    kernel.refuse([]);
    running
        .until(|status| status.healthy && status.refused == 0)
        .await;
    assert_eq!(kernel.len(), 2);
    running.stop().await;
}

/// One that looks at the kernel, and tries again, once an hour.
fn patient() -> ProxyConfig {
    let hour = Duration::from_secs(3600);
    ProxyConfig {
        audit_period: hour,
        longest_retry: hour,
        first_retry: hour,
        ..ProxyConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_predecessor_s_program_still_writes_is_repaired_soon_after_the_start() {
    let kernel = MemoryDataplane::default();
    let mut running = start(patient(), &kernel).serving_web().await;
    kernel.flush();
    running.until(|status| status.repairs > 0).await;
    assert_eq!(kernel.len(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_others_do_not_wait_for_what_the_kernel_refuses() {
    let kernel = MemoryDataplane::default();
    kernel.refuse([key("bad")]);
    let running = start(patient(), &kernel);
    running.feed.set_service(service("bad", 2));
    let running = running.serving_web().await;
    running.feed.set_slice(slice("web", "10.244.0.2"));
    running.feed.set_slice(slice("bad", "10.244.0.3"));
    eventually("the other is up to date", || {
        backends(&kernel, "web").len() == 1
    })
    .await;
    assert_eq!(kernel.calls().0, 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_what_was_refused_is_tried_soon() {
    let kernel = MemoryDataplane::default();
    kernel.refuse([key("web")]);
    // Without the change, the next attempt would be an hour away.
    let mut running = start(patient(), &kernel).serving_web().await;
    let quick = ProxyConfig {
        first_retry: Duration::from_millis(10),
        ..patient()
    };
    running.handle.reconfigure(quick, ());
    running.until(|status| status.reconfigurations == 1).await;
    kernel.refuse([]);
    running.feed.set_slice(slice("web", "10.244.0.2"));
    running.until(|status| status.healthy).await;
    assert_eq!(backends(&kernel, "web"), ["10.244.0.2"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_of_a_thousand_endpoint_changes_a_second_piles_nothing_up() {
    let kernel = MemoryDataplane::default();
    let mut running = start(ProxyConfig::default(), &kernel);
    for last in 1..=20 {
        running
            .feed
            .set_service(service(&format!("web-{last}"), last));
    }
    running.feed.synced();
    running.until(|status| status.services == 20).await;
    // A kernel that takes two hundred updates a second at best.
    kernel.take_time(Duration::from_millis(5));
    let before = kernel.calls().1;
    let began = Instant::now();
    for change in 0..CHANGES {
        running.feed.set_slice(nth(change));
    }
    let fed = Instant::now();
    let last = CHANGES - 20;
    let all_there = || {
        let expected = (last..CHANGES).map(nth);
        expected.into_iter().all(|slice| {
            let address = slice.endpoints[0].ip.to_string();
            backends(&kernel, &slice.key.name) == [address]
        })
    };
    eventually("the last state is in force", all_there).await;
    let (updates, millis) = (kernel.calls().1 - before, began.elapsed().as_millis());
    assert!(
        updates as u128 <= millis / 5 + 1,
        "{updates} updates in {millis} ms"
    );
    assert!(
        updates < CHANGES / 10,
        "{updates} updates: changes are not merged"
    );
    assert!(fed.elapsed() < DEADLINE);
    running.stop().await;
}

/// The slice after so many changes of twenty Services in turn.
fn nth(change: usize) -> EndpointSlice {
    let name = format!("web-{}", change % 20 + 1);
    let mut slice = slice_template(&name);
    let [high, low] = u16::try_from(change % 50_000)
        .expect("is small")
        .to_be_bytes();
    slice.endpoints[0].ip = std::net::Ipv4Addr::new(10, 244, high, low).into();
    slice
}

fn slice_template(service: &str) -> EndpointSlice {
    use std::sync::OnceLock;
    static ENDPOINT: OnceLock<Endpoint> = OnceLock::new();
    let mut made = EndpointSlice {
        key: tidegate_model::SliceKey {
            namespace: "default".to_owned(),
            name: service.to_owned(),
        },
        service: tidegate_model::ServiceKey::new("default", service),
        family: tidegate_model::IpFamily::V4,
        headless: false,
        ports: Vec::new(),
        endpoints: Vec::new(),
    };
    let template = ENDPOINT.get_or_init(|| slice(service, "10.244.0.1").endpoints[0].clone());
    made.endpoints.push(template.clone());
    made.ports.push(tidegate_model::EndpointPort {
        name: String::new(),
        protocol: tidegate_model::Protocol::Tcp,
        port: 9376,
    });
    made
}
