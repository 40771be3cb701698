//! What is in the kernel, and whether it is what it should be.

use super::chain::BaseChain;
use super::constants::set;
use super::covers::covers;
use super::{Chain, Datatype, MapOf, Rule, Set, Table, compile, encode};
use crate::attribute::Encoder;

/// A generation of the packet filter: each commit of anybody makes a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(pub(crate) u32);

/// A table that is in the kernel.
pub type TableFound = Table;

/// A chain that is in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainFound {
    /// The chain's name.
    pub name: String,
    /// Where packets enter it; `None` if only other chains lead to it.
    pub base: Option<BaseChain>,
    /// Whether the chain is of a kind that [`Chain`] can't describe: another type, another hook,
    /// a policy other than to accept.
    pub foreign: bool,
}

/// A rule that is in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFound {
    /// The chain that it is in.
    pub chain: String,
    pub(crate) expressions: Vec<u8>,
}

/// A named set or map that is in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetFound {
    /// The set's name.
    pub name: String,
    pub(crate) flags: u32,
    pub(crate) key_type: u32,
    pub(crate) key_length: u32,
    pub(crate) data_type: Option<u32>,
    pub(crate) size: Option<u32>,
}

impl ChainFound {
    /// Whether packets enter the table by it.
    pub fn is_entrance(&self) -> bool {
        self.base.is_some() || self.foreign
    }

    /// Whether the kernel's chain is this one.
    pub fn is(&self, chain: &Chain) -> bool {
        !self.foreign && self.name == chain.name && self.base == chain.base
    }
}

impl RuleFound {
    /// Whether the kernel's rule does exactly what this one does.
    pub fn is(&self, rule: &Rule) -> bool {
        let mut ours = Encoder::default();
        compile::expressions(rule, &mut ours);
        covers(&self.expressions, &ours.buffer)
    }
}

impl SetFound {
    /// Whether the kernel's set has the types, the flags and the size of this one.
    pub fn is(&self, set: &Set) -> bool {
        let data_type = match &set.map {
            MapOf::Nothing => None,
            MapOf::Values(types) => Some(Datatype::concatenation(types)),
            MapOf::Verdicts => Some(set::VERDICTS),
        };
        self.name == set.name
            && self.flags == encode::set_flags(set)
            && self.key_type == Datatype::concatenation(&set.key)
            && self.key_length as usize == Datatype::total_length(&set.key)
            && self.data_type == data_type
            && self.size == set.size
    }
}
