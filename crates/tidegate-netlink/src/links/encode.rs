//! Requests in the words of the kernel.

use std::net::IpAddr;

use super::constants::{
    ADDRESS, DELETE_ADDRESS, DELETE_LINK, DESTINATION, GET_ADDRESS, GET_LINK, GET_ROUTE, KIND,
    LINK_HEADER, LINK_INFO, LOCAL, NAME, NEW_ADDRESS, NEW_LINK, ROUTE_HEADER, WITHOUT_ASKING,
};
use crate::Family;
use crate::attribute::Encoder;
use crate::message::flags;

pub(super) fn find(name: &str, out: &mut Encoder, sequence: u32) {
    out.message_behind(GET_LINK, 0, &[0; LINK_HEADER], sequence, |out| {
        out.string(NAME, name);
    });
}

pub(super) fn create(name: &str, kind: &str, out: &mut Encoder, sequence: u32) -> usize {
    let request_flags = flags::CREATE | flags::EXCLUSIVE;
    let header = [0; LINK_HEADER];
    out.message_behind(NEW_LINK, request_flags, &header, sequence, |out| {
        out.string(NAME, name);
        out.nested(LINK_INFO, |out| out.string(KIND, kind));
    })
}

pub(super) fn delete(index: u32, out: &mut Encoder, sequence: u32) -> usize {
    let mut header = [0; LINK_HEADER];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    out.message_behind(DELETE_LINK, 0, &header, sequence, |_| {})
}

/// Adds an address that is the machine's alone: it has no neighbours. One that is there is left as
/// it is.
pub(super) fn add_address(link: u32, address: IpAddr, out: &mut Encoder, sequence: u32) -> usize {
    let request_flags = flags::CREATE | flags::REPLACE;
    let header = address_header(link, address);
    out.message_behind(NEW_ADDRESS, request_flags, &header, sequence, |out| {
        write_address(address, out);
    })
}

pub(super) fn delete_address(
    link: u32,
    address: IpAddr,
    out: &mut Encoder,
    sequence: u32,
) -> usize {
    let header = address_header(link, address);
    out.message_behind(DELETE_ADDRESS, 0, &header, sequence, |out| {
        write_address(address, out);
    })
}

pub(super) fn list_addresses(out: &mut Encoder, sequence: u32) {
    out.message_behind(GET_ADDRESS, flags::DUMP, &[0; 8], sequence, |_| {});
}

pub(super) fn find_route(to: IpAddr, out: &mut Encoder, sequence: u32) {
    let family = Family::of(to);
    let mut header = [0; ROUTE_HEADER];
    header[..2].copy_from_slice(&[family.number(), family.bits()]);
    out.message_behind(GET_ROUTE, 0, &header, sequence, |out| {
        out.address(DESTINATION, to);
    });
}

/// Family, prefix length, flags, scope, the device's number.
fn address_header(link: u32, address: IpAddr) -> [u8; 8] {
    let family = Family::of(address);
    // IPv6 would ask the network first whether somebody has the address.
    let asking = match family {
        Family::V4 => 0,
        Family::V6 => WITHOUT_ASKING,
    };
    let [a, b, c, d] = link.to_ne_bytes();
    [family.number(), family.bits(), asking, 0, a, b, c, d]
}

fn write_address(address: IpAddr, out: &mut Encoder) {
    out.address(LOCAL, address);
    out.address(ADDRESS, address);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::assert_bytes;

    fn encoded(fill: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut out = Encoder::default();
        fill(&mut out);
        out.buffer
    }

    #[test]
    fn a_dummy_is_made_as_ip_link_does() {
        let bytes = encoded(|out| {
            create("kube-ipvs0", "dummy", out, 7);
        });
        assert_bytes(
            &bytes,
            "40 00 00 00  10 00 01 06  07 00 00 00  00 00 00 00  # RTM_NEWLINK, exclusively
             00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # struct ifinfomsg
             0f 00 03 00  # IFLA_IFNAME
             6b 75 62 65  2d 69 70 76  73 30 00 00
             10 00 12 80  # IFLA_LINKINFO, nested
             0a 00 01 00  64 75 6d 6d  79 00 00 00  # IFLA_INFO_KIND: dummy",
        );
    }

    #[test]
    fn a_device_is_found_by_name_and_deleted_by_number() {
        assert_bytes(
            &encoded(|out| find("d0", out, 7)),
            "28 00 00 00  12 00 01 00  07 00 00 00  00 00 00 00  # RTM_GETLINK
             00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
             07 00 03 00  64 30 00 00  # IFLA_IFNAME: d0",
        );
        let bytes = encoded(|out| {
            delete(258, out, 7);
        });
        assert_bytes(
            &bytes,
            "20 00 00 00  11 00 01 00  07 00 00 00  00 00 00 00  # RTM_DELLINK
             00 00 00 00  02 01 00 00  00 00 00 00  00 00 00 00  # ifi_index",
        );
    }

    #[test]
    fn an_address_of_ipv4_is_added_as_ip_address_does() {
        let bytes = encoded(|out| {
            add_address(5, [10, 96, 0, 1].into(), out, 7);
        });
        assert_bytes(
            &bytes,
            "28 00 00 00  14 00 01 05  07 00 00 00  00 00 00 00  # RTM_NEWADDR, replacing
             02 20 00 00  05 00 00 00  # struct ifaddrmsg: AF_INET, /32, the device's number
             08 00 02 00  0a 60 00 01  # IFA_LOCAL
             08 00 01 00  0a 60 00 01  # IFA_ADDRESS",
        );
    }

    #[test]
    fn a_route_is_asked_for_as_ip_route_get_does() {
        let bytes = encoded(|out| find_route([10, 96, 0, 1].into(), out, 7));
        assert_bytes(
            &bytes,
            "24 00 00 00  1a 00 01 00  07 00 00 00  00 00 00 00  # RTM_GETROUTE
             02 20 00 00  00 00 00 00  00 00 00 00  # struct rtmsg: AF_INET, to /32
             08 00 01 00  0a 60 00 01  # RTA_DST",
        );
    }

    #[test]
    fn an_address_of_ipv6_is_nobody_elses() {
        let address = "fd00::1".parse().expect("an address");
        let bytes = encoded(|out| {
            delete_address(5, address, out, 7);
        });
        assert_bytes(
            &bytes,
            "40 00 00 00  15 00 01 00  07 00 00 00  00 00 00 00  # RTM_DELADDR
             0a 80 02 00  05 00 00 00  # AF_INET6, /128, IFA_F_NODAD
             14 00 02 00  # IFA_LOCAL
             fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01
             14 00 01 00  # IFA_ADDRESS
             fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01",
        );
    }
}
