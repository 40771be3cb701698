//! Services that are created, changed and deleted at random: what they hold always adds up, and
//! whatever a user sends gets an answer.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::test_cluster::TestCluster;

/// A field of a specification and a value that it may have, sensible or not.
fn field() -> impl Strategy<Value = (&'static str, Value)> {
    let one_of = |name: &'static str, values: Vec<Value>| {
        select(values).prop_map(move |value| (name, value))
    };
    let types = [
        "ClusterIP",
        "NodePort",
        "LoadBalancer",
        "ExternalName",
        "Foo",
        "",
    ];
    let policies = ["SingleStack", "PreferDualStack", "RequireDualStack", ""];
    let ips = [
        "",
        "None",
        "10.96.0.1",
        "10.96.0.2",
        "fd00:96::1",
        "10.096.0.1",
        "x",
    ];
    prop_oneof![
        one_of("type", types.map(Value::from).to_vec()),
        one_of("ipFamilyPolicy", policies.map(Value::from).to_vec()),
        one_of("clusterIP", ips.map(Value::from).to_vec()),
        one_of(
            "clusterIPs",
            vec![
                Value::Null,
                json!(["10.96.0.3", "fd00:96::3"]),
                json!(["10.96.0.2"]),
                json!(["None", "None"]),
                json!([""]),
            ]
        ),
        one_of(
            "ipFamilies",
            vec![
                Value::Null,
                json!(["IPv4"]),
                json!(["IPv6"]),
                json!(["IPv6", "IPv4"]),
                json!(["", "IPv4", "IPv4"]),
            ]
        ),
        one_of(
            "ports",
            vec![
                Value::Null,
                json!([{"port": 80}]),
                json!([{"port": 53}, {"port": 53, "protocol": "UDP"}]),
                json!([{"name": "a", "port": 53}, {"name": "b", "port": 53, "protocol": "UDP"}]),
                json!([{"name": "b", "port": 1, "nodePort": 30001}]),
                json!([
                    {"name": "a", "port": 1, "nodePort": 30001},
                    {"name": "b", "port": 1, "nodePort": 30002, "protocol": "UDP"},
                ]),
                json!([{"name": "a", "port": -1, "nodePort": 70000, "targetPort": ""}]),
            ]
        ),
        one_of(
            "externalTrafficPolicy",
            vec![Value::Null, json!("Local"), json!("Cluster")]
        ),
        one_of(
            "healthCheckNodePort",
            vec![Value::Null, json!(30001), json!(30003), json!(-1)]
        ),
        one_of(
            "allocateLoadBalancerNodePorts",
            vec![Value::Null, json!(true), json!(false)]
        ),
        one_of("externalName", vec![Value::Null, json!("a.example")]),
        one_of("selector", vec![Value::Null, json!({"app": "x"})]),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Create(Vec<(&'static str, Value)>),
    Edit(usize, Vec<(&'static str, Value)>),
    Delete(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let fields = || prop::collection::vec(field(), 1..6);
    prop_oneof![
        fields().prop_map(Step::Create),
        (any::<usize>(), fields()).prop_map(|(which, fields)| Step::Edit(which, fields)),
        (any::<usize>(), fields()).prop_map(|(which, fields)| Step::Edit(which, fields)),
        any::<usize>().prop_map(Step::Delete),
    ]
}

fn set(spec: &mut Value, fields: Vec<(&'static str, Value)>) {
    for (name, value) in fields {
        spec[name] = value;
    }
}

/// Takes the steps. A refusal is an answer like any other, as long as it leaves no trace.
fn walk(mut cluster: TestCluster, steps: Vec<Step>) {
    for (number, step) in steps.into_iter().enumerate() {
        let names = cluster.names();
        let pick = |which: usize| names.get(which % names.len().max(1));
        let before = cluster.held();
        let answer = match step {
            Step::Create(fields) => {
                let mut service = json!({
                    "metadata": {"name": format!("s{number}")}, "spec": {"ports": [{"port": 80}]},
                });
                set(&mut service["spec"], fields);
                Some(cluster.create(service))
            }
            Step::Edit(which, fields) => pick(which)
                .map(|name| cluster.edit(name, |service| set(&mut service["spec"], fields))),
            Step::Delete(which) => {
                pick(which)
                    .into_iter()
                    .for_each(|name| cluster.delete(name));
                None
            }
        };
        if let Some(Err(_)) = answer {
            assert_eq!(cluster.held(), before);
        }
        cluster.assert_nothing_leaked();
    }
    for name in cluster.names() {
        cluster.delete(&name);
    }
    assert_eq!(cluster.held(), (0, 0));
}

proptest! {
    // A walk is long, so that fewer of them say as much.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn claims_add_up_on_a_single_stack_cluster(steps in prop::collection::vec(step(), 1..40)) {
        walk(TestCluster::with_ranges(&["10.96.0.0/27"]), steps);
    }

    #[test]
    fn claims_add_up_on_a_dual_stack_cluster(steps in prop::collection::vec(step(), 1..40)) {
        walk(TestCluster::with_ranges(&["10.96.0.0/27", "fd00:96::/120"]), steps);
    }
}
