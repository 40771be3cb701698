//! What a plan becomes, in the notations that operators know.

use std::time::Duration;

use tidegate_ipvs::{IpvsOptions, render};
use tidegate_model::{
    ExternalIp, LoadBalancerIp, Protocol, Scheduler, Service, SessionAffinity, TrafficPolicy,
};
use tidegate_plan::{Plan, PlanSettings, PodTraffic};
use tidegate_testnet::{Cluster, ip};

/// The lines about addresses, virtual servers and elements of sets, those of IPv4 only; the sets
/// and rules themselves are always the same.
fn objects(cluster: &Cluster) -> String {
    objects_with(cluster.plan(), &IpvsOptions::default())
}

fn objects_with(plan: &Plan, options: &IpvsOptions) -> String {
    let text = render(plan, options);
    let of_v4 = text.split("# IPv6").next().unwrap_or_default();
    let is_object = |line: &&str| {
        ["ip ", "-A -", "-a ", "add "]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let lines: Vec<&str> = of_v4.lines().filter(is_object).collect();
    lines.join("\n")
}

/// What a cluster becomes beside the plain Service of [`a_cluster_ip`]: what it has more, and what
/// it lacks of that.
fn beside_plain(cluster: &Cluster) -> String {
    compared(&objects(cluster))
}

fn compared(text: &str) -> String {
    let plain = objects(&with_pods(web()));
    let without = |text: &str, others: &str, mark: &str| -> Vec<String> {
        let mut others: Vec<&str> = others.lines().collect();
        let is_among_others = |line: &&str| {
            let place = others.iter().position(|other| other == line);
            place.map(|place| others.remove(place)).is_some()
        };
        let (_, only): (Vec<&str>, Vec<&str>) = text.lines().partition(is_among_others);
        only.iter().map(|line| format!("{mark} {line}")).collect()
    };
    let lacking = without(&plain, text, "without:");
    let more = without(text, &plain, "+");
    [lacking, more].concat().join("\n")
}

fn only_tcp(mut service: Service) -> Service {
    service.ports.retain(|port| port.protocol == Protocol::Tcp);
    service
}

fn web() -> Service {
    only_tcp(Cluster::service("web", 1))
}

/// A Service of one TCP port with pods on this node and another one.
fn with_pods(service: Service) -> Cluster {
    with_pods_on(service, &[(0, "node-a"), (1, "node-b")])
}

fn with_pods_on(service: Service, pods: &[(usize, &str)]) -> Cluster {
    let mut cluster = Cluster::new();
    let name = service.key.name.clone();
    cluster.set(service);
    cluster.set_pods_on(&name, pods);
    cluster
}

#[test]
fn a_cluster_ip() {
    insta::assert_snapshot!(objects(&with_pods(web())), @"
    ip addr add 10.96.0.1/32 dev kube-ipvs0
    -A -t 10.96.0.1:80 -s rr
    -a -t 10.96.0.1:80 -r 10.244.0.11:9376 -m -w 1
    -a -t 10.96.0.1:80 -r 10.244.0.12:9376 -m -w 1
    add KUBE-LOOP-BACK 10.244.0.11,tcp:9376,10.244.0.11
    add KUBE-CLUSTER-IP 10.96.0.1,tcp:80
    add KUBE-IPVS-IPS 10.96.0.1
    add KUBE-SERVICE-IPS 10.96.0.1
    ");
}

#[test]
fn udp_and_sctp() {
    let mut web = Cluster::service("web", 1);
    web.ports[0].protocol = Protocol::Sctp;
    let cluster = with_pods_on(web, &[(0, "node-a")]);
    insta::assert_snapshot!(beside_plain(&cluster), @"
    without: -A -t 10.96.0.1:80 -s rr
    without: -a -t 10.96.0.1:80 -r 10.244.0.11:9376 -m -w 1
    without: -a -t 10.96.0.1:80 -r 10.244.0.12:9376 -m -w 1
    without: add KUBE-LOOP-BACK 10.244.0.11,tcp:9376,10.244.0.11
    without: add KUBE-CLUSTER-IP 10.96.0.1,tcp:80
    + -A --sctp-service 10.96.0.1:80 -s rr
    + -A -u 10.96.0.1:80 -s rr
    + -a -u 10.96.0.1:80 -r 10.244.0.11:9376 -m -w 1
    + add KUBE-LOOP-BACK 10.244.0.11,udp:9376,10.244.0.11
    + add KUBE-CLUSTER-IP 10.96.0.1,udp:80
    ");
}

#[test]
fn a_node_port_is_a_virtual_server_on_each_address_of_the_node() {
    let web = Cluster::with_node_ports(web(), 30080);
    insta::assert_snapshot!(beside_plain(&with_pods(web)), @"
    + -A -t 0.0.0.0:30080 -s rr
    + -a -t 0.0.0.0:30080 -r 10.244.0.11:9376 -m -w 1
    + -a -t 0.0.0.0:30080 -r 10.244.0.12:9376 -m -w 1
    + add KUBE-NODE-PORT-TCP 30080
    ");
}

#[test]
fn external_and_load_balancer_addresses() {
    let mut web = web();
    web.external_ips = vec![ExternalIp(ip("198.51.100.7"))];
    web.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.5"))];
    insta::assert_snapshot!(beside_plain(&with_pods(web)), @"
    + ip addr add 198.51.100.7/32 dev kube-ipvs0
    + ip addr add 203.0.113.5/32 dev kube-ipvs0
    + -A -t 198.51.100.7:80 -s rr
    + -a -t 198.51.100.7:80 -r 10.244.0.11:9376 -m -w 1
    + -a -t 198.51.100.7:80 -r 10.244.0.12:9376 -m -w 1
    + -A -t 203.0.113.5:80 -s rr
    + -a -t 203.0.113.5:80 -r 10.244.0.11:9376 -m -w 1
    + -a -t 203.0.113.5:80 -r 10.244.0.12:9376 -m -w 1
    + add KUBE-EXTERNAL-IP 198.51.100.7,tcp:80
    + add KUBE-LOAD-BALANCER 203.0.113.5,tcp:80
    + add KUBE-IPVS-IPS 198.51.100.7
    + add KUBE-IPVS-IPS 203.0.113.5
    ");
}

#[test]
fn source_ranges_guard_load_balancer_addresses() {
    let mut web = web();
    web.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.5"))];
    web.source_ranges = vec!["192.0.2.0/28".parse().expect("a network")];
    let mut cluster = Cluster::with(PlanSettings {
        node_addresses: vec![ip("192.0.2.1"), ip("10.244.0.1")],
        ..Cluster::settings()
    });
    cluster.set(web);
    cluster.set_pods_on("web", &[(1, "node-b")]);
    insta::assert_snapshot!(beside_plain(&cluster), @"
    without: -a -t 10.96.0.1:80 -r 10.244.0.11:9376 -m -w 1
    without: add KUBE-LOOP-BACK 10.244.0.11,tcp:9376,10.244.0.11
    + ip addr add 203.0.113.5/32 dev kube-ipvs0
    + -A -t 203.0.113.5:80 -s rr
    + -a -t 203.0.113.5:80 -r 10.244.0.12:9376 -m -w 1
    + add KUBE-LOAD-BALANCER 203.0.113.5,tcp:80
    + add KUBE-LOAD-BALANCER-FW 203.0.113.5,tcp:80
    + add KUBE-LOAD-BALANCER-SOURCE-CIDR 203.0.113.5,tcp:80,192.0.2.0/28
    + add KUBE-LOAD-BALANCER-SOURCE-IP 203.0.113.5,tcp:80,10.244.0.1
    + add KUBE-LOAD-BALANCER-SOURCE-IP 203.0.113.5,tcp:80,192.0.2.1
    + add KUBE-LOAD-BALANCER-SOURCE-IP 203.0.113.5,tcp:80,203.0.113.5
    + add KUBE-IPVS-IPS 203.0.113.5
    ");
}

#[test]
fn external_local_policy_leads_connections_from_inside_elsewhere_by_a_mark() {
    let mut web = Cluster::with_node_ports(web(), 30080);
    web.external_policy = TrafficPolicy::Local;
    web.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.5"))];
    insta::assert_snapshot!(beside_plain(&with_pods(web)), @"
    + ip addr add 203.0.113.5/32 dev kube-ipvs0
    + -A -t 203.0.113.5:80 -s rr
    + -a -t 203.0.113.5:80 -r 10.244.0.11:9376 -m -w 1
    + -A -t 0.0.0.0:30080 -s rr
    + -a -t 0.0.0.0:30080 -r 10.244.0.11:9376 -m -w 1
    + -A -f 7610993 -s rr
    + -a -f 7610993 -r 10.244.0.11:9376 -m -w 1
    + -a -f 7610993 -r 10.244.0.12:9376 -m -w 1
    + add KUBE-LOAD-BALANCER 203.0.113.5,tcp:80
    + add KUBE-LOAD-BALANCER-LOCAL 203.0.113.5,tcp:80
    + add KUBE-NODE-PORT-TCP 30080
    + add KUBE-NODE-PORT-LOCAL-TCP 30080
    + add KUBE-IPVS-IPS 203.0.113.5
    + add KUBE-LOCAL-INSIDE 0.0.0.0,tcp:30080 skbmark 0x742271
    + add KUBE-LOCAL-INSIDE 203.0.113.5,tcp:80 skbmark 0x742271
    ");
}

#[test]
fn local_policy_where_all_pods_are_local_needs_no_mark() {
    let mut web = Cluster::with_node_ports(web(), 30080);
    web.external_policy = TrafficPolicy::Local;
    let cluster = with_pods_on(web, &[(0, "node-a"), (1, "node-a")]);
    insta::assert_snapshot!(beside_plain(&cluster), @"
    + -A -t 0.0.0.0:30080 -s rr
    + -a -t 0.0.0.0:30080 -r 10.244.0.11:9376 -m -w 1
    + -a -t 0.0.0.0:30080 -r 10.244.0.12:9376 -m -w 1
    + add KUBE-LOOP-BACK 10.244.0.12,tcp:9376,10.244.0.12
    + add KUBE-NODE-PORT-TCP 30080
    + add KUBE-NODE-PORT-LOCAL-TCP 30080
    ");
}

#[test]
fn local_policy_without_a_local_pod_drops() {
    let mut web = web();
    web.internal_policy = TrafficPolicy::Local;
    web.external_policy = TrafficPolicy::Local;
    web.external_ips = vec![ExternalIp(ip("198.51.100.7"))];
    let cluster = with_pods_on(web, &[(1, "node-b")]);
    insta::assert_snapshot!(beside_plain(&cluster), @"
    without: -a -t 10.96.0.1:80 -r 10.244.0.11:9376 -m -w 1
    without: -a -t 10.96.0.1:80 -r 10.244.0.12:9376 -m -w 1
    without: add KUBE-LOOP-BACK 10.244.0.11,tcp:9376,10.244.0.11
    without: add KUBE-CLUSTER-IP 10.96.0.1,tcp:80
    + ip addr add 198.51.100.7/32 dev kube-ipvs0
    + -A -t 198.51.100.7:80 -s rr
    + -A -f 7610993 -s rr
    + -a -f 7610993 -r 10.244.0.12:9376 -m -w 1
    + add KUBE-EXTERNAL-IP-LOCAL 198.51.100.7,tcp:80
    + add KUBE-IPVS-IPS 198.51.100.7
    + add KUBE-LOCAL-DROP 10.96.0.1,tcp:80
    + add KUBE-LOCAL-DROP 198.51.100.7,tcp:80
    + add KUBE-LOCAL-INSIDE 198.51.100.7,tcp:80 skbmark 0x742271
    ");
}

#[test]
fn without_endpoints_a_virtual_server_stands_empty_and_is_in_no_set_that_lets_packets_in() {
    let cluster = with_pods_on(Cluster::with_node_ports(web(), 30080), &[]);
    insta::assert_snapshot!(beside_plain(&cluster), @"
    without: -a -t 10.96.0.1:80 -r 10.244.0.11:9376 -m -w 1
    without: -a -t 10.96.0.1:80 -r 10.244.0.12:9376 -m -w 1
    without: add KUBE-LOOP-BACK 10.244.0.11,tcp:9376,10.244.0.11
    without: add KUBE-CLUSTER-IP 10.96.0.1,tcp:80
    + -A -t 0.0.0.0:30080 -s rr
    + add KUBE-NODE-PORT-TCP 30080
    ");
}

#[test]
fn affinity_is_persistence() {
    let mut web = web();
    web.affinity = SessionAffinity::ClientIp(Duration::from_secs(10_800));
    insta::assert_snapshot!(beside_plain(&with_pods(web)), @"
    without: -A -t 10.96.0.1:80 -s rr
    + -A -t 10.96.0.1:80 -s rr -p 10800
    ");
}

#[test]
fn with_several_frontends_a_client_is_first_sent_where_its_address_says() {
    let mut web = Cluster::with_node_ports(web(), 30080);
    web.affinity = SessionAffinity::ClientIp(Duration::from_secs(600));
    web.external_policy = TrafficPolicy::Local;
    insta::assert_snapshot!(beside_plain(&with_pods(web)), @"
    without: -A -t 10.96.0.1:80 -s rr
    + -A -t 10.96.0.1:80 -s mh -p 600 -b mh-fallback
    + -A -t 0.0.0.0:30080 -s mh -p 600 -b mh-fallback
    + -a -t 0.0.0.0:30080 -r 10.244.0.11:9376 -m -w 1
    + -A -f 7610993 -s mh -b mh-fallback
    + -a -f 7610993 -r 10.244.0.11:9376 -m -w 1
    + -a -f 7610993 -r 10.244.0.12:9376 -m -w 1
    + add KUBE-NODE-PORT-TCP 30080
    + add KUBE-NODE-PORT-LOCAL-TCP 30080
    + add KUBE-LOCAL-INSIDE 0.0.0.0,tcp:30080 skbmark 0x742271
    ");
}

#[test]
fn schedulers_by_annotation_and_by_default() {
    let servers = |asked: Option<&str>, default: &str| {
        let mut web = web();
        web.scheduler = asked.map(|name| Scheduler(name.to_owned()));
        let options = IpvsOptions {
            scheduler: default.to_owned(),
            ..IpvsOptions::default()
        };
        let text = objects_with(with_pods(web).plan(), &options);
        let server = text.lines().find(|line| line.starts_with("-A"));
        server.expect("a virtual server").to_owned()
    };
    let shown = [
        servers(None, "rr"),
        servers(None, "lc"),
        servers(Some("wlc"), "rr"),
        servers(Some("sh"), "rr"),
        servers(Some("mh"), "rr"),
        servers(Some("random"), "nq"),
    ];
    insta::assert_snapshot!(shown.join("\n"), @"
    -A -t 10.96.0.1:80 -s rr
    -A -t 10.96.0.1:80 -s lc
    -A -t 10.96.0.1:80 -s wlc
    -A -t 10.96.0.1:80 -s sh -b sh-fallback
    -A -t 10.96.0.1:80 -s mh -b mh-fallback,mh-port
    -A -t 10.96.0.1:80 -s nq
    ");
}

#[test]
fn weights_are_heeded_by_default() {
    let cluster = with_pods(web());
    let mut plan = cluster.plan().clone();
    for service in plan.services.values_mut() {
        let service = std::sync::Arc::make_mut(service);
        for port in &mut service.ports {
            for (weight, backend) in (1..).zip(&mut port.cluster_backends) {
                backend.weight = weight;
            }
        }
    }
    insta::assert_snapshot!(compared(&objects_with(&plan, &IpvsOptions::default())), @"
    without: -A -t 10.96.0.1:80 -s rr
    without: -a -t 10.96.0.1:80 -r 10.244.0.12:9376 -m -w 1
    + -A -t 10.96.0.1:80 -s wrr
    + -a -t 10.96.0.1:80 -r 10.244.0.12:9376 -m -w 2
    ");
}

#[test]
fn everything_of_a_service_of_both_families() {
    insta::assert_snapshot!(render(with_pods(web()).plan(), &IpvsOptions::default()));
}

#[test]
fn rules_follow_the_settings() {
    let rules = |pods: PodTraffic, masquerade_all: bool, options: &IpvsOptions| {
        let settings = PlanSettings {
            pod_traffic: pods,
            masquerade_all,
            ..Cluster::settings()
        };
        let text = render(Cluster::with(settings).plan(), options);
        let of_v4 = text.split("# IPv6").next().unwrap_or_default().to_owned();
        let telling = |line: &&str| {
            [
                "-A KUBE-IPVS-ARRIVING",
                "-A KUBE-IPVS-CLUSTER-IP",
                "-A KUBE-IPVS-FORWARD",
                "-A KUBE-IPVS-MARK",
            ]
            .iter()
            .any(|start| line.starts_with(start))
        };
        let lines: Vec<&str> = of_v4.lines().filter(telling).collect();
        lines.join("\n")
    };
    let default = IpvsOptions::default();
    let other = IpvsOptions {
        masquerade_bit: 20,
        tcp_be_liberal: true,
        ..IpvsOptions::default()
    };
    let shown = [
        rules(PodTraffic::Unknown, false, &default),
        rules(PodTraffic::Bridge("cbr0".to_owned()), false, &default),
        rules(PodTraffic::InterfacePrefix("veth".to_owned()), true, &other),
    ];
    insta::assert_snapshot!(shown.join("\n\n"), @"
    -A KUBE-IPVS-ARRIVING -m set --match-set KUBE-LOAD-BALANCER-FW dst,dst -j KUBE-IPVS-SOURCE-RANGES
    -A KUBE-IPVS-ARRIVING -j KUBE-IPVS-UNCLAIMED
    -A KUBE-IPVS-ARRIVING -m set --match-set KUBE-LOCAL-DROP dst,dst -j DROP
    -A KUBE-IPVS-CLUSTER-IP -m addrtype --src-type LOCAL -j KUBE-IPVS-MARK-MASQ
    -A KUBE-IPVS-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
    -A KUBE-IPVS-FORWARD -m conntrack --ctstate INVALID -j DROP
    -A KUBE-IPVS-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
    -A KUBE-IPVS-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT

    -A KUBE-IPVS-ARRIVING -m set --match-set KUBE-LOAD-BALANCER-FW dst,dst -j KUBE-IPVS-SOURCE-RANGES
    -A KUBE-IPVS-ARRIVING -j KUBE-IPVS-UNCLAIMED
    -A KUBE-IPVS-ARRIVING -i cbr0 -g KUBE-IPVS-INSIDE
    -A KUBE-IPVS-ARRIVING -m set --match-set KUBE-LOCAL-DROP dst,dst -j DROP
    -A KUBE-IPVS-CLUSTER-IP -i cbr0 -j RETURN
    -A KUBE-IPVS-CLUSTER-IP -j KUBE-IPVS-MARK-MASQ
    -A KUBE-IPVS-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
    -A KUBE-IPVS-FORWARD -m conntrack --ctstate INVALID -j DROP
    -A KUBE-IPVS-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
    -A KUBE-IPVS-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT

    -A KUBE-IPVS-ARRIVING -m set --match-set KUBE-LOAD-BALANCER-FW dst,dst -j KUBE-IPVS-SOURCE-RANGES
    -A KUBE-IPVS-ARRIVING -j KUBE-IPVS-UNCLAIMED
    -A KUBE-IPVS-ARRIVING -i veth+ -g KUBE-IPVS-INSIDE
    -A KUBE-IPVS-ARRIVING -m set --match-set KUBE-LOCAL-DROP dst,dst -j DROP
    -A KUBE-IPVS-CLUSTER-IP -j KUBE-IPVS-MARK-MASQ
    -A KUBE-IPVS-MARK-MASQ -j MARK --set-xmark 0x100000/0x100000
    -A KUBE-IPVS-FORWARD -m mark --mark 0x100000/0x100000 -j ACCEPT
    -A KUBE-IPVS-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    ");
}
