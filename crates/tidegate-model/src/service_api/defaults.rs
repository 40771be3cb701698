//! What a Service gets when its author left it out (core/v1 `SetDefaults_Service`).

use k8s_openapi::api::core::v1::{
    ClientIPConfig, Service, ServicePort, ServiceSpec, SessionAffinityConfig,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::facts::{CLUSTER_IP, Facts, LOAD_BALANCER, is_unset_target};

/// How long a client keeps its backend if the user asks for affinity without a time: 3 hours.
const AFFINITY_SECONDS: i32 = 10_800;

/// Fills in the defaults that don't depend on the cluster.
///
/// Values that are empty (an empty string or list, port 0) become absent first, as they do on
/// the wire upstream. Calling it again changes nothing. Cluster addresses, families and node
/// ports aren't defaults but allocations: see [`super::create`].
pub fn defaults(service: &mut Service) {
    let spec = service.spec.get_or_insert_default();
    drop_empty_values(spec);
    let affinity = spec
        .session_affinity
        .get_or_insert_with(|| "None".to_owned());
    match affinity.as_str() {
        "None" => spec.session_affinity_config = None,
        "ClientIP" => default_affinity_time(&mut spec.session_affinity_config),
        _ => {}
    }
    spec.type_.get_or_insert_with(|| CLUSTER_IP.to_owned());
    for port in spec.ports.iter_mut().flatten() {
        port.protocol.get_or_insert_with(|| "TCP".to_owned());
        if is_unset_target(port.target_port.as_ref()) {
            port.target_port = Some(IntOrString::Int(port.port));
        }
    }
    default_traffic_policies(spec);
    let is_load_balancer = spec.service_type() == LOAD_BALANCER;
    if is_load_balancer {
        spec.allocate_load_balancer_node_ports.get_or_insert(true);
        default_ingress_mode(service);
    }
}

fn drop_empty_values(spec: &mut ServiceSpec) {
    for text in [
        &mut spec.cluster_ip,
        &mut spec.external_name,
        &mut spec.external_traffic_policy,
        &mut spec.load_balancer_ip,
        &mut spec.session_affinity,
        &mut spec.type_,
    ] {
        text.take_if(|text| text.is_empty());
    }
    for list in [
        &mut spec.cluster_ips,
        &mut spec.external_ips,
        &mut spec.ip_families,
        &mut spec.load_balancer_source_ranges,
    ] {
        list.take_if(|list| list.is_empty());
    }
    spec.ports.take_if(|ports| ports.is_empty());
    spec.selector.take_if(|selector| selector.is_empty());
    spec.health_check_node_port.take_if(|port| *port == 0);
    spec.publish_not_ready_addresses
        .take_if(|publish| !*publish);
    spec.ports
        .iter_mut()
        .flatten()
        .for_each(drop_empty_port_values);
}

fn drop_empty_port_values(port: &mut ServicePort) {
    port.name.take_if(|name| name.is_empty());
    port.protocol.take_if(|protocol| protocol.is_empty());
    port.node_port.take_if(|node_port| *node_port == 0);
}

fn default_affinity_time(config: &mut Option<SessionAffinityConfig>) {
    let seconds = config
        .as_ref()
        .and_then(|config| config.client_ip.as_ref())
        .and_then(|client_ip| client_ip.timeout_seconds)
        .unwrap_or(AFFINITY_SECONDS);
    *config = Some(SessionAffinityConfig {
        client_ip: Some(ClientIPConfig {
            timeout_seconds: Some(seconds),
        }),
    });
}

fn default_traffic_policies(spec: &mut ServiceSpec) {
    if spec.is_externally_accessible() {
        spec.external_traffic_policy
            .get_or_insert_with(|| "Cluster".to_owned());
    }
    if spec.needs_cluster_ip() {
        spec.internal_traffic_policy
            .get_or_insert_with(|| "Cluster".to_owned());
    }
}

fn default_ingress_mode(service: &mut Service) {
    let status = service
        .status
        .as_mut()
        .and_then(|status| status.load_balancer.as_mut());
    let Some(status) = status else { return };
    for ingress in status.ingress.iter_mut().flatten() {
        let has_address = ingress.ip.as_ref().is_some_and(|ip| !ip.is_empty());
        if has_address {
            ingress.ip_mode.get_or_insert_with(|| "VIP".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn defaulted(value: Value) -> Value {
        let mut service: Service = serde_json::from_value(value).expect("a Service");
        defaults(&mut service);
        let once = service.clone();
        defaults(&mut service);
        assert_eq!(once, service, "defaulting twice changes nothing");
        serde_json::to_value(service).expect("JSON")
    }

    #[test]
    fn a_plain_service_becomes_a_cluster_ip_one() {
        let service = defaulted(json!({"spec": {"ports": [{"port": 80}]}}));
        assert_eq!(
            service["spec"],
            json!({
                "type": "ClusterIP",
                "sessionAffinity": "None",
                "internalTrafficPolicy": "Cluster",
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
            })
        );
    }

    #[test]
    fn each_type_gets_its_policies() {
        let external = defaulted(json!({"spec": {"externalIPs": ["192.0.2.1"]}}));
        assert_eq!(external["spec"]["externalTrafficPolicy"], "Cluster");
        let balanced = defaulted(json!({
            "spec": {"type": "LoadBalancer", "healthCheckNodePort": 0, "clusterIP": ""},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "x"}]}},
        }));
        assert_eq!(balanced["spec"]["allocateLoadBalancerNodePorts"], true);
        assert_eq!(balanced["spec"].get("healthCheckNodePort"), None);
        assert_eq!(balanced["spec"].get("clusterIP"), None);
        let ingress = &balanced["status"]["loadBalancer"]["ingress"];
        assert_eq!(ingress[0]["ipMode"], "VIP");
        assert_eq!(ingress[1].get("ipMode"), None);
        let alias = defaulted(json!({"spec": {"type": "ExternalName", "externalName": "a.b"}}));
        assert_eq!(alias["spec"].get("internalTrafficPolicy"), None);
    }

    #[test]
    fn affinity_without_a_time_lasts_three_hours() {
        let service = defaulted(json!({"spec": {"sessionAffinity": "ClientIP"}}));
        let time = &service["spec"]["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"];
        assert_eq!(time, 10_800);
        let without = defaulted(json!({
            "spec": {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}},
        }));
        assert_eq!(without["spec"].get("sessionAffinityConfig"), None);
    }
}
