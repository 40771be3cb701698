//! How frontends are told in the keys of sets, and by packets.

use tidegate_model::Protocol;
use tidegate_netlink::nftables::{Datatype, Expression, Family, Field, Tuple};
use tidegate_plan::Frontend;

/// What identifies a frontend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Address, protocol and port.
    Address,
    /// Protocol and port: a port of the node, on whichever address.
    NodePort,
}

impl Key {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Address, Self::NodePort];

    /// How a frontend is identified, and its key.
    pub fn of(frontend: &Frontend, protocol: Protocol) -> (Self, Tuple) {
        let (key, tuple) = match frontend.address.ip() {
            Some(ip) => (Self::Address, Tuple::new().address(ip)),
            None => (Self::NodePort, Tuple::new()),
        };
        (key, tuple.protocol(protocol.number()).port(frontend.port))
    }

    /// The types of which the key of a set is made.
    pub fn datatypes(self, family: Family) -> Vec<Datatype> {
        let port = [Datatype::InetProto, Datatype::InetService];
        self.joined(Datatype::address(family), port)
    }

    /// The frontend that a packet is for.
    pub fn of_packet(self, family: Family) -> Vec<Expression> {
        let port = [Field::PROTOCOL, Field::DPORT];
        self.joined(Field::daddr(family).into(), port.map(Expression::from))
    }

    /// The frontend that a packet was for before its destination was translated.
    pub fn of_translated_packet(self, family: Family) -> Vec<Expression> {
        let port = [Field::PROTOCOL, Field::ORIGINAL_PORT];
        let address = Field::original_daddr(family);
        self.joined(address.into(), port.map(Expression::from))
    }

    fn joined<T>(self, address: T, port: [T; 2]) -> Vec<T> {
        match self {
            Self::Address => [address].into_iter().chain(port).collect(),
            Self::NodePort => port.into(),
        }
    }
}
