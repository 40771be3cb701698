//! Which port a pod serves a Service's port on.

use k8s_openapi::api::core::v1::{Container, Pod, Service, ServicePort};
use k8s_openapi::api::discovery::v1::EndpointPort;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A Service's ports as one pod serves them.
///
/// A port whose target is a name that the pod doesn't know is left out: pods of different
/// versions may name different numbers, or none.
pub fn endpoint_ports(service: &Service, pod: &Pod) -> Vec<EndpointPort> {
    let ports = service.spec.iter().flat_map(|spec| &spec.ports).flatten();
    ports
        .filter_map(|port| {
            Some(EndpointPort {
                name: Some(port.name.clone().unwrap_or_default()),
                port: Some(target_port(port, pod)?),
                protocol: Some(protocol(port.protocol.as_deref()).to_owned()),
                app_protocol: port.app_protocol.clone(),
            })
        })
        .collect()
}

/// The number behind a Service port's target, looked up in the pod if it is a name.
pub(crate) fn target_port(port: &ServicePort, pod: &Pod) -> Option<i32> {
    match &port.target_port {
        None => Some(port.port),
        Some(IntOrString::Int(0)) => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => {
            named_port(pod, name, protocol(port.protocol.as_deref()))
        }
    }
}

/// TCP unless something else was asked for.
pub(crate) fn protocol(given: Option<&str>) -> &str {
    given.filter(|name| !name.is_empty()).unwrap_or("TCP")
}

/// Containers are asked first, then init containers that keep running beside them.
fn named_port(pod: &Pod, name: &str, wanted_protocol: &str) -> Option<i32> {
    let spec = pod.spec.as_ref()?;
    let sidecars = (spec.init_containers.iter().flatten())
        .filter(|container| container.restart_policy.as_deref() == Some("Always"));
    spec.containers
        .iter()
        .chain(sidecars)
        .find_map(|container: &Container| {
            let mut ports = container.ports.iter().flatten();
            let found = ports.find(|port| {
                port.name.as_deref() == Some(name)
                    && protocol(port.protocol.as_deref()) == wanted_protocol
            });
            found.map(|port| port.container_port)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ports(service_ports: serde_json::Value, pod_spec: serde_json::Value) -> Vec<(String, i32)> {
        let service: Service =
            serde_json::from_value(json!({"spec": {"ports": service_ports}})).expect("a service");
        let pod: Pod = serde_json::from_value(json!({"spec": pod_spec})).expect("a pod");
        endpoint_ports(&service, &pod)
            .into_iter()
            .map(|port| (port.name.unwrap_or_default(), port.port.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn numbers_are_taken_and_names_looked_up_by_protocol() {
        let pod = json!({"containers": [
            {"name": "a", "ports": [{"name": "dns", "containerPort": 53, "protocol": "UDP"}]},
            {"name": "b", "ports": [{"name": "dns", "containerPort": 5353}]},
        ]});
        let found = ports(
            json!([
                {"name": "plain", "port": 80},
                {"name": "number", "port": 81, "targetPort": 8081},
                {"name": "tcp", "port": 82, "targetPort": "dns"},
                {"name": "udp", "port": 82, "targetPort": "dns", "protocol": "UDP"},
                {"name": "missing", "port": 83, "targetPort": "http"},
            ]),
            pod,
        );
        let expected = [("plain", 80), ("number", 8081), ("tcp", 5353), ("udp", 53)];
        assert_eq!(found, expected.map(|(name, port)| (name.to_owned(), port)));
    }

    #[test]
    fn only_init_containers_that_keep_running_have_ports() {
        let init = |policy: serde_json::Value| {
            json!({"containers": [], "initContainers": [
                {"name": "i", "restartPolicy": policy, "ports": [{"name": "http", "containerPort": 8080}]},
            ]})
        };
        let service = json!([{"port": 80, "targetPort": "http"}]);
        assert_eq!(ports(service.clone(), init(json!("Always"))).len(), 1);
        assert!(ports(service, init(json!(null))).is_empty());
    }
}
