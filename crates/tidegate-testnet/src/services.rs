//! Services of a test, planned as the proxy plans them.

use std::net::IpAddr;

use tidegate_model::{
    ClusterIp, Endpoint, EndpointPort, EndpointSlice, IpFamily, NodePort, Protocol, Service,
    ServiceKey, ServicePort, ServiceRole, SessionAffinity, SliceKey, Snapshot, TrafficPolicy,
};
use tidegate_plan::{Delta, Plan, PlanSettings, Planner, PodTraffic};

use crate::World;

/// Services with their endpoints, and the plan that follows from them.
pub struct Cluster {
    /// What the API would hold.
    pub snapshot: Snapshot,
    /// What follows from it.
    pub planner: Planner,
}

/// The name of the node that the plan is for.
pub const NODE: &str = "node-a";

/// The name of the other node.
pub const OTHER_NODE: &str = "node-b";

impl Default for Cluster {
    fn default() -> Self {
        Self::new()
    }
}

impl Cluster {
    /// No Services yet; pods are told by their addresses.
    pub fn new() -> Self {
        Self::with(Self::settings())
    }

    /// No Services yet.
    pub fn with(settings: PlanSettings) -> Self {
        Self {
            snapshot: Snapshot::default(),
            planner: Planner::new(settings),
        }
    }

    /// The settings of most tests.
    pub fn settings() -> PlanSettings {
        let nets = |texts: [&str; 2]| texts.map(|text| text.parse().expect("a network")).to_vec();
        PlanSettings {
            node: NODE.to_owned(),
            node_addresses: World::node_addresses(),
            service_cidrs: nets(["10.96.0.0/16", "fd00:96::/112"]),
            pod_traffic: PodTraffic::Cidrs(nets(["10.244.0.0/16", "fd00:244::/64"])),
            ..PlanSettings::default()
        }
    }

    /// A Service of both families: 10.96.0.`last` and fd00:96::`last`, port 80 of TCP (named
    /// `web`) and of UDP (named `game`), without endpoints.
    pub fn service(name: &str, last: u8) -> Service {
        let port = |name: &str, protocol| ServicePort {
            name: name.to_owned(),
            protocol,
            port: 80,
            node_port: None,
        };
        Service {
            key: ServiceKey::new("default", name),
            role: ServiceRole::Balanced,
            cluster_ips: vec![
                ClusterIp([10, 96, 0, last].into()),
                ClusterIp(format!("fd00:96::{last}").parse().expect("an address")),
            ],
            ports: vec![port("web", Protocol::Tcp), port("game", Protocol::Udp)],
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

    /// The same Service with a node port for each of its ports, counted from `first`.
    pub fn with_node_ports(mut service: Service, first: u16) -> Service {
        for (number, port) in (first..).zip(&mut service.ports) {
            port.node_port = Some(NodePort(number));
        }
        service
    }

    /// Puts a Service in place and gives the change of the plan.
    pub fn set(&mut self, service: Service) -> Delta {
        let key = service.key.clone();
        self.snapshot.set_service(&service);
        self.planner.refresh(&self.snapshot, [key])
    }

    /// Removes a Service and its slices.
    pub fn remove(&mut self, name: &str) -> Delta {
        let key = ServiceKey::new("default", name);
        self.snapshot.remove_service(&key);
        self.planner.refresh(&self.snapshot, [key])
    }

    /// Makes pods of a [`World`] the endpoints of a Service, all on this node.
    pub fn set_pods(&mut self, name: &str, pods: &[usize]) -> Delta {
        let pods: Vec<_> = pods.iter().map(|pod| (*pod, NODE)).collect();
        self.set_pods_on(name, &pods)
    }

    /// Makes pods of a [`World`] the endpoints of a Service, each said to be on a node.
    pub fn set_pods_on(&mut self, name: &str, pods: &[(usize, &str)]) -> Delta {
        for (index, family) in IpFamily::ALL.into_iter().enumerate() {
            let endpoints = pods
                .iter()
                .map(|(pod, node)| endpoint(World::pod_addresses(*pod)[index], node));
            let slice = Self::slice(name, family, endpoints.collect());
            self.snapshot.set_slice(&slice);
        }
        let key = ServiceKey::new("default", name);
        self.planner.refresh(&self.snapshot, [key])
    }

    /// Puts a slice in place and gives the change of the plan.
    pub fn set_slice(&mut self, slice: EndpointSlice) -> Delta {
        let changed = self.snapshot.set_slice(&slice);
        self.planner.refresh(&self.snapshot, changed)
    }

    /// The slice of a Service that [`set_pods`](Self::set_pods) makes for a family: port 9376 of
    /// TCP for the port `web`, and of UDP for `game`.
    pub fn slice(service: &str, family: IpFamily, endpoints: Vec<Endpoint>) -> EndpointSlice {
        let port = |name: &str, protocol| EndpointPort {
            name: name.to_owned(),
            protocol,
            port: 9376,
        };
        EndpointSlice {
            key: SliceKey {
                namespace: "default".to_owned(),
                name: format!("{service}-{family}"),
            },
            service: ServiceKey::new("default", service),
            family,
            headless: false,
            ports: vec![port("web", Protocol::Tcp), port("game", Protocol::Udp)],
            endpoints,
        }
    }

    /// The plan as it is now.
    pub fn plan(&self) -> &Plan {
        self.planner.plan()
    }
}

/// A ready endpoint on a node.
pub fn endpoint(ip: IpAddr, node: &str) -> Endpoint {
    Endpoint {
        ip,
        ready: true,
        serving: true,
        terminating: false,
        node: Some(node.to_owned()),
        zone: None,
        hostname: None,
        pod: None,
        zone_hints: Vec::new(),
        node_hints: Vec::new(),
    }
}
