//! Where endpoints say that their traffic should come from.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{World, pods};
use crate::test_objects::{PodSketch, object};

#[test]
fn traffic_distribution_becomes_hints_on_ready_endpoints() {
    let hints = |distribution: &str, ready| {
        let mut world = World::new(json!({"trafficDistribution": distribution}));
        world.turn(&[PodSketch {
            ready,
            ..PodSketch::new("p", "10.1.0.1")
        }]);
        serde_json::to_value(&world.endpoints()[0].hints).expect("JSON")
    };
    let zone = json!([{"name": "a"}]);
    assert_eq!(hints("PreferClose", true), json!({"forZones": zone}));
    assert_eq!(hints("PreferSameZone", true), json!({"forZones": zone}));
    assert_eq!(
        hints("PreferSameNode", true),
        json!({"forZones": zone, "forNodes": [{"name": "node-1"}]})
    );
    assert_eq!(hints("PreferSameZone", false), Value::Null);
}

#[test]
fn by_capacity_every_zone_gets_its_share_or_nobody_a_hint() {
    let hinted = |on_a: usize, on_b: usize| {
        let mut world = World::new(json!({}));
        let annotations = json!({"service.kubernetes.io/topology-mode": "Auto"});
        world.service.metadata.annotations = Some(object(annotations));
        let mut all = pods(on_a + on_b);
        all.iter_mut()
            .skip(on_a)
            .for_each(|pod| pod.node = "node-2".into());
        world.turn(&all);
        let mut shares = BTreeMap::new();
        for endpoint in world.endpoints() {
            let zones = endpoint
                .hints
                .as_ref()
                .and_then(|hints| hints.for_zones.as_ref());
            let zone = zones.map_or("none", |zones| zones[0].name.as_str());
            *shares.entry(zone.to_owned()).or_insert(0) += 1;
        }
        shares.into_iter().collect::<Vec<_>>()
    };
    let expect = |pairs: &[(&str, i32)]| -> Vec<_> {
        pairs
            .iter()
            .map(|(zone, count)| ((*zone).to_owned(), *count))
            .collect()
    };
    assert_eq!(hinted(3, 3), expect(&[("a", 3), ("b", 3)]));
    // Half of six, less 20 % overload, is three when rounded up.
    assert_eq!(hinted(5, 1), expect(&[("a", 3), ("b", 3)]));
    assert_eq!(hinted(1, 0), expect(&[("none", 1)]));
}
