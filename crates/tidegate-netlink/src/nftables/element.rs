//! The elements of sets and maps.

use std::fmt;

use super::{Datatype, Set, Tuple, Verdict};

/// An element of a set or map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    /// The key, or the first key of a range.
    pub key: Tuple,
    /// The last key of a range.
    pub last: Option<Tuple>,
    /// What the key leads to.
    pub data: Data,
    /// A comment, which `nft list` prints; at most 127 bytes.
    pub comment: Option<String>,
}

/// What an element leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Data {
    /// Nothing, in a plain set.
    Nothing,
    /// Values.
    Values(Tuple),
    /// A verdict.
    Verdict(Verdict),
}

impl Element {
    /// An element of a plain set.
    pub fn key(key: Tuple) -> Self {
        Self {
            key,
            last: None,
            data: Data::Nothing,
            comment: None,
        }
    }

    /// All keys from `first` to `last`.
    pub fn range(first: Tuple, last: Tuple) -> Self {
        Self {
            last: Some(last),
            ..Self::key(first)
        }
    }

    /// An element of a map to values.
    pub fn entry(key: Tuple, values: Tuple) -> Self {
        Self {
            data: Data::Values(values),
            ..Self::key(key)
        }
    }

    /// An element of a map to verdicts.
    pub fn verdict(key: Tuple, verdict: Verdict) -> Self {
        Self {
            data: Data::Verdict(verdict),
            ..Self::key(key)
        }
    }

    /// The same element with a comment.
    #[must_use]
    pub fn with_comment(self, comment: impl Into<String>) -> Self {
        Self {
            comment: Some(comment.into()),
            ..self
        }
    }
}

/// An element with the types of its set.
pub(crate) struct Shown<'a> {
    pub(crate) set: &'a Set,
    pub(crate) element: &'a Element,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Element {
            key,
            last,
            data,
            comment,
        } = self.element;
        match last {
            None => Datatype::write_all(&self.set.key, key.as_bytes(), f)?,
            Some(last) => write_range(&self.set.key, key.as_bytes(), last.as_bytes(), f)?,
        }
        if let Some(comment) = comment {
            write!(f, " comment \"{comment}\"")?;
        }
        match data {
            Data::Nothing => Ok(()),
            Data::Verdict(verdict) => write!(f, " : {verdict}"),
            Data::Values(values) => {
                f.write_str(" : ")?;
                Datatype::write_all(self.set.data_types(), values.as_bytes(), f)
            }
        }
    }
}

/// Prints a range value by value: as a single value, as a prefix where it is one, or as `a-b`.
fn write_range(
    types: &[Datatype],
    mut first: &[u8],
    mut last: &[u8],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (index, one) in types.iter().enumerate() {
        if index > 0 {
            f.write_str(" . ")?;
        }
        let (low, first_rest) = first.split_at(one.width().min(first.len()));
        let (high, last_rest) = last.split_at(one.width().min(last.len()));
        let low = &low[..one.length().min(low.len())];
        let high = &high[..one.length().min(high.len())];
        one.write_value(low, f)?;
        if low != high {
            match prefix_length(low, high) {
                Some(length) => write!(f, "/{length}")?,
                None => {
                    f.write_str("-")?;
                    one.write_value(high, f)?;
                }
            }
        }
        (first, last) = (first_rest, last_rest);
    }
    Ok(())
}

/// The length of the prefix that covers exactly the values from `low` to `high`.
fn prefix_length(low: &[u8], high: &[u8]) -> Option<usize> {
    let bits = |bytes: &[u8]| -> Vec<bool> {
        let of_byte = |byte: &u8| {
            let byte = *byte;
            (0..8).rev().map(move |bit| byte >> bit & 1 == 1)
        };
        bytes.iter().flat_map(of_byte).collect()
    };
    let (low, high) = (bits(low), bits(high));
    let common = low.iter().zip(&high).take_while(|(a, b)| a == b).count();
    let rest_is_all = low[common..].iter().all(|bit| !bit) && high[common..].iter().all(|bit| *bit);
    rest_is_all.then_some(common)
}
