//! Which cluster address comes next, and which may be asked for by name.
//!
//! A range is cut into two bands so that hand-picked addresses seldom collide with random ones
//! (upstream's `ipallocator`, KEP-3070): the lower band of 16 to 256 addresses is left to people,
//! random ones come from the upper band until that is full.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::IpFamily;

/// A network whose addresses can be given to Services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    network: IpNet,
    /// The first usable address as a number; IPv4 in the low 32 bits.
    first: u128,
    /// How many addresses are usable.
    size: u64,
    /// How many of them, from the first, are left to people.
    reserved: u64,
}

/// A network that can't be searched for free addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the service range {0} is too large: use an IPv6 prefix of /64 or longer")]
pub struct RangeTooLarge(pub IpNet);

/// Why an address wasn't handed out. Upstream's words, which end up in the API's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressRefused {
    /// Another Service has the address.
    #[error("provided IP is already allocated")]
    Taken,
    /// The address isn't a usable one of the range.
    #[error("the provided network does not match the current range")]
    OutsideRange,
    /// No address is left.
    #[error("range is full")]
    Full,
}

impl AddressRange {
    /// Takes a network for Services. Host bits in it are ignored.
    ///
    /// # Errors
    /// An IPv6 network shorter than /64 is refused, as upstream does.
    pub fn new(network: IpNet) -> Result<Self, RangeTooLarge> {
        let network = network.trunc();
        let (base, host_bits) = match network {
            IpNet::V4(v4) => (u128::from(u32::from(v4.network())), 32 - v4.prefix_len()),
            IpNet::V6(v6) if v6.prefix_len() < 64 => return Err(RangeTooLarge(network)),
            IpNet::V6(v6) => (u128::from(v6.network()), 128 - v6.prefix_len()),
        };
        let total = 1u128 << host_bits;
        // The network's own address is never given out, nor is IPv4's broadcast address.
        let unusable = if matches!(network, IpNet::V4(_)) {
            2
        } else {
            1
        };
        let as_size = |count| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Self {
            network,
            // A network of one address has no usable one, so where it begins doesn't matter.
            first: base.saturating_add(1),
            size: as_size(total.saturating_sub(unusable)),
            // Upstream's bands are fractions of the whole network, unusable addresses included.
            reserved: band_offset(as_size(total), 16, 256),
        })
    }

    /// The network as it was given, without host bits.
    pub fn network(&self) -> IpNet {
        self.network
    }

    /// The family of all addresses in the range.
    pub fn family(&self) -> IpFamily {
        IpFamily::of(self.network.addr())
    }

    /// How many addresses the range can give out in all.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// True if the address is one that a Service can have: neither the network's own address
    /// nor IPv4's broadcast address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let number = match address {
            IpAddr::V4(v4) => u128::from(u32::from(v4)),
            IpAddr::V6(v6) => u128::from(v6),
        };
        IpFamily::of(address) == self.family()
            && number >= self.first
            && number - self.first < u128::from(self.size)
    }

    /// Judges an address that a user asks for by name.
    ///
    /// # Errors
    /// [`AddressRefused::OutsideRange`] or [`AddressRefused::Taken`].
    pub fn check(
        &self,
        address: IpAddr,
        is_taken: impl FnOnce(IpAddr) -> bool,
    ) -> Result<(), AddressRefused> {
        if !self.contains(address) {
            Err(AddressRefused::OutsideRange)
        } else if is_taken(address) {
            Err(AddressRefused::Taken)
        } else {
            Ok(())
        }
    }

    /// Picks a free address: at random in the upper band, in the lower one if that is full.
    ///
    /// `random` gets a bound and returns a number below it. From there the band is searched
    /// upwards with wrap-around, so the time grows with the number of addresses that are taken
    /// next to each other, never with the size of the range.
    ///
    /// # Errors
    /// [`AddressRefused::Full`] if both bands are.
    pub fn next_free(
        &self,
        random: &mut dyn FnMut(u64) -> u64,
        is_taken: &dyn Fn(IpAddr) -> bool,
    ) -> Result<IpAddr, AddressRefused> {
        let lower = self.reserved.min(self.size);
        [(lower, self.size), (0, lower)]
            .into_iter()
            .find_map(|(from, to)| {
                first_free_in_band(from, to, random, &|offset| is_taken(self.address(offset)))
            })
            .map(|offset| self.address(offset))
            .ok_or(AddressRefused::Full)
    }

    fn address(&self, offset: u64) -> IpAddr {
        let number = self.first + u128::from(offset);
        match u32::try_from(number) {
            Ok(v4) if self.family() == IpFamily::V4 => Ipv4Addr::from(v4).into(),
            _ => Ipv6Addr::from(number).into(),
        }
    }
}

