//! How many pods a rollout may have too many and too few.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The limits of a rolling update, in pods. They are wider than the API's numbers, so that no sum
/// of numbers that users choose can overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The number of pods the user wants.
    pub(super) replicas: i64,
    /// How many there may be beyond that.
    pub(super) max_surge: i64,
    /// How many of them may be unavailable.
    pub(super) max_unavailable: i64,
}

impl Bounds {
    /// Resolves percentages: surge rounded up, unavailability down. If both come to nothing no
    /// rollout could ever take a step, so one pod may be unavailable then.
    pub(super) fn of(deployment: &Deployment) -> Self {
        let spec = deployment.spec.as_ref();
        let replicas = spec
            .and_then(|spec| spec.replicas)
            .unwrap_or(1)
            .max(0)
            .into();
        let exact = Self {
            replicas,
            max_surge: 0,
            max_unavailable: 0,
        };
        if is_recreate(deployment) {
            return exact;
        }
        let strategy = spec.and_then(|spec| spec.strategy.as_ref());
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let default = IntOrString::String("25%".to_owned());
        let surge = rolling.and_then(|rolling| rolling.max_surge.as_ref());
        let unavailable = rolling.and_then(|rolling| rolling.max_unavailable.as_ref());
        let max_surge = resolve(surge.unwrap_or(&default), replicas, 99);
        let max_unavailable = resolve(unavailable.unwrap_or(&default), replicas, 0);
        let stuck = max_surge == 0 && max_unavailable == 0;
        Self {
            max_surge,
            max_unavailable: (max_unavailable + i64::from(stuck)).min(replicas.max(1)),
            ..exact
        }
    }

    /// The highest number of pods at any time. Nothing surges while nothing is wanted.
    pub(super) fn most_pods(self) -> i64 {
        self.replicas + self.max_surge
    }

    /// The lowest number of available pods at any time.
    pub(super) fn fewest_available(self) -> i64 {
        self.replicas - self.max_unavailable.min(self.replicas)
    }
}

/// The Deployment ends all old pods before it starts new ones.
pub(super) fn is_recreate(deployment: &Deployment) -> bool {
    let strategy = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.strategy.as_ref());
    strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate")
}

/// A number as it is, or a percentage of `total`; `round` is 99 to round up, 0 to round down.
fn resolve(value: &IntOrString, total: i64, round: i64) -> i64 {
    let resolved = match value {
        IntOrString::Int(number) => i64::from(*number),
        IntOrString::String(text) => {
            let percent = text
                .strip_suffix('%')
                .and_then(|digits| digits.parse::<i32>().ok());
            (i64::from(percent.unwrap_or(0)) * total + round).div_euclid(100)
        }
    };
    resolved.max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(
        replicas: i32,
        surge: serde_json::Value,
        unavailable: serde_json::Value,
    ) -> (i64, i64) {
        let deployment: Deployment = serde_json::from_value(serde_json::json!({"spec": {
            "replicas": replicas, "selector": {}, "template": {},
            "strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}},
        }}))
        .expect("a deployment");
        let bounds = Bounds::of(&deployment);
        (bounds.max_surge, bounds.max_unavailable)
    }

    #[test]
    fn percentages_round_to_the_safe_side() {
        assert_eq!(bounds(3, "25%".into(), "25%".into()), (1, 0));
        assert_eq!(bounds(10, "25%".into(), "25%".into()), (3, 2));
        assert_eq!(bounds(10, 2.into(), "100%".into()), (2, 10));
    }

    #[test]
    fn a_rollout_can_always_take_a_step() {
        assert_eq!(bounds(3, 0.into(), 0.into()), (0, 1));
        assert_eq!(bounds(3, "0%".into(), "25%".into()), (0, 1));
    }
}
