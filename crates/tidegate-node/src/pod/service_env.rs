//! The environment variables by which a container finds services.
//!
//! The names and their scope are those that a kubelet gives: services of the pod's own namespace
//! (unless `enableServiceLinks: false`) and always `default/kubernetes`, except that a service
//! called `kubernetes` in the pod's own namespace wins over the latter.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Service, ServicePort};

const MASTER_NAMESPACE: &str = "default";
const MASTER: &str = "kubernetes";

/// The variables for a pod in `namespace`, given every service that exists now.
pub(crate) fn variables<'a>(
    services: impl IntoIterator<Item = &'a Service>,
    namespace: &str,
    enable_service_links: bool,
) -> BTreeMap<String, String> {
    let mut chosen: BTreeMap<&str, &Service> = BTreeMap::new();
    for service in services {
        let name = service.metadata.name.as_deref().unwrap_or_default();
        let service_namespace = service.metadata.namespace.as_deref().unwrap_or_default();
        if cluster_ip(service).is_none() {
            continue;
        }
        if service_namespace == namespace && enable_service_links {
            chosen.insert(name, service);
        } else if service_namespace == MASTER_NAMESPACE && name == MASTER {
            chosen.entry(name).or_insert(service);
        }
    }
    let mut variables = BTreeMap::new();
    for (name, service) in chosen {
        add(&mut variables, name, service);
    }
    variables
}

/// Headless services and those without an address have no variables.
fn cluster_ip(service: &Service) -> Option<&str> {
    let ip = service.spec.as_ref()?.cluster_ip.as_deref()?;
    (!ip.is_empty() && ip != "None").then_some(ip)
}

fn add(variables: &mut BTreeMap<String, String>, name: &str, service: &Service) {
    let Some(ip) = cluster_ip(service) else {
        return;
    };
    let ports = service
        .spec
        .iter()
        .filter_map(|spec| spec.ports.as_ref())
        .flatten();
    let prefix = variable_name(name);
    for (position, port) in ports.enumerate() {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        let url = url(ip, protocol, port.port);
        if position == 0 {
            variables.insert(format!("{prefix}_SERVICE_HOST"), ip.to_owned());
            variables.insert(format!("{prefix}_SERVICE_PORT"), port.port.to_string());
            variables.insert(format!("{prefix}_PORT"), url.clone());
        }
        if let Some(port_name) = named(port) {
            let name = format!("{prefix}_SERVICE_PORT_{}", variable_name(port_name));
            variables.insert(name, port.port.to_string());
        }
        let prefix = format!("{prefix}_PORT_{}_{}", port.port, protocol.to_uppercase());
        variables.insert(format!("{prefix}_PROTO"), protocol.to_lowercase());
        variables.insert(format!("{prefix}_PORT"), port.port.to_string());
        variables.insert(format!("{prefix}_ADDR"), ip.to_owned());
        variables.insert(prefix, url);
    }
}

fn named(port: &ServicePort) -> Option<&str> {
    port.name.as_deref().filter(|name| !name.is_empty())
}

