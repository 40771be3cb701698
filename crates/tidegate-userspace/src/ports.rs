//! The addresses and ports that listeners are given.
//!
//! Ports are taken from the range that the kernel hands out to clients, since servers keep away from
//! that: a listener there is in nobody's way who wants a certain port. Of those only the odd ones,
//! one after another: the kernel gives connections the even ones first, so ours cost them nothing,
//! and it would look for a free one longer and longer.

use std::collections::HashMap;
use std::net::SocketAddr;

use rustix::io::Errno;
use tidegate_netlink::nftables::Family;

use crate::address::listener_addresses;
use crate::engine::Transport;

const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// The kernel's range where it doesn't say.
const USUAL: (u16, u16) = (32_768, 60_999);

/// How many places are tried for one listener. Others take a port in a while, never so many.
const ATTEMPTS: usize = 1000;

/// Hands out places for listeners.
#[derive(Debug)]
pub(crate) struct Ports {
    odd: Vec<u16>,
    /// How many were handed out in each family, so that the next one is another.
    taken: HashMap<(Family, Transport), usize>,
}

impl Ports {
    /// All ports of the calling thread's network namespace that listeners may have.
    pub(crate) fn new() -> Self {
        let text = std::fs::read_to_string(RANGE).unwrap_or_default();
        let (first, last) = range(&text).unwrap_or(USUAL);
        Self {
            odd: (first..=last).filter(|port| port % 2 == 1).collect(),
            taken: HashMap::new(),
        }
    }

    /// Opens something at the next place that nobody has.
    pub(crate) fn open<T>(
        &mut self,
        family: Family,
        transport: Transport,
        mut open: impl FnMut(SocketAddr) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let addresses: Vec<_> = listener_addresses(family).collect();
        let places = self.odd.len() * addresses.len();
        let taken = self.taken.entry((family, transport)).or_default();
        for _ in 0..ATTEMPTS.min(places) {
            let place = *taken % places;
            *taken += 1;
            let address = addresses[place / self.odd.len()];
            match open(SocketAddr::new(address, self.odd[place % self.odd.len()])) {
                Err(Errno::ADDRINUSE) => {}
                opened => return opened,
            }
        }
        Err(Errno::ADDRINUSE)
    }
}

/// Reads the range; nothing if it has no odd port.
fn range(text: &str) -> Option<(u16, u16)> {
    let mut numbers = text.split_whitespace().map(str::parse);
    let (first, last) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (first < last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(odd: &[u16]) -> Ports {
        Ports {
            odd: odd.to_vec(),
            taken: HashMap::new(),
        }
    }

    #[test]
    fn places_are_handed_out_one_after_another_past_those_of_others() {
        let mut ports = ports(&[40_001, 40_003]);
        let mut next = || {
            let opened = ports.open(Family::Ip, Transport::Tcp, |place| match place.port() {
                40_001 if place.ip().to_string() == "169.254.84.69" => Err(Errno::ADDRINUSE),
                _ => Ok(place.to_string()),
            });
            opened.expect("there are places")
        };
        assert_eq!(next(), "169.254.84.68:40001");
        assert_eq!(next(), "169.254.84.68:40003");
        assert_eq!(next(), "169.254.84.69:40003");
    }

    #[test]
    fn when_others_have_everything_that_is_an_error() {
        let mut ports = ports(&[40_001]);
        let opened = ports.open(Family::Ip6, Transport::Udp, |_| -> Result<(), _> {
            Err(Errno::ADDRINUSE)
        });
        assert_eq!(opened, Err(Errno::ADDRINUSE));
    }

    #[test]
    fn a_range_is_read_as_the_kernel_writes_it() {
        assert_eq!(range("32768\t60999\n"), Some((32_768, 60_999)));
        assert_eq!(range("1 1"), None);
        assert_eq!(range(""), None);
    }
}
