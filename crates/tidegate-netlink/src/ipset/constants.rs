//! Numbers of the ipset protocol, from `linux/netfilter/ipset/ip_set.h`.

use super::SetType;

/// `NFNL_SUBSYS_IPSET`.
pub(super) const SUBSYSTEM: u16 = 6;
/// The newest version of the protocol that is spoken here, and the oldest.
pub(super) const PROTOCOLS: std::ops::RangeInclusive<u8> = 6..=7;

/// `IPSET_CMD_*`.
pub(super) mod command {
    pub(in super::super) const PROTOCOL: u16 = 1;
    pub(in super::super) const CREATE: u16 = 2;
    pub(in super::super) const DESTROY: u16 = 3;
    pub(in super::super) const FLUSH: u16 = 4;
    pub(in super::super) const SWAP: u16 = 6;
    pub(in super::super) const LIST: u16 = 7;
    pub(in super::super) const ADD: u16 = 9;
    pub(in super::super) const DELETE: u16 = 10;
    pub(in super::super) const TYPE: u16 = 13;
}

/// Marks a number in network byte order (`NLA_F_NET_BYTEORDER`).
pub(super) const BIG_ENDIAN: u16 = 1 << 14;

/// `IPSET_ATTR_*` of a request or an answer.
pub(super) const PROTOCOL: u16 = 1;
pub(super) const SET_NAME: u16 = 2;
pub(super) const TYPE_NAME: u16 = 3;
/// The second set of a swap has the number of a type's name.
pub(super) const OTHER_SET_NAME: u16 = 3;
pub(super) const REVISION: u16 = 4;
pub(super) const FAMILY: u16 = 5;
pub(super) const FLAGS: u16 = 6;
pub(super) const DATA: u16 = 7;
pub(super) const ELEMENTS: u16 = 8;
pub(super) const LINE: u16 = 9;
pub(super) const OLDEST: u16 = 10;

/// `IPSET_ATTR_*` within data.
pub(super) mod data {
    pub(in super::super) const IP: u16 = 1;
    pub(in super::super) const PORT: u16 = 4;
    pub(in super::super) const PORT_TO: u16 = 5;
    pub(in super::super) const PROTOCOL: u16 = 7;
    /// Of a set: the additions that it has.
    pub(in super::super) const ADDITIONS: u16 = 8;
    pub(in super::super) const LINE: u16 = 9;
    /// Of an element: the second address and its prefix length.
    pub(in super::super) const OTHER_IP: u16 = 20;
    pub(in super::super) const OTHER_PREFIX: u16 = 21;
    /// Of an element: `IPSET_ATTR_SKBMARK`, a mark and its mask.
    pub(in super::super) const MARK: u16 = 27;
    /// Of a set.
    pub(in super::super) const INITIAL_VALUE: u16 = 17;
    pub(in super::super) const HASH_SIZE: u16 = 18;
    pub(in super::super) const MAX_ELEMENTS: u16 = 19;
    pub(in super::super) const BUCKET_SIZE: u16 = 21;
    pub(in super::super) const COUNT: u16 = 24;
    pub(in super::super) const REFERENCES: u16 = 25;
    pub(in super::super) const MEMORY_SIZE: u16 = 26;
}

/// `IPSET_FLAG_WITH_SKBINFO`, one of the additions.
pub(super) const WITH_MARKS: u32 = 1 << 6;

/// An address of either family within another attribute (`IPSET_ATTR_IPADDR_*`).
pub(super) const IPV4: u16 = 1;
pub(super) const IPV6: u16 = 2;

/// `IPSET_FLAG_LIST_HEADER`: sets without their elements.
pub(super) const HEADERS_ONLY: u32 = 4;

/// The kernel's name of a type.
pub(super) fn type_name(set_type: SetType) -> &'static str {
    match set_type {
        SetType::HashIp => "hash:ip",
        SetType::HashIpPort => "hash:ip,port",
        SetType::HashIpPortIp => "hash:ip,port,ip",
        SetType::HashIpPortNet => "hash:ip,port,net",
        SetType::BitmapPort => "bitmap:port",
    }
}

pub(super) fn type_of_name(name: &str) -> Option<SetType> {
    [
        SetType::HashIp,
        SetType::HashIpPort,
        SetType::HashIpPortIp,
        SetType::HashIpPortNet,
        SetType::BitmapPort,
    ]
    .into_iter()
    .find(|set_type| type_name(*set_type) == name)
}

/// The revision of a type that a set is made with where the kernel has it: the last before the size
/// of buckets and a random number became part of what `ipset` lists. All that is used here means
/// the same in every revision, and old versions of `ipset` can list it.
pub(super) fn revision(set_type: SetType) -> u8 {
    match set_type {
        SetType::HashIp => 4,
        SetType::HashIpPort | SetType::HashIpPortIp => 5,
        SetType::HashIpPortNet => 7,
        SetType::BitmapPort => 3,
    }
}
