//! What the loop does with changes, refusals and other people's edits.

use std::time::{Duration, Instant};

use tidegate_dataplane::MemoryDataplane;
use tidegate_proxy::ProxyConfig;

use crate::fixture::{backends, eventually, key, service, slice, start};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_programmed_before_the_first_lists_are_complete() {
    let kernel = MemoryDataplane::default();
    let mut running = start(ProxyConfig::default(), &kernel);
    running.feed.set_service(service("web", 1));
    tokio::task::yield_now().await;
    assert_eq!(kernel.calls(), (0, 0));
    running.feed.synced();
    running.until(|status| status.programmed).await;
    assert!(kernel.service(&key("web")).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_applied_without_a_reconcile() {
    let kernel = MemoryDataplane::default();
    let mut running = start(ProxyConfig::default(), &kernel);
    running.feed.set_service(service("web", 1));
    running.feed.synced();
    running.until(|status| status.programmed).await;
    running.feed.set_service(service("api", 2));
    running.until(|status| status.services == 2).await;
    running.feed.set_slice(slice("web", "10.244.0.2"));
    eventually("the endpoint arrives", || {
        backends(&kernel, "web") == ["10.244.0.2"]
    })
    .await;
    assert_eq!(kernel.calls(), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_that_refuses_is_tried_again_until_it_gives_in() {
    let kernel = MemoryDataplane::default();
    kernel.fail_next(3);
    let config = ProxyConfig {
        first_retry: Duration::from_millis(1),
        ..ProxyConfig::default()
    };
    let mut running = start(config, &kernel);
    running.feed.set_service(service("web", 1));
    running.feed.synced();
    let status = running.until(|status| status.programmed).await;
    assert_eq!(status.failures, 3);
    assert_eq!(kernel.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_somebody_flushed_come_back_within_an_audit() {
    let config = ProxyConfig {
        audit_period: Duration::from_millis(20),
        ..ProxyConfig::default()
    };
    let kernel = MemoryDataplane::default();
    let mut running = start(config, &kernel);
    running.feed.set_service(service("web", 1));
    running.feed.synced();
    running.until(|status| status.programmed).await;
    kernel.flush();
    running.until(|status| status.repairs > 0).await;
    assert_eq!(kernel.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_goes_on_exit_unless_it_is_to_be_kept() {
    for keep_rules in [false, true] {
        let config = ProxyConfig {
            keep_rules,
            ..ProxyConfig::default()
        };
        let kernel = MemoryDataplane::default();
        let mut running = start(config, &kernel);
        running.feed.set_service(service("web", 1));
        running.feed.synced();
        running.until(|status| status.programmed).await;
        running.stop().await;
        assert_eq!(kernel.is_empty(), !keep_rules);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_wait_for_the_shortest_pause_between_two_updates() {
    let kernel = MemoryDataplane::default();
    let config = ProxyConfig {
        min_sync_period: Duration::from_millis(300),
        ..ProxyConfig::default()
    };
    let running = start(config, &kernel).serving_web().await;
    let began = Instant::now();
    for last in 2..8 {
        running
            .feed
            .set_slice(slice("web", &format!("10.244.0.{last}")));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    eventually("the last endpoint is in force", || {
        backends(&kernel, "web") == ["10.244.0.7"]
    })
    .await;
    // All six went in together unless the machine was slow, and then no sooner than asked for.
    let (_, applies) = kernel.calls();
    let most = began.elapsed().as_millis() / 300 + 1;
    assert!(applies as u128 <= most, "{applies} updates, {most} at most");
    running.stop().await;
}
