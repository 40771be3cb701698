//! Writing files, and reading them again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate_proxy_config::{
    GoDuration, KubeProxyConfiguration, ProxyMode, VerbosityOfFile, decode,
};

#[test]
fn the_defaults_are_written_as_upstream_writes_them() {
    insta::assert_snapshot!(KubeProxyConfiguration::with_defaults().encode());
}

#[test]
fn lists_maps_and_special_texts_are_written_so_that_others_read_them() {
    let mut config = KubeProxyConfiguration::with_defaults();
    config.bind_address = "::".to_owned();
    config.healthz_bind_address = "[::]:10256".to_owned();
    config.hostname_override = "1e3".to_owned();
    config.mode = "userspace".to_owned();
    config.node_port_addresses = Some(vec!["10.0.0.0/8".to_owned(), "fd00::/8".to_owned()]);
    config.ipvs.exclude_cidrs = Some(vec![]);
    config.feature_gates = BTreeMap::from([("B".to_owned(), false), ("A".to_owned(), true)]);
    config.client_connection.qps = 0.5;
    config.logging.vmodule = vec![VerbosityOfFile {
        file_pattern: "proxy*".to_owned(),
        verbosity: 4,
    }];
    config.tidegate.userspace.udp_idle_timeout = GoDuration::from_seconds(90);
    insta::assert_snapshot!(config.encode());
    let read = decode(config.encode().as_bytes()).expect("can be read");
    assert_eq!((read.config, read.lenient), (config, None));
}

#[test]
fn what_is_written_names_every_field_of_the_same_order() {
    let json = KubeProxyConfiguration::with_defaults().to_json();
    let names: Vec<String> = json
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    assert!(names.is_sorted(), "{names:?}");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9:./,-]{0,12}", "\\PC{0,8}", any::<String>()]
}

/// A duration that isn't zero, which would read as not set.
fn duration() -> impl Strategy<Value = GoDuration> {
    any::<i64>()
        .prop_filter("zero is unset, and the least has no counterpart", |n| {
            *n != 0 && *n != i64::MIN
        })
        .prop_map(GoDuration::from_nanoseconds)
}

prop_compose! {
    fn configuration()(
        texts in prop::collection::vec(text(), 6),
        durations in prop::collection::vec(duration(), 6),
        mode in 0..ProxyMode::ALL.len(),
        flags in any::<[bool; 4]>(),
        numbers in any::<[Option<i32>; 4]>(),
        list in prop::option::of(prop::collection::vec(text(), 0..4)),
        gates in prop::collection::btree_map(text(), any::<bool>(), 0..4),
        verbosity in any::<u32>(),
    ) -> KubeProxyConfiguration {
        let mut config = KubeProxyConfiguration {
            mode: ProxyMode::ALL[mode].name().to_owned(),
            feature_gates: gates,
            node_port_addresses: list.clone(),
            ..KubeProxyConfiguration::default()
        };
        config.ipvs.exclude_cidrs = list;
        [config.hostname_override, config.cluster_cidr, config.client_connection.kubeconfig,
         config.detect_local.bridge_interface, config.ipvs.scheduler,
         config.tidegate.iptables_variant] = texts.try_into().expect("six");
        [config.iptables.sync_period, config.ipvs.tcp_timeout, config.nftables.min_sync_period,
         config.conntrack.udp_timeout, config.logging.flush_frequency,
         config.config_sync_period] = durations.try_into().expect("six");
        [config.iptables.masquerade_all, config.ipvs.strict_arp, config.windows_run_as_service,
         config.logging.options.json.split_stream] = flags;
        [config.iptables.masquerade_bit, config.conntrack.min, config.oom_score_adj,
         config.nftables.masquerade_bit] = numbers;
        config.logging.verbosity = verbosity;
        config.set_defaults();
        config
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_the_same(config in configuration()) {
        let text = config.encode();
        let read = decode(text.as_bytes()).expect("can be read");
        prop_assert_eq!(read.lenient, None);
        prop_assert_eq!(read.config, config);
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn arbitrary_values_are_read_or_refused(
        field in "[a-z]{1,12}|mode|iptables|conntrack|nodePortAddresses|logging|clusterCIDR",
        value in "\\PC{0,40}|[\\[\\]{}:&*,!|>'\"# -]{0,20}",
    ) {
        let file = format!(
            "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n{field}: {value}\n"
        );
        if let Ok(decoded) = decode(file.as_bytes()) {
            // Whatever could be read can be checked, asked and written.
            let _ = decoded.config.validate();
            let _ = decoded.config.warnings();
            let _ = decode(decoded.config.encode().as_bytes()).expect("what we write, we read");
        }
    }
}
