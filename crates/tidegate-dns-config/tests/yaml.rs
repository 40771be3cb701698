//! Our own YAML: what it has beside Corefiles, and what is refused.

use std::net::IpAddr;

use tidegate_dns_config::{
    Cache, DnsConfig, Forward, Kubernetes, NameMatch, Parsed, Problems, ServerBlock, parse_yaml,
    write_yaml,
};

fn read(fields: &str) -> Result<Parsed, Problems> {
    let head = "apiVersion: tidegate.dev/v1alpha1\nkind: DnsConfiguration\n";
    parse_yaml(&format!("{head}{fields}"), "dns.yaml")
}

fn config(fields: &str) -> DnsConfig {
    let config = read(fields).expect("good YAML").config;
    let again = parse_yaml(&write_yaml(&config), "dns.yaml").expect("our own YAML");
    assert_eq!(again.config, config);
    config
}

fn refusal(fields: &str) -> String {
    read(fields).expect_err(fields).to_string()
}

/// What is said about a server block with these fields.
fn of_server(fields: &str) -> String {
    refusal(&format!("servers: [{{zones: [example.org], {fields}}}]"))
}

#[test]
fn what_is_not_set_has_the_defaults_of_coredns() {
    let config = config(
        "servers: [{zones: ['.'], kubernetes: {zones: [cluster.local]}, cache: {denial: \
         {capacity: 100}}, forward: [{to: [10.0.0.1]}]}]",
    );
    let ServerBlock {
        kubernetes,
        cache,
        forward,
        ..
    } = &config.servers[0];
    let zones = vec!["cluster.local".parse().expect("a name")];
    assert_eq!(
        kubernetes.as_ref(),
        Some(&Kubernetes {
            zones,
            ..Kubernetes::default()
        })
    );
    let mut expected = Cache {
        zones: config.servers[0].zone_names(),
        ..Cache::default()
    };
    assert_eq!((expected.success.ttl, expected.denial.ttl), (3600, 1800));
    expected.denial.capacity = 100;
    assert_eq!(cache.as_ref(), Some(&expected));
    let to = vec!["10.0.0.1:53".parse().expect("a server")];
    assert_eq!(
        forward[..],
        [Forward {
            to,
            ..Forward::default()
        }]
    );
}

#[test]
fn there_are_words_that_a_corefile_does_not_have() {
    let config = config(
        "
servers:
- zones: [cluster.local, example.org:1053, 10.0.0.0/8]
  rateLimit: {responsesPerSecond: 50, slip: 0}
  rewrite:
  - {match: suffix, from: .A.org, to: .b.org, then: continue, answerAuto: true}
  - {from: a.org, to: b.org}
nodeLocal:
  addresses: [169.254.20.10, fd00::10]
tcp: {maxConnections: 10000, idleTimeout: 30s}
udpSockets: 4
",
    );
    let server = &config.servers[0];
    let zones: Vec<String> = server.zones.iter().map(ToString::to_string).collect();
    assert_eq!(
        zones,
        ["cluster.local.", "example.org.:1053", "10.in-addr.arpa."]
    );
    let limit = server.rate_limit.as_ref().expect("set");
    assert_eq!((limit.responses_per_second, limit.slip), (50, 0));
    assert_eq!((limit.ipv4_prefix, limit.ipv6_prefix), (24, 56));
    assert_eq!(server.rewrite[0].from, ".a.org.");
    assert_eq!(server.rewrite[1].matching, NameMatch::Exact);
    assert!(server.rewrite[1].answer_auto, "as in a Corefile");
    let addresses = config.node_local.map(|node_local| node_local.addresses);
    let expected = ["169.254.20.10", "fd00::10"].map(|text| text.parse::<IpAddr>());
    assert_eq!(
        addresses,
        expected.into_iter().collect::<Result<_, _>>().ok()
    );
    assert_eq!(config.tcp.max_connections, 10_000);
    assert_eq!(config.udp_sockets, Some(4));
}

#[test]
fn json_is_yaml() {
    let json = r#"{"apiVersion": "tidegate.dev/v1alpha1", "kind": "DnsConfiguration",
                   "servers": [{"zones": ["."], "loopCheck": true}]}"#;
    let parsed = parse_yaml(json, "dns.json").expect("good JSON");
    assert!(parsed.config.servers[0].loop_check);
}

