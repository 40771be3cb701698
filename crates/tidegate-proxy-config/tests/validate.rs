//! Upstream's rules in upstream's words.

use tidegate_proxy_config::{GoDuration, KubeProxyConfiguration};

/// What validation says about the defaults after a change; nothing if they stay valid.
fn verdict(change: impl FnOnce(&mut KubeProxyConfiguration)) -> String {
    let mut config = KubeProxyConfiguration::with_defaults();
    change(&mut config);
    match config.validate() {
        Ok(()) => String::new(),
        Err(errors) => errors.to_string(),
    }
}

fn texts(texts: &[&str]) -> Option<Vec<String>> {
    Some(texts.iter().map(|text| (*text).to_owned()).collect())
}

const MINUS: GoDuration = GoDuration::from_seconds(-1);

#[test]
fn the_defaults_are_valid_in_every_mode() {
    for mode in ["", "auto", "iptables", "ipvs", "nftables", "userspace"] {
        assert_eq!(verdict(|c| c.mode = mode.to_owned()), "", "{mode}");
    }
}

#[test]
fn unknown_modes_are_refused_with_the_list_of_modes() {
    for mode in ["ebpf", "kernelspace", "IPVS"] {
        assert_eq!(
            verdict(|c| c.mode = mode.to_owned()),
            format!(
                "KubeProxyConfiguration.Mode.ProxyMode: Invalid value: {mode:?}: must be auto, \
                 iptables, ipvs, nftables, userspace or blank (blank means the best-available \
                 proxy [currently iptables])"
            )
        );
    }
}

#[test]
fn addresses_are_checked_part_by_part() {
    assert_eq!(
        verdict(|c| c.bind_address = "10.10.12.11:2000".to_owned()),
        "KubeProxyConfiguration.BindAddress: Invalid value: \"10.10.12.11:2000\": \
         not a valid textual representation of an IP address"
    );
    for (address, problem) in [
        ("0.0.0.0", "\"0.0.0.0\": must be IP:port"),
        ("::1:10249", "\"::1:10249\": must be IP:port"),
        ("localhost:80", "\"localhost\": must be a valid IP"),
        ("127.0.0.1:http", "\"http\": must be a valid port"),
        ("127.0.0.1:0", "\"0\": must be a valid port"),
        ("127.0.0.1:65536", "\"65536\": must be a valid port"),
    ] {
        assert_eq!(
            verdict(|c| c.healthz_bind_address = address.to_owned()),
            format!("KubeProxyConfiguration.HealthzBindAddress: Invalid value: {problem}")
        );
        assert_eq!(
            verdict(|c| c.metrics_bind_address = address.to_owned()),
            format!("KubeProxyConfiguration.MetricsBindAddress: Invalid value: {problem}")
        );
    }
    assert_eq!(
        verdict(|c| c.healthz_bind_address = String::new()),
        "",
        "turned off"
    );
    assert_eq!(
        verdict(|c| c.metrics_bind_address = String::new()),
        "",
        "turned off"
    );
}

#[test]
fn cluster_ranges_are_one_or_one_of_each_family() {
    const FIELD: &str = "KubeProxyConfiguration.DetectLocalConfiguration.ClusterCIDRs";
    const PAIR: &str = "must be a either a single CIDR or dual-stack pair of CIDRs \
                        (e.g. [10.100.0.0/16, fde4:8dba:82e1::/48]";
    const BLOCK: &str = "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)";
    let cidr = |text: &str| verdict(|c| c.cluster_cidr = text.to_owned());
    for right in [
        "",
        "10.0.0.0/8",
        "fd00::/48",
        "10.0.0.0/8,fd00::/48",
        "fd00::/48,010.0.0.0/8",
    ] {
        assert_eq!(cidr(right), "", "{right}");
    }
    assert_eq!(
        cidr("192.168.59.0"),
        format!("{FIELD}[0]: Invalid value: \"192.168.59.0\": {BLOCK}")
    );
    assert_eq!(
        cidr("10.0.0.0/8, fd00::/48"),
        format!("{FIELD}[1]: Invalid value: \" fd00::/48\": {BLOCK}")
    );
    assert_eq!(
        cidr("10.0.0.0/8,11.0.0.0/8"),
        format!("{FIELD}: Invalid value: [\"10.0.0.0/8\",\"11.0.0.0/8\"]: {PAIR}")
    );
    assert_eq!(
        cidr("10.0.0.0/8,fd00::/48,b"),
        format!("{FIELD}: Invalid value: [\"10.0.0.0/8\",\"fd00::/48\",\"b\"]: {PAIR}")
    );
    let ignored = verdict(|c| {
        c.detect_local_mode = "NodeCIDR".to_owned();
        c.cluster_cidr = "nonsense".to_owned();
    });
    assert_eq!(ignored, "", "used by the mode ClusterCIDR only");
}

