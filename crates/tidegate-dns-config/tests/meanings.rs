//! What Corefiles that people have mean, as our own YAML says it.

use tidegate_dns_config::{
    AutopathSearch, DnsConfig, NoEnv, NoImports, Parsed, ServerBlock, ZoneName, default_corefile,
    parse_corefile, parse_yaml, write_yaml,
};

fn read(text: &str) -> Parsed {
    parse_corefile(text, "Corefile", &NoImports, &NoEnv).expect("a good Corefile")
}

/// The meaning of a Corefile in YAML, which reads as the same.
fn meaning(text: &str) -> String {
    let parsed = read(text);
    let yaml = write_yaml(&parsed.config);
    let again = parse_yaml(&yaml, "dns.yaml").expect("our own YAML");
    assert_eq!(again.config, parsed.config, "{yaml}");
    assert_eq!(
        write_yaml(&again.config),
        yaml,
        "it is written the same again"
    );
    yaml
}

/// The only block of a Corefile with this in it.
fn block(inside: &str) -> ServerBlock {
    let text = format!("example.org {{\n{inside}\n}}");
    meaning(&text);
    let mut servers = read(&text).config.servers;
    assert_eq!(servers.len(), 1);
    servers.remove(0)
}

fn name(text: &str) -> ZoneName {
    text.parse().expect("a name")
}

#[test]
fn kubeadm_has_the_defaults() {
    let domain = name("cluster.local");
    let corefile = default_corefile(&domain);
    assert_eq!(read(&corefile).config, DnsConfig::default_for(&domain, &[]));
    assert_eq!(read(&corefile).warnings, []);
    insta::assert_snapshot!(meaning(&corefile));
}

#[test]
fn the_defaults_for_ranges_answer_their_addresses_only() {
    let ranges = ["10.96.0.0/12", "fd00:10:96::/112"].map(|range| range.parse().expect("a range"));
    let config = DnsConfig::default_for(&name("k8s.test"), &ranges);
    let kubernetes = config.servers[0].kubernetes.as_ref().expect("set");
    let zones: Vec<&str> = kubernetes.zones.iter().map(ZoneName::as_str).collect();
    assert_eq!(zones.len(), 1 + 16 + 1);
    assert_eq!(
        zones[..3],
        ["k8s.test.", "96.10.in-addr.arpa.", "97.10.in-addr.arpa."]
    );
    assert_eq!(
        zones[17],
        "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa."
    );
    assert_eq!(kubernetes.fallthrough, kubernetes.zones[1..]);
}

#[test]
fn kops_means_the_same_as_kubeadm() {
    let kops = "
.:53 {
    errors
    health {
      lameduck 5s
    }
    ready
    kubernetes cluster.local. in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
      ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
      max_concurrent 1000
    }
    loop
    cache 30
    loadbalance
    reload
}
";
    let domain = name("Cluster.Local");
    assert_eq!(read(kops).config, DnsConfig::default_for(&domain, &[]));
}

#[test]
fn node_local_dnscache_is_four_blocks_on_two_addresses() {
    let zone = |zone: &str, rest: &str| {
        format!(
            "{zone}:53 {{
    errors
    cache {{
        success 9984 30
        denial 9984 5
    }}
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . 10.96.0.10 {{
        force_tcp
    }}
    prometheus :9253
    {rest}
}}
"
        )
    };
    let file = zone("cluster.local", "health 169.254.20.10:8080")
        + &zone("in-addr.arpa", "")
        + &zone("ip6.arpa", "")
        + ".:53 {
    errors
    cache 30
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . /etc/resolv.conf
    prometheus :9253
}
";
    insta::assert_snapshot!(meaning(&file));
}

#[test]
fn stub_domains_are_blocks_and_forwards() {
    let file = "
# The order of blocks does not matter.
corp.example:53 dev.corp.example:1053 {
    errors
    cache 30
    forward . 10.150.0.1 10.150.0.2:5353 {
        policy sequential
    }
}

. {
    forward lab.example 10.20.0.1
    forward . tls://9.9.9.9%dns.quad9.net tls://[2620:fe::fe]:8853 1.1.1.1 {
        except corp.example 10.0.0.0/8
        health_check 5s no_rec domain example.org
        max_fails 3
    }
}
";
    insta::assert_snapshot!(meaning(file));
}

