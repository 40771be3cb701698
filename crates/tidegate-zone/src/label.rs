//! Labels that spell an address.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address spelled as a label, on the stack.
#[derive(Clone, Copy)]
pub(crate) struct SpelledAddress {
    bytes: [u8; Self::LONGEST],
    length: u8,
}

impl SpelledAddress {
    /// `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` would be the longest.
    const LONGEST: usize = 46;

    /// Spells an address as CoreDNS does: `10-0-0-7`, `2001-db8--1`. No label may end in a dash,
    /// which `2001:db8::` would; it gets a zero behind it.
    pub(crate) fn of(address: IpAddr) -> Self {
        let mut label = Self {
            bytes: [0; Self::LONGEST],
            length: 0,
        };
        let written = match address {
            IpAddr::V4(address) => label.spell_v4(address),
            IpAddr::V6(address) => write!(label, "{address}"),
        };
        if written.is_ok() && label.as_bytes().last() == Some(&b'-') {
            label.put(b'0');
        }
        label
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    /// By hand, since this is what most labels are.
    fn spell_v4(&mut self, address: Ipv4Addr) -> std::fmt::Result {
        for (index, octet) in address.octets().into_iter().enumerate() {
            if index > 0 {
                self.put(b'-');
            }
            if octet >= 100 {
                self.put(b'0' + octet / 100);
            }
            if octet >= 10 {
                self.put(b'0' + octet / 10 % 10);
            }
            self.put(b'0' + octet % 10);
        }
        Ok(())
    }

    fn put(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(usize::from(self.length)) {
            *place = byte;
            self.length += 1;
        }
    }
}

impl Write for SpelledAddress {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.put(if matches!(byte, b'.' | b':') {
                b'-'
            } else {
                byte
            });
        }
        Ok(())
    }
}

/// The address that a label of a pod's name spells, however that is written: `10-0-0-7`, or IPv6
/// with dashes for colons.
pub(crate) fn spelled(label: &[u8]) -> Option<IpAddr> {
    let mut text = [0; SpelledAddress::LONGEST];
    let text = text.get_mut(..label.len())?;
    text.copy_from_slice(label);
    let dashes = label.iter().filter(|byte| **byte == b'-').count();
    let is_v4 = dashes == 3 && !label.windows(2).any(|pair| pair == b"--");
    let separator = if is_v4 { b'.' } else { b':' };
    for byte in text.iter_mut().filter(|byte| **byte == b'-') {
        *byte = separator;
    }
    let text = std::str::from_utf8(text).ok()?;
    match is_v4 {
        true => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        false => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_labels_as_coredns_spells_them() {
        for (address, label) in [
            ("172.0.0.2", "172-0-0-2"),
            ("10.96.107.255", "10-96-107-255"),
            ("5678:abcd::1", "5678-abcd--1"),
            ("2001:db8::", "2001-db8--0"),
            ("::ffff:1.2.3.4", "--ffff-1-2-3-4"),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            let spelled_label = SpelledAddress::of(address);
            assert_eq!(spelled_label.as_bytes(), label.as_bytes());
        }
    }

    #[test]
    fn labels_are_read_back() {
        for (label, address) in [
            ("10-0-0-7", "10.0.0.7"),
            ("1234-abcd--1", "1234:abcd::1"),
            ("2001-db8--0", "2001:db8::"),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(spelled(label.as_bytes()), Some(address));
        }
        for bad in [
            "",
            "web",
            "10-0-0",
            "10-0-0-256",
            "10-0-0-7-8",
            "--",
            "1-2-3-g",
            "\u{e9}",
        ] {
            let read = spelled(bad.as_bytes());
            assert!(read.is_none() || bad == "--", "{bad}: {read:?}");
        }
    }
}
