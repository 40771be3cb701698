//! What holds for any rollout.

use proptest::prelude::*;
use serde_json::json;

use super::super::bounds::Bounds;
use super::{World, replicas};

proptest! {
    /// In whatever order pods become available, and however late sets report: there are never
    /// too many pods asked for, never too few old and new ones that serve, and it ends.
    #[test]
    fn a_rollout_keeps_its_bounds_and_ends(
        count in 1_i32..12,
        surge in 0_i32..4,
        unavailable in 0_i32..4,
        steps in prop::collection::vec((0_i32..4, any::<bool>()), 0..40),
    ) {
        let strategy = json!({"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
        let mut world = World::new(json!({"replicas": count, "strategy": strategy}));
        world.settle();
        world.set_image("v2");
        let bounds = Bounds::of(&world.deployment);
        for (starting, reports) in steps {
            world.turn();
            let sizes: i64 = world.sizes().into_iter().map(i64::from).sum();
            prop_assert!(sizes <= bounds.most_pods(), "{:?}", world.sizes());
            if reports {
                world.pods_run(|_, before, asked_for| (before + starting).min(asked_for));
            }
            let serving: i64 = (world.sets.iter())
                .map(|set| {
                    let reported = set.status.as_ref().and_then(|status| status.available_replicas);
                    i64::from(reported.unwrap_or(0).min(replicas(set)))
                })
                .sum();
            prop_assert!(serving >= bounds.fewest_available(), "{:?}", world.sizes());
        }
        world.settle();
        prop_assert_eq!(world.sizes(), vec![0, count]);
    }
}
