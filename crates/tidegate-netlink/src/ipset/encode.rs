//! Requests in the words of the kernel.

use std::net::IpAddr;

use super::change::ElementChange;
use super::constants::{
    BIG_ENDIAN, DATA, ELEMENTS, FAMILY, IPV4, IPV6, LINE, PROTOCOL, REVISION, SET_NAME, SUBSYSTEM,
    TYPE_NAME, WITH_MARKS, command, data, type_name,
};
use super::{Element, Entry, Mark, Set, SetType};
use crate::attribute::Encoder;
use crate::message::Request;
use crate::{Family, Protocol};

/// Appends a request and gives the place where it starts.
pub(super) fn message(
    protocol: u8,
    command: u16,
    flags: u16,
    out: &mut Encoder,
    sequence: u32,
    fill: impl FnOnce(&mut Encoder),
) -> usize {
    let request = Request {
        kind: SUBSYSTEM << 8 | command,
        flags,
        family: Family::V4.number(),
        resource: 0,
    };
    out.message(request, sequence, |out| {
        out.u8(PROTOCOL, protocol);
        fill(out);
    })
}

/// Writes what makes a set, but for the version of the protocol.
pub(super) fn create(set: &Set, revision: u8, out: &mut Encoder) {
    out.string(SET_NAME, &set.name);
    out.string(TYPE_NAME, type_name(set.set_type));
    out.u8(REVISION, revision);
    out.u8(FAMILY, family_number(set));
    out.nested(DATA, |out| {
        match set.set_type {
            SetType::BitmapPort => {
                out.be16(data::PORT | BIG_ENDIAN, 0);
                out.be16(data::PORT_TO | BIG_ENDIAN, u16::MAX);
            }
            _ => {
                out.be32(data::HASH_SIZE | BIG_ENDIAN, Set::HASH_SIZE);
                out.be32(data::MAX_ELEMENTS | BIG_ENDIAN, set.max_elements);
            }
        }
        if set.marks {
            out.be32(data::ADDITIONS | BIG_ENDIAN, WITH_MARKS);
        }
    });
}

/// The number of a set's family; ports alone have none (`NFPROTO_UNSPEC`).
pub(super) fn family_number(set: &Set) -> u8 {
    match set.set_type {
        SetType::BitmapPort => 0,
        _ => set.family.number(),
    }
}

/// Appends the request to add or delete elements and gives the place where it starts. The kernel
/// says the number of the element that it refuses, counted from one.
pub(super) fn change(
    protocol: u8,
    change: ElementChange,
    name: &str,
    entries: &[Entry],
    out: &mut Encoder,
    sequence: u32,
) -> usize {
    let command = match change {
        ElementChange::Add => command::ADD,
        ElementChange::Delete => command::DELETE,
    };
    message(protocol, command, 0, out, sequence, |out| {
        out.string(SET_NAME, name);
        // The kernel writes the number of a refused element here, in its answer.
        out.be32(LINE | BIG_ENDIAN, 0);
        out.nested(ELEMENTS, |out| {
            for (line, entry) in (1..).zip(entries) {
                out.nested(DATA, |out| {
                    write_element(&entry.element, out);
                    if let Some(Mark { value, mask }) = entry.mark {
                        let mark = u64::from(value) << 32 | u64::from(mask);
                        out.be64(data::MARK | BIG_ENDIAN, mark);
                    }
                    out.be32(data::LINE | BIG_ENDIAN, line);
                });
            }
        });
    })
}

fn write_element(element: &Element, out: &mut Encoder) {
    match *element {
        Element::Ip(address) => write_address(data::IP, address, out),
        Element::IpPort(address, protocol, port) => {
            write_frontend(address, protocol, port, out);
        }
        Element::IpPortIp(address, protocol, port, other) => {
            write_frontend(address, protocol, port, out);
            write_address(data::OTHER_IP, other, out);
        }
        Element::IpPortNet(address, protocol, port, net) => {
            write_frontend(address, protocol, port, out);
            write_address(data::OTHER_IP, net.network(), out);
            out.u8(data::OTHER_PREFIX, net.prefix_len());
        }
        Element::Port(port) => out.be16(data::PORT | BIG_ENDIAN, port),
    }
}

fn write_frontend(address: IpAddr, Protocol(protocol): Protocol, port: u16, out: &mut Encoder) {
    write_address(data::IP, address, out);
    out.be16(data::PORT | BIG_ENDIAN, port);
    out.u8(data::PROTOCOL, protocol);
}

