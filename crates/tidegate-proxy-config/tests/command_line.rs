//! Flags, with a file and without.

use tidegate_proxy_config::{
    CommandLine, Completed, Flag, FlagKind, GoDuration, KubeProxyConfiguration, VersionFlag, decode,
};

fn line(flags: &[(&str, &str)]) -> CommandLine {
    let mut line = CommandLine::default();
    for (name, value) in flags {
        line.set(name, value).expect(name);
    }
    line
}

fn alone(flags: &[(&str, &str)]) -> KubeProxyConfiguration {
    line(flags).complete(None).expect("fits together").config
}

fn with_file(flags: &[(&str, &str)], fields: &str) -> Completed {
    let file = format!(
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n{fields}"
    );
    let file = decode(file.as_bytes()).expect("can be read").config;
    line(flags).complete(Some(file)).expect("fits together")
}

fn error(name: &str, value: &str) -> String {
    let mut line = CommandLine::default();
    line.set(name, value).expect_err("is wrong").to_string()
}

#[test]
fn without_flags_the_defaults_hold() {
    assert_eq!(alone(&[]), KubeProxyConfiguration::with_defaults());
}

#[test]
fn flags_set_what_the_file_could() {
    let config = alone(&[
        ("proxy-mode", "ipvs"),
        ("ipvs-scheduler", "wlc"),
        ("ipvs-exclude-cidrs", "10.0.0.0/8,11.0.0.0/8"),
        ("ipvs-exclude-cidrs", "fd00::/8"),
        ("ipvs_strict_arp", "true"),
        ("cluster-cidr", "10.244.0.0/16"),
        ("nodeport-addresses", "primary"),
        ("feature-gates", "A=true,B=false"),
        ("feature-gates", "B=true"),
        ("conntrack-max-per-core", "0"),
        ("kube-api-qps", "2.5"),
    ]);
    config.validate().expect("is valid");
    assert_eq!(config.ipvs.scheduler, "wlc");
    let excluded = config.ipvs.exclude_cidrs.expect("is set");
    assert_eq!(excluded, ["10.0.0.0/8", "11.0.0.0/8", "fd00::/8"]);
    assert!(config.ipvs.strict_arp, "underscores count as dashes");
    assert_eq!(config.node_port_addresses.expect("is set"), ["primary"]);
    let gates: Vec<_> = config.feature_gates.into_iter().collect();
    assert_eq!(gates, [("A".to_owned(), true), ("B".to_owned(), true)]);
    assert_eq!(config.conntrack.max_per_core, Some(0));
    assert!((config.client_connection.qps - 2.5).abs() < f64::EPSILON);
}

#[test]
fn flags_of_iptables_count_in_every_mode_but_ipvs() {
    let config = alone(&[
        ("iptables-sync-period", "1m"),
        ("iptables-min-sync-period", "0"),
        ("masquerade-all", "true"),
        ("ipvs-sync-period", "2m"),
    ]);
    let minute = GoDuration::from_seconds(60);
    assert_eq!(
        (config.iptables.sync_period, config.nftables.sync_period),
        (minute, minute)
    );
    assert!(config.iptables.min_sync_period.is_zero() && config.nftables.min_sync_period.is_zero());
    assert!(config.iptables.masquerade_all && config.nftables.masquerade_all);
    assert_eq!(config.ipvs.sync_period, GoDuration::from_seconds(120));
}

