//! How packets from pods are told.

use tidegate_netlink::nftables::{Expression, Family, Field, Rule, Set, Test, Tuple, rule};
use tidegate_plan::PodTraffic;

/// The packets that come from pods, where that can be told; `ranges` has those of pods.
pub fn from_pods(family: Family, pods: &PodTraffic, ranges: &Set) -> Option<Rule> {
    let interface = || Expression::from(Field::INPUT_INTERFACE);
    match pods {
        PodTraffic::Unknown => None,
        PodTraffic::Cidrs(_) => Some(Expression::from(Field::saddr(family)).within(ranges)),
        PodTraffic::Bridge(name) => {
            Some(rule().when(interface(), Test::Is(Tuple::new().name(name))))
        }
        PodTraffic::InterfacePrefix(prefix) => {
            Some(rule().when(interface(), Test::StartsWith(prefix.clone())))
        }
    }
}