#[test]
fn a_search_path_without_known_pods_is_worth_a_warning() {
    let parsed = read("servers: [{zones: [a.org], autopath: {}, kubernetes: {pods: insecure}}]");
    assert_eq!(
        parsed.expect("good YAML").warnings[0].to_string(),
        "servers[0].autopath: without \"pods verified\" in kubernetes no client is known, and \
         nothing is completed"
    );
}

#[test]
fn what_is_no_configuration_is_refused_as_a_whole() {
    let refusal = |text: &str| parse_yaml(text, "dns.yaml").expect_err(text).to_string();
    let cases = [
        "",
        "[]",
        "kind: DnsConfiguration",
        "apiVersion: v1",
        "a: [b",
        "\tx",
    ];
    let table: Vec<String> = cases
        .iter()
        .map(|case| format!("{case:?}\n  {}", refusal(case)))
        .collect();
    let table = table.join("\n");
    insta::assert_snapshot!(table);
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let cases = [
        "kubernets: {}",
        "kubernetes: {tll: 5}",
        "kubernetes: {ttl: '5'}",
        "kubernetes: {ttl: 4000}",
        "kubernetes: {ttl: -1}",
        "kubernetes: {zones: [10.96.0.0/12]}",
        "kubernetes: {zones: [in-addr.arpa]}",
        "kubernetes: {pods: all}",
        "kubernetes: {labels: 'a in b'}",
        "forward: [{to: [10.0.0.1]}, {to: [nowhere]}]",
        "forward: [{to: []}]",
        "forward: [{to: [10.0.0.1], maxConcurrent: 0}]",
        "forward: [{to: [10.0.0.1], expire: 10}]",
        "forward: [{to: [10.0.0.1], expire: -10s}]",
        "forward: [{to: [10.0.0.1], next: [MAYBE]}]",
        "cache: {denial: {ttl: 0}}",
        "cache: {denial: {ttll: 1}}",
        "cache: {prefetch: {percentage: 5}}",
        "health: {address: '8080'}",
        "reload: {interval: 1s}",
        "rewrite: [{from: a..b, to: c}]",
        "rewrite: [{match: regex, from: '(', to: c}]",
        "transfer: [{}]",
        "tsig: {keys: [{name: k, secret: '!'}]}",
        "rateLimit: {ipv4Prefix: 33}",
        "autopath: {}",
        "bind: [{to: []}]",
    ];
    let table: Vec<String> = (cases.iter())
        .map(|case| format!("{case}\n  {}", of_server(case)))
        .collect();
    let table = table.join("\n");
    insta::assert_snapshot!(table);
    let cases = [
        "servers: []",
        "servers: [{zones: []}]",
        "servers: [{zones: [a..b]}]",
        "servers: [{zones: [in-addr.arpa], kubernetes: {}}]",
        "servers: [{zones: [a]}, {zones: [b, A.]}]",
        "servers: [{zones: [a]}]\nnodeLocal: {}",
        "servers: [{zones: [a]}]\nnodeLocal: {addresses: ['0.0.0.0']}",
        "servers: [{zones: [a]}]\ntcp: {maxConnections: 0, idleTimeout: 0s}",
        "servers: [{zones: [a]}]\nudpSockets: 0",
        "servers: [{zones: [a]}]\nmore: 0",
    ];
    let table: Vec<String> = (cases.iter())
        .map(|case| format!("{case}\n  {}", refusal(case).replace('\n', "\n  ")))
        .collect();
    let table = table.join("\n");
    insta::assert_snapshot!(table);
}

#[test]
fn secrets_are_not_printed_for_the_log() {
    let fields = "servers: [{zones: [a], tsig: {keys: [{name: k, secret: aGVsbG8=}]}}]";
    let config = config(fields);
    assert!(!format!("{config:?}").contains("aGVsbG8"));
    assert!(write_yaml(&config).contains("aGVsbG8"), "but they are kept");
    let keys = config.servers[0].tsig.as_ref().map(|tsig| &tsig.keys);
    let bytes = keys.and_then(|keys| keys[0].secret.bytes());
    assert_eq!(bytes.as_deref(), Some(b"hello".as_slice()));
}