#[test]
fn local_modes_need_what_they_look_for() {
    let mode = |mode: &str| verdict(|c| c.detect_local_mode = mode.to_owned());
    assert_eq!(
        mode("BridgeInterface"),
        "KubeProxyConfiguration.DetectLocalConfiguration.InterfaceName: Invalid value: \"\": \
         must not be empty"
    );
    assert_eq!(
        mode("InterfaceNamePrefix"),
        "KubeProxyConfiguration.DetectLocalConfiguration.InterfacePrefix: Invalid value: \"\": \
         must not be empty"
    );
    assert_eq!(
        mode("Guess"),
        "KubeProxyConfiguration.DetectLocalMode: Unsupported value: \"Guess\": supported values: \
         \"ClusterCIDR\", \"NodeCIDR\", \"BridgeInterface\", \"InterfaceNamePrefix\", \"\""
    );
    let bridge = verdict(|c| {
        c.detect_local_mode = "BridgeInterface".to_owned();
        c.detect_local.bridge_interface = "cni0".to_owned();
    });
    assert_eq!((bridge, mode("NodeCIDR")), (String::new(), String::new()));
}

#[test]
fn node_port_addresses_are_ranges_or_one_word() {
    const FIELD: &str = "KubeProxyConfiguration.NodePortAddresses";
    let addresses = |list: &[&str]| verdict(|c| c.node_port_addresses = texts(list));
    for right in [&[][..], &["primary"], &["10.0.0.0/8", "::1/128"]] {
        assert_eq!(addresses(right), "", "{right:?}");
    }
    assert_eq!(
        addresses(&["primary", "127.0.0.1/32"]),
        format!("{FIELD}[0]: Invalid value: \"primary\": can't use both 'primary' and CIDRs")
    );
    assert_eq!(
        addresses(&["127.0.0.1/32", "primary", "nonsense"]),
        format!("{FIELD}[1]: Invalid value: \"primary\": can't use both 'primary' and CIDRs")
    );
    assert_eq!(
        addresses(&["10.0.0.1", "::1/129"]),
        format!(
            "[{FIELD}[0]: Invalid value: \"10.0.0.1\": must be a valid CIDR, \
             {FIELD}[1]: Invalid value: \"::1/129\": must be a valid CIDR]"
        )
    );
}

#[test]
fn periods_of_the_chosen_mode_are_checked() {
    const SYNC: &str = "KubeProxyConfiguration.SyncPeriod";
    const MIN: &str = "KubeProxyConfiguration.MinSyncPeriod";
    let periods = |mode: &str, sync: i32, min: i32| {
        verdict(|c| {
            c.mode = mode.to_owned();
            let (sync, min) = (
                GoDuration::from_seconds(sync),
                GoDuration::from_seconds(min),
            );
            match mode {
                "ipvs" => (c.ipvs.sync_period, c.ipvs.min_sync_period) = (sync, min),
                "nftables" => (c.nftables.sync_period, c.nftables.min_sync_period) = (sync, min),
                _ => (c.iptables.sync_period, c.iptables.min_sync_period) = (sync, min),
            }
        })
    };
    for mode in ["", "iptables", "ipvs", "nftables", "userspace", "auto"] {
        assert_eq!(periods(mode, 10, 10), "", "{mode}");
        assert_eq!(
            periods(mode, -5, 2),
            format!(
                "[{SYNC}: Invalid value: -5s: must be greater than 0, \
                 {SYNC}: Invalid value: 2s: must be greater than or equal to {MIN}]"
            )
        );
        assert_eq!(
            periods(mode, 5, -1),
            format!("{MIN}: Invalid value: -1s: must be greater than or equal to 0")
        );
    }
    assert_eq!(
        verdict(|c| c.ipvs.sync_period = MINUS),
        "",
        "the mode is another"
    );
    assert_eq!(
        verdict(|c| c.config_sync_period = MINUS),
        "KubeProxyConfiguration.ConfigSyncPeriod: Invalid value: -1s: must be greater than 0"
    );
}

#[test]
fn marks_are_one_of_32_bits() {
    for bit in [-10, 32] {
        assert_eq!(
            verdict(|c| c.iptables.masquerade_bit = Some(bit)),
            format!(
                "KubeProxyConfiguration.KubeProxyIPTablesConfiguration.MasqueradeBit: \
                 Invalid value: {bit}: must be within the range [0, 31]"
            )
        );
    }
    let nftables = |mode: &str| {
        verdict(|c| {
            c.mode = mode.to_owned();
            c.nftables.masquerade_bit = Some(32);
        })
    };
    assert_eq!(nftables("ipvs"), "", "the mode is another");
    assert_eq!(
        nftables("nftables"),
        "KubeProxyConfiguration.KubeProxyNFTablesConfiguration.MasqueradeBit: \
         Invalid value: 32: must be within the range [0, 31]"
    );
    assert_eq!(nftables("auto"), nftables("nftables"), "auto may choose it");
}

