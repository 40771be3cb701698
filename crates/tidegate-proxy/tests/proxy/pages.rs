//! What operators and Prometheus see.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tidegate_dataplane::MemoryDataplane;
use tidegate_proxy::ProxyConfig;

use crate::fixture::{Modes, ask, backends, eventually, get, service_of, slice, start, start_with};

#[tokio::test(flavor = "multi_thread")]
async fn line_33_proxy_mode_is_the_modes_name_alone_and_the_reason_beside_it() {
    let modes = Modes::of(&["old", "new"]);
    let mut running = start_with(ProxyConfig::default(), "old", &modes)
        .serving_web()
        .await;
    let (_servers, _, metrics) = running.servers();
    let answer = get(metrics, "/proxyMode").await.expect("answers");
    assert_eq!((answer.status, answer.body.as_str()), (200, "old"));
    assert!(answer.has_header("x-proxy-mode-reason: old was asked for"));
    running.switch_to("new");
    running.until(|status| status.mode == "new").await;
    assert_eq!(
        get(metrics, "/proxyMode").await.expect("answers").body,
        "new"
    );
    running.switch_to("odd");
    running.until(|status| status.rejected.is_some()).await;
    let why = get(metrics, "/proxyMode?why").await.expect("answers").body;
    insta::assert_snapshot!(why, @r"
    new: new was asked for
    asked for last, but rejected: odd mode can't work here: the module odd is missing; modprobe odd
    ");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_33_the_configuration_and_the_flags_can_be_looked_at() {
    let kernel = MemoryDataplane::default();
    let running = start(ProxyConfig::default(), &kernel).serving_web().await;
    let (_servers, _, metrics) = running.servers();
    let configz = get(metrics, "/configz").await.expect("answers");
    assert_eq!(
        configz.json(),
        json!({"kubeproxy.config.k8s.io": {"mode": "memory"}})
    );
    insta::assert_snapshot!(get(metrics, "/flagz").await.expect("answers").body, @r"
    kube-proxy flagz
    Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.

    config=/etc/proxy.conf
    ");
    let statusz = get(metrics, "/statusz").await.expect("answers").body;
    let lines = statusz
        .lines()
        .filter(|line| !line.starts_with("Started") && !line.starts_with("Up"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    kube-proxy statusz
    Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.

    Binary version: 1.2.3
    Paths: /configz /flagz /healthz /metrics /metrics/slis /proxyMode /statusz
    Proxy mode: memory (it is the only one that this proxy has)
    Services in force: 1
    Refused by the kernel: 0
    Repairs of others' changes: 0
    Failed attempts: 0
    Changes waiting: 0
    Draining connections: 0
    ");
    assert_eq!(get(metrics, "/healthz").await.expect("answers").body, "ok");
    assert_eq!(
        get(metrics, "/debug/pprof/").await.expect("answers").status,
        404
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_33_metrics_have_upstreams_names_and_say_what_happened() {
    let kernel = MemoryDataplane::default();
    let mut running = start(ProxyConfig::default(), &kernel).serving_web().await;
    let (_servers, _, metrics) = running.servers();
    let cause = Timestamp::now() + SignedDuration::from_millis(1);
    running
        .feed
        .set_slice_caused_at(slice("web", "10.244.0.2"), cause);
    eventually("the endpoint is in force", || {
        backends(&kernel, "web").len() == 1
    })
    .await;
    // Local policy, and the one endpoint is elsewhere.
    running.feed.set_slice(slice("far", "10.244.1.2"));
    running.feed.set_service(service_of(
        "far",
        json!({"clusterIPs": ["10.96.0.9"], "ports": [{"port": 80}],
        "internalTrafficPolicy": "Local"}),
    ));
    running.until(|status| status.services == 2).await;
    let answer = get(metrics, "/metrics").await.expect("answers");
    assert!(answer.has_header("content-type: text/plain; version=0.0.4; charset=utf-8"));
    let types = answer
        .body
        .lines()
        .filter(|line| line.starts_with("# TYPE"));
    insta::assert_snapshot!(types.collect::<Vec<_>>().join("\n"), @r"
    # TYPE kubeproxy_sync_proxy_rules_duration_seconds histogram
    # TYPE kubeproxy_sync_full_proxy_rules_duration_seconds histogram
    # TYPE kubeproxy_sync_partial_proxy_rules_duration_seconds histogram
    # TYPE kubeproxy_network_programming_duration_seconds histogram
    # TYPE kubeproxy_sync_proxy_rules_last_timestamp_seconds gauge
    # TYPE kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds gauge
    # TYPE kubeproxy_sync_proxy_rules_no_local_endpoints_total gauge
    # TYPE kubeproxy_sync_proxy_rules_endpoint_changes_pending gauge
    # TYPE kubeproxy_sync_proxy_rules_endpoint_changes_total counter
    # TYPE kubeproxy_sync_proxy_rules_service_changes_pending gauge
    # TYPE kubeproxy_sync_proxy_rules_service_changes_total counter
    # TYPE kubeproxy_proxy_healthz_total counter
    # TYPE kubeproxy_proxy_livez_total counter
    # TYPE kubeproxy_sync_proxy_rules_failures_total counter
    # TYPE kubeproxy_conntrack_reconciler_sync_duration_seconds histogram
    # TYPE kubeproxy_conntrack_reconciler_deleted_entries_total counter
    # TYPE process_cpu_seconds_total counter
    # TYPE process_max_fds gauge
    # TYPE process_open_fds gauge
    # TYPE process_resident_memory_bytes gauge
    # TYPE process_start_time_seconds gauge
    # TYPE process_virtual_memory_bytes gauge
    ");
    let value = |name: &str| -> f64 {
        let found = answer
            .body
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found
            .unwrap_or_else(|| panic!("no {name} in {}", answer.body))
            .parse()
            .expect("a number")
    };
    let v4 = |name: &str| value(&format!("kubeproxy_{name}{{ip_family=\"IPv4\"}}"));
    assert_eq!(v4("sync_full_proxy_rules_duration_seconds_count"), 1.0);
    assert!(v4("sync_partial_proxy_rules_duration_seconds_count") >= 2.0);
    assert_eq!(
        value("kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family=\"IPv6\"}"),
        0.0
    );
    assert_eq!(v4("network_programming_duration_seconds_count"), 1.0);
    assert!(v4("sync_proxy_rules_last_timestamp_seconds") > 1.7e9);
    assert_eq!(
        value("kubeproxy_sync_proxy_rules_endpoint_changes_total"),
        2.0
    );
    assert_eq!(
        value("kubeproxy_sync_proxy_rules_service_changes_total"),
        2.0
    );
    assert_eq!(
        value("kubeproxy_sync_proxy_rules_endpoint_changes_pending"),
        0.0
    );
    let no_local = "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv4\",traffic_policy=\"internal\"}";
    assert_eq!(value(no_local), 1.0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_33_the_service_level_indicators_count_how_often_health_was_asked_for() {
    let kernel = MemoryDataplane::default();
    let running = start(ProxyConfig::default(), &kernel).serving_web().await;
    let (_servers, _, metrics) = running.servers();
    let slis = async || get(metrics, "/metrics/slis").await.expect("answers").body;
    assert_eq!(slis().await, "");
    for _ in 0..3 {
        get(metrics, "/healthz").await.expect("answers");
    }
    insta::assert_snapshot!(slis().await, @r#"
    # HELP kubernetes_healthcheck [STABLE] This metric records the result of a single healthcheck.
    # TYPE kubernetes_healthcheck gauge
    kubernetes_healthcheck{name="ping",type="healthz"} 1
    # HELP kubernetes_healthchecks_total [STABLE] This metric records the results of all healthcheck.
    # TYPE kubernetes_healthchecks_total counter
    kubernetes_healthchecks_total{name="ping",status="success",type="healthz"} 3
    "#);
    let reset = ask(metrics, "DELETE", "/metrics/slis").await;
    assert_eq!(reset.expect("answers").body, "metrics reset\n");
    assert_eq!(slis().await, "");
    running.stop().await;
}
