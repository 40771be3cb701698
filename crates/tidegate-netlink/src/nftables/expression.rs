//! Values that a rule computes from a packet.

use std::fmt;

use super::set::MapOf;
use super::{Datatype, Field, Rule, Set, Statement, Test, Tuple, rule};

/// A value, or several in a row, that a rule computes from a packet.
///
/// It reads like `nft`: `concat([PROTOCOL, DPORT]).look_up(&node_ports)` is
/// `meta l4proto . th dport map @node-ports`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expression {
    /// A value that the packet has.
    Field(Field),
    /// Several values in a row.
    Concat(Vec<Expression>),
    /// What a map leads to. If the key isn't in the map, the packet goes on with the next rule.
    ///
    /// The kernel takes the result as a key for another look-up, but `nft` (1.0.6, and newer ones
    /// at the time of writing) aborts when it lists such a rule, so rules must not do that.
    LookUp {
        /// The map's key.
        key: Box<Expression>,
        /// The map's name.
        map: String,
        /// The types of the values that it leads to.
        values: Vec<Datatype>,
    },
    /// A number in the host's byte order that is always the same for the same values.
    Hash {
        /// The values.
        of: Box<Expression>,
        /// How many different numbers there are; at least two, or some kernels refuse.
        modulus: u32,
        /// Another seed gives other numbers for the same values.
        seed: u32,
        /// The smallest number.
        offset: u32,
    },
    /// A random number in the host's byte order.
    Random {
        /// How many different numbers there are.
        modulus: u32,
        /// The smallest of them.
        offset: u32,
    },
}

/// Several values in a row.
pub fn concat<E: Into<Expression>>(parts: impl IntoIterator<Item = E>) -> Expression {
    Expression::Concat(parts.into_iter().map(Into::into).collect())
}

/// One of `modulus` numbers, the smallest of which is `offset`.
pub fn random(modulus: u32, offset: u32) -> Expression {
    Expression::Random { modulus, offset }
}

impl From<Field> for Expression {
    fn from(field: Field) -> Self {
        Self::Field(field)
    }
}

impl Field {
    /// The packets whose value is this one.
    pub fn is(self, value: Tuple) -> Rule {
        rule().when(self.into(), Test::Is(value))
    }
}

impl Expression {
    /// What a map leads to from this value.
    #[must_use]
    pub fn look_up(self, map: &Set) -> Self {
        let values = match &map.map {
            MapOf::Values(types) => types.clone(),
            MapOf::Nothing | MapOf::Verdicts => Vec::new(),
        };
        Self::LookUp {
            key: Box::new(self),
            map: map.name.clone(),
            values,
        }
    }

    /// The packets for which this value is in a set.
    pub fn within(self, set: &Set) -> Rule {
        rule().when(self, Test::In(set.name.clone()))
    }

    /// The packets for which this value isn't in a set.
    pub fn outside(self, set: &Set) -> Rule {
        rule().when(self, Test::NotIn(set.name.clone()))
    }

    /// The packets for which a map has a verdict, which they get.
    pub fn verdict_from(self, map: &Set) -> Rule {
        rule().then(Statement::VerdictMap {
            key: self,
            map: map.name.clone(),
        })
    }

    /// The types of the values, in a row.
    pub(crate) fn types(&self) -> Vec<Datatype> {
        match self {
            Self::Field(field) => vec![field.datatype],
            Self::Concat(parts) => parts.iter().flat_map(Self::types).collect(),
            Self::LookUp { values, .. } => values.clone(),
            Self::Hash { .. } | Self::Random { .. } => vec![Datatype::Number],
        }
    }

    /// The length of the values in registers, in bytes.
    pub(crate) fn width(&self) -> usize {
        self.types().into_iter().map(Datatype::width).sum()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => field.fmt(f),
            Self::Concat(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    let dot = if index > 0 { " . " } else { "" };
                    write!(f, "{dot}{part}")?;
                }
                Ok(())
            }
            Self::LookUp { key, map, .. } => write!(f, "{key} map @{map}"),
            Self::Hash {
                of,
                modulus,
                seed,
                offset,
            } => {
                write!(f, "jhash {of} mod {modulus} seed 0x{seed:x}")?;
                match offset {
                    0 => Ok(()),
                    offset => write!(f, " offset {offset}"),
                }
            }
            Self::Random { modulus, offset } => {
                write!(f, "numgen random mod {modulus}")?;
                match offset {
                    0 => Ok(()),
                    offset => write!(f, " offset {offset}"),
                }
            }
        }
    }
}
