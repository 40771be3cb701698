//! Which endpoints are usable (contract: "Usable backends").

use std::time::Duration;

use tidegate_model::{SessionAffinity, Snapshot, TrafficPolicy};
use tidegate_plan::{BackendSet, Decision};

use crate::fixture::*;

#[test]
fn line_04_ready_endpoints_are_used_at_their_target_port() {
    let plan = plan_port(
        service("web"),
        vec![endpoint("10.244.0.2"), unready(endpoint("10.244.0.3"))],
    );
    assert_eq!(addresses(&plan.cluster_backends), ["10.244.0.2:9376"]);
}

#[test]
fn line_10_endpoints_that_drain_serve_only_when_none_is_ready() {
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
fn line_11_no_endpoint_at_all_rejects_under_every_policy() {
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
fn line_12_internal_local_policy_uses_this_nodes_backends_and_drops_without_one() {
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
fn line_13_external_local_policy_keeps_outsiders_here_and_lets_insiders_go_anywhere() {
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
fn line_14_local_policy_falls_back_to_local_endpoints_that_drain() {
    let mut web = service("web");
    web.internal_policy = TrafficPolicy::Local;
    let plan = plan_port(
        web,
        vec![draining(endpoint("10.244.0.2")), elsewhere("10.244.1.2")],
    );
    assert_eq!(addresses(&plan.local_backends), ["10.244.0.2:9376"]);
}

#[test]
fn line_15_hints_narrow_only_when_every_ready_endpoint_has_them() {
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
fn line_15_node_hints_win_over_zone_hints() {
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
fn line_17_an_address_in_two_slices_counts_once_and_the_one_that_stays_wins() {
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&service("web"));
    snapshot.set_slice(&slice("a", "web", vec![draining(endpoint("10.244.0.2"))]));
    snapshot.set_slice(&slice("b", "web", vec![endpoint("10.244.0.2")]));
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

#[test]
fn line_04_a_named_target_port_may_differ_per_pod() {
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&service("web"));
    snapshot.set_slice(&slice("a", "web", vec![endpoint("10.244.0.2")]));
    let mut other = slice("b", "web", vec![endpoint("10.244.0.3")]);
    other.ports[0].port = 9400;
    snapshot.set_slice(&other);
    let planner = plan_all(&snapshot);
    let plan = planner.plan().services.values().next().expect("planned");
    assert_eq!(
        addresses(&plan.ports[0].cluster_backends),
        ["10.244.0.2:9376", "10.244.0.3:9400"]
    );
}

#[test]
fn line_08_a_headless_slice_has_no_backends() {
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&service("web"));
    let mut headless = slice("a", "web", vec![endpoint("10.244.0.2")]);
    headless.headless = true;
    snapshot.set_slice(&headless);
    let planner = plan_all(&snapshot);
    let plan = planner.plan().services.values().next().expect("planned");
    assert!(plan.ports[0].cluster_backends.is_empty());
}

#[test]
fn line_14_external_local_policy_falls_back_too() {
    let mut web = exposed("web");
    web.external_policy = TrafficPolicy::Local;
    let plan = plan_port(
        web,
        vec![draining(endpoint("10.244.0.2")), elsewhere("10.244.1.2")],
    );
    assert_eq!(addresses(&plan.local_backends), ["10.244.0.2:9376"]);
    assert!(
        plan.frontends[1..]
            .iter()
            .all(|frontend| frontend.outside == Decision::Balance(BackendSet::Local))
    );
}

#[test]
fn line_15_local_policy_ignores_hints() {
    let mut web = service("web");
    web.internal_policy = TrafficPolicy::Local;
    let mut hinted = endpoint("10.244.0.2");
    hinted.node_hints = vec![NODE.to_owned()];
    let mut for_others = endpoint("10.244.0.3");
    for_others.node_hints = vec!["there".to_owned()];
    let plan = plan_port(web, vec![hinted, for_others]);
    assert_eq!(plan.local_backends.len(), 2);
    assert_eq!(plan.cluster_backends.len(), 1);
}

#[test]
fn line_15_a_hinted_backend_that_drains_counts_for_nothing() {
    let mut ours = endpoint("10.244.0.2");
    ours.zone_hints = vec!["east".to_owned()];
    let unhinted = draining(endpoint("10.244.0.3"));
    let plan = plan_port(service("web"), vec![ours, unhinted]);
    assert_eq!(addresses(&plan.cluster_backends), ["10.244.0.2:9376"]);
}

#[test]
fn line_17_what_terminates_replaces_nothing_whatever_the_order_of_slices() {
    for names in [["a", "b"], ["b", "a"]] {
        let mut snapshot = Snapshot::default();
        snapshot.set_service(&service("web"));
        let gone = unready(draining(endpoint("10.244.0.2")));
        let still_serving = draining(endpoint("10.244.0.2"));
        for (name, endpoint) in names.into_iter().zip([still_serving, gone]) {
            snapshot.set_slice(&slice(name, "web", vec![endpoint]));
        }
        let planner = plan_all(&snapshot);
        let plan = planner.plan().services.values().next().expect("planned");
        assert_eq!(plan.ports[0].cluster_backends.len(), 1);
    }
}

#[test]
fn line_18_every_backend_has_the_same_share() {
    let plan = plan_port(
        service("web"),
        vec![endpoint("10.244.0.3"), elsewhere("10.244.1.2")],
    );
    assert!(plan.cluster_backends.iter().all(|one| one.weight == 1));
}

#[test]
fn line_19_a_port_has_one_affinity_for_all_its_frontends() {
    let mut web = exposed("web");
    web.affinity = SessionAffinity::ClientIp(Duration::from_secs(600));
    let plan = plan_port(web.clone(), vec![endpoint("10.244.0.2")]);
    assert_eq!(plan.affinity, web.affinity);
    assert_eq!(plan.frontends.len(), 4);
}

#[test]
fn line_20_every_usable_backend_is_there_to_be_tried() {
    let all = ["10.244.0.2", "10.244.0.3", "10.244.0.4"];
    let plan = plan_port(service("web"), all.map(endpoint).to_vec());
    assert_eq!(
        addresses(&plan.cluster_backends),
        all.map(|address| format!("{address}:9376"))
    );
}

#[test]
fn line_22_backends_on_this_node_are_told_since_only_they_can_reach_themselves_here() {
    let plan = plan_port(
        service("web"),
        vec![endpoint("10.244.0.2"), elsewhere("10.244.1.2")],
    );
    let local: Vec<bool> = plan.cluster_backends.iter().map(|one| one.local).collect();
    assert_eq!(local, [true, false]);
}

#[test]
fn line_33_a_service_without_local_backends_is_told_from_one_without_any() {
    let mut web = service("web");
    web.internal_policy = TrafficPolicy::Local;
    let decisions = [vec![elsewhere("10.244.1.2")], Vec::new()]
        .map(|endpoints| plan_port(web.clone(), endpoints).frontends[0].inside);
    assert_eq!(decisions, [Decision::Drop, Decision::Reject]);
}
