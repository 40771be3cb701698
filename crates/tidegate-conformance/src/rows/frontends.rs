//! Lines 1 to 4, 8 and 9: which addresses answer.

use std::net::IpAddr;

use serde_json::json;
use tidegate_model::{ExternalIp, LoadBalancerIp, Service, ServiceRole};
use tidegate_plan::NodePortAddresses;
use tidegate_testnet::{Cluster, Protocol, serve};

use crate::asking::{BOTH, EVERYWHERE, Place};
use crate::rows::{Row, row};
use crate::{Bench, Finding};

pub(super) const ROWS: &[Row] = &[
    row!(
        1,
        cluster_ip_answers,
        "A cluster IP answers at its port, for pods, the node and outsiders"
    ),
    row!(
        2,
        external_addresses_answer,
        "External and load-balancer IPs answer at the port, for pods, the node and outsiders",
        ExternalAddresses
    ),
    row!(
        2,
        proxied_ingress_is_left_alone,
        "A load-balancer ingress with `ipMode: Proxy` is left alone"
    ),
    row!(
        3,
        node_port_answers_on_local_addresses,
        "A node port answers on every local address"
    ),
    row!(
        3,
        node_port_addresses_select,
        "With `nodePortAddresses`, a node port answers on the selected addresses only"
    ),
    row!(
        3,
        node_port_is_not_on_the_cluster_ip,
        "A node port is refused on a cluster IP"
    ),
    row!(
        3,
        node_port_answers_on_loopback,
        "A node port answers on 127.0.0.1"
    ),
    row!(
        4,
        target_ports_differ_per_pod,
        "A connection reaches its pod's target port, which may differ from pod to pod"
    ),
    row!(
        8,
        other_proxies_services_are_ignored,
        "A Service of another proxy and a headless slice are not served"
    ),
    row!(
        9,
        families_are_independent,
        "A family without backends rejects while the other one serves"
    ),
];

fn cluster_ip_answers(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    bench.set_pods("web", &[0, 1])?;
    for place in EVERYWHERE {
        for protocol in BOTH {
            let to = (bench.cluster_ip(1), 80);
            bench.reaches(place, protocol, to, &["pod-0", "pod-1"])?;
        }
    }
    Ok(())
}

/// A Service with an external and a load-balancer IP of the bench's family.
pub(super) fn exposed(bench: &Bench) -> Service {
    let mut web = Cluster::service("web", 1);
    web.external_ips = vec![ExternalIp(bench.external_ip())];
    web.load_balancer_ips = vec![LoadBalancerIp(bench.load_balancer_ip())];
    web
}

/// The external frontends of a Service over a protocol: node port, external and load-balancer IP.
pub(super) fn external_frontends(bench: &Bench, protocol: Protocol) -> [(IpAddr, u16); 3] {
    let node_port = match protocol {
        Protocol::Tcp => 30080,
        Protocol::Udp => 30081,
    };
    [
        (bench.node_addresses()[0], node_port),
        (bench.external_ip(), 80),
        (bench.load_balancer_ip(), 80),
    ]
}

fn external_addresses_answer(bench: &mut Bench) -> Finding {
    bench.set(&exposed(bench))?;
    bench.set_pods("web", &[0, 1])?;
    for address in [bench.external_ip(), bench.load_balancer_ip()] {
        for place in EVERYWHERE {
            for protocol in BOTH {
                bench.reaches(place, protocol, (address, 80), &["pod-0", "pod-1"])?;
            }
        }
    }
    Ok(())
}

fn proxied_ingress_is_left_alone(bench: &mut Bench) -> Finding {
    let ours = bench.load_balancer_ip();
    let proxied = bench.either("203.0.113.9", "2001:db8:113::9");
    let object = serde_json::from_value(json!({
        "metadata": {"namespace": "default", "name": "web"},
        "spec": {
            "type": "LoadBalancer",
            "clusterIPs": [bench.cluster_ip(1)],
            "ports": [{"name": "web", "port": 80}],
        },
        "status": {"loadBalancer": {"ingress": [
            {"ip": ours},
            {"ip": proxied, "ipMode": "Proxy"},
        ]}},
    }));
    let object = object.expect("a Service");
    bench.set(&Service::from_api(&object).expect("it has a name"))?;
    bench.set_pods("web", &[0])?;
    for place in [Place::Pod(1), Place::Node] {
        bench.reaches(place, Protocol::Tcp, (ours, 80), &["pod-0"])?;
        bench.reaches(place, Protocol::Tcp, (proxied, 80), &["outside"])?;
    }
    Ok(())
}

