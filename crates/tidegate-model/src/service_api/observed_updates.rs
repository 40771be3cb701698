//! Changes of Services that exist: upstream's answers, and what is taken and given back.

use serde_json::{Value, json};

use super::Rejection;
use super::test_cluster::TestCluster;

fn service(name: &str, spec: Value) -> Value {
    let mut service = json!({"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}});
    for (field, value) in spec.as_object().expect("an object") {
        service["spec"][field] = value.clone();
    }
    service
}

fn cluster_with(name: &str, spec: Value) -> TestCluster {
    let mut cluster = TestCluster::single_stack();
    cluster
        .create(service(name, spec))
        .expect("the first Service");
    cluster
}

#[track_caller]
fn assert_invalid(answer: Result<Value, Rejection>, message: &str) {
    assert_eq!(
        answer.map_err(|rejection| rejection.to_string()),
        Err(message.to_owned())
    );
}

#[test]
fn what_was_allocated_is_kept_when_it_is_left_out() {
    let mut cluster = TestCluster::single_stack();
    let made = cluster
        .create(service("u1", json!({"type": "NodePort"})))
        .expect("accepted");
    let kept = cluster
        .edit("u1", |service| {
            service["spec"] = json!({"type": "NodePort", "ports": [{"port": 8080}]});
        })
        .expect("accepted");
    assert_eq!(kept["spec"]["clusterIP"], made["spec"]["clusterIP"]);
    assert_eq!(kept["spec"]["clusterIPs"], made["spec"]["clusterIPs"]);
    assert_eq!(kept["spec"]["ipFamilies"], json!(["IPv4"]));
    assert_eq!(
        kept["spec"]["ports"][0]["nodePort"],
        made["spec"]["ports"][0]["nodePort"]
    );
    assert_eq!(cluster.held(), (1, 1));
}

#[test]
fn the_first_family_and_address_stay() {
    let mut cluster = cluster_with("u1", json!({"clusterIP": "10.96.174.238"}));
    assert_invalid(
        cluster.edit("u1", |service| {
            service["spec"]["ipFamilies"] = json!(["IPv6"])
        }),
        r#"Service "u1" is invalid: spec.clusterIPs[0]: Invalid value: "10.96.174.238": expected an IPv6 value as indicated by `ipFamilies[0]`"#,
    );
    assert_invalid(
        cluster.edit("u1", |service| {
            service["spec"]["clusterIP"] = json!("10.96.174.239")
        }),
        r#"Service "u1" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.174.239"]: may not change once set"#,
    );
    assert_eq!(cluster.held(), (1, 0));
}

#[test]
fn node_ports_belong_to_one_service() {
    let mut cluster = cluster_with(
        "n1",
        json!({
            "type": "NodePort", "ports": [{"port": 80, "nodePort": 30777}],
        }),
    );
    for protocol in ["TCP", "UDP"] {
        assert_invalid(
            cluster.create(service(
                "n2",
                json!({
                    "type": "NodePort",
                    "ports": [{"port": 80, "nodePort": 30777, "protocol": protocol}],
                }),
            )),
            r#"Service "n2" is invalid: spec.ports[0].nodePort: Invalid value: 30777: provided port is already allocated"#,
        );
    }
    cluster.delete("n1");
    assert_eq!(cluster.held(), (0, 0));
}

#[test]
fn one_number_on_two_protocols_shares_a_node_port() {
    let mut cluster = TestCluster::single_stack();
    let ports = json!([
        {"name": "a", "port": 53},
        {"name": "b", "port": 53, "protocol": "UDP"},
        {"name": "c", "port": 80},
    ]);
    let made = cluster.create(service("dns", json!({"type": "NodePort", "ports": ports})));
    let ports = made.expect("accepted")["spec"]["ports"].clone();
    assert_eq!(ports[0]["nodePort"], ports[1]["nodePort"]);
    assert_ne!(ports[0]["nodePort"], ports[2]["nodePort"]);
    assert_eq!(cluster.held(), (1, 2));
    cluster.delete("dns");
    assert_eq!(cluster.held(), (0, 0));
}

#[test]
fn types_change_back_and_forth() {
    let mut cluster = cluster_with("u1", json!({}));
    let as_type = |service_type: &'static str| {
        move |service: &mut Value| service["spec"]["type"] = json!(service_type)
    };
    let node_port = cluster.edit("u1", as_type("NodePort")).expect("accepted");
    assert!(node_port["spec"]["ports"][0]["nodePort"].is_u64());
    assert_eq!(node_port["spec"]["externalTrafficPolicy"], "Cluster");
    let plain = cluster.edit("u1", as_type("ClusterIP")).expect("accepted");
    assert_eq!(plain["spec"]["ports"][0].get("nodePort"), None);
    assert_eq!(plain["spec"].get("externalTrafficPolicy"), None);
    assert_eq!(cluster.held(), (1, 0));
    let alias = cluster
        .edit("u1", |service| {
            service["spec"]["type"] = json!("ExternalName");
            service["spec"]["externalName"] = json!("example.com.");
        })
        .expect("accepted");
    for gone in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        assert_eq!(alias["spec"].get(gone), None, "{gone}");
    }
    assert_eq!(cluster.held(), (0, 0));
    assert_invalid(
        cluster.edit("u1", |service| {
            service["spec"] = json!({"type": "ClusterIP"})
        }),
        r#"Service "u1" is invalid: spec.ports: Required value"#,
    );
    let back = cluster.edit("u1", as_type("ClusterIP")).expect("accepted");
    assert!(back["spec"]["clusterIP"].is_string());
    assert_eq!(cluster.held(), (1, 0));
}

