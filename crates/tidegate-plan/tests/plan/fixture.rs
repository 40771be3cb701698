//! A snapshot that tests write in a line or two.

use std::net::IpAddr;

use tidegate_model::{
    ClusterIp, Endpoint, EndpointPort, EndpointSlice, ExternalIp, IpFamily, LoadBalancerIp,
    NodePort, Protocol, Service, ServiceKey, ServicePort, ServiceRole, SessionAffinity, SliceKey,
    Snapshot, TrafficPolicy,
};
use tidegate_plan::{Delta, FrontendAddress, PlanKey, PlanSettings, Planner, PodTraffic, PortPlan};

/// The node that plans are made for in these tests.
pub(crate) const NODE: &str = "here";

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(crate) fn settings() -> PlanSettings {
    PlanSettings {
        node: NODE.to_owned(),
        zone: Some("east".to_owned()),
        service_cidrs: vec!["10.96.0.0/16".parse().expect("a range")],
        pod_traffic: PodTraffic::Cidrs(vec!["10.244.0.0/16".parse().expect("a range")]),
        ..PlanSettings::default()
    }
}

/// A Service `default/NAME` at 10.96.0.1, port 80/TCP, as the defaults have it.
pub(crate) fn service(name: &str) -> Service {
    Service {
        key: ServiceKey::new("default", name),
        role: ServiceRole::Balanced,
        cluster_ips: vec![ClusterIp(ip("10.96.0.1"))],
        ports: vec![port("", 80)],
        external_ips: Vec::new(),
        load_balancer_ips: Vec::new(),
        source_ranges: Vec::new(),
        affinity: SessionAffinity::None,
        internal_policy: TrafficPolicy::Cluster,
        external_policy: TrafficPolicy::Cluster,
        health_check_node_port: None,
        scheduler: None,
        proxy_name: None,
    }
}

pub(crate) fn port(name: &str, number: u16) -> ServicePort {
    ServicePort {
        name: name.to_owned(),
        protocol: Protocol::Tcp,
        port: number,
        node_port: None,
    }
}

/// A Service with every kind of frontend.
pub(crate) fn exposed(name: &str) -> Service {
    let mut service = service(name);
    service.external_ips = vec![ExternalIp(ip("198.51.100.7"))];
    service.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.7"))];
    service.ports[0].node_port = Some(NodePort(30080));
    service
}

pub(crate) fn endpoint(address: &str) -> Endpoint {
    Endpoint {
        ip: ip(address),
        ready: true,
        serving: true,
        terminating: false,
        node: Some(NODE.to_owned()),
        zone: None,
        hostname: None,
        pod: None,
        zone_hints: Vec::new(),
        node_hints: Vec::new(),
    }
}

pub(crate) fn elsewhere(address: &str) -> Endpoint {
    Endpoint {
        node: Some("there".to_owned()),
        ..endpoint(address)
    }
}

/// Shutting down but still answering.
pub(crate) fn draining(endpoint: Endpoint) -> Endpoint {
    Endpoint {
        ready: false,
        terminating: true,
        ..endpoint
    }
}

pub(crate) fn unready(endpoint: Endpoint) -> Endpoint {
    Endpoint {
        ready: false,
        serving: false,
        ..endpoint
    }
}

/// A slice of `default/SERVICE` whose unnamed port is 9376.
pub(crate) fn slice(name: &str, service: &str, endpoints: Vec<Endpoint>) -> EndpointSlice {
    EndpointSlice {
        key: SliceKey {
            namespace: "default".to_owned(),
            name: name.to_owned(),
        },
        service: ServiceKey::new("default", service),
        family: endpoints
            .first()
            .map_or(IpFamily::V4, |first| IpFamily::of(first.ip)),
        headless: false,
        ports: vec![EndpointPort {
            name: String::new(),
            protocol: Protocol::Tcp,
            port: 9376,
        }],
        endpoints,
    }
}

/// The plan of the first port of the one Service, IPv4.
pub(crate) fn plan_port(service: Service, endpoints: Vec<Endpoint>) -> PortPlan {
    let mut snapshot = Snapshot::default();
    let key = PlanKey {
        service: service.key.clone(),
        family: IpFamily::V4,
    };
    snapshot.set_slice(&slice("one", &service.key.name, endpoints));
    snapshot.set_service(&service);
    let planner = plan_all(&snapshot);
    planner.plan().services[&key].ports[0].clone()
}

pub(crate) fn plan_all(snapshot: &Snapshot) -> Planner {
    let mut planner = Planner::new(settings());
    let _: Delta = planner.refresh(snapshot, snapshot.keys());
    planner
}

/// Backend addresses, `address:port` each.
pub(crate) fn addresses(backends: &[tidegate_plan::Backend]) -> Vec<String> {
    backends
        .iter()
        .map(|backend| backend.addr.to_string())
        .collect()
}

pub(crate) fn cluster_ip(address: &str) -> FrontendAddress {
    FrontendAddress::ClusterIp(ClusterIp(ip(address)))
}
