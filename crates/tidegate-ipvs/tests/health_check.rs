//! Packets to a `healthCheckNodePort` are let in, as upstream's rules let them in.

use tidegate_ipvs::{IpvsOptions, render};
use tidegate_model::{NodePort, TrafficPolicy};
use tidegate_plan::{PlanSettings, PodTraffic};
use tidegate_testnet::Cluster;

fn of_v4(cluster: &Cluster) -> String {
    let text = render(cluster.plan(), &IpvsOptions::default());
    text.split("# IPv6").next().unwrap_or_default().to_owned()
}

#[test]
fn line_32_health_checks_are_let_in_but_not_at_cluster_ips() {
    let mut service = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    service.external_policy = TrafficPolicy::Local;
    service.health_check_node_port = Some(NodePort(32_000));
    let mut cluster = Cluster::new();
    cluster.set(service);
    let text = of_v4(&cluster);
    let telling = |line: &&str| {
        line.contains("HEALTH-CHECK") || line.contains("health check") || line.contains("FILTER")
    };
    let lines: Vec<&str> = text.lines().filter(telling).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    create KUBE-HEALTH-CHECK-NODE-PORT bitmap:port range 0-65535
    add KUBE-HEALTH-CHECK-NODE-PORT 32000
    :KUBE-IPVS-FILTER - [0:0]
    -A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
    -A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-IPVS-NODE-PORT
    -A KUBE-IPVS-FILTER -m set --match-set KUBE-CLUSTER-IP dst,dst -j RETURN
    -A KUBE-IPVS-FILTER -m set --match-set KUBE-LOAD-BALANCER dst,dst -j RETURN
    -A KUBE-IPVS-FILTER -m set --match-set KUBE-EXTERNAL-IP dst,dst -j RETURN
    -A KUBE-IPVS-FILTER -m set --match-set KUBE-EXTERNAL-IP-LOCAL dst,dst -j RETURN
    -A KUBE-IPVS-FILTER -m set --match-set KUBE-NODE-PORT-REJECT dst,dst -j KUBE-IPVS-REJECT
    -A KUBE-IPVS-FILTER -p tcp -m set --match-set KUBE-HEALTH-CHECK-NODE-PORT dst -m set ! --match-set KUBE-SERVICE-IPS dst -j RETURN
    -A KUBE-IPVS-FILTER -m set --match-set KUBE-IPVS-IPS dst -j KUBE-IPVS-REJECT
    -A KUBE-IPVS-NODE-PORT -p tcp -m set --match-set KUBE-HEALTH-CHECK-NODE-PORT dst -m set ! --match-set KUBE-SERVICE-IPS dst -m comment --comment "Kubernetes health check node port" -j ACCEPT
    "#);
    cluster.remove("web");
    let without = of_v4(&cluster);
    assert!(!without.contains("32000"), "{without}");
}

#[test]
fn line_24_without_a_range_of_a_family_only_the_nodes_own_connections_are_masqueraded() {
    let program = |pod_traffic| {
        of_v4(&Cluster::with(PlanSettings {
            pod_traffic,
            ..Cluster::settings()
        }))
    };
    let v6 = PodTraffic::Cidrs(vec!["fd00:244::/64".parse().expect("a range")]);
    let both = PodTraffic::Cidrs(vec![
        "fd00:244::/64".parse().expect("a range"),
        "10.244.0.0/16".parse().expect("a range"),
    ]);
    assert_eq!(program(v6), program(PodTraffic::Unknown));
    assert_ne!(program(both), program(PodTraffic::Unknown));
}
