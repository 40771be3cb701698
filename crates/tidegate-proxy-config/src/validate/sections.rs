//! The machine, the API server, and which addresses are whose.

use super::NOT_NEGATIVE;
use super::modes::supported_values;
use crate::KubeProxyConfiguration;
use crate::address::parse_cidr;
use crate::field_error::{FieldError, FieldProblem};
use crate::settings::PRIMARY;

pub(super) fn validate_linux(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    const PATH: &str = "KubeProxyConfiguration.KubeProxyLinuxConfiguration";
    let conntrack = &config.conntrack;
    for (name, number) in [
        ("MaxPerCore", conntrack.max_per_core),
        ("Min", conntrack.min),
    ] {
        if let Some(number) = number.filter(|number| *number < 0) {
            let field = format!("{PATH}.KubeProxyConntrackConfiguration.{name}");
            errors.push(FieldError::value(&field, &number, NOT_NEGATIVE));
        }
    }
    let timeouts = [
        (
            "TCPEstablishedTimeout",
            conntrack.tcp_established_timeout.unwrap_or_default(),
        ),
        (
            "TCPCloseWaitTimeout",
            conntrack.tcp_close_wait_timeout.unwrap_or_default(),
        ),
        ("UDPTimeout", conntrack.udp_timeout),
        ("UDPStreamTimeout", conntrack.udp_stream_timeout),
    ];
    for (name, timeout) in timeouts {
        if timeout.is_negative() {
            let field = format!("{PATH}.KubeProxyConntrackConfiguration.{name}");
            errors.push(FieldError::value(&field, &timeout, NOT_NEGATIVE));
        }
    }
    if let Some(score) = config
        .oom_score_adj
        .filter(|score| !(-1000..=1000).contains(score))
    {
        errors.push(FieldError::value(
            &format!("{PATH}.OOMScoreAdj"),
            &score,
            "must be within the range [-1000, 1000]",
        ));
    }
}

pub(super) fn validate_client(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    let burst = config.client_connection.burst;
    if burst < 0 {
        let field = "KubeProxyConfiguration.ClientConnection.Burst";
        errors.push(FieldError::value(field, &burst, NOT_NEGATIVE));
    }
}

pub(super) fn validate_node_port_addresses(
    config: &KubeProxyConfiguration,
    errors: &mut Vec<FieldError>,
) {
    let addresses = config.node_port_addresses.as_deref().unwrap_or_default();
    for (index, address) in addresses.iter().enumerate() {
        let field = format!("KubeProxyConfiguration.NodePortAddresses[{index}]");
        if address == PRIMARY {
            // What follows the word is not looked at, as upstream.
            if addresses.len() > 1 {
                let detail = "can't use both 'primary' and CIDRs";
                errors.push(FieldError::text(&field, address, detail));
            }
            return;
        }
        if parse_cidr(address).is_none() {
            errors.push(FieldError::text(&field, address, "must be a valid CIDR"));
        }
    }
}

pub(super) fn validate_detect_local(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    const PATH: &str = "KubeProxyConfiguration.DetectLocalConfiguration";
    const MODES: [&str; 5] = [
        "ClusterCIDR",
        "NodeCIDR",
        "BridgeInterface",
        "InterfaceNamePrefix",
        "",
    ];
    let mode = config.detect_local_mode.as_str();
    let detect = &config.detect_local;
    let needed = match mode {
        "" | "ClusterCIDR" => return validate_cluster_cidr(&config.cluster_cidr, errors),
        "NodeCIDR" => return,
        "BridgeInterface" => ("InterfaceName", &detect.bridge_interface),
        "InterfaceNamePrefix" => ("InterfacePrefix", &detect.interface_name_prefix),
        unknown => {
            errors.push(FieldError {
                field: "KubeProxyConfiguration.DetectLocalMode".to_owned(),
                problem: FieldProblem::Unsupported(format!("{unknown:?}")),
                detail: supported_values(&MODES),
            });
            return;
        }
    };
    let (name, interface) = needed;
    if interface.is_empty() {
        let field = format!("{PATH}.{name}");
        errors.push(FieldError::text(&field, interface, "must not be empty"));
    }
}

/// One range, or one of each family.
fn validate_cluster_cidr(cluster_cidr: &str, errors: &mut Vec<FieldError>) {
    const FIELD: &str = "KubeProxyConfiguration.DetectLocalConfiguration.ClusterCIDRs";
    if cluster_cidr.is_empty() {
        return;
    }
    let texts: Vec<&str> = cluster_cidr.split(',').collect();
    let not_a_pair = || {
        FieldError::value(
            FIELD,
            &serde_json::Value::from(texts.clone()),
            "must be a either a single CIDR or dual-stack pair of CIDRs \
             (e.g. [10.100.0.0/16, fde4:8dba:82e1::/48]",
        )
    };
    if texts.len() > 2 {
        errors.push(not_a_pair());
        return;
    }
    let mut ranges = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match parse_cidr(text) {
            Some(range) => ranges.push(range),
            None => errors.push(FieldError::text(
                &format!("{FIELD}[{index}]"),
                text,
                "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)",
            )),
        }
    }
    if let [first, second] = ranges.as_slice()
        && first.addr().is_ipv4() == second.addr().is_ipv4()
    {
        errors.push(not_a_pair());
    }
}
