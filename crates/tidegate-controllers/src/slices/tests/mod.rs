//! What slices say about pods, and that nothing is written without need.

mod hints;
mod property;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use serde_json::{Value, json};

use super::pack::Changes;
use super::reconcile::Decision;
use super::{Input, ZoneCapacity, reconcile};
use crate::test_objects::{PodSketch, node, service};

/// The slices in an imagined API server, and what they are made from.
struct World {
    service: Service,
    nodes: BTreeMap<String, Arc<Node>>,
    slices: Vec<Arc<EndpointSlice>>,
    max_endpoints: usize,
    names: usize,
}

impl World {
    fn new(spec: Value) -> Self {
        let nodes = [("node-1", "a"), ("node-2", "b")];
        let nodes = nodes.map(|(name, zone)| (name.to_owned(), node(name, zone)));
        Self {
            service: service(spec),
            nodes: nodes.into(),
            slices: Vec::new(),
            max_endpoints: 100,
            names: 0,
        }
    }

    fn decide(&self, pods: &[Arc<Pod>]) -> Decision {
        let zones = ZoneCapacity::of(self.nodes.values().map(AsRef::as_ref));
        reconcile(&Input {
            service: &self.service,
            pods,
            nodes: &self.nodes,
            existing: &self.slices,
            max_endpoints: self.max_endpoints,
            triggered: None,
            zones: Some(&zones),
        })
    }

    /// Decides and stores; answers how many slices were created, updated and deleted.
    fn turn(&mut self, sketches: &[PodSketch]) -> (usize, usize, usize) {
        let pods: Vec<_> = sketches.iter().map(PodSketch::build).collect();
        let Changes {
            create,
            update,
            delete,
        } = self.decide(&pods).changes;
        let counts = (create.len(), update.len(), delete.len());
        let name_of = |slice: &EndpointSlice| slice.metadata.name.clone();
        let gone: BTreeSet<_> = delete.iter().map(|slice| name_of(slice)).collect();
        let changed: BTreeMap<_, _> = update
            .into_iter()
            .map(|slice| (name_of(&slice), slice))
            .collect();
        self.slices.retain(|slice| !gone.contains(&name_of(slice)));
        for slice in &mut self.slices {
            if let Some(new) = changed.get(&name_of(slice)) {
                *slice = Arc::new(new.clone());
            }
        }
        for mut slice in create {
            self.names += 1;
            slice.metadata.name = Some(format!("web-{}", self.names));
            self.slices.push(Arc::new(slice));
        }
        counts
    }

    fn endpoints(&self) -> Vec<&Endpoint> {
        self.slices
            .iter()
            .flat_map(|slice| &slice.endpoints)
            .flatten()
            .collect()
    }

    fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<_> = self
            .endpoints()
            .iter()
            .flat_map(|endpoint| endpoint.addresses.clone())
            .collect();
        addresses.sort();
        addresses
    }
}

fn pods(count: usize) -> Vec<PodSketch> {
    (0..count)
        .map(|number| {
            PodSketch::new(
                format!("p{number:04}"),
                format!("10.1.{}.{}", number / 200, number % 200 + 1),
            )
        })
        .collect()
}

fn conditions(sketch: PodSketch, spec: Value) -> Option<(bool, bool, bool)> {
    let mut world = World::new(spec);
    world.turn(&[sketch]);
    let endpoints = world.endpoints();
    let conditions = endpoints.first()?.conditions.clone()?;
    Some((
        conditions.ready?,
        conditions.serving?,
        conditions.terminating?,
    ))
}

#[test]
fn an_endpoint_says_everything_about_its_pod() {
    let mut world = World::new(
        json!({"ports": [{"name": "http", "port": 80, "targetPort": 8080, "appProtocol": "http"}]}),
    );
    let mut pod = PodSketch::new("p", "10.1.0.1");
    pod.spec = json!({"containers": [], "hostname": "h", "subdomain": "web"});
    world.turn(&[pod]);
    let slice: Value = serde_json::to_value(&*world.slices[0]).expect("JSON");
    assert_eq!(
        slice,
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {
                "namespace": "default", "generateName": "web-", "name": "web-1", "annotations": {},
                "labels": {
                    "team": "a", "kubernetes.io/service-name": "web",
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                },
                "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "web",
                    "uid": "service-uid", "controller": true, "blockOwnerDeletion": true}],
            },
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP", "appProtocol": "http"}],
            "endpoints": [{
                "addresses": ["10.1.0.1"],
                "conditions": {"ready": true, "serving": true, "terminating": false},
                "hostname": "h", "nodeName": "node-1", "zone": "a",
                "targetRef": {"kind": "Pod", "namespace": "default", "name": "p", "uid": "uid-p"},
            }],
        })
    );
}

#[test]
fn conditions_follow_readiness_and_deletion() {
    let pod = |ready, terminating| PodSketch {
        ready,
        terminating,
        ..PodSketch::new("p", "10.1.0.1")
    };
    let publish = json!({"publishNotReadyAddresses": true});
    let cases = [
        (pod(true, false), json!({}), (true, true, false)),
        (pod(false, false), json!({}), (false, false, false)),
        (pod(true, true), json!({}), (false, true, true)),
        (pod(false, true), json!({}), (false, false, true)),
        (pod(false, false), publish.clone(), (true, false, false)),
        (pod(false, true), publish, (true, false, true)),
    ];
    for (pod, spec, expected) in cases {
        assert_eq!(conditions(pod.clone(), spec), Some(expected), "{pod:?}");
    }
}

