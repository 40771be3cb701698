//! Slots: the numbered places of a frontend among which a new connection draws one.

use tidegate_model::EndpointAddr;
use tidegate_plan::Backend;

/// The most slots that one frontend has. The number of slots takes the upper half of a slot's
/// 32-bit number, and the slot's place the lower.
const MOST: usize = 0xffff;

/// The most slots that unequal weights are spread over, which is how finely they are observed.
const FINEST: u64 = 1024;

/// The backend of each slot. A backend has slots in proportion to its weight, and at least one;
/// equal weights give each backend exactly one. Past 65,535 backends the rest goes without.
pub(crate) fn slots(backends: &[Backend]) -> Vec<EndpointAddr> {
    let common = backends
        .iter()
        .map(|backend| u64::from(backend.weight.max(1)))
        .fold(0, greatest_common_divisor)
        .max(1);
    let total: u64 = backends
        .iter()
        .map(|backend| u64::from(backend.weight.max(1)) / common)
        .sum();
    let is_equal = total == backends.len() as u64;
    let count = |backend: &Backend| {
        let weight = u64::from(backend.weight.max(1)) / common;
        let slots = match is_equal || total <= FINEST {
            true => weight,
            false => (weight.saturating_mul(FINEST) / total).max(1),
        };
        usize::try_from(slots).unwrap_or(MOST)
    };
    backends
        .iter()
        .flat_map(|backend| std::iter::repeat_n(backend.addr, count(backend)))
        .take(MOST)
        .collect()
}

/// The number of a slot among `count`. It tells the count too, so that a rule that draws among
/// three finds nothing of a frontend that has five.
pub(crate) fn number(count: usize, place: usize) -> u32 {
    let half = |value: usize| u32::from(u16::try_from(value).unwrap_or(u16::MAX));
    half(count) << 16 | half(place)
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        b => greatest_common_divisor(b, a % b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn backends(weights: &[u32]) -> Vec<Backend> {
        let backend = |(index, weight): (usize, &u32)| Backend {
            addr: EndpointAddr {
                ip: [10, 0, 0, u8::try_from(index).expect("few")].into(),
                port: 80,
            },
            weight: *weight,
            local: false,
            draining: false,
        };
        weights.iter().enumerate().map(backend).collect()
    }

    #[test]
    fn equal_weights_give_one_slot_each() {
        assert_eq!(slots(&backends(&[100, 100, 100])).len(), 3);
    }

    #[test]
    fn weights_are_reduced_to_their_proportion() {
        let ports: Vec<_> = slots(&backends(&[20, 60])).iter().map(|a| a.ip).collect();
        assert_eq!(ports.len(), 4);
        assert_eq!(ports.iter().filter(|ip| **ip == ports[3]).count(), 3);
    }

    #[test]
    fn numbers_of_different_counts_never_meet() {
        assert_eq!(number(3, 1), 0x0003_0001);
        assert_ne!(number(3, 1), number(4, 1));
    }

    proptest! {
        #[test]
        fn every_backend_has_a_slot_and_there_are_never_too_many(weights in proptest::collection::vec(any::<u32>(), 1..200)) {
            let backends = backends(&weights);
            let slots = slots(&backends);
            prop_assert!(slots.len() <= 2 * 1024);
            for backend in &backends {
                prop_assert!(slots.contains(&backend.addr));
            }
        }
    }
}
