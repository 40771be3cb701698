//! What an operator's settings change.

use tidegate_model::{IpFamily, NodePort, Service, Snapshot, TrafficPolicy};
use tidegate_plan::{FrontendAddress, PlanSettings, Planner, PodTraffic, ServicePlan};

use crate::fixture::*;

fn plan_under(settings: PlanSettings, service: Service) -> ServicePlan {
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&service);
    let mut planner = Planner::default();
    planner.reset(settings, &snapshot);
    let plan = planner.plan().services.values().next().expect("is planned");
    plan.as_ref().clone()
}

#[test]
fn external_ips_are_left_out_where_they_are_not_allowed_and_nothing_else_is() {
    let addresses = |without_external_ips| -> Vec<FrontendAddress> {
        let settings = PlanSettings {
            without_external_ips,
            ..settings()
        };
        let plan = plan_under(settings, exposed("web"));
        let frontends = plan.ports[0].frontends.iter();
        frontends.map(|one| one.address).collect()
    };
    let (mut all, without) = (addresses(false), addresses(true));
    assert_eq!((all.len(), without.len()), (4, 3));
    all.retain(|address| !matches!(address, FrontendAddress::ExternalIp(_)));
    assert_eq!(without, all);
}

#[test]
fn an_external_ip_that_is_not_allowed_takes_no_address_from_another_service() {
    let mut balanced = exposed("web");
    balanced.external_ips.clear();
    let mut thief = exposed("a-thief");
    thief.external_ips = vec![tidegate_model::ExternalIp(ip("203.0.113.7"))];
    thief.load_balancer_ips.clear();
    thief.ports[0].node_port = None;
    thief.cluster_ips = vec![tidegate_model::ClusterIp(ip("10.96.0.2"))];
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&balanced);
    snapshot.set_service(&thief);
    let mut planner = Planner::default();
    assert_eq!(planner.reset(settings(), &snapshot).len(), 1);
    let strict = PlanSettings {
        without_external_ips: true,
        ..settings()
    };
    assert_eq!(planner.reset(strict, &snapshot), []);
}

#[test]
fn line_24_pods_can_not_be_told_in_a_family_that_has_no_range_of_theirs() {
    let of = |pod_traffic: &PodTraffic, family| {
        PlanSettings {
            pod_traffic: pod_traffic.clone(),
            ..settings()
        }
        .pod_traffic_of(family)
    };
    let nets = |texts: &[&str]| {
        let nets = texts.iter().map(|text| text.parse().expect("a range"));
        PodTraffic::Cidrs(nets.collect())
    };
    let v4 = nets(&["10.244.0.0/16", "10.245.0.0/16"]);
    assert_eq!(of(&v4, IpFamily::V4), v4);
    assert_eq!(of(&v4, IpFamily::V6), PodTraffic::Unknown);
    let both = nets(&["10.244.0.0/16", "fd00:244::/64"]);
    assert_eq!(of(&both, IpFamily::V4), nets(&["10.244.0.0/16"]));
    assert_eq!(of(&both, IpFamily::V6), nets(&["fd00:244::/64"]));
    let none = PodTraffic::Cidrs(Vec::new());
    assert_eq!(of(&none, IpFamily::V4), PodTraffic::Unknown);
    for other in [
        PodTraffic::Unknown,
        PodTraffic::Bridge("cni0".to_owned()),
        PodTraffic::InterfacePrefix("veth".to_owned()),
    ] {
        for family in IpFamily::ALL {
            assert_eq!(of(&other, family), other);
        }
    }
}

#[test]
fn line_32_only_a_service_that_keeps_traffic_on_the_node_is_asked_for_its_health() {
    let mut web = exposed("web");
    web.health_check_node_port = Some(NodePort(32000));
    let asked_at = |service| plan_under(settings(), service).health_check_node_port;
    assert_eq!(asked_at(web.clone()), None);
    web.external_policy = TrafficPolicy::Local;
    assert_eq!(asked_at(web), Some(NodePort(32000)));
}