#[test]
fn load_balancers() {
    let balancer = json!({
        "type": "LoadBalancer", "externalTrafficPolicy": "Local", "loadBalancerClass": "a/b",
    });
    let mut cluster = cluster_with("l1", balancer);
    assert_eq!(cluster.held(), (1, 2));
    assert_invalid(
        cluster.edit("l1", |service| {
            service["spec"]["healthCheckNodePort"] = json!(30883)
        }),
        r#"Service "l1" is invalid: spec.healthCheckNodePort: Forbidden: field is immutable"#,
    );
    assert_invalid(
        cluster.edit("l1", |service| {
            service["spec"]["loadBalancerClass"] = json!("c/d")
        }),
        r#"Service "l1" is invalid: spec.loadBalancerClass: Invalid value: "c/d": may not change once set"#,
    );
    cluster
        .set_ingress("l1", json!([{"ip": "192.0.2.1"}]))
        .expect("accepted");
    let plain = cluster
        .edit("l1", |service| service["spec"]["type"] = json!("ClusterIP"))
        .expect("accepted");
    for gone in [
        "healthCheckNodePort",
        "allocateLoadBalancerNodePorts",
        "loadBalancerClass",
        "externalTrafficPolicy",
    ] {
        assert_eq!(plain["spec"].get(gone), None, "{gone}");
    }
    assert_eq!(plain["status"], json!({"loadBalancer": {}}));
    assert_eq!(cluster.held(), (1, 0));
}

#[test]
fn load_balancers_may_do_without_node_ports() {
    let without = json!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false});
    let mut cluster = cluster_with("l1", without);
    assert_eq!(cluster.held(), (1, 0));
    cluster
        .edit("l1", |service| {
            service["spec"]["ports"][0]["nodePort"] = json!(30100)
        })
        .expect("asked for by number");
    assert_eq!(cluster.held(), (1, 1));
}

#[test]
fn load_balancer_status() {
    let mut cluster = cluster_with("l1", json!({"type": "LoadBalancer"}));
    cluster
        .create(service("n1", json!({"type": "NodePort"})))
        .expect("accepted");
    assert_invalid(
        cluster.set_ingress("n1", json!([{"ip": "192.0.2.1"}])),
        r#"Service "n1" is invalid: status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"#,
    );
    assert_invalid(
        cluster.set_ingress("l1", json!([{"ip": "foo"}])),
        r#"Service "l1" is invalid: status.loadBalancer.ingress[0].ip: Invalid value: "foo": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
    );
    assert_invalid(
        cluster.set_ingress("l1", json!([{"hostname": "a.b", "ipMode": "VIP"}])),
        r#"Service "l1" is invalid: status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set"#,
    );
    let good = cluster
        .set_ingress("l1", json!([{"ip": "192.0.2.1"}]))
        .expect("accepted");
    assert_eq!(
        good["status"]["loadBalancer"]["ingress"][0]["ipMode"],
        "VIP"
    );
}

#[test]
fn node_ports_of_an_alias_belong_to_others() {
    let mut cluster = cluster_with(
        "n1",
        json!({
            "type": "NodePort", "ports": [{"port": 80, "nodePort": 30777}],
        }),
    );
    let alias = json!({
        "type": "ExternalName", "externalName": "a.b", "ports": [{"port": 80, "nodePort": 30777}],
    });
    cluster
        .create(service("alias", alias))
        .expect("upstream accepts it");
    assert_invalid(
        cluster.edit("alias", |service| {
            service["spec"]["type"] = json!("NodePort")
        }),
        r#"Service "alias" is invalid: spec.ports[0].nodePort: Invalid value: 30777: provided port is already allocated"#,
    );
    cluster.delete("alias");
    assert_eq!(cluster.held(), (1, 1));
}