#[test]
fn ipvs_is_checked_where_it_may_run() {
    let wrong = |mode: &str| {
        verdict(|c| {
            c.mode = mode.to_owned();
            c.ipvs.tcp_timeout = MINUS;
            c.ipvs.tcp_fin_timeout = MINUS;
            c.ipvs.udp_timeout = MINUS;
            c.ipvs.scheduler = "best".to_owned();
            c.ipvs.exclude_cidrs = texts(&["192.168.0.0/16", "invalid"]);
        })
    };
    assert_eq!(wrong("iptables"), "");
    insta::assert_snapshot!(wrong("ipvs").replace(", Kube", ",\nKube"), @r#"
    [KubeProxyConfiguration.KubeProxyIPVSConfiguration.TCPTimeout: Invalid value: -1s: must be greater than or equal to 0,
    KubeProxyConfiguration.KubeProxyIPVSConfiguration.TCPFinTimeout: Invalid value: -1s: must be greater than or equal to 0,
    KubeProxyConfiguration.KubeProxyIPVSConfiguration.UDPTimeout: Invalid value: -1s: must be greater than or equal to 0,
    KubeProxyConfiguration.KubeProxyIPVSConfiguration.Scheduler: Invalid value: "best": must be in [rr wrr lc wlc sh dh sed nq mh], blank means the default algorithm method (currently rr),
    KubeProxyConfiguration.KubeProxyIPVSConfiguration.ExcludeCidrs[1]: Invalid value: "invalid": must be a valid CIDR]
    "#);
    for scheduler in ["", "rr", "wrr", "lc", "wlc", "sh", "dh", "sed", "nq", "mh"] {
        let verdict = verdict(|c| {
            c.mode = "ipvs".to_owned();
            c.ipvs.scheduler = scheduler.to_owned();
        });
        assert_eq!(verdict, "", "{scheduler}");
    }
}

#[test]
fn machine_settings_are_checked() {
    const PATH: &str = "KubeProxyConfiguration.KubeProxyLinuxConfiguration";
    for score in [-1001, 1001] {
        assert_eq!(
            verdict(|c| c.oom_score_adj = Some(score)),
            format!(
                "{PATH}.OOMScoreAdj: Invalid value: {score}: must be within the range [-1000, 1000]"
            )
        );
    }
    let conntrack = verdict(|c| {
        c.conntrack.max_per_core = Some(-1);
        c.conntrack.min = Some(-1);
        c.conntrack.tcp_established_timeout = Some(MINUS);
        c.conntrack.tcp_close_wait_timeout = Some(MINUS);
        c.conntrack.udp_timeout = MINUS;
        c.conntrack.udp_stream_timeout = MINUS;
    });
    insta::assert_snapshot!(conntrack.replace(", Kube", ",\nKube"), @"
    [KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.MaxPerCore: Invalid value: -1: must be greater than or equal to 0,
    KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.Min: Invalid value: -1: must be greater than or equal to 0,
    KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.TCPEstablishedTimeout: Invalid value: -1s: must be greater than or equal to 0,
    KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.TCPCloseWaitTimeout: Invalid value: -1s: must be greater than or equal to 0,
    KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.UDPTimeout: Invalid value: -1s: must be greater than or equal to 0,
    KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.UDPStreamTimeout: Invalid value: -1s: must be greater than or equal to 0]
    ");
    assert_eq!(
        verdict(|c| c.client_connection.burst = -1),
        "KubeProxyConfiguration.ClientConnection.Burst: Invalid value: -1: \
         must be greater than or equal to 0"
    );
}

#[test]
fn hidden_metrics_are_those_of_the_version_before() {
    let version = |version: &str| verdict(|c| c.show_hidden_metrics_for_version = version.into());
    assert_eq!(
        (version(""), version("1.35")),
        (String::new(), String::new())
    );
    assert_eq!(
        version("1.16"),
        "KubeProxyConfiguration.ShowHiddenMetricsForVersion: Invalid value: \"1.16\": \
         --show-hidden-metrics-for-version must be omitted or have the value '1.35'. \
         Only the previous minor version is allowed"
    );
}

#[test]
fn logging_is_checked() {
    let wrong = verdict(|c| {
        c.logging.format = "xml".to_owned();
        c.logging.verbosity = u32::MAX;
        c.logging.vmodule = vec![Default::default()];
        c.logging.vmodule[0].file_pattern = "a=b".to_owned();
        c.logging.vmodule.push(Default::default());
        c.logging.options.json.split_stream = true;
        c.logging.options.text.info_buffer_size = "4Ki".to_owned();
    });
    insta::assert_snapshot!(wrong.replace(", Kube", ",\nKube"), @r#"
    [KubeProxyConfiguration.logging.format: Invalid value: "xml": Unsupported log format,
    KubeProxyConfiguration.logging.verbosity: Invalid value: 4294967295: Must be <= 2147483647,
    KubeProxyConfiguration.logging.vmodule: Forbidden: Only supported for text log format,
    KubeProxyConfiguration.logging.vmodule[0]: Invalid value: "a=b": File pattern must not contain equal sign or comma,
    KubeProxyConfiguration.logging.vmodule[1]: Required value: File pattern must not be empty,
    KubeProxyConfiguration.logging.options.text.infoBufferSize: Forbidden: Feature LoggingAlphaOptions is disabled,
    KubeProxyConfiguration.logging.options.json.splitStream: Forbidden: Feature LoggingAlphaOptions is disabled]
    "#);
    let with_gate = verdict(|c| {
        c.logging.options.json.split_stream = true;
        c.feature_gates
            .insert("LoggingAlphaOptions".to_owned(), true);
    });
    assert_eq!(with_gate, "");
}

#[test]
fn our_own_section_is_checked() {
    let wrong = verdict(|c| {
        c.tidegate.iptables_variant = "new".to_owned();
        c.tidegate.userspace.udp_idle_timeout = MINUS;
    });
    insta::assert_snapshot!(wrong.replace(", Kube", ",\nKube"), @r#"
    [KubeProxyConfiguration.tidegate.iptablesVariant: Unsupported value: "new": supported values: "auto", "legacy", "nft",
    KubeProxyConfiguration.tidegate.userspace.udpIdleTimeout: Invalid value: -1s: must be greater than or equal to 0]
    "#);
}

#[test]
fn everything_that_is_wrong_is_named_at_once_in_upstreams_order() {
    let wrong = verdict(|c| {
        c.logging.format = "xml".to_owned();
        c.detect_local_mode = "Guess".to_owned();
        c.node_port_addresses = texts(&["invalid", "invalid"]);
        c.bind_address = "here".to_owned();
        c.config_sync_period = MINUS;
        c.mode = "ebpf".to_owned();
        c.oom_score_adj = Some(5000);
        c.iptables.masquerade_bit = Some(99);
        c.metrics_bind_address = "there:nowhere".to_owned();
        c.show_hidden_metrics_for_version = "1.0".to_owned();
    });
    insta::assert_snapshot!(wrong.replace(", Kube", ",\nKube"), @r#"
    [KubeProxyConfiguration.KubeProxyIPTablesConfiguration.MasqueradeBit: Invalid value: 99: must be within the range [0, 31],
    KubeProxyConfiguration.KubeProxyLinuxConfiguration.OOMScoreAdj: Invalid value: 5000: must be within the range [-1000, 1000],
    KubeProxyConfiguration.Mode.ProxyMode: Invalid value: "ebpf": must be auto, iptables, ipvs, nftables, userspace or blank (blank means the best-available proxy [currently iptables]),
    KubeProxyConfiguration.ConfigSyncPeriod: Invalid value: -1s: must be greater than 0,
    KubeProxyConfiguration.BindAddress: Invalid value: "here": not a valid textual representation of an IP address,
    KubeProxyConfiguration.MetricsBindAddress: Invalid value: "there": must be a valid IP,
    KubeProxyConfiguration.MetricsBindAddress: Invalid value: "nowhere": must be a valid port,
    KubeProxyConfiguration.NodePortAddresses[0]: Invalid value: "invalid": must be a valid CIDR,
    KubeProxyConfiguration.NodePortAddresses[1]: Invalid value: "invalid": must be a valid CIDR,
    KubeProxyConfiguration.ShowHiddenMetricsForVersion: Invalid value: "1.0": --show-hidden-metrics-for-version must be omitted or have the value '1.35'. Only the previous minor version is allowed,
    KubeProxyConfiguration.DetectLocalMode: Unsupported value: "Guess": supported values: "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix", "",
    KubeProxyConfiguration.logging.format: Invalid value: "xml": Unsupported log format]
    "#);
}

#[test]
fn very_many_errors_are_counted_instead_of_printed() {
    let addresses: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    let wrong = verdict(|c| c.node_port_addresses = Some(addresses));
    assert!(
        wrong.ends_with("must be a valid CIDR and 99900 more]"),
        "{}",
        &wrong[wrong.len() - 100..]
    );
}
