//! The answers that kube-apiserver 1.36.2 gave to new Services, one row for each request.

use serde_json::{Value, json};

use super::test_cluster::TestCluster;
use super::{Rejection, warnings};

/// A specification with one port, and whatever else the row is about.
fn spec(extra: Value) -> Value {
    let mut service = json!({"spec": {"ports": [{"port": 80}]}});
    for (field, value) in extra.as_object().expect("an object") {
        service["spec"][field] = value.clone();
    }
    service
}

fn port(extra: Value) -> Value {
    let mut port = json!({"port": 80});
    for (field, value) in extra.as_object().expect("an object") {
        port[field] = value.clone();
    }
    spec(json!({"ports": [port]}))
}

fn ports(ports: Value) -> Value {
    spec(json!({"ports": ports}))
}

fn named(name: &str) -> Value {
    let mut service = spec(json!({}));
    service["metadata"] = json!({"name": name});
    service
}

fn refusal(service: Value) -> String {
    let answer = TestCluster::single_stack().create(service.clone());
    let rejection = answer.expect_err(&service.to_string());
    assert!(matches!(rejection, Rejection::Invalid(_)), "{rejection}");
    rejection.to_string()
}

#[track_caller]
fn assert_invalid(service: Value, faults: &str) {
    assert_eq!(
        refusal(service),
        format!("Service \"x\" is invalid: {faults}")
    );
}

#[test]
fn names() {
    assert_eq!(
        refusal(named("Bad")),
        r#"Service "Bad" is invalid: metadata.name: Invalid value: "Bad": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"#
    );
    let long = "a".repeat(64);
    assert_eq!(
        refusal(named(&long)),
        format!(
            "Service \"{long}\" is invalid: metadata.name: Invalid value: \"{long}\": must be no \
             more than 63 characters"
        )
    );
}

#[test]
fn port_lists() {
    assert_invalid(spec(json!({"ports": []})), "spec.ports: Required value");
    assert_invalid(
        port(json!({"port": 0})),
        "[spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive]",
    );
    for protocol in ["FOO", "tcp"] {
        assert_invalid(
            port(json!({"protocol": protocol})),
            &format!(
                r#"spec.ports[0].protocol: Unsupported value: "{protocol}": supported values: "SCTP", "TCP", "UDP""#
            ),
        );
    }
    assert_invalid(
        ports(json!([{"name": "a", "port": 80}, {"name": "a", "port": 81}])),
        r#"spec.ports[1].name: Duplicate value: "a""#,
    );
    assert_invalid(
        ports(json!([{"name": "a", "port": 80}, {"name": "b", "port": 80}])),
        r#"spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#,
    );
    assert_invalid(
        ports(json!([{"name": "a", "port": 80}, {"port": 81}])),
        "spec.ports[1].name: Required value",
    );
}

#[test]
fn target_ports_and_application_protocols() {
    assert_invalid(
        port(json!({"targetPort": 70000})),
        "spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    );
    assert_invalid(
        port(json!({"targetPort": "a_b"})),
        r#"spec.ports[0].targetPort: Invalid value: "a_b": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"#,
    );
    assert_invalid(
        port(json!({"appProtocol": "a b"})),
        r#"spec.ports[0].appProtocol: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"#,
    );
}

#[test]
fn enumerations() {
    for (field, faults) in [
        (
            "type",
            r#"Unsupported value: "Foo": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort""#,
        ),
        (
            "sessionAffinity",
            r#"Unsupported value: "Foo": supported values: "ClientIP", "None""#,
        ),
        (
            "ipFamilyPolicy",
            r#"Unsupported value: "Foo": supported values: "PreferDualStack", "RequireDualStack", "SingleStack""#,
        ),
        (
            "trafficDistribution",
            r#"Unsupported value: "Foo": supported values: "PreferClose", "PreferSameZone", "PreferSameNode""#,
        ),
        (
            "internalTrafficPolicy",
            r#"Unsupported value: "Foo": supported values: "Cluster", "Local""#,
        ),
    ] {
        assert_invalid(
            spec(json!({field: "Foo"})),
            &format!("spec.{field}: {faults}"),
        );
    }
    assert_invalid(
        spec(json!({"ipFamilies": ["Foo"]})),
        r#"spec.ipFamilies[0]: Unsupported value: "Foo": supported values: "IPv4", "IPv6""#,
    );
    assert_invalid(
        spec(json!({"type": "NodePort", "externalTrafficPolicy": "Foo"})),
        r#"spec.externalTrafficPolicy: Unsupported value: "Foo": supported values: "Cluster", "Local""#,
    );
}

#[test]
fn affinity_times() {
    for seconds in [86_401, 0, -1] {
        assert_invalid(
            spec(json!({
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": seconds}},
            })),
            &format!(
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: {seconds}: must be greater than 0 and less than 86400"
            ),
        );
    }
}

#[test]
fn node_ports() {
    assert_invalid(
        port(json!({"nodePort": 30500})),
        "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    );
    let pair = json!([
        {"name": "a", "port": 80, "nodePort": 30500},
        {"name": "b", "port": 81, "nodePort": 30500},
    ]);
    assert_invalid(
        spec(json!({"type": "NodePort", "ports": pair})),
        "spec.ports[1].nodePort: Invalid value: 30500: provided port is already allocated",
    );
    assert_invalid(
        spec(json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]})),
        "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    );
}

