//! What happens to a Service's fields on its way into the store, before anything is allocated.
//!
//! Users send what they last wrote, not what the cluster filled in. So an update keeps what was
//! allocated before, and a change of type drops the fields that only the old type had, unless the
//! user changed them in the same step (upstream's `strategy.go` and `storage.go`).

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service, ServiceSpec, ServiceStatus};

use super::facts::{Facts, LOAD_BALANCER, node_port, spec_of};

/// A new Service has no status, whatever its author sent.
pub(super) fn prepare_for_create(service: &mut Service) {
    service.status = Some(ServiceStatus {
        load_balancer: Some(LoadBalancerStatus::default()),
        ..ServiceStatus::default()
    });
}

/// Keeps the status, and drops fields that the new type doesn't have.
pub(super) fn prepare_for_update(old: &Service, new: &mut Service) {
    new.status.clone_from(&old.status);
    let old_spec = spec_of(old);
    let spec = new.spec.get_or_insert_default();
    drop_fields_of_old_type(&old_spec, spec);
    let is_load_balancer = |spec: &ServiceSpec| spec.service_type() == LOAD_BALANCER;
    if is_load_balancer(&old_spec) && !is_load_balancer(spec) {
        new.status.get_or_insert_default().load_balancer = Some(LoadBalancerStatus::default());
    }
}

/// A status update changes nothing but the status (and metadata).
pub(super) fn prepare_for_status_update(old: &Service, new: &mut Service) {
    new.spec.clone_from(&old.spec);
}

fn drop_fields_of_old_type(old: &ServiceSpec, new: &mut ServiceSpec) {
    if old.needs_cluster_ip() && !new.needs_cluster_ip() {
        if old.cluster_ip == new.cluster_ip && old.cluster_ips == new.cluster_ips {
            new.cluster_ip = None;
            new.cluster_ips = None;
        }
        drop_if_same(&old.ip_families, &mut new.ip_families);
        drop_if_same(&old.ip_family_policy, &mut new.ip_family_policy);
    }
    if old.needs_node_port() && !new.needs_node_port() && !adds_node_ports(old, new) {
        for port in new.ports.iter_mut().flatten() {
            port.node_port = None;
        }
    }
    if old.needs_health_check_port() && !new.needs_health_check_port() {
        drop_if_same(&old.health_check_node_port, &mut new.health_check_node_port);
    }
    if old.service_type() == LOAD_BALANCER && new.service_type() != LOAD_BALANCER {
        drop_if_same(
            &old.allocate_load_balancer_node_ports,
            &mut new.allocate_load_balancer_node_ports,
        );
        drop_if_same(&old.load_balancer_class, &mut new.load_balancer_class);
    }
    if old.is_externally_accessible() && !new.is_externally_accessible() {
        drop_if_same(
            &old.external_traffic_policy,
            &mut new.external_traffic_policy,
        );
    }
}

fn drop_if_same<T: PartialEq>(old: &Option<T>, new: &mut Option<T>) {
    new.take_if(|value| old.as_ref() == Some(value));
}

fn adds_node_ports(old: &ServiceSpec, new: &ServiceSpec) -> bool {
    let ports = |spec: &ServiceSpec| -> BTreeSet<i32> {
        spec.port_list()
            .iter()
            .map(node_port)
            .filter(|&port| port != 0)
            .collect()
    };
    !ports(new).is_subset(&ports(old))
}

/// Copies what the cluster allocated earlier and the user didn't send again.
///
/// Node ports are found by port name, so that a changed port number keeps its node port; a node
/// port that the user gave to another port isn't copied a second time.
pub(super) fn patch_allocated_values(old: &ServiceSpec, new: &mut ServiceSpec) {
    if old.needs_cluster_ip() && new.needs_cluster_ip() {
        if new.cluster_ip.is_none() {
            new.cluster_ip.clone_from(&old.cluster_ip);
        }
        if new.cluster_ips.is_none() && new.cluster_ip == old.cluster_ip {
            new.cluster_ips.clone_from(&old.cluster_ips);
        }
    }
    if old.needs_node_port() && new.needs_node_port() {
        let by_name: BTreeMap<&str, i32> = old
            .port_list()
            .iter()
            .map(|port| (port.name.as_deref().unwrap_or_default(), node_port(port)))
            .collect();
        let given: BTreeSet<i32> = new.port_list().iter().map(node_port).collect();
        for port in new
            .ports
            .iter_mut()
            .flatten()
            .filter(|port| port.node_port.is_none())
        {
            let former = by_name
                .get(port.name.as_deref().unwrap_or_default())
                .copied();
            port.node_port = former.filter(|former| *former != 0 && !given.contains(former));
        }
    }
    if old.needs_health_check_port() && new.needs_health_check_port() {
        new.health_check_node_port = new.health_check_node_port.or(old.health_check_node_port);
    }
}

