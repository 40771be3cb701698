//! The packet marks by which connections from inside find a virtual server of their own.
//!
//! The kernel compares all 32 bits of a mark, so those that others have set on a first packet are
//! overwritten where such a Service is called from inside, and nowhere else.

use std::collections::{HashMap, HashSet};

use tidegate_model::ServicePortName;

/// What all our marks begin with. It keeps clear of the bits 14 and 15 (masquerade and drop, of
/// kube-proxy and kubelet) and 16 and 17 (accept and pass, of Calico), and isn't Tailscale's.
pub(crate) const PREFIX: u32 = 0x0074_0000;
/// The bits that tell that a mark is ours.
pub(crate) const MASK: u32 = 0xffff_c000;
/// How many marks there are: what the other bits can say, but for zero.
const COUNT: u32 = !MASK;

/// Which port has which mark, in one family.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    by_port: HashMap<ServicePortName, u32>,
    taken: HashSet<u32>,
}

/// Whether a mark is one of ours.
pub(crate) fn is_ours(mark: u32) -> bool {
    mark & MASK == PREFIX
}

impl Marks {
    /// The port's mark; `None` if all 16,383 are taken.
    ///
    /// It follows from the port's name as long as no other one has it, so that a restarted proxy
    /// finds the same marks in the kernel that it would set.
    pub(crate) fn of(&mut self, port: &ServicePortName) -> Option<u32> {
        if let Some(mark) = self.by_port.get(port) {
            return Some(*mark);
        }
        let first = hash(&port.to_string()) % COUNT;
        let free = (0..COUNT)
            .map(|step| PREFIX | ((first + step) % COUNT + 1))
            .find(|mark| !self.taken.contains(mark))?;
        self.taken.insert(free);
        self.by_port.insert(port.clone(), free);
        Some(free)
    }

    /// Gives back the marks of all ports but these.
    pub(crate) fn keep_only(&mut self, ports: &HashSet<&ServicePortName>) {
        self.by_port.retain(|port, _| ports.contains(port));
        self.taken = self.by_port.values().copied().collect();
    }
}

/// FNV-1a. The standard library's hash may differ from one release to the next.
fn hash(text: &str) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    text.bytes().fold(0x811c_9dc5, step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_model::{Protocol, ServiceKey};

    fn port(number: u32) -> ServicePortName {
        ServicePortName {
            service: ServiceKey::new("default", format!("service-{number}")),
            port: String::new(),
            protocol: Protocol::Tcp,
        }
    }

    #[test]
    fn each_port_has_a_mark_of_its_own_until_there_is_none_left() {
        let mut marks = Marks::default();
        let all: HashSet<u32> = (0..COUNT)
            .filter_map(|number| marks.of(&port(number)))
            .collect();
        assert_eq!(all.len(), COUNT as usize);
        assert!(all.iter().all(|mark| is_ours(*mark) && mark & 0xc000 == 0));
        assert_eq!(marks.of(&port(COUNT)), None);
        let mark = marks.of(&port(7));
        marks.keep_only(&HashSet::from([&port(7)]));
        assert_eq!(marks.of(&port(7)), mark);
        assert!(marks.of(&port(COUNT)).is_some());
    }
}
