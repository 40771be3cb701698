//! Other modes and other settings on a live node.

use std::time::Duration;

use tidegate_dataplane::Dataplane;
use tidegate_proxy::{Proxy, ProxyConfig};
use tidegate_watch::ClusterWatch;

use crate::fixture::{Modes, backends, eventually, run, service, slice, slice_of, start_with};

#[tokio::test(flavor = "multi_thread")]
async fn line_30_the_old_mode_gives_way_only_when_the_new_one_serves() {
    let modes = Modes::of(&["old", "new"]);
    let mut running = start_with(ProxyConfig::default(), "old", &modes)
        .serving_web()
        .await;
    modes.kernel("new").take_time(Duration::from_millis(300));
    running.switch_to("new");
    while modes.kernel("new").is_empty() {
        assert_eq!(modes.kernel("old").len(), 1, "nobody served");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let status = running.until(|status| status.mode == "new").await;
    assert_eq!(status.reason, "new was asked for");
    eventually("the old mode is gone", || modes.kernel("old").is_empty()).await;
    running.feed.set_slice(slice("web", "10.244.0.2"));
    eventually("the new mode follows", || {
        backends(modes.kernel("new"), "web").len() == 1
    })
    .await;
    running.stop().await;
    assert!(modes.kernel("new").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_that_can_not_be_opened_leaves_everything_as_it_was() {
    let modes = Modes::of(&["old", "new"]);
    let mut running = start_with(ProxyConfig::default(), "old", &modes)
        .serving_web()
        .await;
    running.switch_to("odd");
    let status = running.until(|status| status.rejected.is_some()).await;
    insta::assert_snapshot!(status.rejected.unwrap_or_default(), @"odd mode can't work here: the module odd is missing; modprobe odd");
    assert_eq!((status.mode, modes.kernel("old").len()), ("old", 1));
    // The next configuration is tried anew.
    running.switch_to("new");
    let status = running.until(|status| status.mode == "new").await;
    assert_eq!(status.rejected, None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_that_the_kernel_refuses_is_taken_down_again() {
    let modes = Modes::of(&["old", "new"]);
    let mut running = start_with(ProxyConfig::default(), "old", &modes)
        .serving_web()
        .await;
    modes.kernel("new").refuse([crate::fixture::key("web")]);
    running.feed.set_service(service("api", 2));
    running.until(|status| status.services == 2).await;
    running.switch_to("new");
    let status = running.until(|status| status.rejected.is_some()).await;
    insta::assert_snapshot!(status.rejected.unwrap_or_default(), @"new mode could not take over: the kernel refused default/web (IPv4) of default/web (IPv4): Device or resource busy");
    assert_eq!(status.mode, "old");
    assert!(modes.kernel("new").is_empty());
    assert_eq!(modes.kernel("old").len(), 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_through_the_old_mode_may_end_in_their_own_time() {
    let modes = Modes::of(&["old", "new"]);
    let mut running = start_with(ProxyConfig::default(), "old", &modes)
        .serving_web()
        .await;
    modes.kernel("old").set_connections(7);
    running.switch_to("new");
    let status = running.until(|status| status.draining == 7).await;
    assert_eq!(status.mode, "new");
    assert!(!modes.kernel("old").is_empty());
    modes.kernel("old").set_connections(0);
    running.until(|status| status.draining == 0).await;
    assert!(modes.kernel("old").is_empty());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_that_drains_too_long_or_to_the_end_is_removed() {
    for drain_limit in [Duration::from_millis(10), Duration::from_secs(3600)] {
        let modes = Modes::of(&["old", "new"]);
        let config = ProxyConfig {
            drain_limit,
            ..ProxyConfig::default()
        };
        let mut running = start_with(config.clone(), "old", &modes)
            .serving_web()
            .await;
        modes.kernel("old").set_connections(7);
        running.handle.reconfigure(config, ("new", 0));
        running.until(|status| status.draining == 7).await;
        match drain_limit < Duration::from_secs(1) {
            true => eventually("the limit ends it", || modes.kernel("old").is_empty()).await,
            false => assert!(!modes.kernel("old").is_empty()),
        }
        running.stop().await;
        assert!(modes.kernel("old").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_that_is_wanted_again_keeps_its_connections() {
    let modes = Modes::of(&["old", "new"]);
    let mut running = start_with(ProxyConfig::default(), "old", &modes)
        .serving_web()
        .await;
    modes.kernel("old").set_connections(7);
    running.switch_to("new");
    running.until(|status| status.draining == 7).await;
    running.switch_to("old");
    let status = running.until(|status| status.mode == "old").await;
    assert_eq!((status.draining, status.rejected), (0, None));
    eventually("the other is gone", || modes.kernel("new").is_empty()).await;
    assert_eq!(modes.kernel("old").len(), 1);
    assert_eq!(modes.kernel("old").connections(), 7);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_options_of_a_mode_never_take_its_program_down() {
    let modes = Modes::of(&["old"]);
    let mut running = start_with(ProxyConfig::default(), "old", &modes)
        .serving_web()
        .await;
    running
        .handle
        .reconfigure(ProxyConfig::default(), ("old", 1));
    let status = running.until(|status| status.reconfigurations == 1).await;
    assert_eq!((status.rejected, status.draining), (None, 0));
    assert_eq!(modes.kernel("old").len(), 1);
    assert_eq!(modes.kernel("old").calls().0, 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_settings_are_planned_and_programmed_in_the_same_mode() {
    let modes = Modes::of(&["old"]);
    let running = start_with(ProxyConfig::default(), "old", &modes)
        .serving_web()
        .await;
    running.feed.set_slice(slice_of(
        "web",
        serde_json::json!([
            {"addresses": ["10.244.0.2"], "hints": {"forZones": [{"name": "east"}]}},
            {"addresses": ["10.244.0.3"], "hints": {"forZones": [{"name": "west"}]}},
        ]),
    ));
    eventually("both are there", || {
        backends(modes.kernel("old"), "web").len() == 2
    })
    .await;
    let mut config = ProxyConfig::default();
    config.plan.zone = Some("west".to_owned());
    running.handle.reconfigure(config, ("old", 0));
    let nearby = || backends(modes.kernel("old"), "web") == ["10.244.0.3"];
    eventually("only the zone's is left", nearby).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_can_be_changed_before_anything_is_known() {
    let modes = Modes::of(&["old", "new"]);
    let mut running = start_with(ProxyConfig::default(), "old", &modes);
    running.switch_to("new");
    running.until(|status| status.mode == "new").await;
    let running = running.serving_web().await;
    assert_eq!(modes.kernel("new").len(), 1);
    assert_eq!(modes.kernel("old").calls(), (0, 0));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_run_left_in_another_mode_goes_once_this_one_serves() {
    let modes = Modes::of(&["old", "new"]);
    let earlier = start_with(
        ProxyConfig {
            keep_rules: true,
            ..ProxyConfig::default()
        },
        "old",
        &modes,
    );
    earlier.serving_web().await.stop().await;
    assert_eq!(modes.kernel("old").len(), 1);
    let (watch, feed) = ClusterWatch::detached();
    let proxy = Proxy::open(
        ProxyConfig::default(),
        ("new", 0),
        modes.clone(),
        watch.subscribe(),
    );
    assert_eq!(modes.kernel("new").mode(), "new");
    let running = run(watch, feed, proxy.expect("opens"));
    assert_eq!(
        modes.kernel("old").len(),
        1,
        "removed before the new mode serves"
    );
    let running = running.serving_web().await;
    eventually("the old mode's program goes", || {
        modes.kernel("old").is_empty()
    })
    .await;
    running.stop().await;
}