fn node_port_answers_on_local_addresses(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::with_node_ports(Cluster::service("web", 1), 30080))?;
    bench.set_pods("web", &[0])?;
    for address in bench.node_addresses() {
        for place in EVERYWHERE {
            for (protocol, port) in BOTH.into_iter().zip([30080, 30081]) {
                bench.reaches(place, protocol, (address, port), &["pod-0"])?;
            }
        }
    }
    Ok(())
}

fn node_port_addresses_select(bench: &mut Bench) -> Finding {
    let mut settings = Cluster::settings();
    let ranges = ["192.0.2.0/24", "fd00:c::/64"];
    let ranges = ranges.map(|range| range.parse().expect("a range"));
    settings.node_port_addresses = NodePortAddresses::Within(ranges.to_vec());
    bench.restart_with(settings);
    bench.set(&Cluster::with_node_ports(Cluster::service("web", 1), 30080))?;
    bench.set_pods("web", &[0])?;
    let selected = bench.node_addresses()[0];
    bench.reaches(Place::Client, Protocol::Tcp, (selected, 30080), &["pod-0"])?;
    for other in &bench.node_addresses()[1..] {
        bench.is_refused(Place::Client, Protocol::Tcp, (*other, 30080))?;
    }
    Ok(())
}

fn node_port_is_not_on_the_cluster_ip(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::with_node_ports(Cluster::service("web", 1), 30080))?;
    bench.set_pods("web", &[0])?;
    let node = bench.node_addresses()[0];
    bench.reaches(Place::Client, Protocol::Tcp, (node, 30080), &["pod-0"])?;
    for place in EVERYWHERE {
        bench.is_refused(place, Protocol::Tcp, (bench.cluster_ip(1), 30080))?;
    }
    Ok(())
}

fn node_port_answers_on_loopback(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::with_node_ports(Cluster::service("web", 1), 30080))?;
    bench.set_pods("web", &[0])?;
    let loopback = bench.either("127.0.0.1", "::1");
    for (protocol, port) in BOTH.into_iter().zip([30080, 30081]) {
        bench.reaches(Place::Node, protocol, (loopback, port), &["pod-0"])?;
    }
    Ok(())
}

fn target_ports_differ_per_pod(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    bench.host(Place::Pod(1)).with(|| {
        serve(Protocol::Tcp, 9400, "pod-1-at-9400");
    });
    let usual = Cluster::slice("web", bench.family, vec![bench.endpoint(0)]);
    let mut other = Cluster::slice("web", bench.family, vec![bench.endpoint(1)]);
    other.key.name.push_str("-other");
    for port in &mut other.ports {
        port.port = 9400;
    }
    for slice in [usual, other] {
        let delta = bench.node.cluster.set_slice(slice);
        bench.program(&delta)?;
    }
    let to = (bench.cluster_ip(1), 80);
    bench.is_served_by(
        Place::Client,
        Protocol::Tcp,
        to,
        &["pod-0", "pod-1-at-9400"],
    )
}

fn other_proxies_services_are_ignored(bench: &mut Bench) -> Finding {
    let mut others = Cluster::service("others", 1);
    others.proxy_name = Some("mesh".to_owned());
    let mut headless = Cluster::service("headless", 2);
    headless.role = ServiceRole::Headless;
    for service in [&others, &headless, &Cluster::service("sliced", 3)] {
        bench.set(service)?;
    }
    bench.set_pods("others", &[0])?;
    bench.set_pods("headless", &[0])?;
    let mut slice = Cluster::slice("sliced", bench.family, vec![bench.endpoint(0)]);
    slice.headless = true;
    let delta = bench.node.cluster.set_slice(slice);
    bench.program(&delta)?;
    let to = |last| (bench.cluster_ip(last), 80);
    bench.are_silent(&[
        (Place::Client, Protocol::Tcp, to(1)),
        (Place::Client, Protocol::Tcp, to(2)),
    ])?;
    bench.is_refused(Place::Client, Protocol::Tcp, to(3))
}

fn families_are_independent(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    bench.set_pods("web", &[0])?;
    bench.set_endpoints("web", Vec::new())?;
    let other = match bench.cluster_ip(1).is_ipv4() {
        true => ("fd00:96::1".parse().expect("an address"), 80),
        false => ("10.96.0.1".parse().expect("an address"), 80),
    };
    for protocol in BOTH {
        bench.is_refused(Place::Client, protocol, (bench.cluster_ip(1), 80))?;
        bench.reaches(Place::Client, protocol, other, &["pod-0"])?;
    }
    Ok(())
}