/// Upper case with underscores for hyphens; nothing else is changed, not even a leading digit.
fn variable_name(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

fn url(ip: &str, protocol: &str, port: i32) -> String {
    let host = match ip.parse() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => ip.to_owned(),
    };
    format!("{}://{host}:{port}", protocol.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(namespace, name, cluster IP, [(port name, protocol, port)])`
    type Row = (
        &'static str,
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str, i32)],
    );

    fn service(row: &Row) -> Service {
        let ports: Vec<_> = row
            .3
            .iter()
            .map(|(name, protocol, port)| serde_json::json!({"name": name, "protocol": protocol, "port": port}))
            .collect();
        serde_json::from_value(serde_json::json!({
            "metadata": {"namespace": row.0, "name": row.1},
            "spec": {"clusterIP": row.2, "ports": ports},
        }))
        .expect("a service")
    }

    const SERVICES: &[Row] = &[
        (
            "default",
            "kubernetes",
            "10.96.0.1",
            &[("https", "TCP", 443)],
        ),
        (
            "default",
            "hostnames",
            "10.96.1.1",
            &[("default", "TCP", 80)],
        ),
        ("shop", "my-db", "10.96.2.1", &[("", "TCP", 5432)]),
        (
            "shop",
            "dns",
            "10.96.2.2",
            &[("dns-udp", "UDP", 53), ("dns-tcp", "TCP", 53)],
        ),
        ("shop", "v6", "fd00::9", &[("", "TCP", 80)]),
        ("shop", "3com.x", "10.96.2.4", &[("", "SCTP", 7)]),
        ("shop", "headless", "None", &[("", "TCP", 80)]),
        ("shop", "external", "", &[]),
    ];

    fn lines(services: &[Row], namespace: &str, links: bool) -> Vec<String> {
        let services: Vec<_> = services.iter().map(service).collect();
        variables(&services, namespace, links)
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    const MASTER_LINES: [&str; 8] = [
        "KUBERNETES_PORT=tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1",
        "KUBERNETES_PORT_443_TCP_PORT=443",
        "KUBERNETES_PORT_443_TCP_PROTO=tcp",
        "KUBERNETES_SERVICE_HOST=10.96.0.1",
        "KUBERNETES_SERVICE_PORT=443",
        "KUBERNETES_SERVICE_PORT_HTTPS=443",
    ];

    #[test]
    fn the_whole_table_of_a_namespace() {
        let mut expected: Vec<&str> = MASTER_LINES.to_vec();
        expected.extend([
            "3COM.X_PORT=sctp://10.96.2.4:7",
            "3COM.X_PORT_7_SCTP=sctp://10.96.2.4:7",
            "3COM.X_PORT_7_SCTP_ADDR=10.96.2.4",
            "3COM.X_PORT_7_SCTP_PORT=7",
            "3COM.X_PORT_7_SCTP_PROTO=sctp",
            "3COM.X_SERVICE_HOST=10.96.2.4",
            "3COM.X_SERVICE_PORT=7",
            "DNS_PORT=udp://10.96.2.2:53",
            "DNS_PORT_53_TCP=tcp://10.96.2.2:53",
            "DNS_PORT_53_TCP_ADDR=10.96.2.2",
            "DNS_PORT_53_TCP_PORT=53",
            "DNS_PORT_53_TCP_PROTO=tcp",
            "DNS_PORT_53_UDP=udp://10.96.2.2:53",
            "DNS_PORT_53_UDP_ADDR=10.96.2.2",
            "DNS_PORT_53_UDP_PORT=53",
            "DNS_PORT_53_UDP_PROTO=udp",
            "DNS_SERVICE_HOST=10.96.2.2",
            "DNS_SERVICE_PORT=53",
            "DNS_SERVICE_PORT_DNS_TCP=53",
            "DNS_SERVICE_PORT_DNS_UDP=53",
            "MY_DB_PORT=tcp://10.96.2.1:5432",
            "MY_DB_PORT_5432_TCP=tcp://10.96.2.1:5432",
            "MY_DB_PORT_5432_TCP_ADDR=10.96.2.1",
            "MY_DB_PORT_5432_TCP_PORT=5432",
            "MY_DB_PORT_5432_TCP_PROTO=tcp",
            "MY_DB_SERVICE_HOST=10.96.2.1",
            "MY_DB_SERVICE_PORT=5432",
            "V6_PORT=tcp://[fd00::9]:80",
            "V6_PORT_80_TCP=tcp://[fd00::9]:80",
            "V6_PORT_80_TCP_ADDR=fd00::9",
            "V6_PORT_80_TCP_PORT=80",
            "V6_PORT_80_TCP_PROTO=tcp",
            "V6_SERVICE_HOST=fd00::9",
            "V6_SERVICE_PORT=80",
        ]);
        expected.sort_unstable();
        assert_eq!(lines(SERVICES, "shop", true), expected);
    }

    #[test]
    fn without_service_links_only_the_api_server_is_left() {
        assert_eq!(lines(SERVICES, "shop", false), MASTER_LINES);
        assert_eq!(lines(SERVICES, "default", false), MASTER_LINES);
    }

    #[test]
    fn a_service_called_kubernetes_in_the_own_namespace_wins() {
        let own: Row = ("shop", "kubernetes", "10.96.9.9", &[("", "TCP", 1)]);
        for services in [[own, SERVICES[0]], [SERVICES[0], own]] {
            let with_links = lines(&services, "shop", true);
            assert!(with_links.contains(&"KUBERNETES_SERVICE_HOST=10.96.9.9".to_owned()));
            assert_eq!(lines(&services, "shop", false), MASTER_LINES);
        }
    }
}
