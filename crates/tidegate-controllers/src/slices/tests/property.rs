//! What holds for any pods.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::World;
use crate::test_objects::PodSketch;

proptest! {
    /// Whatever pods come and go: the slices say exactly what the pods are, none is too full,
    /// nobody is named twice, and a second look writes nothing.
    #[test]
    fn slices_always_equal_the_pods(
        rounds in prop::collection::vec(
            prop::collection::btree_map(0_u8..40, (any::<bool>(), any::<bool>(), 0_u8..2), 0..40),
            1..6,
        ),
        max_endpoints in 1_usize..12,
    ) {
        let mut world = World::new(json!({"ports": [{"port": 80, "targetPort": "http"}]}));
        world.max_endpoints = max_endpoints;
        for round in rounds {
            let all: Vec<_> = (round.iter())
                .map(|(number, (ready, terminating, version))| PodSketch {
                    ready: *ready,
                    terminating: *terminating,
                    spec: json!({"containers": [{"name": "c", "ports": [
                        {"name": "http", "containerPort": 8000 + u16::from(*version)},
                    ]}]}),
                    ..PodSketch::new(format!("p{number}"), format!("10.1.0.{number}"))
                })
                .collect();
            world.turn(&all);
            let mut said = BTreeMap::new();
            for slice in &world.slices {
                let endpoints = slice.endpoints.as_deref().unwrap_or_default();
                prop_assert!(endpoints.len() <= max_endpoints);
                for endpoint in endpoints {
                    let conditions = endpoint.conditions.clone().unwrap_or_default();
                    let port = slice.ports.as_ref().and_then(|ports| ports[0].port);
                    let fact = (port, conditions.serving, conditions.terminating);
                    prop_assert!(said.insert(endpoint.addresses[0].clone(), fact).is_none());
                }
            }
            let meant: BTreeMap<_, _> = (round.iter())
                .map(|(number, (ready, terminating, version))| {
                    let fact = (Some(8000 + i32::from(*version)), Some(*ready), Some(*terminating));
                    (format!("10.1.0.{number}"), fact)
                })
                .collect();
            prop_assert_eq!(said, meant);
            prop_assert_eq!(world.turn(&all), (0, 0, 0));
        }
    }
}