/// How many values at the lower end are left to people: a `1/step` part, at least 16 and at most
/// `most`, and none if the range has no more than 16 values.
pub(super) fn band_offset(size: u64, step: u64, most: u64) -> u64 {
    if size <= 16 {
        0
    } else {
        (size / step).clamp(16, most)
    }
}

/// The first free value of `from..to`, from a random one upwards with wrap-around.
pub(super) fn first_free_in_band(
    from: u64,
    to: u64,
    random: &mut dyn FnMut(u64) -> u64,
    is_taken: &dyn Fn(u64) -> bool,
) -> Option<u64> {
    let width = to.checked_sub(from).filter(|&width| width > 0)?;
    let start = from + random(width) % width;
    (start..to)
        .chain(from..start)
        .find(|&offset| !is_taken(offset))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn range(network: &str) -> AddressRange {
        AddressRange::new(network.parse().expect("a network")).expect("a range")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn the_ends_of_a_network_are_not_given_out() {
        let v4 = range("10.96.0.0/16");
        assert_eq!(v4.size(), 65_534);
        assert!(v4.contains(address("10.96.0.1")) && v4.contains(address("10.96.255.254")));
        for outside in [
            "10.96.0.0",
            "10.96.255.255",
            "10.97.0.1",
            "10.95.255.255",
            "::1",
        ] {
            assert!(!v4.contains(address(outside)), "{outside}");
        }
        let v6 = range("fd00::/112");
        assert_eq!(v6.size(), 65_535);
        assert!(v6.contains(address("fd00::ffff")) && !v6.contains(address("fd00::")));
        assert!(AddressRange::new("fd00::/63".parse().expect("a network")).is_err());
        assert_eq!(range("fd00::/64").size(), u64::MAX);
        let single = ["10.0.0.1/32", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"];
        assert!(single.iter().all(|network| range(network).size() == 0));
    }

    #[test]
    fn random_addresses_come_from_the_upper_band_first() {
        let none = |_: IpAddr| false;
        let lowest = |network: &str| range(network).next_free(&mut |_| 0, &none).expect("free");
        assert_eq!(lowest("10.96.0.0/16"), address("10.96.1.1"));
        assert_eq!(lowest("10.96.0.0/20"), address("10.96.1.1"));
        assert_eq!(lowest("10.96.0.0/24"), address("10.96.0.17"));
        assert_eq!(lowest("10.96.0.0/28"), address("10.96.0.1"));
        let highest = range("10.96.0.0/16").next_free(&mut |bound| bound - 1, &none);
        assert_eq!(highest, Ok(address("10.96.255.254")));
    }

    #[test]
    fn every_address_is_given_out_once_and_the_lower_band_last() {
        let range = range("10.96.0.0/26");
        let mut taken = BTreeSet::new();
        let mut seed = 7u64;
        for count in 0..range.size() {
            let mut random = |bound: u64| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 33) % bound
            };
            let next = range
                .next_free(&mut random, &|address| taken.contains(&address))
                .expect("a free address");
            let in_lower_band = next <= address("10.96.0.16");
            assert_eq!(
                in_lower_band,
                count >= range.size() - 16,
                "{next} came as {count}"
            );
            assert!(range.contains(next) && taken.insert(next));
        }
        let full = range.next_free(&mut |_| 0, &|address| taken.contains(&address));
        assert_eq!(full, Err(AddressRefused::Full));
    }
}