#[test]
fn wrong_flags_are_named_with_what_would_be_right() {
    insta::assert_snapshot!(error("proxymode", "ipvs"), @"unknown flag: --proxymode");
    insta::assert_snapshot!(error("masquerade-all", "yes"), @r#"invalid argument "yes" for "--masquerade-all" flag: expected true or false"#);
    insta::assert_snapshot!(error("iptables-masquerade-bit", "high"), @r#"invalid argument "high" for "--iptables-masquerade-bit" flag: expected a whole number of at most 32 bits"#);
    insta::assert_snapshot!(error("iptables-sync-period", "30"), @r#"invalid argument "30" for "--iptables-sync-period" flag: time: missing unit in duration "30": write it with ns, us, ms, s, m or h, as in 30s"#);
    insta::assert_snapshot!(error("bind-address", "here"), @r#"invalid argument "here" for "--bind-address" flag: "here" is not a valid IP address"#);
    insta::assert_snapshot!(error("metrics-bind-address", "127.0.0.1:http"), @r#"invalid argument "127.0.0.1:http" for "--metrics-bind-address" flag: "http" is not a valid port"#);
    insta::assert_snapshot!(error("feature-gates", "A"), @r#"invalid argument "A" for "--feature-gates" flag: malformed pair, expect string=bool"#);
    insta::assert_snapshot!(error("v", "-1"), @r#"invalid argument "-1" for "--v" flag: expected a whole number of at most 32 bits"#);
}

#[test]
fn a_flag_that_was_refused_changes_nothing() {
    let mut line = line(&[("feature-gates", "A=true")]);
    line.set("feature-gates", "B=true,C").expect_err("is wrong");
    let config = line.complete(None).expect("fits together").config;
    assert_eq!(config.feature_gates.len(), 1);
}

#[test]
fn with_a_file_most_flags_are_ignored_and_named() {
    let Completed { config, warnings } = with_file(
        &[
            ("proxy-mode", "ipvs"),
            ("masquerade-all", "true"),
            ("hostname-override", " Node-1 "),
        ],
        "mode: nftables\nhostnameOverride: other\n",
    );
    assert_eq!(
        (config.mode.as_str(), config.nftables.masquerade_all),
        ("nftables", false)
    );
    assert_eq!(config.hostname_override, "node-1");
    assert_eq!(
        warnings,
        ["ignored because there is a configuration file: --proxy-mode, --masquerade-all"]
    );
}

#[test]
fn flags_of_the_log_count_over_the_file() {
    let fields = "logging:\n  verbosity: 1\n  format: json\n  vmodule:\n  - filePattern: b\n    \
                  verbosity: 2\n";
    let Completed { config, warnings } = with_file(&[("v", "5"), ("vmodule", "a=9")], fields);
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(
        (config.logging.verbosity, config.logging.format.as_str()),
        (5, "json")
    );
    let patterns: Vec<_> = config
        .logging
        .vmodule
        .iter()
        .map(|v| v.file_pattern.as_str())
        .collect();
    assert_eq!(patterns, ["a", "b"], "the command line's come first");
}

#[test]
fn a_blank_node_name_is_refused() {
    let error = line(&[("hostname-override", "  ")])
        .complete(None)
        .expect_err("is blank");
    assert!(
        error
            .to_string()
            .starts_with("empty hostname-override is invalid")
    );
}

#[test]
fn old_port_flags_fill_in_ports_and_turn_servers_off() {
    let config = alone(&[
        ("healthz-bind-address", "127.0.0.1"),
        ("healthz-port", "8080"),
    ]);
    assert_eq!(config.healthz_bind_address, "127.0.0.1:8080");
    let config = alone(&[("metrics-port", "0"), ("healthz-port", "0")]);
    config.validate().expect("is valid");
    assert_eq!(
        (config.healthz_address(), config.metrics_address()),
        (None, None)
    );
    assert!(alone(&[("metrics-port", "-7")]).validate().is_err());
    let completed = line(&[("metrics-port", "1")])
        .complete(None)
        .expect("fits together");
    assert!(
        completed.warnings[0].contains("--metrics-bind-address"),
        "{:?}",
        completed.warnings
    );
}

#[test]
fn flags_beside_the_configuration_are_kept_beside_it() {
    let line = line(&[
        ("config", "/etc/proxy.yaml"),
        ("write-config-to", "/tmp/out"),
        ("cleanup", "true"),
        ("init-only", "T"),
        ("master", "https://10.0.0.1:6443"),
        ("version", "raw"),
    ]);
    assert_eq!(line.config_file.as_deref(), Some("/etc/proxy.yaml"));
    assert_eq!(line.write_config_to.as_deref(), Some("/tmp/out"));
    assert!(line.cleanup && line.init_only && line.version == VersionFlag::Raw);
    assert_eq!(line.master.as_deref(), Some("https://10.0.0.1:6443"));
    let completed = line.complete(None).expect("fits together");
    assert_eq!(completed.config, KubeProxyConfiguration::with_defaults());
}

#[test]
fn every_flag_of_upstream_is_there() {
    const UPSTREAM: &str = "bind-address bind-address-hard-fail cleanup cluster-cidr config \
        config-sync-period conntrack-max-per-core conntrack-min conntrack-tcp-be-liberal \
        conntrack-tcp-timeout-close-wait conntrack-tcp-timeout-established conntrack-udp-timeout \
        conntrack-udp-timeout-stream detect-local-mode feature-gates healthz-bind-address \
        healthz-port hostname-override init-only iptables-localhost-nodeports \
        iptables-masquerade-bit iptables-min-sync-period iptables-sync-period ipvs-exclude-cidrs \
        ipvs-min-sync-period ipvs-scheduler ipvs-strict-arp ipvs-sync-period ipvs-tcp-timeout \
        ipvs-tcpfin-timeout ipvs-udp-timeout kube-api-burst kube-api-content-type kube-api-qps \
        kubeconfig log-flush-frequency log-json-info-buffer-size log-json-split-stream \
        log-text-info-buffer-size log-text-split-stream logging-format masquerade-all master \
        metrics-bind-address metrics-port nodeport-addresses oom-score-adj pod-bridge-interface \
        pod-interface-name-prefix profiling proxy-mode show-hidden-metrics-for-version v version \
        vmodule write-config-to";
    for name in UPSTREAM.split_whitespace() {
        assert!(Flag::find(name).is_some(), "{name}");
    }
    assert_eq!(Flag::find("cleanup").map(Flag::kind), Some(FlagKind::Bool));
}