fn write_address(kind: u16, address: IpAddr, out: &mut Encoder) {
    out.nested(kind, |out| {
        let family = match address {
            IpAddr::V4(_) => IPV4,
            IpAddr::V6(_) => IPV6,
        };
        out.address(family | BIG_ENDIAN, address);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::assert_bytes;
    use crate::message::flags;

    /// A message without its headers, which all have alike.
    fn attributes(fill: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut out = Encoder::default();
        fill(&mut out);
        out.buffer
    }

    #[test]
    fn the_protocol_is_asked_for_as_ipset_does() {
        let bytes = attributes(|out| {
            message(7, command::PROTOCOL, 0, out, 5, |_| {});
        });
        assert_bytes(
            &bytes,
            "1c 00 00 00  01 06 01 00  05 00 00 00  00 00 00 00  # IPSET_CMD_PROTOCOL of ipset
             02 00 00 00  # AF_INET
             05 00 01 00  07 00 00 00  # IPSET_ATTR_PROTOCOL: 7",
        );
    }

    #[test]
    fn a_hash_is_made_as_ipset_does() {
        let set = Set {
            marks: true,
            ..Set::new("S", SetType::HashIpPort, Family::V6)
        };
        let request_flags = flags::CREATE | flags::EXCLUSIVE;
        let bytes = attributes(|out| {
            message(7, command::CREATE, request_flags, out, 5, |out| {
                create(&set, 5, out);
            });
        });
        assert_bytes(
            &bytes,
            "64 00 00 00  02 06 01 06  05 00 00 00  00 00 00 00  # IPSET_CMD_CREATE, exclusively
             02 00 00 00
             05 00 01 00  07 00 00 00  # IPSET_ATTR_PROTOCOL
             06 00 02 00  53 00 00 00  # IPSET_ATTR_SETNAME: S
             11 00 03 00  # IPSET_ATTR_TYPENAME: hash:ip,port
             68 61 73 68  3a 69 70 2c  70 6f 72 74  00 00 00 00
             05 00 04 00  05 00 00 00  # IPSET_ATTR_REVISION
             05 00 05 00  0a 00 00 00  # IPSET_ATTR_FAMILY: AF_INET6
             1c 00 07 80  # IPSET_ATTR_DATA, nested
             08 00 12 40  00 00 04 00  # IPSET_ATTR_HASHSIZE: 1024, big-endian
             08 00 13 40  00 01 00 00  # IPSET_ATTR_MAXELEM: 65536
             08 00 08 40  00 00 00 40  # IPSET_ATTR_CADT_FLAGS: IPSET_FLAG_WITH_SKBINFO",
        );
    }

    #[test]
    fn a_bitmap_is_made_for_all_ports() {
        let set = Set::new("B", SetType::BitmapPort, Family::V4);
        let bytes = attributes(|out| create(&set, 3, out));
        assert_bytes(
            &bytes,
            "06 00 02 00  42 00 00 00  # IPSET_ATTR_SETNAME: B
             10 00 03 00  # IPSET_ATTR_TYPENAME: bitmap:port
             62 69 74 6d  61 70 3a 70  6f 72 74 00
             05 00 04 00  03 00 00 00  # IPSET_ATTR_REVISION
             05 00 05 00  00 00 00 00  # IPSET_ATTR_FAMILY: NFPROTO_UNSPEC
             14 00 07 80  # IPSET_ATTR_DATA, nested
             06 00 04 40  00 00 00 00  # IPSET_ATTR_PORT: 0
             06 00 05 40  ff ff 00 00  # IPSET_ATTR_PORT_TO: 65535",
        );
    }

    #[test]
    fn elements_are_added_as_ipset_restore_does() {
        let net = "10.1.0.0/16".parse().expect("a network");
        let element = |port| Element::IpPortNet([10, 0, 0, 1].into(), Protocol::TCP, port, net);
        let mark = Mark {
            value: 0x7400_0001,
            mask: 0xff00_ffff,
        };
        let entries = [
            element(80).into(),
            Entry {
                mark: Some(mark),
                ..element(81).into()
            },
        ];
        let bytes = attributes(|out| {
            change(7, ElementChange::Add, "S", &entries, out, 5);
        });
        let address_and_port = "
             0c 00 01 80  08 00 01 40  0a 00 00 01  # IPSET_ATTR_IP: IPSET_ATTR_IPADDR_IPV4
             06 00 04 40  00";
        assert_bytes(
            &bytes,
            &format!(
                "b4 00 00 00  09 06 01 00  05 00 00 00  00 00 00 00  # IPSET_CMD_ADD
                 02 00 00 00
                 05 00 01 00  07 00 00 00  # IPSET_ATTR_PROTOCOL
                 06 00 02 00  53 00 00 00  # IPSET_ATTR_SETNAME: S
                 08 00 09 40  00 00 00 00  # IPSET_ATTR_LINENO, for the kernel to write
                 88 00 08 80  # IPSET_ATTR_ADT, nested
                 3c 00 07 80  # IPSET_ATTR_DATA, nested
                 {address_and_port} 50 00 00  # IPSET_ATTR_PORT: 80
                 05 00 07 00  06 00 00 00  # IPSET_ATTR_PROTO: TCP
                 0c 00 14 80  08 00 01 40  0a 01 00 00  # IPSET_ATTR_IP2
                 05 00 15 00  10 00 00 00  # IPSET_ATTR_CIDR2: 16
                 08 00 09 40  00 00 00 01  # IPSET_ATTR_LINENO
                 48 00 07 80  # IPSET_ATTR_DATA, nested
                 {address_and_port} 51 00 00  # IPSET_ATTR_PORT: 81
                 05 00 07 00  06 00 00 00
                 0c 00 14 80  08 00 01 40  0a 01 00 00
                 05 00 15 00  10 00 00 00
                 0c 00 1b 40  74 00 00 01  ff 00 ff ff  # IPSET_ATTR_SKBMARK: mark and mask
                 08 00 09 40  00 00 00 02"
            ),
        );
    }
}
