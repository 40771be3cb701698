//! What holds for any StatefulSet.

use proptest::prelude::*;
use serde_json::json;

use super::{World, is_healthy, metadata, pods, revision_of};

proptest! {
    /// Whatever happens to pods on their nodes in whatever order: pods that wait for each other
    /// are never without two at a time by our doing, start behind ready ones only, and in the end
    /// all are there, of the newest revision.
    #[test]
    fn ordered_pods_keep_their_order_and_arrive(
        count in 0_i32..6,
        happenings in prop::collection::vec((0_usize..6, 0..4_u8), 0..60),
    ) {
        let mut world = World::new(json!({"replicas": count}));
        for (index, happening) in happenings {
            let names = world.names();
            let name = names.get(index).cloned();
            match (happening, name) {
                (0, Some(name)) => world.runs(&name, Some("2026-06-01T11:00:00Z")),
                (1, Some(name)) => world.pods.retain(|pod| {
                    metadata::name(&pod.metadata) != name || !pods::is_terminating(pod)
                }),
                (2, _) => world.set_image(&format!("v{index}")),
                (3, _) => world.set_replicas(i32::try_from(index).expect("small")),
                _ => {}
            }
            let steps = world.turn();
            prop_assert!(steps.len() <= 1, "{steps:?}");
            for created in steps.iter().filter_map(|step| step.strip_prefix("+web-")) {
                let ordinal: usize = created.parse().expect("a number");
                for before in 0..ordinal {
                    let pod = world.pod(&format!("web-{before}"));
                    prop_assert!(pod.is_some_and(|pod| is_healthy(pod)), "{before} of {ordinal}");
                }
            }
        }
        world.settle();
        let wanted = world.set.spec.as_ref().and_then(|spec| spec.replicas).expect("a number");
        let mut names = world.names();
        names.sort();
        let expected: Vec<_> = (0..wanted).map(|ordinal| format!("web-{ordinal}")).collect();
        prop_assert_eq!(names, expected);
        let newest = world.newest_revision();
        for pod in &world.pods {
            prop_assert_eq!(revision_of(pod), metadata::name(&newest.metadata));
        }
    }
}
