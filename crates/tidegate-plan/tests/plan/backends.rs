//! Which endpoints are usable (contract: "Usable backends").

use tidegate_model::TrafficPolicy;
use tidegate_plan::{BackendSet, Decision};

use crate::fixture::*;

#[test]
fn ready_endpoints_are_used_at_their_target_port() {
    let plan = plan_port(
        service("web"),
        vec![endpoint("10.244.0.2"), unready(endpoint("10.244.0.3"))],
    );
    assert_eq!(addresses(&plan.cluster_backends), ["10.244.0.2:9376"]);
}

#[test]
fn endpoints_that_drain_serve_only_when_none_is_ready() {
    let both = vec![endpoint("10.244.0.2"), draining(endpoint("10.244.0.3"))];
    assert_eq!(
        addresses(&plan_port(service("web"), both).cluster_backends),
        ["10.244.0.2:9376"]
    );
    let plan = plan_port(
        service("web"),
        vec![
            unready(endpoint("10.244.0.2")),
            draining(endpoint("10.244.0.3")),
        ],
    );
    assert_eq!(addresses(&plan.cluster_backends), ["10.244.0.3:9376"]);
    assert!(plan.cluster_backends[0].draining);
}

#[test]
fn no_endpoint_at_all_rejects_under_every_policy() {
    let mut local = exposed("web");
    local.internal_policy = TrafficPolicy::Local;
    local.external_policy = TrafficPolicy::Local;
    for service in [exposed("web"), local] {
        let plan = plan_port(service, vec![unready(endpoint("10.244.0.2"))]);
        assert!(
            plan.frontends
                .iter()
                .all(|f| (f.inside, f.outside) == (Decision::Reject, Decision::Reject))
        );
    }
}

#[test]
fn internal_local_policy_uses_this_nodes_backends_and_drops_without_one() {
    let mut web = service("web");
    web.internal_policy = TrafficPolicy::Local;
    let plan = plan_port(
        web.clone(),
        vec![endpoint("10.244.0.2"), elsewhere("10.244.1.2")],
    );
    assert_eq!(
        plan.frontends[0].inside,
        Decision::Balance(BackendSet::Local)
    );
    assert_eq!(addresses(&plan.local_backends), ["10.244.0.2:9376"]);
    let plan = plan_port(web, vec![elsewhere("10.244.1.2")]);
    assert_eq!(plan.frontends[0].inside, Decision::Drop);
}

#[test]
fn external_local_policy_keeps_outsiders_here_and_lets_insiders_go_anywhere() {
    let mut web = exposed("web");
    web.external_policy = TrafficPolicy::Local;
    let plan = plan_port(
        web.clone(),
        vec![endpoint("10.244.0.2"), elsewhere("10.244.1.2")],
    );
    for frontend in &plan.frontends[1..] {
        assert_eq!(frontend.outside, Decision::Balance(BackendSet::Local));
        assert_eq!(frontend.inside, Decision::Balance(BackendSet::Cluster));
    }
    let plan = plan_port(web, vec![elsewhere("10.244.1.2")]);
    assert!(
        plan.frontends[1..]
            .iter()
            .all(|frontend| frontend.outside == Decision::Drop)
    );
}

#[test]
fn local_policy_falls_back_to_local_endpoints_that_drain() {
    let mut web = service("web");
    web.internal_policy = TrafficPolicy::Local;
    let plan = plan_port(
        web,
        vec![draining(endpoint("10.244.0.2")), elsewhere("10.244.1.2")],
    );
    assert_eq!(addresses(&plan.local_backends), ["10.244.0.2:9376"]);
}

#[test]
fn hints_narrow_only_when_every_ready_endpoint_has_them() {
    let hinted = |address: &str, zone: &str| {
        let mut endpoint = elsewhere(address);
        endpoint.zone_hints = vec![zone.to_owned()];
        endpoint
    };
    let all = vec![hinted("10.244.1.2", "east"), hinted("10.244.2.2", "west")];
    assert_eq!(
        addresses(&plan_port(service("web"), all.clone()).cluster_backends),
        ["10.244.1.2:9376"]
    );
    let some = [all, vec![elsewhere("10.244.3.2")]].concat();
    assert_eq!(plan_port(service("web"), some).cluster_backends.len(), 3);
    let not_ours = vec![hinted("10.244.2.2", "west")];
    assert_eq!(
        plan_port(service("web"), not_ours).cluster_backends.len(),
        1
    );
}

#[test]
fn node_hints_win_over_zone_hints() {
    let hinted = |address: &str, node: &str| {
        let mut endpoint = elsewhere(address);
        endpoint.node_hints = vec![node.to_owned()];
        endpoint.zone_hints = vec!["east".to_owned()];
        endpoint
    };
    let plan = plan_port(
        service("web"),
        vec![hinted("10.244.1.2", NODE), hinted("10.244.2.2", "there")],
    );
    assert_eq!(addresses(&plan.cluster_backends), ["10.244.1.2:9376"]);
}

#[test]
fn an_address_in_two_slices_counts_once_and_the_one_that_stays_wins() {
    let mut snapshot = tidegate_model::Snapshot::default();
    snapshot.set_service(service("web"));
    snapshot.set_slice(slice("a", "web", vec![draining(endpoint("10.244.0.2"))]));
    snapshot.set_slice(slice("b", "web", vec![endpoint("10.244.0.2")]));
    let planner = plan_all(&snapshot);
    let plan = planner.plan().services.values().next().expect("planned");
    assert_eq!(plan.ports[0].cluster_backends.len(), 1);
    assert!(!plan.ports[0].cluster_backends[0].draining);
}

#[test]
fn addresses_that_no_pod_can_have_are_left_out() {
    let plan = plan_port(
        service("web"),
        vec![
            endpoint("127.0.0.1"),
            endpoint("0.0.0.0"),
            endpoint("224.0.0.1"),
        ],
    );
    assert_eq!(plan.frontends[0].inside, Decision::Reject);
}
