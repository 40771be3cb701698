//! What the owners of Services and of the Node hear.

use std::time::Duration;

use serde_json::json;
use tidegate_model::Scheduler;
use tidegate_proxy::{Events, Proxy, ProxyConfig};
use tidegate_watch::ClusterWatch;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::fixture::{Modes, Running, eventually, run, service, service_of, slice};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_can_not_have_is_told_once_for_as_long_as_it_asks() {
    let api = Api::default();
    let mut running = telling(&api).serving_web().await;
    let mut odd = service("odd", 2);
    odd.scheduler = Some(Scheduler("fastest".to_owned()));
    running.feed.set_service(odd.clone());
    let taken =
        json!({"clusterIPs": ["10.96.0.3"], "externalIPs": ["10.96.0.1"], "ports": [{"port": 80}]});
    running.feed.set_service(service_of("zoo", taken));
    running.until(|status| status.services == 3).await;
    // Its pods change all the time, and it still asks.
    for last in 2..6 {
        running
            .feed
            .set_slice(slice("odd", &format!("10.244.0.{last}")));
        running
            .feed
            .set_slice(slice("zoo", &format!("10.244.0.{last}")));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.switch_to("missing");
    running.until(|status| status.rejected.is_some()).await;
    eventually("all are told", || api.told().len() >= 4).await;
    insta::assert_snapshot!(api.told().join("\n"), @r#"
    Normal Starting Node/here (here): 
    Warning UnsupportedScheduler Service/odd (uid-of-odd): default/odd (IPv4) asks for the scheduler "fastest", which old mode does not have: the annotation tidegate.dev/scheduler can be random; it is served without
    Warning FrontendTaken Service/zoo (uid-of-zoo): default/zoo/tcp asks for 10.96.0.1 port 80/tcp, which default/web/tcp has already: it is left out for default/zoo/tcp
    Warning ProxyModeRefused Node/here (here): Services are still served in old mode: odd mode can't work here: the module odd is missing; modprobe odd
    "#);
    let first = api.first();
    assert_eq!(first["metadata"]["namespace"], "default");
    assert_eq!(first["reportingController"], "kube-proxy");
    assert_eq!(first["reportingInstance"], "kube-proxy-here");
    assert_eq!(first["action"], "StartKubeProxy");
    // It stops asking, and asks again.
    odd.scheduler = None;
    running.feed.set_service(odd.clone());
    tokio::time::sleep(Duration::from_millis(50)).await;
    odd.scheduler = Some(Scheduler("fastest".to_owned()));
    running.feed.set_service(odd);
    eventually("it is told again", || api.told().len() == 5).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_does_not_take_events_holds_nothing_up() {
    let api = Api::away();
    let mut running = telling(&api).serving_web().await;
    for number in 0..1000 {
        let mut odd = service("odd", 2);
        odd.scheduler = Some(Scheduler(format!("fastest-{number}")));
        running.feed.set_service(odd);
    }
    running.feed.set_service(service("api", 3));
    running.until(|status| status.services == 3).await;
    running.stop().await;
}

/// A proxy that tells an API what the owners of Services should hear.
fn telling(api: &Api) -> Running<(&'static str, u8)> {
    let events = Events::start(api.client(), "here".to_owned(), CancellationToken::new());
    let (watch, feed) = ClusterWatch::detached();
    let modes = Modes::of(&["old"]);
    let proxy = Proxy::open(ProxyConfig::default(), ("old", 0), modes, watch.subscribe());
    run(watch, feed, proxy.expect("opens").telling(events))
}
