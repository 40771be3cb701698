//! Pods of imagined workloads, and the endpoints that they are.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use k8s_openapi::api::core::v1::{Pod, PodSpec, PodStatus, PodTemplateSpec, Service};
use serde::Deserialize;
use tidegate_model::{Endpoint, EndpointPort, EndpointSlice, IpFamily, ServiceKey, SliceKey};

use super::NODE;

/// What Deployments, ReplicaSets and StatefulSets have in common.
#[derive(Deserialize)]
pub(crate) struct Workload {
    spec: WorkloadSpec,
}

#[derive(Deserialize)]
struct WorkloadSpec {
    replicas: Option<usize>,
    template: PodTemplateSpec,
}

/// More pods than a node's range has addresses are not imagined.
const MOST_PODS: usize = 250;

/// The pods of a workload, numbered.
pub(crate) fn of_workload(workload: &Workload, name: &str, namespace: &str) -> Vec<Pod> {
    let count = workload.spec.replicas.unwrap_or(1).min(MOST_PODS);
    let pod = |number| {
        let mut metadata = workload.spec.template.metadata.clone().unwrap_or_default();
        metadata.name = Some(format!("{name}-{number}"));
        metadata.namespace = Some(namespace.to_owned());
        Pod {
            metadata,
            spec: workload.spec.template.spec.clone(),
            status: None,
        }
    };
    (0..count).map(pod).collect()
}

/// Hands out the pod range's addresses in order, beginning after the node's own.
#[derive(Default)]
pub(crate) struct Addresses {
    given: u32,
}

impl Addresses {
    pub(crate) fn assign(&mut self, pod: &mut Pod, assumptions: &mut Vec<String>) {
        if pod
            .status
            .as_ref()
            .is_some_and(|status| status.pod_ip.is_some())
        {
            return;
        }
        let first = u32::from(Ipv4Addr::new(10, 244, 0, 2));
        let address = Ipv4Addr::from(first + self.given);
        self.given += 1;
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        assumptions.push(format!("pod {name} has the address {address} and is ready"));
        pod.status = Some(PodStatus {
            pod_ip: Some(address.to_string()),
            ..PodStatus::default()
        });
    }
}

/// The endpoints of a Service: a slice for each pod that it selects, because pods may give one
/// port name different numbers.
pub(crate) fn slices(service: &Service, pods: &[Pod]) -> Vec<EndpointSlice> {
    let selector = service
        .spec
        .as_ref()
        .and_then(|spec| spec.selector.clone())
        .unwrap_or_default();
    if selector.is_empty() {
        return Vec::new();
    }
    let selected = pods.iter().filter(|pod| {
        pod.metadata.namespace == service.metadata.namespace && has_labels(pod, &selector)
    });
    selected.filter_map(|pod| slice(service, pod)).collect()
}

fn has_labels(pod: &Pod, selector: &BTreeMap<String, String>) -> bool {
    let labels = pod.metadata.labels.clone().unwrap_or_default();
    selector
        .iter()
        .all(|(name, value)| labels.get(name) == Some(value))
}

fn slice(service: &Service, pod: &Pod) -> Option<EndpointSlice> {
    let namespace = service.metadata.namespace.clone()?;
    let service_name = service.metadata.name.clone()?;
    let pod_name = pod.metadata.name.clone()?;
    let ip: IpAddr = pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok()?;
    let ports = tidegate_controllers::endpoint_ports(service, pod)
        .into_iter()
        .filter_map(|port| {
            Some(EndpointPort {
                name: port.name.unwrap_or_default(),
                protocol: port.protocol.unwrap_or_default().parse().ok()?,
                port: port.port.and_then(|number| u16::try_from(number).ok())?,
            })
        });
    Some(EndpointSlice {
        key: SliceKey {
            namespace: namespace.clone(),
            name: format!("{service_name}-{pod_name}"),
        },
        service: ServiceKey::new(namespace, service_name),
        family: IpFamily::of(ip),
        headless: false,
        ports: ports.collect(),
        endpoints: vec![Endpoint {
            ip,
            ready: true,
            serving: true,
            terminating: false,
            node: Some(NODE.to_owned()),
            zone: None,
            hostname: pod
                .spec
                .as_ref()
                .and_then(|spec: &PodSpec| spec.hostname.clone()),
            pod: Some(pod_name),
            zone_hints: Vec::new(),
            node_hints: Vec::new(),
        }],
    })
}
