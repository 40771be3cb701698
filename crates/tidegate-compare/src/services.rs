//! The Services that every mode serves, and the changes that they go through.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use tidegate_model::{
    ClusterIp, EndpointPort, EndpointSlice, IpFamily, Protocol, Service, ServiceKey, ServicePort,
    ServiceRole, SessionAffinity, SliceKey, Snapshot, TrafficPolicy,
};
use tidegate_plan::{Delta, PlanSettings, Planner, PodTraffic};
use tidegate_testnet::endpoint;

/// The port on which Services answer.
const SERVICE_PORT: u16 = 80;

/// The port on which pods answer.
pub(crate) const POD_PORT: u16 = 8080;

/// The most endpoints that a Service can have: the made-up addresses are 64 apart.
pub(crate) const MOST_ENDPOINTS: u32 = 63;

/// The most Services that there can be: their addresses are from a /16.
pub(crate) const MOST_SERVICES: u32 = 65_000;

/// How many Services there are, and how many endpoints each of them has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    /// Services, each with one port of TCP on a cluster IP.
    pub(crate) services: u32,
    /// Endpoints of each.
    pub(crate) endpoints: u32,
}

impl Size {
    /// Where clients reach a Service.
    pub(crate) fn frontend(service: u32) -> SocketAddr {
        let ip = u32::from(Ipv4Addr::new(10, 96, 0, 1)) + service;
        SocketAddr::from((Ipv4Addr::from(ip), SERVICE_PORT))
    }

    /// The Service that comes last in the order of names.
    pub(crate) fn last(self) -> u32 {
        self.services - 1
    }

    /// Where a Service's endpoints are: the first and the last Service lead to the real pods, the
    /// others to addresses that nobody has.
    pub(crate) fn endpoints_of(self, service: u32) -> Vec<IpAddr> {
        let is_called = service == 0 || service == self.last();
        let address = |number| match is_called {
            true => pod(number).ip(),
            false => nobody(service, number),
        };
        (0..self.endpoints).map(address).collect()
    }
}

/// Where a real pod is.
pub(crate) fn pod(number: u32) -> SocketAddr {
    let ip = u32::from(Ipv4Addr::new(10, 244, 1, 1)) + number;
    SocketAddr::from((Ipv4Addr::from(ip), POD_PORT))
}

fn nobody(service: u32, number: u32) -> IpAddr {
    let ip = u32::from(Ipv4Addr::new(10, 128, 0, 0)) + service * 64 + number;
    Ipv4Addr::from(ip).into()
}

/// What a proxy knows: the snapshot and the plan that follows from it.
pub(crate) struct Cluster {
    size: Size,
    snapshot: Snapshot,
    pub(crate) planner: Planner,
}

impl Cluster {
    /// All Services, not planned yet.
    pub(crate) fn new(size: Size) -> Self {
        let mut snapshot = Snapshot::default();
        for number in 0..size.services {
            snapshot.set_service(&service(number));
            snapshot.set_slice(&slice(number, &size.endpoints_of(number)));
        }
        let settings = PlanSettings {
            node: "node".to_owned(),
            service_cidrs: vec!["10.96.0.0/16".parse().expect("a network")],
            pod_traffic: PodTraffic::Cidrs(vec!["10.244.0.0/16".parse().expect("a network")]),
            ..PlanSettings::default()
        };
        Self {
            size,
            snapshot,
            planner: Planner::new(settings),
        }
    }

    /// Plans all Services.
    pub(crate) fn plan(&mut self) {
        let all: Vec<ServiceKey> = self.snapshot.keys().collect();
        self.planner.refresh(&self.snapshot, all);
    }

    /// A slice in which a Service's first endpoint is at another address, or at its own again.
    pub(crate) fn moved(&self, service: u32, away: bool) -> EndpointSlice {
        let mut endpoints = self.size.endpoints_of(service);
        if away {
            endpoints[0] = nobody(service, MOST_ENDPOINTS);
        }
        slice(service, &endpoints)
    }

    /// What the arrival of a slice means.
    pub(crate) fn receive(&mut self, slice: EndpointSlice) -> Delta {
        let changed = self.snapshot.set_slice(&slice);
        self.planner.refresh(&self.snapshot, changed)
    }
}

/// The name of a Service. Names sort as numbers do.
pub(crate) fn name(service: u32) -> String {
    format!("service-{service:05}")
}

fn service(number: u32) -> Service {
    Service {
        key: ServiceKey::new("default", name(number)),
        role: ServiceRole::Balanced,
        cluster_ips: vec![ClusterIp(Size::frontend(number).ip())],
        ports: vec![ServicePort {
            name: String::new(),
            protocol: Protocol::Tcp,
            port: SERVICE_PORT,
            node_port: None,
        }],
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

fn slice(service: u32, addresses: &[IpAddr]) -> EndpointSlice {
    EndpointSlice {
        key: SliceKey {
            namespace: "default".to_owned(),
            name: format!("{}-slice", name(service)),
        },
        service: ServiceKey::new("default", name(service)),
        family: IpFamily::V4,
        headless: false,
        ports: vec![EndpointPort {
            name: String::new(),
            protocol: Protocol::Tcp,
            port: POD_PORT,
        }],
        endpoints: addresses
            .iter()
            .map(|address| endpoint(*address, "another-node"))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        services: 100,
        endpoints: 10,
    };

    #[test]
    fn every_service_has_a_plan_of_its_own() {
        let mut cluster = Cluster::new(SIZE);
        cluster.plan();
        assert_eq!(cluster.planner.plan().services.len(), 100);
        let backends = cluster.planner.plan().services.values();
        assert!(
            backends
                .clone()
                .all(|plan| plan.ports[0].cluster_backends.len() == 10)
        );
    }

    #[test]
    fn only_the_first_and_the_last_service_lead_to_the_pods() {
        let real = |service| SIZE.endpoints_of(service).contains(&pod(0).ip());
        assert_eq!(
            (0..100)
                .filter(|service| real(*service))
                .collect::<Vec<_>>(),
            [0, 99]
        );
    }

    #[test]
    fn an_endpoint_that_moves_away_and_back_is_two_changes_of_one_service() {
        let mut cluster = Cluster::new(SIZE);
        cluster.plan();
        let before = cluster.planner.plan().clone();
        let away = cluster.moved(50, true);
        assert_eq!(cluster.receive(away).changes.len(), 1);
        let back = cluster.moved(50, false);
        assert_eq!(cluster.receive(back).changes.len(), 1);
        assert_eq!(cluster.planner.plan(), &before);
    }
}
