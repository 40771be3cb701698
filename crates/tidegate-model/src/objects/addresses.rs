//! How the API reads and judges IP addresses and CIDRs in text.
//!
//! Old releases took forms that Go's parser once allowed, such as leading zeros. Upstream 1.36
//! refuses them in new values (feature `StrictIPCIDRValidation`) but keeps what is already
//! stored, and so do we: callers skip values that the old object has in the same field.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Cause, FieldPath};
use crate::IpFamily;

/// Reads an address in any form that was ever accepted, in its canonical family.
///
/// Leading zeros count as decimal, and an IPv4-mapped IPv6 address is the IPv4 address.
pub(crate) fn parse_lenient(value: &str) -> Option<IpAddr> {
    let address = value.parse().ok().or_else(|| {
        let dotted = value.rsplit(':').next()?;
        let plain = without_leading_zeros(dotted)?;
        let head = value.strip_suffix(dotted)?;
        format!("{head}{plain}").parse::<IpAddr>().ok()
    })?;
    Some(address.to_canonical())
}

fn without_leading_zeros(dotted: &str) -> Option<Ipv4Addr> {
    let mut octets = Vec::with_capacity(4);
    for part in dotted.split('.') {
        if part.is_empty() || !part.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let digits = part.trim_start_matches('0');
        octets.push(if digits.is_empty() {
            0
        } else {
            digits.parse::<u8>().ok()?
        });
    }
    <[u8; 4]>::try_from(octets).ok().map(Ipv4Addr::from)
}

/// The family of an address in any accepted form.
pub(crate) fn family_of(value: &str) -> Option<IpFamily> {
    parse_lenient(value).map(IpFamily::of)
}

/// Complains unless `value` is an address that a new object may carry.
pub(crate) fn check_ip(path: &FieldPath, value: &str) -> Option<Cause> {
    let complaint = if parse_lenient(value).is_none() {
        "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    } else {
        match value.parse::<IpAddr>() {
            Err(_) => "must not have leading 0s",
            Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
                "must not be an IPv4-mapped IPv6 address"
            }
            Ok(_) => return None,
        }
    };
    Some(Cause::invalid(path, value, complaint))
}

/// Complains unless `value` is a network that a new object may carry.
pub(crate) fn check_cidr(path: &FieldPath, value: &str) -> Option<Cause> {
    let complaint = match parse_cidr_lenient(value) {
        None => "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        Some((address, prefix)) => {
            let (address_text, prefix_text) = value.split_once('/')?;
            let has_zeros = prefix_text.len() > 1 && prefix_text.starts_with('0');
            if has_zeros || address_text.parse::<IpAddr>().is_err() {
                "must not have leading 0s in IP or prefix length"
            } else if matches!(address, IpAddr::V6(a) if a.to_ipv4_mapped().is_some()) {
                "must not have an IPv4-mapped IPv6 address"
            } else if masked(address, prefix) != address {
                "must not have bits set beyond the prefix length"
            } else {
                return None;
            }
        }
    };
    Some(Cause::invalid(path, value, complaint))
}

/// Reads `address/prefix` without judging host bits; the family is as written.
pub(crate) fn parse_cidr_lenient(value: &str) -> Option<(IpAddr, u8)> {
    let (address_text, prefix_text) = value.split_once('/')?;
    let address = match address_text.parse() {
        Ok(address) => address,
        Err(_) => parse_lenient(address_text)?,
    };
    if prefix_text.is_empty() || !prefix_text.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let prefix: u8 = prefix_text.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    (prefix <= bits).then_some((address, prefix))
}

/// The network address of `address/prefix`.
pub(crate) fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            Ipv4Addr::from(u32::from(address) & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            Ipv6Addr::from(u128::from(address) & mask).into()
        }
    }
}

/// Complains about addresses that never lead to another machine: unspecified, loopback and
/// link-local ones (core/v1 validation of external addresses and endpoints).
pub(crate) fn check_not_special(path: &FieldPath, value: &str) -> Option<Cause> {
    let Some(address) = parse_lenient(value) else {
        return Some(Cause::invalid(path, value, "must be a valid IP address"));
    };
    let complaint = if address.is_unspecified() {
        format!("may not be unspecified ({value})")
    } else if address.is_loopback() {
        "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned()
    } else if is_link_local_unicast(address) {
        "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned()
    } else if is_link_local_multicast(address) {
        "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned()
    } else {
        return None;
    };
    Some(Cause::invalid(path, value, complaint))
}

fn is_link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[..3] == [224, 0, 0],
        IpAddr::V6(address) => address.segments()[0] & 0xff0f == 0xff02,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lenient_reading_ends_in_the_canonical_address() {
        let read = |value| parse_lenient(value).map(|address| address.to_string());
        assert_eq!(read("010.096.000.077").as_deref(), Some("10.96.0.77"));
        assert_eq!(read("::ffff:10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(read("::ffff:010.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(read("2001:DB8::0001").as_deref(), Some("2001:db8::1"));
        for bad in [
            "",
            "foo",
            "10.0.0",
            "10.0.0.256",
            "1.2.3.4.5",
            "fe80::1%eth0",
            "::1:",
            "1..2.3",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn networks_must_be_whole() {
        let path = FieldPath::root("f");
        let complaint = |value| check_cidr(&path, value).map(|cause| cause.message);
        assert_eq!(complaint("10.0.0.0/8"), None);
        assert_eq!(complaint("::/0"), None);
        let ends_with = |value, end: &str| {
            let message = complaint(value).expect("a complaint");
            assert!(message.ends_with(end), "{value}: {message}");
        };
        ends_with(
            "10.0.0.1/8",
            "must not have bits set beyond the prefix length",
        );
        ends_with(
            "010.0.0.0/8",
            "must not have leading 0s in IP or prefix length",
        );
        ends_with(
            "10.0.0.0/08",
            "must not have leading 0s in IP or prefix length",
        );
        ends_with(
            "::ffff:10.0.0.0/104",
            "must not have an IPv4-mapped IPv6 address",
        );
        for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/+8", "x/8", "10.0.0.0/"] {
            ends_with(bad, "(e.g. 10.9.8.0/24 or 2001:db8::/64)");
        }
    }

    #[test]
    fn special_addresses_are_named() {
        let path = FieldPath::root("f");
        for (value, range) in [
            ("::", "unspecified (::)"),
            ("::1", "loopback"),
            ("169.254.1.1", "link-local range"),
            ("fe80::1", "link-local range"),
            ("224.0.0.5", "link-local multicast"),
            ("ff02::1", "link-local multicast"),
        ] {
            let cause = check_not_special(&path, value).expect("a complaint");
            assert!(cause.message.contains(range), "{value}: {}", cause.message);
        }
        assert_eq!(check_not_special(&path, "192.0.2.1"), None);
    }
}