#[test]
fn finished_pods_and_pods_without_an_address_are_no_endpoints() {
    for phase in ["Succeeded", "Failed"] {
        assert_eq!(
            conditions(
                PodSketch {
                    phase,
                    ..PodSketch::new("p", "10.1.0.1")
                },
                json!({})
            ),
            None
        );
    }
    assert_eq!(
        conditions(
            PodSketch {
                ips: Vec::new(),
                ..PodSketch::new("p", "")
            },
            json!({})
        ),
        None
    );
    assert_eq!(
        conditions(PodSketch::new("p", "not an address"), json!({})),
        None
    );
}

#[test]
fn a_service_without_pods_has_one_empty_slice_that_the_first_pod_fills() {
    let mut world = World::new(json!({}));
    assert_eq!(world.turn(&[]), (1, 0, 0));
    assert_eq!(world.slices[0].endpoints, Some(Vec::new()));
    assert_eq!(world.turn(&[]), (0, 0, 0));
    assert_eq!(world.turn(&pods(1)), (0, 1, 0));
    assert_eq!(world.turn(&[]), (0, 1, 0));
    assert_eq!(world.slices.len(), 1);
}

#[test]
fn each_set_of_target_ports_has_its_own_slices() {
    let mut world = World::new(json!({"ports": [{"port": 80, "targetPort": "http"}]}));
    let with_port = |name: &str, ip: &str, port: u16| PodSketch {
        spec: json!({"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": port}]}]}),
        ..PodSketch::new(name, ip)
    };
    world.turn(&[
        with_port("a", "10.1.0.1", 80),
        with_port("b", "10.1.0.2", 8080),
        with_port("c", "10.1.0.3", 80),
    ]);
    let mut found: Vec<_> = (world.slices.iter())
        .map(|slice| {
            let ports = slice.ports.as_ref().expect("ports");
            (
                ports[0].port,
                slice.endpoints.as_ref().expect("endpoints").len(),
            )
        })
        .collect();
    found.sort();
    assert_eq!(found, [(Some(80), 2), (Some(8080), 1)]);
}

#[test]
fn one_change_among_many_endpoints_writes_one_slice() {
    let mut world = World::new(json!({}));
    let mut all = pods(250);
    assert_eq!(world.turn(&all), (3, 0, 0));
    all[120].ready = false;
    assert_eq!(world.turn(&all), (0, 1, 0));
    let removed = all.remove(30);
    assert_eq!(world.turn(&all), (0, 1, 0));
    all.push(PodSketch::new("another", "10.9.9.9"));
    all.push(removed);
    assert_eq!(world.turn(&all), (0, 1, 0));
    assert_eq!(world.addresses().len(), 251);
}

#[test]
fn both_families_have_slices_of_their_own() {
    let mut world = World::new(json!({"ipFamilies": ["IPv4", "IPv6"]}));
    let pod = PodSketch {
        ips: vec!["10.1.0.1".into(), "FD00:0::1".into()],
        ..PodSketch::new("p", "")
    };
    assert_eq!(world.turn(&[pod]), (2, 0, 0));
    let types: BTreeSet<_> = world
        .slices
        .iter()
        .map(|slice| slice.address_type.as_str())
        .collect();
    assert_eq!(types, BTreeSet::from(["IPv4", "IPv6"]));
    assert_eq!(world.addresses(), ["10.1.0.1", "fd00::1"]);

    world.service = service(json!({}));
    assert_eq!(world.turn(&pods(1)).2, 1);
    assert_eq!(world.slices[0].address_type, "IPv4");
}

#[test]
fn a_pod_without_a_node_waits_unless_unready_ones_are_published() {
    let lost = PodSketch {
        node: "unknown".into(),
        ..PodSketch::new("p", "10.1.0.1")
    };
    let world = World::new(json!({}));
    let decision = world.decide(&[lost.build()]);
    assert_eq!(decision.pods_without_node[0].to_string(), "default/p");
    let mut world = World::new(json!({"publishNotReadyAddresses": true}));
    world.turn(&[lost]);
    assert_eq!(world.addresses(), ["10.1.0.1"]);
}

#[test]
fn headless_services_are_marked_and_aliases_have_no_slices() {
    let mut world = World::new(json!({"clusterIP": "None"}));
    world.turn(&pods(1));
    let labels = world.slices[0].metadata.labels.as_ref().expect("labels");
    assert_eq!(
        labels
            .get("service.kubernetes.io/headless")
            .map(String::as_str),
        Some("")
    );
    world.service = service(json!({"type": "ExternalName", "externalName": "example.org"}));
    assert_eq!(world.turn(&pods(1)), (0, 0, 1));
}

#[test]
fn a_new_target_port_rewrites_slices_instead_of_replacing_them() {
    let mut world = World::new(json!({}));
    world.turn(&pods(3));
    world.service =
        service(json!({"ports": [{"port": 80, "targetPort": 9090, "protocol": "TCP"}]}));
    assert_eq!(world.turn(&pods(3)), (0, 1, 0));
    assert_eq!(
        world.slices[0].ports.as_ref().expect("ports")[0].port,
        Some(9090)
    );
}
