//! What operators see in `iptables-save | grep KUBE`, for Services of every kind.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tidegate_iptables::{IptablesOptions, render};
use tidegate_model::{
    ClusterIp, ExternalIp, LoadBalancerIp, Protocol, Service, ServicePort, ServiceRole,
    SessionAffinity, TrafficPolicy,
};
use tidegate_plan::{NodePortAddresses, Plan, PlanSettings, PodTraffic};
use tidegate_testnet::{Cluster, NODE, ip};

/// The settings that every text here is written for.
fn settings() -> PlanSettings {
    let nets = |texts: [&str; 2]| texts.map(|text| text.parse().expect("a network")).to_vec();
    PlanSettings {
        node: NODE.to_owned(),
        service_cidrs: nets(["10.96.0.0/16", "fd00:96::/112"]),
        pod_traffic: PodTraffic::Cidrs(nets(["10.244.0.0/16", "fd00:244::/64"])),
        ..PlanSettings::default()
    }
}

fn cluster() -> Cluster {
    Cluster::with(settings())
}

/// A Service of IPv4 alone with one port.
fn hostnames() -> Service {
    let mut service = Cluster::service("hostnames", 1);
    service.cluster_ips = vec![ClusterIp(ip("10.96.0.1"))];
    service.ports.truncate(1);
    service
}

/// The plan of one Service, with endpoints 10.244.0.11 and so on.
fn plan(service: Service, pods: &[(usize, &str)]) -> Plan {
    let mut cluster = cluster();
    let name = service.key.name.clone();
    cluster.set(service);
    if !pods.is_empty() {
        cluster.set_pods_on(&name, pods);
    }
    cluster.plan().clone()
}

/// The lines that are there because of the Services.
fn added(plan: &Plan) -> String {
    let options = IptablesOptions::default();
    let without = Plan {
        services: Default::default(),
        ..plan.clone()
    };
    let without = render(&without, &options);
    let frame: HashSet<&str> = without.lines().collect();
    let with = render(plan, &options);
    let lines: Vec<&str> = with.lines().filter(|line| !frame.contains(line)).collect();
    lines.join("\n")
}

const TWO: &[(usize, &str)] = &[(0, "node-a"), (1, "node-b")];
const ELSEWHERE: &[(usize, &str)] = &[(1, "node-b")];

#[test]
fn what_is_there_without_any_service() {
    let options = IptablesOptions::default();
    insta::assert_snapshot!(render(cluster().plan(), &options));
}

#[test]
fn a_cluster_ip() {
    insta::assert_snapshot!(added(&plan(
        hostnames(),
        &[(0, "node-a"), (1, "node-b"), (2, "node-b")]
    )));
}

#[test]
fn a_port_without_a_name_and_a_single_endpoint() {
    let mut plan = plan(hostnames(), ELSEWHERE);
    for service in plan.services.values_mut() {
        let service = Arc::make_mut(service);
        service.ports[0].name.port = String::new();
    }
    insta::assert_snapshot!(added(&plan));
}

#[test]
fn two_named_ports_in_both_families() {
    insta::assert_snapshot!(added(&plan(Cluster::service("web", 1), TWO)));
}

#[test]
fn a_node_port() {
    let service = Cluster::with_node_ports(hostnames(), 30080);
    insta::assert_snapshot!(added(&plan(service, TWO)));
}

#[test]
fn a_load_balancer_with_source_ranges() {
    let mut service = Cluster::with_node_ports(hostnames(), 30080);
    service.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.5"))];
    service.source_ranges = ["192.0.2.0/24", "198.51.100.0/25"]
        .map(|range| range.parse().expect("a network"))
        .to_vec();
    insta::assert_snapshot!(added(&plan(service, TWO)));
}

#[test]
fn external_and_load_balancer_addresses_for_everyone() {
    let mut service = hostnames();
    service.external_ips = vec![ExternalIp(ip("198.51.100.7"))];
    service.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.5"))];
    insta::assert_snapshot!(added(&plan(service, TWO)));
}

/// A Service with everything that comes from outside, whose traffic stays on the node.
fn local() -> Service {
    let mut service = Cluster::with_node_ports(hostnames(), 30080);
    service.external_policy = TrafficPolicy::Local;
    service.external_ips = vec![ExternalIp(ip("198.51.100.7"))];
    service
}

#[test]
fn external_policy_local() {
    insta::assert_snapshot!(added(&plan(local(), TWO)));
}

#[test]
fn external_policy_local_without_local_endpoints() {
    insta::assert_snapshot!(added(&plan(local(), ELSEWHERE)));
}

#[test]
fn internal_policy_local() {
    let mut service = hostnames();
    service.internal_policy = TrafficPolicy::Local;
    insta::assert_snapshot!(added(&plan(service, TWO)));
}

#[test]
fn internal_policy_local_without_local_endpoints() {
    let mut service = hostnames();
    service.internal_policy = TrafficPolicy::Local;
    insta::assert_snapshot!(added(&plan(service, ELSEWHERE)));
}

#[test]
fn session_affinity() {
    let mut service = hostnames();
    service.affinity = SessionAffinity::ClientIp(Duration::from_secs(10_800));
    insta::assert_snapshot!(added(&plan(service, TWO)));
}

#[test]
fn no_endpoints() {
    let mut service = Cluster::with_node_ports(hostnames(), 30080);
    service.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.5"))];
    insta::assert_snapshot!(added(&plan(service, &[])));
}

