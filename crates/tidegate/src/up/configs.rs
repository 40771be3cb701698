//! What each part is told, from the settings of the whole.

use std::net::SocketAddr;

use anyhow::Context;
use tidegate_node::NodeConfig;

use super::settings::Settings;
use crate::exit::Failure;
use crate::proxy::NodeSide;

/// The API server's part: on the asked address, and on the bridge for pods.
pub(super) fn api_server(settings: &Settings) -> tidegate_apiserver::Config {
    let advertise = SocketAddr::new(settings.node_addresses[0], settings.listen.port());
    let covered = settings.listen.ip().is_unspecified();
    let on_bridge = settings
        .node_addresses
        .iter()
        .map(|ip| SocketAddr::new(*ip, settings.listen.port()));
    tidegate_apiserver::Config {
        data_dir: settings.data_dir.clone(),
        listen: settings.listen,
        // Pods reach the API at the bridge's own addresses, which nobody outside can reach.
        extra_listen: on_bridge.filter(|_| !covered).collect(),
        advertise,
        service_cidrs: settings.service_cidrs.clone(),
        node_ports: settings.node_port_range.0..=settings.node_port_range.1,
        cluster_domain: settings.domain_name.clone(),
    }
}

/// The node's part.
///
/// # Errors
/// Our own program file, which pods are started with, can't be found.
pub(super) fn node(settings: &Settings) -> Result<NodeConfig, Failure> {
    let executable = std::env::current_exe().context("our own program file can't be found")?;
    Ok(NodeConfig {
        pod_cidrs: settings.pod_cidrs.clone(),
        service_cidrs: settings.service_cidrs.clone(),
        bridge: settings.bridge.clone(),
        cluster_dns: match settings.node_local_dns.is_empty() {
            true => settings.cluster_dns.clone(),
            false => settings.node_local_dns.clone(),
        },
        cluster_domain: settings.domain_name.clone(),
        host_resolv_conf: settings.resolv_conf.clone(),
        ..NodeConfig::new(&settings.node_name, &settings.data_dir, executable)
    })
}

/// The DNS server's part, as far as it isn't in its ConfigMap: on the bridge.
pub(super) fn dns(settings: &Settings) -> tidegate_dns::Setup {
    let advertised = settings.cluster_dns.iter().chain(&settings.node_addresses);
    tidegate_dns::Setup {
        addresses: settings.node_addresses.clone(),
        advertised: advertised.copied().collect(),
        search: Vec::new(),
    }
}

/// The proxy's part, as far as it isn't in its ConfigMap.
pub(super) fn node_side(settings: &Settings) -> NodeSide {
    NodeSide {
        node: settings.node_name.clone(),
        service_cidrs: settings.service_cidrs.clone(),
        pod_cidrs: settings.pod_cidrs.clone(),
        at_once: true,
        keep_rules: settings.keep_rules,
        ..NodeSide::default()
    }
}
