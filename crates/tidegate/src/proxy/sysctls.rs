//! The kernel's settings that kube-proxy makes at its start.

use std::path::Path;
use std::thread::available_parallelism;

use tidegate_proxy::sysctls::ConntrackSettings;
use tidegate_proxy_config::KubeProxyConfiguration;

/// Makes connection tracking as large and as patient as the configuration asks for. What can't be
/// set is said in the log, and no reason to stop.
pub(crate) fn set(config: &KubeProxyConfiguration) {
    let cores = available_parallelism().map_or(1, usize::from);
    let cores = u32::try_from(cores).unwrap_or(u32::MAX);
    for report in settings(config).apply(Path::new("/"), cores) {
        report.log();
    }
}

fn settings(config: &KubeProxyConfiguration) -> ConntrackSettings {
    let conntrack = &config.conntrack;
    let number = |number: Option<i32>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
    ConntrackSettings {
        max_per_core: number(conntrack.max_per_core),
        min: number(conntrack.min),
        tcp_established_timeout: conntrack.tcp_established_timeout.map(|it| it.get()),
        tcp_close_wait_timeout: conntrack.tcp_close_wait_timeout.map(|it| it.get()),
        tcp_be_liberal: conntrack.tcp_be_liberal,
        udp_timeout: Some(conntrack.udp_timeout.get()),
        udp_stream_timeout: Some(conntrack.udp_stream_timeout.get()),
    }
}
