//! What a rule can load from a packet and its connection.

use std::fmt;

use super::{Datatype, Family};

/// One value that a packet or its connection has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// How `nft` writes it.
    pub(crate) text: &'static str,
    pub(crate) datatype: Datatype,
    pub(crate) source: Source,
}

/// Where the kernel takes a value from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// Bytes of a header: `NFT_PAYLOAD_*` base and an offset.
    Payload { base: u32, offset: u32 },
    /// `NFT_META_*`.
    Meta(u32),
    /// `NFT_CT_*` of the connection as a whole.
    Connection(u32),
    /// `NFT_CT_*` of the direction in which the connection was opened.
    Original(u32),
    /// The type of an address by the routing table: `NFTA_FIB_F_*`.
    AddressType(u32),
}

const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;

const fn field(text: &'static str, datatype: Datatype, source: Source) -> Field {
    Field {
        text,
        datatype,
        source,
    }
}

const fn network(offset: u32) -> Source {
    Source::Payload {
        base: NETWORK_HEADER,
        offset,
    }
}

impl Field {
    /// The packet's source address.
    pub const fn saddr(family: Family) -> Self {
        match family {
            Family::Ip => field("ip saddr", Datatype::Ipv4Addr, network(12)),
            Family::Ip6 => field("ip6 saddr", Datatype::Ipv6Addr, network(8)),
        }
    }

    /// The packet's destination address.
    pub const fn daddr(family: Family) -> Self {
        match family {
            Family::Ip => field("ip daddr", Datatype::Ipv4Addr, network(16)),
            Family::Ip6 => field("ip6 daddr", Datatype::Ipv6Addr, network(24)),
        }
    }

    /// The address that the connection was opened to, before any translation.
    pub const fn original_daddr(family: Family) -> Self {
        match family {
            Family::Ip => field(
                "ct original ip daddr",
                Datatype::Ipv4Addr,
                Source::Original(20),
            ),
            Family::Ip6 => field(
                "ct original ip6 daddr",
                Datatype::Ipv6Addr,
                Source::Original(22),
            ),
        }
    }

    /// The port that the connection was opened to, before any translation.
    pub const ORIGINAL_PORT: Self = field(
        "ct original proto-dst",
        Datatype::InetService,
        Source::Original(12),
    );
    /// The number of the transport protocol.
    pub const PROTOCOL: Self = field("meta l4proto", Datatype::InetProto, Source::Meta(16));
    /// The source port of TCP, UDP and SCTP.
    pub const SPORT: Self = field(
        "th sport",
        Datatype::InetService,
        Source::Payload {
            base: TRANSPORT_HEADER,
            offset: 0,
        },
    );
    /// The destination port of TCP, UDP and SCTP.
    pub const DPORT: Self = field(
        "th dport",
        Datatype::InetService,
        Source::Payload {
            base: TRANSPORT_HEADER,
            offset: 2,
        },
    );
    /// The name of the interface that the packet came in through.
    pub const INPUT_INTERFACE: Self = field("iifname", Datatype::Name, Source::Meta(6));
    /// What was done to the connection: [`Datatype::ConnectionStatus`].
    pub const CONNECTION_STATUS: Self = field(
        "ct status",
        Datatype::ConnectionStatus,
        Source::Connection(2),
    );
    /// What the source address is to this host: [`Datatype::AddressType`].
    pub const SADDR_TYPE: Self = field(
        "fib saddr type",
        Datatype::AddressType,
        Source::AddressType(1),
    );
    /// What the destination address is to this host: [`Datatype::AddressType`].
    pub const DADDR_TYPE: Self = field(
        "fib daddr type",
        Datatype::AddressType,
        Source::AddressType(2),
    );
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}
