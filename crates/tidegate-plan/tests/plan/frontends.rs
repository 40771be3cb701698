//! Which addresses answer, for whom, and under which source (contract: "Frontends", "Source
//! addresses").

use ipnet::IpNet;
use tidegate_model::{
    ClusterIp, IpFamily, LoadBalancerIp, NodePort, Protocol, ServiceRole, Snapshot, TrafficPolicy,
};
use tidegate_plan::{FrontendAddress, Masquerade, Planner, Sources};

use crate::fixture::*;

#[test]
fn line_24_cluster_ip_traffic_from_outside_the_pods_is_masqueraded() {
    let plan = plan_port(service("web"), vec![endpoint("10.244.0.2")]);
    assert_eq!(plan.frontends.len(), 1);
    assert_eq!(plan.frontends[0].address, cluster_ip("10.96.0.1"));
    assert_eq!(plan.frontends[0].masquerade, Masquerade::FromOutsideThePods);
}

#[test]
fn line_23_external_traffic_is_masqueraded_under_cluster_policy_and_keeps_its_source_under_local() {
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
fn line_25_source_ranges_guard_the_load_balancer_address_alone() {
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
fn line_08_headless_external_name_and_other_proxies_services_have_no_frontend() {
    let mut headless = service("headless");
    headless.role = ServiceRole::Headless;
    let mut external = service("external");
    external.role = ServiceRole::External("example.org".to_owned());
    let mut other = service("other");
    other.proxy_name = Some("mesh".to_owned());
    let mut snapshot = Snapshot::default();
    for service in [headless, external, other] {
        snapshot.set_service(&service);
    }
    assert!(plan_all(&snapshot).plan().services.is_empty());
}

#[test]
fn line_05_one_number_on_two_protocols_is_two_ports() {
    let mut dns = service("dns");
    let mut udp = port("dns", 53);
    udp.protocol = Protocol::Udp;
    dns.ports = vec![udp, port("dns-tcp", 53)];
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&dns);
    let planner = plan_all(&snapshot);
    let plan = planner.plan().services.values().next().expect("planned");
    assert!(plan.ports.iter().all(|port| port.frontends.len() == 1));
}

#[test]
fn line_09_families_are_planned_independently() {
    let mut web = service("web");
    web.cluster_ips.push(ClusterIp(ip("fd00:96::1")));
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&web);
    snapshot.set_slice(&slice("six", "web", vec![endpoint("fd00:244::2")]));
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
    web.load_balancer_ips = vec![LoadBalancerIp(ip("198.51.100.7"))];
    let plan = plan_port(web, vec![endpoint("10.244.0.2")]);
    assert_eq!(plan.frontends.len(), 3);
}

#[test]
fn line_01_a_port_has_a_frontend_on_the_cluster_ip_of_its_family() {
    let mut web = service("web");
    web.cluster_ips.push(ClusterIp(ip("fd00:96::1")));
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&web);
    let planner = plan_all(&snapshot);
    for (key, plan) in &planner.plan().services {
        let address = match key.family {
            IpFamily::V4 => "10.96.0.1",
            IpFamily::V6 => "fd00:96::1",
        };
        let [frontend] = plan.ports[0].frontends.as_slice() else {
            panic!("one frontend: {plan:?}");
        };
        assert_eq!(frontend.address, cluster_ip(address));
        assert_eq!(frontend.port, 80);
    }
    assert_eq!(planner.plan().services.len(), 2);
}

#[test]
fn line_02_external_and_load_balancer_addresses_have_frontends_at_the_port() {
    let plan = plan_port(exposed("web"), vec![endpoint("10.244.0.2")]);
    for address in ["198.51.100.7", "203.0.113.7"] {
        let of_address = plan
            .frontends
            .iter()
            .filter(|frontend| frontend.address.ip() == Some(ip(address)));
        let ports: Vec<u16> = of_address.map(|frontend| frontend.port).collect();
        assert_eq!(ports, [80]);
    }
}

#[test]
fn line_03_a_node_port_is_one_frontend_and_on_no_address_of_its_own() {
    let plan = plan_port(exposed("web"), vec![endpoint("10.244.0.2")]);
    let at_node_port = plan
        .frontends
        .iter()
        .filter(|frontend| frontend.port == 30080);
    let addresses: Vec<_> = at_node_port.map(|frontend| frontend.address).collect();
    assert_eq!(addresses, [FrontendAddress::NodePort(NodePort(30080))]);
}

#[test]
fn line_06_cluster_ips_are_named_beside_their_ports_and_ranges_beside_services() {
    let mut web = service("web");
    web.ports.clear();
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&web);
    let planner = plan_all(&snapshot);
    let plan = planner.plan();
    let web = plan.services.values().next().expect("planned");
    assert_eq!(web.cluster_ips, [ClusterIp(ip("10.96.0.1"))]);
    assert_eq!(plan.settings.service_cidrs_of(IpFamily::V4).count(), 1);
}

#[test]
fn line_07_an_external_address_is_no_frontend_but_at_its_ports() {
    let plan = plan_port(exposed("web"), vec![endpoint("10.244.0.2")]);
    let others = plan
        .frontends
        .iter()
        .filter(|frontend| frontend.address.ip() == Some(ip("203.0.113.7")) && frontend.port != 80);
    assert_eq!(others.count(), 0);
}

#[test]
fn line_21_pods_are_not_masqueraded_at_a_cluster_ip() {
    let plan = plan_port(service("web"), vec![elsewhere("10.244.1.2")]);
    assert_eq!(plan.frontends[0].masquerade, Masquerade::FromOutsideThePods);
}

#[test]
fn line_24_masquerade_all_masquerades_cluster_ip_traffic_always() {
    let mut settings = settings();
    settings.masquerade_all = true;
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&service("web"));
    let mut planner = Planner::new(settings);
    planner.refresh(&snapshot, snapshot.keys());
    let plan = planner.plan().services.values().next().expect("planned");
    assert_eq!(plan.ports[0].frontends[0].masquerade, Masquerade::Always);
}

#[test]
fn line_25_a_range_with_an_address_of_this_node_admits_all_of_them() {
    let mut settings = settings();
    settings.node_addresses = ["192.0.2.1", "10.244.0.1", "fd00::1"].map(ip).to_vec();
    let mut planner = Planner::new(settings);
    let mut web = exposed("web");
    let mut admitted = |range: &str| {
        web.source_ranges = vec![range.parse().expect("a range")];
        let mut snapshot = Snapshot::default();
        snapshot.set_service(&web);
        planner.refresh(&snapshot, [web.key.clone()]);
        let plan = planner.plan().services.values().next().expect("planned");
        let sources = plan.ports[0].frontends.iter().find_map(|frontend| {
            match (&frontend.address, &frontend.sources) {
                (FrontendAddress::LoadBalancerIp(_), Sources::Only(ranges)) => Some(ranges.clone()),
                _ => None,
            }
        });
        sources
            .expect("it is guarded")
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(admitted("192.0.2.128/25"), ["192.0.2.128/25"]);
    assert_eq!(
        admitted("192.0.2.0/28"),
        [
            "10.244.0.1/32",
            "192.0.2.0/28",
            "192.0.2.1/32",
            "203.0.113.7/32"
        ]
    );
}
