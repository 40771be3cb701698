//! What a rule asks and does.

use std::fmt;
use std::time::Duration;

use super::set::Time;
use super::{Datatype, Expression, Family, Tuple};

/// One step of a rule. A packet that fails a test goes on with the next rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Statement {
    /// Compares a value.
    Match(Expression, Test),
    /// Decides about the packet.
    Verdict(Verdict),
    /// Decides by a map; a key that isn't in it decides nothing.
    VerdictMap {
        /// The map's key.
        key: Expression,
        /// The map's name.
        map: String,
    },
    /// Sends the connection to an address and port, which the expression gives in this order.
    Dnat(Family, Expression),
    /// Gives the connection this host's address as its source, and a random port.
    Masquerade,
    /// Keeps connection tracking from seeing the packet. Takes effect before it would have.
    Untrack,
    /// Refuses the packet with an answer.
    Reject(Family, Reject),
    /// Makes the set have an element. Where elements expire (`nft` writes `update` then, else
    /// `add`), its time starts anew.
    Learn {
        /// The set's name.
        set: String,
        /// The element's key.
        key: Expression,
        /// The element's data, in a map.
        data: Option<Expression>,
        /// When the element expires; never without it.
        timeout: Option<Duration>,
    },
}

/// A comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// The value is this one.
    Is(Tuple),
    /// The value, a text, begins with this one.
    StartsWith(String),
    /// The value, a set of bits in the host's order, has all of these.
    Has(u32),
    /// The value is in the set of this name.
    In(String),
    /// The value isn't in the set of this name.
    NotIn(String),
}

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It leaves the base chain unharmed.
    Accept,
    /// It disappears.
    Drop,
    /// It goes back to where the chain was called from.
    Return,
    /// It goes through a chain and comes back.
    Jump(String),
    /// It goes through a chain and doesn't come back.
    Goto(String),
}

/// The answer that a refused packet gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reject {
    /// A TCP reset; only for TCP packets.
    TcpReset,
    /// ICMP or ICMPv6 "port unreachable".
    PortUnreachable,
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Match(left, test) => match test {
                Test::Is(value) => {
                    write!(f, "{left} ")?;
                    Datatype::write_all(&left.types(), value.as_bytes(), f)
                }
                Test::StartsWith(text) => write!(f, "{left} \"{text}*\""),
                Test::Has(bits) => {
                    write!(f, "{left} ")?;
                    Datatype::write_all(&left.types(), &bits.to_ne_bytes(), f)
                }
                Test::In(set) => write!(f, "{left} @{set}"),
                Test::NotIn(set) => write!(f, "{left} != @{set}"),
            },
            Self::Verdict(verdict) => verdict.fmt(f),
            Self::VerdictMap { key, map } => write!(f, "{key} vmap @{map}"),
            Self::Dnat(family, target) => write!(f, "dnat {family} to {target}"),
            Self::Masquerade => f.write_str("masquerade fully-random"),
            Self::Untrack => f.write_str("notrack"),
            Self::Reject(_, Reject::TcpReset) => f.write_str("reject with tcp reset"),
            Self::Reject(_, Reject::PortUnreachable) => f.write_str("reject"),
            Self::Learn {
                set,
                key,
                data,
                timeout,
            } => {
                match timeout {
                    Some(timeout) => {
                        write!(f, "update @{set} {{ {key} timeout {}", Time(*timeout))?;
                    }
                    None => write!(f, "add @{set} {{ {key}")?,
                }
                match data {
                    Some(data) => write!(f, " : {data} }}"),
                    None => f.write_str(" }"),
                }
            }
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("accept"),
            Self::Drop => f.write_str("drop"),
            Self::Return => f.write_str("return"),
            Self::Jump(chain) => write!(f, "jump {chain}"),
            Self::Goto(chain) => write!(f, "goto {chain}"),
        }
    }
}
