//! The flags, in the order of their names.

use super::value::Setter::{
    Address, AddressPort, Bool, BoolMap, Decimal, Duration, List, Number, Text, Unsigned,
    Verbosities, Version,
};
use super::{Flag, VersionFlag, WithConfig};

/// A flag that a configuration file overrides.
const fn flag(
    name: &'static str,
    default: &'static str,
    setter: super::Setter,
    help: &'static str,
) -> Flag {
    Flag {
        name,
        short: None,
        help,
        default,
        deprecated: None,
        with_config: WithConfig::Ignored,
        setter,
    }
}

/// A flag that counts over a configuration file.
const fn always(
    name: &'static str,
    default: &'static str,
    setter: super::Setter,
    help: &'static str,
) -> Flag {
    Flag {
        with_config: WithConfig::Counts,
        ..flag(name, default, setter, help)
    }
}

/// A flag that will go away.
const fn old(
    name: &'static str,
    default: &'static str,
    setter: super::Setter,
    instead: &'static str,
) -> Flag {
    Flag {
        deprecated: Some(instead),
        ..flag(
            name,
            default,
            setter,
            "The port of the server; 0 turns it off.",
        )
    }
}

/// All flags of kube-proxy, in the order of their names.
///
/// Flags that set what more than one mode has in the file set it for all of them: upstream does
/// so for whichever mode runs.
#[rustfmt::skip]
pub static FLAGS: &[Flag] = &[
    flag("bind-address", "0.0.0.0", Address(|c, v| set_unless_empty(&mut c.config.bind_address, v)),
        "What to take for the node's primary address. Nothing is bound to it."),
    flag("bind-address-hard-fail", "false", Bool(|c, v| c.config.bind_address_hard_fail = v),
        "Exit when the health or metrics server can't listen, instead of trying again."),
    always("cleanup", "false", Bool(|c, v| c.cleanup = v),
        "Remove the rules of all modes and exit."),
    flag("cluster-cidr", "", Text(|c, v| c.config.cluster_cidr = v),
        "The pods' range in the cluster, or one of each family joined by a comma. With --detect-local-mode=ClusterCIDR, traffic from it counts as the pods'."),
    always("config", "", Text(|c, v| c.config_file = Some(v).filter(|v| !v.is_empty())),
        "The configuration file."),
    flag("config-sync-period", "15m0s", Duration(|c, v| c.config.config_sync_period = v),
        "How often everything is fetched anew from the API server. Must be greater than 0."),
    flag("conntrack-max-per-core", "32768", Number(|c, v| c.config.conntrack.max_per_core = Some(v)),
        "How many connections to track for each core; 0 leaves the limit and ignores --conntrack-min."),
    flag("conntrack-min", "131072", Number(|c, v| c.config.conntrack.min = Some(v)),
        "How many connections to track at least, whatever --conntrack-max-per-core says."),
    flag("conntrack-tcp-be-liberal", "false", Bool(|c, v| c.config.conntrack.tcp_be_liberal = v),
        "Don't take packets outside of a connection's window for invalid."),
    flag("conntrack-tcp-timeout-close-wait", "1h0m0s", Duration(|c, v| c.config.conntrack.tcp_close_wait_timeout = Some(v)),
        "How long a half-closed TCP connection is tracked; 0 leaves it."),
    flag("conntrack-tcp-timeout-established", "24h0m0s", Duration(|c, v| c.config.conntrack.tcp_established_timeout = Some(v)),
        "How long an idle TCP connection is tracked; 0 leaves it."),
    flag("conntrack-udp-timeout", "0s", Duration(|c, v| c.config.conntrack.udp_timeout = v),
        "How long a UDP flow without an answer is tracked; 0 leaves it."),
    flag("conntrack-udp-timeout-stream", "0s", Duration(|c, v| c.config.conntrack.udp_stream_timeout = v),
        "How long an answered UDP flow is tracked; 0 leaves it."),
    flag("detect-local-mode", "", Text(|c, v| c.config.detect_local_mode = v),
        "How the pods' traffic is told from other traffic: ClusterCIDR (when empty), NodeCIDR, BridgeInterface or InterfaceNamePrefix."),
    flag("feature-gates", "", BoolMap(|c, v| c.config.feature_gates.extend(v)),
        "Features to turn on or off, as in A=true,B=false."),
    flag("healthz-bind-address", "0.0.0.0:10256", AddressPort(|c, v| c.config.healthz_bind_address = v),
        "Where the health server listens; empty for nowhere."),
    old("healthz-port", "10256", Number(|c, v| c.healthz_port = v),
        "This flag is deprecated and will be removed in a future release. Please use --healthz-bind-address instead."),
    always("hostname-override", "", Text(|c, v| c.hostname_override = v),
        "The node's name, where it is not the host's."),
    always("init-only", "false", Bool(|c, v| c.init_only = v),
        "Do what only root can do and exit; after that, CAP_NET_ADMIN is enough to run."),
    flag("iptables-localhost-nodeports", "true", Bool(|c, v| c.config.iptables.localhost_node_ports = Some(v)),
        "Answer node ports on 127.0.0.1, in the modes that can."),
    flag("iptables-masquerade-bit", "14", Number(|c, v| c.config.iptables.masquerade_bit = Some(v)),
        "The bit of the packet mark that asks for masquerading in the iptables and ipvs modes, 0 to 31."),
    flag("iptables-min-sync-period", "1s", Duration(|c, v| { c.config.iptables.min_sync_period = v; c.config.nftables.min_sync_period = v; }),
        "How long to rest after an update before the next; for all modes but ipvs."),
    flag("iptables-sync-period", "30s", Duration(|c, v| { c.config.iptables.sync_period = v; c.config.nftables.sync_period = v; }),
        "How often the kernel is compared with what it should hold; for all modes but ipvs. Must be greater than 0."),
    flag("ipvs-exclude-cidrs", "", List(|c, v| c.config.ipvs.exclude_cidrs.get_or_insert_default().extend(v)),
        "Virtual servers in these ranges belong to others and are left alone."),
    flag("ipvs-min-sync-period", "0s", Duration(|c, v| c.config.ipvs.min_sync_period = v),
        "How long to rest after an update before the next, in the ipvs mode."),
    flag("ipvs-scheduler", "", Text(|c, v| c.config.ipvs.scheduler = v),
        "How a virtual server chooses: rr (when empty), wrr, lc, wlc, sh, dh, sed, nq or mh."),
    flag("ipvs-strict-arp", "false", Bool(|c, v| c.config.ipvs.strict_arp = v),
        "Don't answer ARP queries for the addresses of kube-ipvs0."),
    flag("ipvs-sync-period", "30s", Duration(|c, v| c.config.ipvs.sync_period = v),
        "How often the kernel is compared with what it should hold, in the ipvs mode. Must be greater than 0."),
    flag("ipvs-tcp-timeout", "0s", Duration(|c, v| c.config.ipvs.tcp_timeout = v),
        "How long IPVS keeps an idle TCP connection; 0 leaves it."),
    flag("ipvs-tcpfin-timeout", "0s", Duration(|c, v| c.config.ipvs.tcp_fin_timeout = v),
        "How long IPVS keeps a TCP connection after a FIN; 0 leaves it."),
    flag("ipvs-udp-timeout", "0s", Duration(|c, v| c.config.ipvs.udp_timeout = v),
        "How long IPVS keeps a UDP flow; 0 leaves it."),
    flag("kube-api-burst", "10", Number(|c, v| c.config.client_connection.burst = v),
        "How many requests to the API server at once beyond --kube-api-qps."),
    flag("kube-api-content-type", "application/vnd.kubernetes.protobuf", Text(|c, v| c.config.client_connection.content_type = v),
        "The media type of requests to the API server."),
    flag("kube-api-qps", "5", Decimal(|c, v| c.config.client_connection.qps = v),
        "How many requests to the API server a second, on average."),
    flag("kubeconfig", "", Text(|c, v| c.config.client_connection.kubeconfig = v),
        "The kubeconfig file; without it, the credentials of the pod that the proxy runs in."),
    always("log-flush-frequency", "5s", Duration(|c, v| c.config.logging.flush_frequency = v),
        "How long a line may wait before it is written."),
    always("log-json-info-buffer-size", "0", Text(|c, v| c.config.logging.options.json.info_buffer_size = v),
        "How many bytes may wait in memory, in the format json."),
    always("log-json-split-stream", "false", Bool(|c, v| c.config.logging.options.json.split_stream = v),
        "Errors to standard error and everything else to standard output, in the format json."),
    always("log-text-info-buffer-size", "0", Text(|c, v| c.config.logging.options.text.info_buffer_size = v),
        "How many bytes may wait in memory, in the format text."),
    always("log-text-split-stream", "false", Bool(|c, v| c.config.logging.options.text.split_stream = v),
        "Errors to standard error and everything else to standard output, in the format text."),
    always("logging-format", "text", Text(|c, v| c.config.logging.format = v),
        "How lines are written: text or json."),
    flag("masquerade-all", "false", Bool(|c, v| { c.config.iptables.masquerade_all = v; c.config.nftables.masquerade_all = v; }),
        "Masquerade all traffic that goes to a cluster IP."),
    always("master", "", Text(|c, v| c.master = Some(v).filter(|v| !v.is_empty())),
        "The API server's address, instead of the kubeconfig's."),
    flag("metrics-bind-address", "127.0.0.1:10249", AddressPort(|c, v| c.config.metrics_bind_address = v),
        "Where the metrics server listens; empty for nowhere."),
    old("metrics-port", "10249", Number(|c, v| c.metrics_port = v),
        "This flag is deprecated and will be removed in a future release. Please use --metrics-bind-address instead."),
    flag("nodeport-addresses", "", List(|c, v| c.config.node_port_addresses.get_or_insert_default().extend(v)),
        "The local addresses that node ports answer on: ranges, or the word 'primary' for the Node object's. All of them when empty."),
    flag("oom-score-adj", "-999", Number(|c, v| c.config.oom_score_adj = Some(v)),
        "How unwilling the kernel is to kill the proxy when memory runs out, -1000 to 1000."),
    flag("pod-bridge-interface", "", Text(|c, v| c.config.detect_local.bridge_interface = v),
        "With --detect-local-mode=BridgeInterface, traffic that comes in through this bridge counts as the pods'."),
    flag("pod-interface-name-prefix", "", Text(|c, v| c.config.detect_local.interface_name_prefix = v),
        "With --detect-local-mode=InterfaceNamePrefix, traffic that comes in through interfaces whose names begin with this counts as the pods'."),
    flag("profiling", "false", Bool(|c, v| c.config.enable_profiling = v),
        "Serve profiles under /debug/pprof of the metrics server."),
    flag("proxy-mode", "", Text(|c, v| c.config.mode = v),
        "The proxy mode: iptables (when empty), ipvs, nftables, userspace, or auto for the best that works here."),
    flag("show-hidden-metrics-for-version", "", Text(|c, v| c.config.show_hidden_metrics_for_version = v),
        "Show metrics that were hidden since this version; only the previous minor version is allowed, as in 1.35."),
    Flag { short: Some('v'), ..always("v", "0", Unsigned(|c, v| c.config.logging.verbosity = v),
        "How much is logged; 0 is the least.") },
    always("version", "false", Version(|c, v| c.version = match v.as_str() { "raw" => VersionFlag::Raw, "true" => VersionFlag::Short, _ => VersionFlag::No }),
        "Print the version and exit; --version=raw prints it in full."),
    always("vmodule", "", Verbosities(|c, v| c.config.logging.vmodule.extend(v)),
        "Other verbosities for single source files, as in proxy*=4,watch=2."),
    always("write-config-to", "", Text(|c, v| c.write_config_to = Some(v).filter(|v| !v.is_empty())),
        "Write the configuration to this file and exit."),
];

/// As upstream's flag does: an empty address changes nothing.
fn set_unless_empty(field: &mut String, value: String) {
    if !value.is_empty() {
        *field = value;
    }
}