#[test]
fn cluster_ips() {
    for outside in ["10.97.0.1", "10.96.255.255", "10.96.0.0"] {
        assert_invalid(
            spec(json!({"clusterIP": outside})),
            &format!(
                r#"spec.clusterIPs: Invalid value: ["{outside}"]: failed to allocate IP {outside}: the provided network does not match the current range"#
            ),
        );
    }
    assert_invalid(
        spec(json!({"clusterIP": "foo"})),
        r#"spec.clusterIPs[0]: Invalid value: "foo": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
    );
    assert_invalid(
        spec(json!({"clusterIP": "10.96.000.77"})),
        r#"spec.clusterIPs[0]: Invalid value: "10.96.000.77": must not have leading 0s"#,
    );
    assert_invalid(
        spec(json!({"clusterIPs": ["10.96.3.3"]})),
        r#"spec.clusterIPs: Invalid value: ["10.96.3.3"]: must be empty when `clusterIP` is not specified"#,
    );
    assert_invalid(
        spec(json!({"clusterIP": "10.96.3.3", "clusterIPs": ["10.96.3.3", "10.96.3.4"]})),
        r#"spec.clusterIPs: Invalid value: ["10.96.3.3","10.96.3.4"]: may specify no more than one IP for each IP family"#,
    );
    assert_invalid(
        spec(json!({"clusterIP": "None", "clusterIPs": ["None", "10.96.3.4"]})),
        r#"spec.clusterIPs: Invalid value: ["None","10.96.3.4"]: 'None' must be the first and only value"#,
    );
    assert_invalid(
        spec(json!({"clusterIP": "fd00::1"})),
        r#"spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster"#,
    );
    assert_invalid(
        spec(json!({"ipFamilies": ["IPv6"]})),
        r#"spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster"#,
    );
    assert_invalid(
        spec(json!({"ipFamilyPolicy": "RequireDualStack"})),
        r#"spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services"#,
    );
}

#[test]
fn types_without_a_cluster_ip() {
    for service_type in ["LoadBalancer", "NodePort"] {
        assert_invalid(
            spec(json!({"type": service_type, "clusterIP": "None", "selector": {"a": "b"}})),
            &format!(
                r#"spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for {service_type} services"#
            ),
        );
    }
    assert_invalid(
        spec(json!({"type": "ExternalName"})),
        "spec.externalName: Required value",
    );
    assert_invalid(
        spec(json!({"type": "ExternalName", "externalName": "a.b", "clusterIP": "10.96.3.3"})),
        "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
    );
}

#[test]
fn external_addresses() {
    assert_invalid(
        spec(json!({"externalIPs": ["127.0.0.1"]})),
        r#"spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#,
    );
    assert_invalid(
        spec(json!({"externalIPs": ["0.0.0.0"]})),
        r#"spec.externalIPs[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)"#,
    );
    assert_invalid(
        spec(json!({"loadBalancerSourceRanges": ["10.0.0.0/8"]})),
        "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
    );
    assert_invalid(
        spec(json!({"loadBalancerClass": "a/b"})),
        "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    );
    assert_invalid(
        spec(json!({"externalTrafficPolicy": "Local"})),
        r#"spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services"#,
    );
}

#[test]
fn health_check_node_ports() {
    assert_invalid(
        spec(json!({"type": "NodePort", "healthCheckNodePort": 30555})),
        "spec.healthCheckNodePort: Invalid value: 30555: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    );
    let outside = TestCluster::single_stack().create(spec(json!({
        "type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 80,
    })));
    assert_eq!(
        outside.expect_err("out of range"),
        Rejection::Internal(
            "failed to allocate requested HealthCheck NodePort 80: provided port is not in the valid range. The range of valid ports is 30000-32767".into()
        )
    );
}

#[test]
fn topology_annotations() {
    let mut service = spec(json!({}));
    service["metadata"] = json!({"annotations": {
        "service.kubernetes.io/topology-mode": "Auto",
        "service.kubernetes.io/topology-aware-hints": "Disabled",
    }});
    assert_invalid(
        service,
        r#"metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "Auto": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified"#,
    );
}

#[test]
fn the_defaulted_service_looks_like_upstreams() {
    let made = TestCluster::single_stack()
        .create(json!({"spec": {
            "clusterIP": "10.96.0.1",
            "ports": [{"name": "https", "port": 443, "targetPort": 6443}],
        }}))
        .expect("accepted");
    assert_eq!(
        made["spec"],
        json!({"ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}], "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "type": "ClusterIP", "sessionAffinity": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster"})
    );
    assert_eq!(made["status"], json!({"loadBalancer": {}}));
}

#[test]
fn dry_runs_show_the_networks_address_and_hold_nothing() {
    let mut cluster = TestCluster::single_stack();
    let shown = cluster
        .dry_run(spec(json!({"type": "NodePort"})))
        .expect("accepted");
    assert_eq!(shown["spec"]["clusterIP"], "10.96.0.0");
    assert!(shown["spec"]["ports"][0]["nodePort"].as_u64() >= Some(30_086));
    assert_eq!(cluster.held(), (0, 0));
}

#[test]
fn accepted_services_are_warned_about() {
    let mut cluster = TestCluster::single_stack();
    let mut warned = |extra| {
        let made = cluster.create(spec(extra)).expect("accepted");
        warnings(&serde_json::from_value(made).expect("a Service"))
    };
    assert_eq!(
        warned(json!({"externalIPs": ["192.0.2.7"]})),
        ["spec.externalIPs is deprecated and may no longer be implemented in some clusters"]
    );
    assert_eq!(
        warned(json!({"clusterIP": "None", "sessionAffinity": "ClientIP"})),
        ["spec.SessionAffinity is ignored for headless services"]
    );
}