#[test]
fn headless_services_have_no_rules() {
    let mut service = hostnames();
    service.role = ServiceRole::Headless;
    assert_eq!(added(&plan(service, TWO)), "");
}

#[test]
fn sctp() {
    let mut service = hostnames();
    service.ports[0].protocol = Protocol::Sctp;
    insta::assert_snapshot!(added(&plan(service, &[])));
    let mut plan = plan(hostnames(), TWO);
    for service in plan.services.values_mut() {
        Arc::make_mut(service).ports[0].name.protocol = Protocol::Sctp;
    }
    insta::assert_snapshot!("sctp_with_endpoints", added(&plan));
}

#[test]
fn weights_are_shares_of_what_is_left() {
    let mut plan = plan(hostnames(), &[(0, "node-a"), (1, "node-b"), (2, "node-b")]);
    for service in plan.services.values_mut() {
        let backends = &mut Arc::make_mut(service).ports[0].cluster_backends;
        for (backend, weight) in backends.iter_mut().zip([60, 30, 10]) {
            backend.weight = weight;
        }
    }
    insta::assert_snapshot!(added(&plan));
}

#[test]
fn large_clusters_go_without_comments() {
    let mut plan = plan(hostnames(), &[(0, "node-a")]);
    let service = plan.services.values_mut().next().expect("it is there");
    let backends = &mut Arc::make_mut(service).ports[0].cluster_backends;
    let mut more = backends[0];
    for number in 0..1000u16 {
        let [high, low] = number.to_be_bytes();
        more.addr.ip = IpAddr::from([10, 245, high, low]);
        backends.push(more);
    }
    let lines = added(&plan);
    let of_backend: Vec<&str> = lines
        .lines()
        .filter(|line| line.contains("KUBE-SEP-") || line.contains("10.96.0.1"))
        .filter(|line| !line.starts_with(':'))
        .collect();
    assert_eq!(of_backend.len(), 3 + 3 * 1001);
    let with_comments = of_backend.iter().filter(|line| line.contains("--comment"));
    let told: Vec<&str> = with_comments.map(|line| &line[..16]).collect();
    assert_eq!(
        told,
        ["-A KUBE-TIDEGATE", "-A KUBE-SERVICES", "-A KUBE-SVC-3FO2"]
    );
}

#[test]
fn every_way_to_tell_pods() {
    let nets = |texts: &[&str]| -> Vec<ipnet::IpNet> {
        let nets = texts.iter().map(|text| text.parse().expect("a network"));
        nets.collect()
    };
    let ways = [
        PodTraffic::Unknown,
        PodTraffic::Bridge("cni0".to_owned()),
        PodTraffic::InterfacePrefix("cali".to_owned()),
        PodTraffic::Cidrs(nets(&["10.244.0.0/16"])),
        PodTraffic::Cidrs(nets(&["10.244.0.0/17", "10.245.0.0/16", "fd00:244::/64"])),
        PodTraffic::Cidrs(nets(&["fd00:244::/64"])),
    ];
    let mut text = String::new();
    for pod_traffic in ways {
        text.push_str(&format!("# {pod_traffic:?}\n"));
        let mut cluster = Cluster::with(PlanSettings {
            pod_traffic,
            ..settings()
        });
        cluster.set(local());
        cluster.set_pods_on("hostnames", TWO);
        let printed = render(cluster.plan(), &IptablesOptions::default());
        let (v4, _) = printed.split_once("# IPv6").expect("both families");
        let telling = v4.lines().filter(|line| {
            line.starts_with("-A KUBE-EXT-")
                || (line.contains("MARK") && line.starts_with("-A KUBE-SV"))
                || line.starts_with("-A KUBE-TIDEGATE-MARK")
        });
        telling.for_each(|line| text.push_str(&format!("{line}\n")));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn masquerade_all_and_other_settings() {
    let within = ["192.0.2.0/24", "127.0.0.0/8", "fd00:c::/64"];
    let mut cluster = Cluster::with(PlanSettings {
        masquerade_all: true,
        node_port_addresses: NodePortAddresses::Within(
            within
                .map(|range| range.parse().expect("a network"))
                .to_vec(),
        ),
        ..settings()
    });
    cluster.set(Cluster::with_node_ports(
        Cluster::service("empty", 2),
        30080,
    ));
    cluster.set(Cluster::service("web", 1));
    cluster.set_pods_on("web", ELSEWHERE);
    let options = IptablesOptions {
        masquerade_bit: 15,
        localhost_node_ports: false,
        tcp_be_liberal: true,
        ..IptablesOptions::default()
    };
    insta::assert_snapshot!(render(cluster.plan(), &options));
}

#[test]
fn the_same_number_on_three_protocols_is_three_ports() {
    let mut service = hostnames();
    let port = |protocol, name: &str| ServicePort {
        name: name.to_owned(),
        protocol,
        port: 53,
        node_port: None,
    };
    service.ports = vec![
        port(Protocol::Tcp, "tcp"),
        port(Protocol::Udp, "udp"),
        port(Protocol::Sctp, "sctp"),
    ];
    let lines = added(&plan(service, &[]));
    for protocol in ["tcp", "udp", "sctp"] {
        let rule = format!("-m {protocol} -p {protocol} -d 10.96.0.1 --dport 53 -j REJECT");
        assert_eq!(lines.matches(&rule).count(), 1, "{lines}");
    }
}
