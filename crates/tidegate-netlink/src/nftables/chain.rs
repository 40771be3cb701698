//! Chains: lists of rules, reached from a hook of the kernel or from other chains.

use std::fmt;

/// A chain of rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chain {
    /// The chain's name, unique in its table.
    pub name: String,
    /// Where packets enter it; `None` if only other chains lead to it.
    pub base: Option<BaseChain>,
}

/// How a chain is tied to a hook of the kernel. Its policy is to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BaseChain {
    /// What the chain may do.
    pub chain_type: ChainType,
    /// Where on a packet's way it sits.
    pub hook: Hook,
    /// Its place among the chains of one hook, lower first. `nft` prints the well-known ones by
    /// name: −100 at prerouting and output is `dstnat`, 100 at postrouting is `srcnat`.
    pub priority: i32,
}

/// What a base chain may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChainType {
    /// See every packet, accept or drop it.
    Filter,
    /// See the first packet of each connection and translate addresses.
    Nat,
}

/// A place on a packet's way through the kernel; the numbers are those of `NF_INET_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Hook {
    /// Packets that come in, before they are routed.
    Prerouting = 0,
    /// Packets for this host.
    Input = 1,
    /// Packets that pass through.
    Forward = 2,
    /// Packets of local processes.
    Output = 3,
    /// Packets that leave, after they are routed.
    Postrouting = 4,
}

impl Chain {
    /// A chain that only other chains lead to.
    pub fn regular(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            base: None,
        }
    }
}

impl ChainType {
    /// The type's name in messages and in listings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Nat => "nat",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
        })
    }
}

impl fmt::Display for BaseChain {
    /// Prints the line that `nft list` prints at the head of a base chain.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, hook) = (self.chain_type.name(), self.hook);
        write!(f, "type {kind} hook {hook} priority ")?;
        // `nft` names a priority relative to the nearest well-known one, up to ten away.
        let named = match hook {
            Hook::Prerouting => Some(("dstnat", -100)),
            Hook::Output if self.chain_type == ChainType::Nat => None,
            Hook::Postrouting => Some(("srcnat", 100)),
            _ => Some(("filter", 0)),
        };
        match named {
            Some((name, value)) if self.priority == value => write!(f, "{name}")?,
            Some((name, value)) if (self.priority - value).abs() <= 10 => {
                let sign = if self.priority < value { '-' } else { '+' };
                write!(f, "{name} {sign} {}", (self.priority - value).abs())?;
            }
            _ => write!(f, "{}", self.priority)?,
        }
        f.write_str("; policy accept;")
    }
}