#[test]
fn headless_services_hold_nothing() {
    let mut cluster = TestCluster::single_stack();
    let unmanaged = cluster
        .create(json!({"spec": {"clusterIP": "None"}}))
        .expect("accepted");
    assert_eq!(unmanaged["spec"]["ipFamilyPolicy"], "RequireDualStack");
    assert_eq!(unmanaged["spec"]["ipFamilies"], json!(["IPv4", "IPv6"]));
    let managed = json!({"metadata": {"name": "y"}, "spec": {
        "clusterIP": "None", "selector": {"app": "y"},
    }});
    let managed = cluster.create(managed).expect("accepted");
    assert_eq!(managed["spec"]["ipFamilyPolicy"], "SingleStack");
    assert_eq!(managed["spec"]["clusterIPs"], json!(["None"]));
    cluster.delete("x");
    assert_eq!(cluster.held(), (0, 0));
}

#[test]
fn a_second_family_comes_and_goes() {
    let mut cluster = TestCluster::dual_stack();
    let made = cluster.create(service("d", json!({}))).expect("accepted");
    assert_eq!(made["spec"]["ipFamilies"], json!(["IPv4"]));
    let both = cluster
        .edit("d", |service| {
            service["spec"]["ipFamilyPolicy"] = json!("RequireDualStack")
        })
        .expect("accepted");
    assert_eq!(both["spec"]["ipFamilies"], json!(["IPv4", "IPv6"]));
    assert_eq!(both["spec"]["clusterIPs"][0], made["spec"]["clusterIP"]);
    assert_eq!(both["spec"]["clusterIPs"].as_array().map(Vec::len), Some(2));
    assert_eq!(cluster.held(), (2, 0));
    assert_invalid(
        cluster.edit("d", |service| {
            service["spec"]["ipFamilies"] = json!(["IPv4"])
        }),
        r#"Service "d" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be 'SingleStack' to release the secondary IP family"#,
    );
    let one = cluster
        .edit("d", |service| {
            service["spec"]["ipFamilyPolicy"] = json!("SingleStack")
        })
        .expect("accepted");
    assert_eq!(
        one["spec"]["clusterIPs"],
        json!([made["spec"]["clusterIP"]])
    );
    assert_eq!(cluster.held(), (1, 0));
}

#[test]
fn preferring_both_families_takes_what_there_is_and_stays() {
    let prefers = json!({"ipFamilyPolicy": "PreferDualStack"});
    let mut single = cluster_with("p", prefers.clone());
    assert_eq!(single.held(), (1, 0));
    let same = single.edit("p", |service| {
        service["metadata"]["labels"] = json!({"a": "b"})
    });
    assert_eq!(
        same.expect("accepted")["spec"]["ipFamilies"],
        json!(["IPv4"])
    );
    let mut dual = TestCluster::dual_stack();
    dual.create(service("p", prefers)).expect("accepted");
    assert_eq!(dual.held(), (2, 0));
    dual.delete("p");
    assert_eq!(dual.held(), (0, 0));
}

#[test]
fn full_ranges_are_internal_errors() {
    let mut cluster = TestCluster::with_ranges(&["10.96.0.0/30"]);
    cluster
        .create(service("a", json!({})))
        .expect("the first of two");
    cluster
        .create(service("b", json!({})))
        .expect("the second of two");
    assert_invalid(
        cluster.create(service("c", json!({}))),
        r#"Internal error occurred: failed to allocate a serviceIP for Service "c": range is full"#,
    );
    assert_invalid(
        cluster.create(service("d", json!({"clusterIP": "10.96.0.1"}))),
        r#"Service "d" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated"#,
    );
}

#[test]
fn a_second_range_of_a_family_is_used_when_the_first_is_full() {
    let mut cluster = TestCluster::with_ranges(&["10.96.0.0/30", "10.97.0.0/24"]);
    for name in ["a", "b", "c"] {
        cluster.create(service(name, json!({}))).expect("accepted");
    }
    let named = cluster.create(service("d", json!({"clusterIP": "10.97.0.9"})));
    assert_eq!(named.expect("accepted")["spec"]["clusterIP"], "10.97.0.9");
}
