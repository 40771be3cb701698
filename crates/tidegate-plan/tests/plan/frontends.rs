//! Which addresses answer, for whom, and under which source (contract: "Frontends", "Source
//! addresses").

use ipnet::IpNet;
use tidegate_model::{ClusterIp, IpFamily, Protocol, ServiceRole, Snapshot, TrafficPolicy};
use tidegate_plan::{FrontendAddress, Masquerade, Sources};

use crate::fixture::*;

#[test]
fn cluster_ip_traffic_from_outside_the_pods_is_masqueraded() {
    let plan = plan_port(service("web"), vec![endpoint("10.244.0.2")]);
    assert_eq!(plan.frontends.len(), 1);
    assert_eq!(plan.frontends[0].address, cluster_ip("10.96.0.1"));
    assert_eq!(plan.frontends[0].masquerade, Masquerade::FromOutsideThePods);
}

#[test]
fn external_traffic_is_masqueraded_under_cluster_policy_and_keeps_its_source_under_local() {
    let mut web = exposed("web");
    let plan = plan_port(web.clone(), vec![endpoint("10.244.0.2")]);
    assert!(
        plan.frontends[1..]
            .iter()
            .all(|frontend| frontend.masquerade == Masquerade::Always)
    );
    web.external_policy = TrafficPolicy::Local;
    let plan = plan_port(web, vec![endpoint("10.244.0.2")]);
    assert!(
        plan.frontends[1..]
            .iter()
            .all(|frontend| frontend.masquerade == Masquerade::FromThisNode)
    );
}

#[test]
fn source_ranges_guard_the_load_balancer_address_alone() {
    let mut web = exposed("web");
    let range: IpNet = "192.0.2.9/24".parse().expect("a range");
    web.source_ranges = vec![range];
    let plan = plan_port(web.clone(), vec![endpoint("10.244.0.2")]);
    for frontend in &plan.frontends {
        let expected = match frontend.address {
            FrontendAddress::LoadBalancerIp(_) => Sources::Only(vec![range.trunc()]),
            _ => Sources::Anyone,
        };
        assert_eq!(frontend.sources, expected);
    }
    web.source_ranges
        .push("0.0.0.0/0".parse().expect("a range"));
    let plan = plan_port(web, vec![endpoint("10.244.0.2")]);
    assert!(
        plan.frontends
            .iter()
            .all(|frontend| frontend.sources == Sources::Anyone)
    );
}

#[test]
fn headless_external_name_and_other_proxies_services_have_no_frontend() {
    let mut headless = service("headless");
    headless.role = ServiceRole::Headless;
    let mut external = service("external");
    external.role = ServiceRole::External("example.org".to_owned());
    let mut other = service("other");
    other.proxy_name = Some("mesh".to_owned());
    let mut snapshot = Snapshot::default();
    for service in [headless, external, other] {
        snapshot.set_service(service);
    }
    assert!(plan_all(&snapshot).plan().services.is_empty());
}

#[test]
fn one_number_on_two_protocols_is_two_ports() {
    let mut dns = service("dns");
    let mut udp = port("dns", 53);
    udp.protocol = Protocol::Udp;
    dns.ports = vec![udp, port("dns-tcp", 53)];
    let mut snapshot = Snapshot::default();
    snapshot.set_service(dns);
    let planner = plan_all(&snapshot);
    let plan = planner.plan().services.values().next().expect("planned");
    assert!(plan.ports.iter().all(|port| port.frontends.len() == 1));
}

#[test]
fn families_are_planned_independently() {
    let mut web = service("web");
    web.cluster_ips.push(ClusterIp(ip("fd00:96::1")));
    let mut snapshot = Snapshot::default();
    snapshot.set_service(web);
    snapshot.set_slice(slice("six", "web", vec![endpoint("fd00:244::2")]));
    let planner = plan_all(&snapshot);
    let backends = |family| {
        let (_, plan) = planner
            .plan()
            .services
            .iter()
            .find(|(key, _)| key.family == family)
            .expect("planned");
        plan.ports[0].cluster_backends.len()
    };
    assert_eq!((backends(IpFamily::V4), backends(IpFamily::V6)), (0, 1));
}

#[test]
fn an_address_named_twice_is_one_frontend() {
    let mut web = exposed("web");
    web.load_balancer_ips = vec![tidegate_model::LoadBalancerIp(ip("198.51.100.7"))];
    let plan = plan_port(web, vec![endpoint("10.244.0.2")]);
    assert_eq!(plan.frontends.len(), 3);
}
