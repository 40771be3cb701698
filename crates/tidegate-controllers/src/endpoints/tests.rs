//! What Endpoints objects say about pods.

use serde_json::{Value, json};

use super::subsets::subsets;
use crate::test_objects::{PodSketch, service};

fn said(spec: Value, pods: &[PodSketch], max: usize) -> (Value, bool) {
    let pods: Vec<_> = pods.iter().map(PodSketch::build).collect();
    let said = subsets(&service(spec), &pods, max);
    let mut value = serde_json::to_value(&said.subsets).expect("JSON");
    for subset in value.as_array_mut().expect("a list") {
        for list in ["addresses", "notReadyAddresses"] {
            if let Some(addresses) = subset.get_mut(list).and_then(Value::as_array_mut) {
                addresses
                    .iter_mut()
                    .for_each(|address| *address = address["ip"].take());
            }
        }
    }
    (value, said.truncated)
}

#[test]
fn ready_and_unready_addresses_stand_apart() {
    let unready = PodSketch {
        ready: false,
        ..PodSketch::new("b", "10.1.0.2")
    };
    let ending = PodSketch {
        terminating: true,
        ..PodSketch::new("c", "10.1.0.3")
    };
    let pods = [
        PodSketch::new("d", "10.1.0.4"),
        PodSketch::new("a", "10.1.0.1"),
        unready,
        ending,
    ];
    let ports = json!([{"port": 8080, "protocol": "TCP"}]);
    let expected = json!([{"addresses": ["10.1.0.1", "10.1.0.4"], "notReadyAddresses": ["10.1.0.2"], "ports": ports}]);
    assert_eq!(said(json!({}), &pods, 1000), (expected, false));
    let publish = json!({"publishNotReadyAddresses": true});
    let everything = json!(["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"]);
    assert_eq!(
        said(publish, &pods, 1000).0,
        json!([{"addresses": everything, "ports": ports}])
    );
}

#[test]
fn pods_with_other_target_ports_are_a_subset_of_their_own() {
    let with_port = |name: &str, ip: &str, port: u16| PodSketch {
        spec: json!({"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": port}]}]}),
        ..PodSketch::new(name, ip)
    };
    let pods = [
        with_port("a", "10.1.0.1", 80),
        with_port("b", "10.1.0.2", 81),
        PodSketch::new("none", "10.1.0.3"),
    ];
    let spec = json!({"ports": [{"name": "web", "port": 80, "targetPort": "http"}]});
    let expected = json!([
        {"addresses": ["10.1.0.1"], "ports": [{"name": "web", "port": 80, "protocol": "TCP"}]},
        {"addresses": ["10.1.0.2"], "ports": [{"name": "web", "port": 81, "protocol": "TCP"}]},
    ]);
    assert_eq!(said(spec, &pods, 1000).0, expected);
}

#[test]
fn a_headless_service_without_ports_lists_addresses_alone() {
    let spec = json!({"clusterIP": "None", "ports": []});
    let expected = json!([{"addresses": ["10.1.0.1"]}]);
    assert_eq!(
        said(spec, &[PodSketch::new("a", "10.1.0.1")], 1000).0,
        expected
    );
}

#[test]
fn above_capacity_unready_addresses_are_left_out_first() {
    let unready = PodSketch {
        ready: false,
        ..PodSketch::new("a", "10.1.0.1")
    };
    let pods = [
        unready,
        PodSketch::new("b", "10.1.0.2"),
        PodSketch::new("c", "10.1.0.3"),
    ];
    let (value, truncated) = said(json!({}), &pods, 2);
    assert!(truncated);
    assert_eq!(value[0]["addresses"], json!(["10.1.0.2", "10.1.0.3"]));
}
