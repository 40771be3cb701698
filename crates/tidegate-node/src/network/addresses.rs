//! Hands out pod addresses. Pure.

use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;

use ipnet::IpNet;

/// How many freed addresses rest before they may be used again while others are free.
const RESTING: usize = 4096;

/// The addresses of one pod range.
///
/// The network's own address, the gateway (the first one) and, for IPv4, the broadcast address are
/// never given out. An address that was just freed comes back last: connections and caches of its
/// former owner may still be around.
#[derive(Debug)]
pub(crate) struct AddressPool {
    range: IpNet,
    next: u128,
    in_use: HashSet<IpAddr>,
    resting: VecDeque<IpAddr>,
}

impl AddressPool {
    pub(crate) fn new(range: IpNet) -> Self {
        Self {
            range: range.trunc(),
            next: 2,
            in_use: HashSet::new(),
            resting: VecDeque::new(),
        }
    }

    /// The node's own address in the range, or `None` when the range is too small for one pod.
    pub(crate) fn gateway(&self) -> Option<IpAddr> {
        (self.size() > 2).then(|| self.nth(1)).flatten()
    }

    /// The next free address, `None` when all are taken.
    pub(crate) fn allocate(&mut self) -> Option<IpAddr> {
        let fresh = (self.next < self.size()).then_some(self.next);
        let address = match fresh {
            Some(offset) if self.resting.len() < RESTING => {
                self.next = offset + 1;
                self.nth(offset)?
            }
            _ => self.resting.pop_front()?,
        };
        self.in_use.insert(address);
        Some(address)
    }

    /// Gives an address back. One that is not in use is ignored.
    pub(crate) fn release(&mut self, address: IpAddr) {
        if self.in_use.remove(&address) {
            self.resting.push_back(address);
        }
    }

    /// Number of usable offsets, the network's own address included.
    fn size(&self) -> u128 {
        match self.range {
            IpNet::V4(net) => (1u128 << (32 - net.prefix_len())) - 1,
            IpNet::V6(net) => 1u128
                .checked_shl(128 - u32::from(net.prefix_len()))
                .unwrap_or(u128::MAX),
        }
    }

    fn nth(&self, offset: u128) -> Option<IpAddr> {
        Some(match self.range.network() {
            IpAddr::V4(base) => {
                IpAddr::from((u32::from(base) + u32::try_from(offset).ok()?).to_be_bytes())
            }
            IpAddr::V6(base) => IpAddr::from((u128::from(base) + offset).to_be_bytes()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(range: &str) -> AddressPool {
        AddressPool::new(range.parse().expect("a valid range"))
    }

    fn allocate(pool: &mut AddressPool) -> Option<String> {
        pool.allocate().map(|address| address.to_string())
    }

    #[test]
    fn the_gateway_comes_first_and_pods_after_it() {
        let mut pool = pool("10.244.0.0/24");
        assert_eq!(
            pool.gateway().map(|a| a.to_string()).as_deref(),
            Some("10.244.0.1")
        );
        assert_eq!(allocate(&mut pool).as_deref(), Some("10.244.0.2"));
        assert_eq!(allocate(&mut pool).as_deref(), Some("10.244.0.3"));
    }

    #[test]
    fn a_freed_address_rests_while_others_are_free() {
        let mut pool = pool("10.0.0.0/29");
        let first = pool.allocate().expect("free");
        pool.release(first);
        let given: Vec<_> = (0..5).map(|_| allocate(&mut pool).expect("free")).collect();
        assert_eq!(
            given,
            ["10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.2"]
        );
        assert_eq!(pool.allocate(), None);
    }

    #[test]
    fn releasing_twice_gives_the_address_out_once() {
        let mut pool = pool("10.0.0.0/30");
        let only = pool.allocate().expect("free");
        pool.release(only);
        pool.release(only);
        assert_eq!(pool.allocate(), Some(only));
        assert_eq!(pool.allocate(), None);
    }

    #[test]
    fn ranges_without_room_have_no_gateway() {
        assert_eq!(pool("10.0.0.1/32").gateway(), None);
        assert_eq!(pool("10.0.0.0/31").gateway(), None);
        assert_eq!(pool("fd00::/127").gateway(), None);
    }

    #[test]
    fn the_largest_ranges_do_not_overflow() {
        let mut pool = pool("::/0");
        assert_eq!(allocate(&mut pool).as_deref(), Some("::2"));
        let mut pool = super::tests::pool("0.0.0.0/0");
        assert_eq!(allocate(&mut pool).as_deref(), Some("0.0.0.2"));
    }

    #[test]
    fn version_six() {
        let mut pool = pool("fd00:10:244::/64");
        assert_eq!(
            pool.gateway().map(|a| a.to_string()).as_deref(),
            Some("fd00:10:244::1")
        );
        assert_eq!(allocate(&mut pool).as_deref(), Some("fd00:10:244::2"));
    }
}
