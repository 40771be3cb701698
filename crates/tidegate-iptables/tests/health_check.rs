//! Packets to a `healthCheckNodePort` are let in, as upstream's rules let them in.

use tidegate_dataplane::Dataplane;
use tidegate_iptables::{IptablesOptions, Variant, render};
use tidegate_model::{LoadBalancerIp, NodePort, Service, TrafficPolicy};
use tidegate_testnet::{Cluster, ip};

#[macro_use]
mod support;

use support::open;
use support::rules::{own_namespace, reconcile, saved};

for_each_variant! {
    the_rules_come_and_go_with_the_port
}

fn asked(at: Option<u16>) -> Service {
    let mut service = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    service.external_policy = TrafficPolicy::Local;
    service.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.5"))];
    service.health_check_node_port = at.map(NodePort);
    service
}

#[test]
fn line_32_health_checks_are_let_in_by_a_rule_for_each_port_of_the_service() {
    let mut cluster = Cluster::new();
    cluster.set(asked(Some(32_000)));
    let text = render(cluster.plan(), &IptablesOptions::default());
    let lines = text.lines().filter(|line| line.contains("health check"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    -A KUBE-NODEPORTS -m comment --comment "default/web:web health check node port" -m tcp -p tcp --dport 32000 -j ACCEPT
    -A KUBE-NODEPORTS -m comment --comment "default/web:game health check node port" -m tcp -p tcp --dport 32000 -j ACCEPT
    -I INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
    -A KUBE-NODEPORTS -m comment --comment "default/web:web health check node port" -m tcp -p tcp --dport 32000 -j ACCEPT
    -A KUBE-NODEPORTS -m comment --comment "default/web:game health check node port" -m tcp -p tcp --dport 32000 -j ACCEPT
    -I INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
    "#);
    cluster.set(asked(None));
    let without = render(cluster.plan(), &IptablesOptions::default());
    assert!(!without.contains("32000"), "{without}");
}

fn the_rules_come_and_go_with_the_port(variant: Variant) {
    own_namespace();
    let mut mode = open(variant);
    let mut cluster = Cluster::new();
    cluster.set(asked(None));
    reconcile(&mut mode, &cluster);
    let before = saved(variant);
    for (port, rules) in [(Some(32_000), 4), (Some(32_001), 4), (None, 0)] {
        let delta = cluster.set(asked(port));
        let outcome = mode.apply(&delta).expect("it can be programmed");
        assert_eq!((outcome.changed > 0, outcome.refused), (true, vec![]));
        let accepting = saved(variant)
            .into_iter()
            .filter(|line| line.contains("health check node port"));
        let accepting: Vec<String> = accepting.collect();
        assert_eq!(accepting.len(), rules, "{accepting:#?}");
        for line in accepting {
            let to = format!("--dport {} -j ACCEPT", port.expect("there is one"));
            assert!(line.ends_with(&to), "{line}");
        }
        let audit = reconcile(&mut mode, &cluster);
        assert_eq!((audit.changed, audit.drift), (0, vec![]));
    }
    assert_eq!(saved(variant), before);
}
