//! What a field means that is not set: upstream's defaults.

use crate::address::{parse_ip, with_port};
use crate::configuration::KubeProxyConfiguration;
use crate::{ConntrackConfiguration, GoDuration, LoggingConfiguration};

/// The port of the health server.
pub(crate) const HEALTHZ_PORT: u16 = 10256;

/// The port of the metrics server.
pub(crate) const METRICS_PORT: u16 = 10249;

impl KubeProxyConfiguration {
    /// The configuration of a kube-proxy that was told nothing.
    pub fn with_defaults() -> Self {
        let mut config = Self::default();
        config.set_defaults();
        config
    }

    /// Gives every field that is not set upstream's default.
    ///
    /// `mode` and `detectLocalMode` stay empty, as upstream leaves them in what it writes:
    /// [`proxy_mode`](Self::proxy_mode) and [`detect_local`](Self::detect_local) know what that
    /// means.
    pub fn set_defaults(&mut self) {
        set_text(&mut self.bind_address, "0.0.0.0");
        // With an address of the other family, upstream listens there.
        let is_ipv4 = parse_ip(&self.bind_address).is_some_and(|ip| ip.to_canonical().is_ipv4());
        let (anywhere, here) = if is_ipv4 {
            ("0.0.0.0", "127.0.0.1")
        } else {
            ("::", "::1")
        };
        set_address(&mut self.healthz_bind_address, anywhere, HEALTHZ_PORT);
        set_address(&mut self.metrics_bind_address, here, METRICS_PORT);

        self.iptables.masquerade_bit.get_or_insert(14);
        self.iptables.localhost_node_ports.get_or_insert(true);
        set_duration(&mut self.iptables.sync_period, 30);
        set_duration(&mut self.iptables.min_sync_period, 1);
        set_duration(&mut self.ipvs.sync_period, 30);
        self.nftables.masquerade_bit.get_or_insert(14);
        set_duration(&mut self.nftables.sync_period, 30);
        set_duration(&mut self.nftables.min_sync_period, 1);

        self.oom_score_adj.get_or_insert(-999);
        set_conntrack(&mut self.conntrack);
        set_duration(&mut self.config_sync_period, 15 * 60);

        let client = &mut self.client_connection;
        set_text(
            &mut client.content_type,
            "application/vnd.kubernetes.protobuf",
        );
        if client.qps == 0.0 {
            client.qps = 5.0;
        }
        if client.burst == 0 {
            client.burst = 10;
        }
        set_logging(&mut self.logging);
    }
}

fn set_conntrack(conntrack: &mut ConntrackConfiguration) {
    conntrack.max_per_core.get_or_insert(32 * 1024);
    conntrack.min.get_or_insert(128 * 1024);
    conntrack
        .tcp_established_timeout
        .get_or_insert(GoDuration::from_seconds(24 * 60 * 60));
    conntrack
        .tcp_close_wait_timeout
        .get_or_insert(GoDuration::from_seconds(60 * 60));
}

fn set_logging(logging: &mut LoggingConfiguration) {
    set_text(&mut logging.format, "text");
    set_duration(&mut logging.flush_frequency, 5);
    set_text(&mut logging.options.text.info_buffer_size, "0");
    set_text(&mut logging.options.json.info_buffer_size, "0");
}

fn set_text(field: &mut String, default: &str) {
    if field.is_empty() {
        default.clone_into(field);
    }
}

fn set_duration(field: &mut GoDuration, seconds: i32) {
    if field.is_zero() {
        *field = GoDuration::from_seconds(seconds);
    }
}

fn set_address(field: &mut String, default: &str, port: u16) {
    set_text(field, default);
    *field = with_port(field, port);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(bind: &str, healthz: &str, metrics: &str) -> (String, String) {
        let mut config = KubeProxyConfiguration {
            bind_address: bind.to_owned(),
            healthz_bind_address: healthz.to_owned(),
            metrics_bind_address: metrics.to_owned(),
            ..KubeProxyConfiguration::default()
        };
        config.set_defaults();
        (config.healthz_bind_address, config.metrics_bind_address)
    }

    #[test]
    fn the_servers_listen_in_the_family_of_the_bind_address() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let ipv4 = pair("0.0.0.0:10256", "127.0.0.1:10249");
        assert_eq!(addresses("", "", ""), ipv4);
        assert_eq!(addresses("192.168.0.1", "", ""), ipv4);
        assert_eq!(addresses("::", "", ""), pair("[::]:10256", "[::1]:10249"));
        assert_eq!(
            addresses("", "127.0.0.1", "[::1]:9"),
            pair("127.0.0.1:10256", "[::1]:9")
        );
    }

    #[test]
    fn what_is_set_stays_and_defaults_are_set_once() {
        let mut config = KubeProxyConfiguration::with_defaults();
        config.iptables.masquerade_bit = Some(0);
        config.conntrack.max_per_core = Some(0);
        config.conntrack.tcp_established_timeout = Some(GoDuration::ZERO);
        config.iptables.localhost_node_ports = Some(false);
        let before = config.clone();
        config.set_defaults();
        assert_eq!(config, before);
    }
}
