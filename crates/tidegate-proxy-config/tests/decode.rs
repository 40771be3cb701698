//! Reading files.

use tidegate_proxy_config::{
    DecodeError, Decoded, DetectLocal, GoDuration, KubeProxyConfiguration, LARGEST_FILE, ProxyMode,
    decode,
};

const TYPE: &str = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

fn read(fields: &str) -> Result<Decoded, DecodeError> {
    decode(format!("{TYPE}{fields}").as_bytes())
}

fn warning(fields: &str) -> String {
    let decoded = read(fields).expect("can be read leniently");
    decoded.lenient.expect("can't be read strictly").to_string()
}

fn refusal(file: &str) -> String {
    decode(file.as_bytes())
        .expect_err("is no configuration")
        .to_string()
}

/// As kubeadm 1.31 puts it into the ConfigMap `kube-system/kube-proxy`.
const KUBEADM: &str = r#"
apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack:
  maxPerCore: null
  min: null
  tcpBeLiberal: false
  tcpCloseWaitTimeout: null
  tcpEstablishedTimeout: null
  udpStreamTimeout: 0s
  udpTimeout: 0s
detectLocal:
  bridgeInterface: ""
  interfaceNamePrefix: ""
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables:
  localhostNodePorts: null
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
ipvs:
  excludeCIDRs: null
  minSyncPeriod: 0s
  scheduler: ""
  strictARP: false
  syncPeriod: 0s
  tcpFinTimeout: 0s
  tcpTimeout: 0s
  udpTimeout: 0s
kind: KubeProxyConfiguration
logging:
  flushFrequency: 0
  options:
    json:
      infoBufferSize: "0"
    text:
      infoBufferSize: "0"
  verbosity: 0
metricsBindAddress: ""
mode: ""
nftables:
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel:
  enableDSR: false
  forwardHealthCheckVip: false
  networkName: ""
  rootHnsEndpointName: ""
  sourceVip: ""
"#;

#[test]
fn the_file_of_kubeadm_reads_without_a_warning() {
    let decoded = decode(KUBEADM.as_bytes()).expect("can be read");
    assert_eq!(decoded.lenient, None);
    let config = decoded.config;
    config.validate().expect("is valid");
    assert_eq!(config.proxy_mode(), Some(ProxyMode::Iptables));
    let pods = "10.244.0.0/16".parse().expect("a range");
    assert_eq!(config.detect_local(), DetectLocal::ClusterCidr(vec![pods]));

    let mut expected = KubeProxyConfiguration::with_defaults();
    expected.cluster_cidr = "10.244.0.0/16".to_owned();
    expected.client_connection.kubeconfig = "/var/lib/kube-proxy/kubeconfig.conf".to_owned();
    assert_eq!(
        config, expected,
        "nulls, zeros and empty texts are the defaults"
    );
}

#[test]
fn a_file_without_fields_is_the_defaults() {
    let decoded = read("").expect("can be read");
    assert_eq!(
        (decoded.config, decoded.lenient),
        (KubeProxyConfiguration::with_defaults(), None)
    );
}

#[test]
fn null_means_not_set_for_every_type_of_field() {
    let decoded = read(
        "mode: null\niptables: null\nconfigSyncPeriod: ~\nenableProfiling: null\n\
         featureGates: null\nclientConnection: {qps: null, burst: null}\n\
         logging: {vmodule: null, flushFrequency: null, options: {json: {infoBufferSize: null}}}\n",
    )
    .expect("can be read");
    assert_eq!(
        (decoded.config, decoded.lenient),
        (KubeProxyConfiguration::with_defaults(), None)
    );
}

#[test]
fn json_with_tabs_reads_like_yaml() {
    let json = "{\n\t\"apiVersion\": \"kubeproxy.config.k8s.io/v1alpha1\",\n\
                \t\"kind\": \"KubeProxyConfiguration\",\n\t\"mode\": \"ipvs\",\n\
                \t\"ipvs\": {\"excludeCIDRs\": [\"10.0.0.0/8\"], \"syncPeriod\": \"1m\"}\n}\n";
    let yaml = read("mode: ipvs\nipvs:\n  excludeCIDRs:\n  - 10.0.0.0/8\n  syncPeriod: 60s\n");
    assert_eq!(decode(json.as_bytes()), yaml);
    assert_eq!(
        yaml.expect("can be read").config.ipvs.sync_period,
        GoDuration::from_seconds(60)
    );
}

#[test]
fn unknown_fields_are_named_and_passed_over() {
    let fields = "mode: ipvs\nudpIdleTimeout: 250ms\niptables:\n  bit: 3\n  masqueradeAll: true\n\
                  logging:\n  vmodule:\n  - filePattern: x\n    level: null\n";
    assert_eq!(
        warning(fields),
        "strict decoding error: unknown field \"iptables.bit\", \
         unknown field \"logging.vmodule[0].level\", unknown field \"udpIdleTimeout\""
    );
    let config = read(fields).expect("can be read").config;
    assert!(
        config.iptables.masquerade_all && config.mode == "ipvs",
        "the rest counts"
    );
}

#[test]
fn field_names_are_exact() {
    assert_eq!(
        warning("Mode: ipvs\n"),
        "strict decoding error: unknown field \"Mode\""
    );
}