/// Brings `clusterIP` and `clusterIPs` into step, whichever of them the user wrote.
pub(super) fn normalize_cluster_ips(old: Option<&ServiceSpec>, new: &mut ServiceSpec) {
    let listed = |spec: &ServiceSpec| spec.cluster_ip.clone().map(|ip| vec![ip]);
    let Some(old) = old else {
        if new.cluster_ips.is_none() {
            new.cluster_ips = listed(new);
        }
        return;
    };
    // A client that knows only `clusterIP` changes that and sends the list back as it was.
    if old.cluster_ip != new.cluster_ip && old.cluster_ips == new.cluster_ips {
        new.cluster_ips = listed(new);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(value: Value) -> ServiceSpec {
        serde_json::from_value(value).expect("a specification")
    }

    #[test]
    fn leaving_a_type_drops_its_fields_unless_they_were_changed() {
        let old = spec(json!({
            "type": "LoadBalancer", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"],
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "externalTrafficPolicy": "Local", "healthCheckNodePort": 30100,
            "allocateLoadBalancerNodePorts": true, "loadBalancerClass": "a/b",
            "ports": [{"port": 80, "nodePort": 30080}],
        }));
        let mut to_alias = ServiceSpec {
            type_: Some("ExternalName".into()),
            ..old.clone()
        };
        drop_fields_of_old_type(&old, &mut to_alias);
        assert_eq!(
            to_alias,
            spec(json!({"type": "ExternalName", "ports": [{"port": 80}]}))
        );
        let mut changed = ServiceSpec {
            type_: Some("ClusterIP".into()),
            ..old.clone()
        };
        changed.load_balancer_class = Some("c/d".into());
        changed.ports = spec(json!({"ports": [{"port": 80, "nodePort": 30081}]})).ports;
        drop_fields_of_old_type(&old, &mut changed);
        assert_eq!(changed.load_balancer_class.as_deref(), Some("c/d"));
        assert_eq!(changed.port_list()[0].node_port, Some(30_081));
        assert_eq!(changed.cluster_ip.as_deref(), Some("10.96.0.9"));
        assert_eq!(changed.health_check_node_port, None);
    }

    #[test]
    fn node_ports_follow_the_names_of_their_ports() {
        let old = spec(json!({"type": "NodePort", "ports": [
            {"name": "a", "port": 1, "nodePort": 30001},
            {"name": "b", "port": 2, "nodePort": 30002},
        ]}));
        let mut new = spec(json!({"type": "NodePort", "ports": [
            {"name": "c", "port": 3, "nodePort": 30002},
            {"name": "b", "port": 2},
            {"name": "a", "port": 9},
        ]}));
        patch_allocated_values(&old, &mut new);
        let ports: Vec<i32> = new.port_list().iter().map(node_port).collect();
        assert_eq!(ports, [30_002, 0, 30_001]);
    }

    #[test]
    fn either_form_of_the_cluster_ip_will_do() {
        let old = spec(json!({"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"]}));
        let normalized = |old: Option<&ServiceSpec>, value| {
            let mut new = spec(value);
            normalize_cluster_ips(old, &mut new);
            new.cluster_ips
        };
        let list = |ip: &str| Some(vec![ip.to_owned()]);
        assert_eq!(normalized(None, json!({"clusterIP": "None"})), list("None"));
        assert_eq!(
            normalized(None, json!({"clusterIPs": ["1.1.1.1"]})),
            list("1.1.1.1")
        );
        let changed = json!({"clusterIP": "10.96.0.8", "clusterIPs": ["10.96.0.9"]});
        assert_eq!(normalized(Some(&old), changed), list("10.96.0.8"));
        assert_eq!(
            normalized(Some(&old), json!({"clusterIPs": ["10.96.0.9"]})),
            None
        );
    }
}