#[test]
fn every_property_of_every_plugin_is_read() {
    let file = r#"
example.org 10.0.0.0/15 {
    autopath example.org @kubernetes
    bind lo 127.0.0.53 {
        except ::1
    }
    cache 20 example.org {
        success 5000 100 10
        denial 2500 50
        prefetch 2 30s 20%
        serve_stale 2h verify
        servfail 10s
        disable success a.example.org
        disable denial
        keepttl
    }
    errors {
        consolidate 5m ".* i/o timeout$" warning
        consolidate 30s "^Failed .+" show_first
    }
    forward example.org 10.0.0.1 10.0.0.2 {
        except a.example.org b.example.org
        force_tcp
        prefer_udp
        expire 20s
        max_idle_conns 4
        max_fails 0
        tls cert.pem key.pem ca.pem
        tls_servername dns.example
        policy round_robin
        health_check 1s
        max_concurrent 10
        next NXDOMAIN servfail
        failfast_all_unhealthy_upstreams
        failover REFUSED
    }
    health :8081 {
        lameduck 1m30s
    }
    hosts /etc/more-hosts example.org {
        10.0.0.1 one.example.org uno.example.org
        ::1 *.example.org
        ttl 60
        no_reverse
        reload 0s
        fallthrough
        fallthrough_unsupported
    }
    kubernetes cluster.local 10.96.0.0/16 {
        endpoint https://10.0.0.1:6443
        tls cert.pem key.pem ca.pem
        kubeconfig /etc/kubeconfig admin
        namespaces default kube-system
        labels environment in (staging, qa),application=nginx
        pods verified
        endpoint_pod_names
        ttl 0
        noendpoints
        zonal
        fallthrough
        ignore empty_service
        startup_timeout 10s
    }
    loadbalance round_robin
    log example.org example.net {combined} {
        class denial error
    }
    log
    loop
    prometheus
    ready 127.0.0.1:8181 {
        monitor continuously
    }
    reload 10s 8s
    rewrite name old.example.org new.example.org
    rewrite continue name suffix .foo.org .bar.org answer auto
    rewrite stop {
        name regex (.*)-(us-west-1)\.example\.org {1}.service.{2}.consul
        answer name (.*)\.service\.(us-west-1)\.consul {1}-{2}.example.org
        answer value (.*)\.consul {1}.org
    }
    transfer {
        to * 10.0.0.0/8
        to 10.0.0.1 [::1]:5353
    }
    tsig {
        secret Key.Example NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk=
        secret other.example. SGVsbG8= HMAC-SHA512.
        require AXFR IXFR
    }
}
"#;
    insta::assert_snapshot!(meaning(file));
}

#[test]
fn plugins_without_zones_have_those_of_their_block() {
    let block = block("kubernetes\ncache\nhosts\ntransfer {\nto *\n}\ntsig\nautopath @kubernetes");
    let zones = [name("example.org")];
    assert_eq!(block.kubernetes.expect("set").zones, zones);
    assert_eq!(block.cache.expect("set").zones, zones);
    assert_eq!(block.hosts.expect("set").zones, zones);
    assert_eq!(block.transfer[0].zones, zones);
    assert_eq!(block.tsig.expect("set").zones, zones);
    assert_eq!(block.autopath.expect("set").zones, zones);
}

#[test]
fn the_jitter_of_a_reload_is_half_the_interval_at_most() {
    let reload = block("reload 4s").reload.expect("set");
    assert_eq!((reload.interval.as_secs(), reload.jitter.as_secs()), (4, 2));
}

#[test]
fn zero_stands_for_none_where_coredns_has_it_so() {
    let block = block("forward . 10.0.0.1 {\nmax_concurrent 0\n}\ncache {\nprefetch 0\n}");
    assert_eq!(block.forward[0].max_concurrent, None);
    assert_eq!(block.cache.expect("set").prefetch, None);
}

#[test]
fn a_search_path_may_come_from_a_file() {
    let autopath = block("autopath /etc/resolv.conf").autopath.expect("set");
    let file = AutopathSearch::ResolvConf("/etc/resolv.conf".to_owned());
    assert_eq!(autopath.search, file);
}

#[test]
fn what_changes_nothing_is_told() {
    let parsed = read(
        ". {
    errors {
        stacktrace
    }
    autopath @kubernetes
    kubernetes cluster.local {
        apiserver_qps 50
        endpoint https://a:1 https://b:2
        resyncperiod 5m
    }
    forward 10.0.0.0/9 10.0.0.1
}",
    );
    let warnings: Vec<String> = parsed.warnings.iter().map(ToString::to_string).collect();
    let warnings = warnings.join("\n");
    insta::assert_snapshot!(warnings);
}