#[test]
fn of_duplicate_fields_the_last_counts() {
    let fields = "mode: ipvs\nmode: nftables\nfoo: 1\n";
    assert_eq!(
        warning(fields),
        "strict decoding error: duplicate field \"mode\", unknown field \"foo\""
    );
    assert_eq!(read(fields).expect("can be read").config.mode, "nftables");
}

#[test]
fn many_unknown_fields_are_counted_instead_of_listed() {
    let fields: String = (0..1000).map(|n| format!("field{n:03}: 1\n")).collect();
    let warning = warning(&fields);
    assert!(
        warning.ends_with("unknown field \"field019\" and 980 more"),
        "{warning}"
    );
}

#[test]
fn another_kind_of_object_is_named() {
    assert_eq!(
        refusal("apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"),
        "failed to decode: no kind \"KubeletConfiguration\" is registered for version \
         \"kubelet.config.k8s.io/v1beta1\": expected apiVersion: kubeproxy.config.k8s.io/v1alpha1 \
         and kind: KubeProxyConfiguration"
    );
    let of_v1beta1 = TYPE.replace("v1alpha1", "v1beta1");
    assert!(refusal(&of_v1beta1).contains("\"kubeproxy.config.k8s.io/v1beta1\""));
}

#[test]
fn what_is_no_object_lacks_its_kind() {
    for file in ["", "mode: ipvs", "- a\n- b\n", "text", "null", "kind: 3\n"] {
        assert!(
            refusal(file).starts_with("failed to decode: kind is missing"),
            "{file:?}"
        );
    }
    assert!(refusal("kind: KubeProxyConfiguration").contains("apiVersion is missing"));
}

#[test]
fn a_value_of_the_wrong_type_is_named_with_its_field() {
    let wrong = |fields: &str| read(fields).expect_err("is of the wrong type").to_string();
    insta::assert_snapshot!(wrong("iptables:\n  masqueradeBit: high\n"), @r#"failed to decode: iptables.masqueradeBit: invalid type: string "high", expected i32"#);
    insta::assert_snapshot!(wrong("iptables:\n  syncPeriod: 30\n"), @r#"failed to decode: iptables.syncPeriod: invalid type: integer `30`, expected a duration with its unit, as in "30s""#);
    insta::assert_snapshot!(wrong("conntrack:\n  udpTimeout: 3 days\n"), @r#"failed to decode: conntrack.udpTimeout: time: unknown unit " days" in duration "3 days": use ns, us, ms, s, m or h"#);
    insta::assert_snapshot!(wrong("nodePortAddresses: primary\n"), @r#"failed to decode: nodePortAddresses: invalid type: string "primary", expected a sequence"#);
    insta::assert_snapshot!(wrong("hostnameOverride: 17\n"), @"failed to decode: hostnameOverride: invalid type: integer `17`, expected a string");
    insta::assert_snapshot!(wrong("oomScoreAdj: 9999999999\n"), @"failed to decode: oomScoreAdj: invalid value: integer `9999999999`, expected i32");
    insta::assert_snapshot!(wrong("logging:\n  flushFrequency: [1]\n"), @r#"failed to decode: logging.flushFrequency: expected a duration with its unit, as in "5s", or a number of nanoseconds"#);
}

#[test]
fn broken_yaml_is_named_with_its_line() {
    let error = read("mode: [ipvs\niptables: {}\n")
        .expect_err("is broken")
        .to_string();
    insta::assert_snapshot!(error, @"failed to decode: not valid YAML: illegal placement of ':' indicator at line 4, column 9");
    assert!(matches!(
        decode(b"mode: \xff"),
        Err(DecodeError::NotYaml { .. })
    ));
}

#[test]
fn booleans_of_old_yaml_are_booleans() {
    let decoded = read("iptables:\n  masqueradeAll: yes\n").expect("can be read");
    assert!(decoded.config.iptables.masquerade_all);
}

#[test]
fn files_that_grow_or_nest_without_end_are_refused() {
    let large = vec![b'#'; LARGEST_FILE + 1];
    let bytes = LARGEST_FILE + 1;
    assert_eq!(decode(&large), Err(DecodeError::TooLarge { bytes }));
    let deep = format!("mode: {}", "[".repeat(100_000));
    assert!(matches!(read(&deep), Err(DecodeError::NotYaml { .. })));
    let shallow = format!("mode: {}{}", "[".repeat(100), "]".repeat(100));
    assert!(matches!(read(&shallow), Err(DecodeError::NotYaml { .. })));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let previous = format!("*a{}", level - 1);
        let items = vec![previous; 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    assert!(matches!(read(&bomb), Err(DecodeError::NotYaml { .. })));
}

#[test]
fn our_own_section_reads_strictly() {
    let decoded = read(
        "mode: userspace\ntidegate:\n  iptablesVariant: nft\n  userspace: {udpIdleTimeout: 10s}\n",
    )
    .expect("can be read");
    assert_eq!(decoded.lenient, None);
    let tidegate = decoded.config.tidegate;
    assert_eq!(tidegate.iptables_variant, "nft");
    assert_eq!(
        tidegate.userspace.udp_idle_timeout,
        GoDuration::from_seconds(10)
    );
}
